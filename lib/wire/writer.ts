// Takes chunks to the socket: the only file that knows how a response accepts bytes.
import type { Socket } from 'node:net'
import type { Request, Response } from 'express'
import { Alarm, clock } from '../clock.js'
import {
  bareSocket,
  type CloseListener,
  closeAfter,
  cut,
  destroy,
  isBare,
  offClose,
  onClose,
  tolerate,
} from '../http/connection.js'
import type { Chunk } from './chunk.js'
import { Progress } from './progress.js'

/**
 * Where a response is: its head is not out; its client keeps up; its client is behind; it was ended here; its last
 * byte is out, or its connection is gone.
 */
export type Phase = 'waiting' | 'flowing' | 'behind' | 'ending' | 'over'

/**
 * A response as a sink of chunks. Chunks go straight to the socket where nobody has wrapped the response's `write`;
 * the head and the end are always Node's own.
 *
 * The outlet is a writer rather than has one: with many streams, each object that a write touches costs.
 */
export abstract class Writer extends Alarm implements CloseListener {
  #isCorked = false
  #drained: (() => void) | undefined
  #progress: Progress | undefined
  // side by side, from here into the outlet: all that a write looks at
  readonly res: Response & { flush?: () => void }
  #socket: Socket | undefined
  #phase: Phase = 'waiting'
  /** When something was last written, by the clock. */
  protected lastWrite = 0

  constructor(req: Request, res: Response) {
    super()
    this.res = res
    onClose(req, res, this)
  }

  protected abstract readonly writeTimeout: number
  /** The client has left. */
  protected abstract gone(): void
  /** The client takes no byte any more. */
  protected abstract stalled(): void
  /** The client has caught up with what was written. */
  protected abstract drained(): void
  /** The response is over, whoever ended it. */
  protected abstract over(): void

  /** The path of the request, without its query. */
  get path(): string {
    return this.res.req.originalUrl.split('?', 1)[0] as string
  }

  get phase(): Phase {
    return this.#phase
  }

  /** The response did not take all that was written. */
  get isBehind(): boolean {
    return this.#phase === 'behind'
  }

  /** It was ended here. */
  protected get isClosed(): boolean {
    return this.#phase === 'ending' || this.#phase === 'over'
  }

  /** It was ended, here or by somebody else: bytes after that would be taken for another response. */
  protected get isEnded(): boolean {
    return this.isClosed || this.res.writableEnded
  }

  /** Bytes that the response holds, because the kernel has not taken them. */
  protected get unsentBytes(): number {
    return this.res.writableLength
  }

  /** Sends the head, with the opening bytes of the format. A failure before the head is out leaves it waiting. */
  protected openWith(status: number, opening: Chunk): void {
    const { res } = this
    const { socket } = res
    res.statusCode = status
    this.lastWrite = clock.now()
    this.#phase = 'flowing'
    try {
      if (isBare(res) && socket) this.#openBare(socket, opening)
      else if (opening.size > 0) this.writeNow(opening, this.lastWrite)
      else res.flushHeaders()
    } finally {
      if (!res.headersSent && !this.isClosed) this.#phase = 'waiting'
    }
  }

  /** Head and opening bytes in one packet. */
  #openBare(socket: Socket, opening: Chunk): void {
    socket.cork()
    try {
      this.res.flushHeaders()
      this.#socket = bareSocket(this.res)
      if (opening.size > 0) this.writeNow(opening, this.lastWrite)
    } finally {
      socket.uncork()
    }
  }

  /** Writes; all writes of a turn go out together. */
  protected write(chunk: Chunk): boolean {
    const socket = this.#socket
    if (socket && !this.#isCorked) {
      this.#isCorked = true
      socket.cork()
      process.nextTick(() => {
        this.#isCorked = false
        socket.uncork()
      })
    }
    return this.writeNow(chunk, clock.now())
  }

  /** Writes what is all that there is to write in this turn. */
  protected writeNow(chunk: Chunk, now: number): boolean {
    if (this.isEnded) return true
    this.lastWrite = now
    const socket = this.#socket
    if (socket?.writable) return this.#took(socket.write(chunk.framed))
    if (this.res.socket?.writable === false) return this.#awaitClose()
    const taken: boolean | undefined = this.res.write(chunk.bytes)
    this.res.flush?.()
    return this.#took(this.#hasTaken(taken))
  }

  /**
   * The result of a wrapped `write` is not always true: some return nothing, and some always true. Where the wrapper
   * keeps bytes of its own, as `compression()` does, only its own word counts, since its drain is its own too.
   */
  #hasTaken(said: boolean | undefined): boolean {
    const { writableNeedDrain, writableLength, writableHighWaterMark } = this.res
    if (said === false || !writableNeedDrain) return said !== false
    return said === true && writableLength <= 4 * writableHighWaterMark
  }

  /** The connection has begun to close, and takes no more. A client that does not close its half is dropped. */
  #awaitClose(): boolean {
    if (!this.#progress) this.#watchProgress(() => destroy(this.res))
    return true
  }

  /** A proper end: the tail, then the last chunk; the connection may be kept for another request. */
  protected endWith(tail: Uint8Array, isKept: boolean): void {
    this.#close()
    if (!isKept) closeAfter(this.res)
    try {
      this.res.end(tail)
    } catch (error) {
      // a wrapped `end` has failed, and how much of it is done is not known
      destroy(this.res)
      throw error
    }
    this.#limit(() => this.res.writableFinished)
  }

  /** A broken end: what was written goes out, without the last chunk. */
  protected endCut(): void {
    this.#close()
    cut(this.res)
    this.#limit(() => this.res.destroyed)
  }

  /** Drops the connection at once. */
  protected endNow(): void {
    this.#close()
    const { socket } = this.res
    destroy(this.res)
    // a pipelined response without a socket is dropped when it gets one: there is nothing to wait for
    if (!socket) this.#done()
  }

  /** Lets go without an end: the client has left, or somebody else answers. */
  protected letGo(): void {
    this.#close()
    offClose(this.res, this)
    this.#done()
  }

  closed(): void {
    const isNews = !this.isClosed
    this.#close()
    if (isNews) this.gone()
    this.#done()
  }

  #done(): void {
    if (this.#phase === 'over') return
    this.#phase = 'over'
    this.#progress?.cancel()
    this.#unlisten()
    // the connection may be another response's by now
    this.#socket = undefined
    this.over()
  }

  /** A write that is larger than a buffer is no backlog, if the kernel has taken all of it. */
  #took(taken: boolean): boolean {
    if (taken || (this.#socket && this.unsentBytes === 0)) return true
    if (this.#phase === 'flowing') {
      this.#phase = 'behind'
      this.#listen()
      this.#watchProgress(() => this.stalled())
    }
    return false
  }

  /** Listens for 'drain' while it is behind; a wrapped response may not let go of a listener, and has one for good. */
  #listen(): void {
    if (this.#drained) return
    this.#drained = () => {
      if (this.#phase !== 'behind') return
      this.#phase = 'flowing'
      this.#progress?.cancel()
      this.#progress = undefined
      this.#unlisten()
      this.drained()
    }
    if (this.#socket) this.#socket.on('drain', this.#drained)
    else this.res.on('drain', this.#drained)
  }

  #unlisten(): void {
    if (!this.#drained || !this.#socket) return
    this.#socket.off('drain', this.#drained)
    this.#drained = undefined
  }

  #close(): void {
    this.#progress?.cancel()
    clock.cancel(this)
    if (this.isClosed) return
    this.#phase = 'ending'
    tolerate(this.res)
  }

  /** After an end the client still has to take the rest; one that does not is cut. */
  #limit(isDone: () => boolean): void {
    this.#watchProgress(() => {
      if (!isDone()) destroy(this.res)
    })
    this.res.once('finish', () => this.letGo())
  }

  #watchProgress(stalled: () => void): void {
    this.#progress = new Progress(this.res, this.writeTimeout, stalled)
  }
}
