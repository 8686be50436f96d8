import type { Socket } from 'node:net'
import type { Request, Response } from 'express'
import { Alarm, clock, type Deadline } from '../clock.js'
import {
  bareSocket,
  type Closing,
  closeAfter,
  cut,
  destroy,
  isBare,
  offClose,
  onClose,
  tolerate,
} from '../http/connection.js'
import type { Chunk } from './chunk.js'

/**
 * Chunks to the socket: the only file that knows how a response takes them. They go straight to the socket,
 * where nobody has wrapped the response's `write`; its head and its end are always Node's own.
 *
 * What writes events is one of these, rather than has one: with very many streams each thing that is touched for a
 * write counts.
 */
export abstract class Writer extends Alarm implements Closing {
  #isOver = false
  #isCorked = false
  #drained: (() => void) | undefined
  #deadline: Deadline | undefined
  // side by side, from here into what writes events: all that a write looks at
  readonly #res: Response & { flush?: () => void }
  #socket: Socket | undefined
  #isClosed = false
  /** The response did not take all that was written. */
  isBehind = false
  /** When something was last written, by the clock. */
  protected lastWrite = 0

  constructor(req: Request, res: Response) {
    super()
    this.#res = res
    onClose(req, res, this)
  }

  protected abstract readonly writeTimeout: number
  /** The client has left. */
  protected abstract gone(): void
  /** The client takes no byte any more. */
  protected abstract stalled(): void
  /** The client has caught up with what was written. */
  protected abstract drained(): void
  /** The response is over, whoever has ended it. */
  protected abstract over(): void

  /** It was ended here. */
  protected get isClosed(): boolean {
    return this.#isClosed
  }

  /** It was ended, here or by somebody else: what came after that would be taken for another response. */
  protected get isEnded(): boolean {
    return this.#isClosed || this.#res.writableEnded
  }

  /** Bytes that the response holds, because the kernel has not taken them. */
  protected get waiting(): number {
    return this.#res.writableLength
  }

  /** Sends the head, with the opening bytes of the format. */
  protected openWith(status: number, opening: Chunk): void {
    const res = this.#res
    const { socket } = res
    res.statusCode = status
    this.lastWrite = clock.now()
    if (!isBare(res) || !socket) this.#openWrapped(opening)
    else {
      // head and opening bytes in one packet
      socket.cork()
      try {
        res.flushHeaders()
        this.#socket = bareSocket(res)
        if (opening.size > 0) this.writeNow(opening, this.lastWrite)
      } finally {
        socket.uncork()
      }
    }
  }

  #openWrapped(opening: Chunk): void {
    if (opening.size === 0) this.#res.flushHeaders()
    else this.writeNow(opening, this.lastWrite)
  }

  /** Writes within a turn go out together. */
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
    if (this.#res.socket?.writable === false) return this.#closes()
    const taken: boolean | undefined = this.#res.write(chunk.bytes)
    this.#res.flush?.()
    return this.#took(this.#hasTaken(taken))
  }

  /**
   * What a wrapped `write` says of itself is not always true: some answer nothing, and some always true. Of one that
   * keeps bytes of its own, as `compression()` does, only its own word counts, since its drain is its own too.
   */
  #hasTaken(said: boolean | undefined): boolean {
    const { writableNeedDrain, writableLength, writableHighWaterMark } = this.#res
    if (said === false || !writableNeedDrain) return said !== false
    return said === true && writableLength <= 4 * writableHighWaterMark
  }

  /** The connection has begun to close, and takes no more. A client that then does not close its half is dropped. */
  #closes(): boolean {
    if (!this.#deadline) this.#watchProgress(() => destroy(this.#res))
    return true
  }

  /** A proper end: the tail, the last chunk; and the connection is kept for another request, or it is not. */
  protected endWith(tail: Uint8Array, isKept: boolean): void {
    this.#close()
    if (!isKept) closeAfter(this.#res)
    try {
      this.#res.end(tail)
    } catch (error) {
      // somebody has wrapped `end`, and what that would have done is not known
      destroy(this.#res)
      throw error
    }
    this.#limit(() => this.#res.writableFinished)
  }

  /** A broken end: what was written goes out, without the last chunk. */
  protected endCut(): void {
    this.#close()
    cut(this.#res)
    this.#limit(() => this.#res.destroyed)
  }

  /** Drops the connection at once. */
  protected endNow(): void {
    this.#close()
    const { socket } = this.#res
    destroy(this.#res)
    // one whose turn has not come is dropped when it comes, and has nothing to wait for
    if (!socket) this.#done()
  }

  /** Lets go without an end: the client has left, or somebody else answers. */
  protected letGo(): void {
    this.#close()
    offClose(this.#res, this)
    this.#done()
  }

  closed(): void {
    const isNews = !this.#isClosed
    this.#close()
    if (isNews) this.gone()
    this.#done()
  }

  #done(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#deadline?.cancel()
    this.#unlisten()
    // the connection may be another response's by now
    this.#socket = undefined
    this.over()
  }

  /** A write that is larger than a buffer is no backlog, if the kernel has taken all of it. */
  #took(taken: boolean): boolean {
    if (taken || (this.#socket && this.waiting === 0)) return true
    if (!this.isBehind) {
      this.isBehind = true
      this.#listen()
      this.#watchProgress(() => this.stalled())
    }
    return false
  }

  /** Listens for 'drain' while it is behind; a wrapped response may not let go of a listener: it has one for good. */
  #listen(): void {
    if (this.#drained) return
    this.#drained = () => {
      if (!this.isBehind || this.#isClosed) return
      this.isBehind = false
      this.#deadline?.cancel()
      this.#deadline = undefined
      this.#unlisten()
      this.drained()
    }
    if (this.#socket) this.#socket.on('drain', this.#drained)
    else this.#res.on('drain', this.#drained)
  }

  #unlisten(): void {
    if (!this.#drained || !this.#socket) return
    this.#socket.off('drain', this.#drained)
    this.#drained = undefined
  }

  #close(): void {
    this.#deadline?.cancel()
    this.cancel()
    if (this.#isClosed) return
    this.#isClosed = true
    tolerate(this.#res)
  }

  /** After an end the client still has to take what waits; one that does not is cut. */
  #limit(isDone: () => boolean): void {
    this.#watchProgress(() => {
      if (!isDone()) destroy(this.#res)
    })
    this.#res.once('finish', () => this.letGo())
  }

  /**
   * Calls back when the client has taken no byte for the writeTimeout: in none of its quarters. One that is over late
   * counts as one: time in which this process was stopped, or blocked, is not the client's.
   */
  #watchProgress(stalled: () => void): void {
    const quarter = this.writeTimeout / 4
    let idle = 0
    let before: string | undefined
    // what is written now goes to the kernel at the end of the turn: that is no progress of the client's
    setImmediate(() => {
      before ??= pending(this.#res)
    })
    const look = () => {
      if (this.#isOver) return
      const now = pending(this.#res)
      // a pipelined response that has no socket yet waits for its turn, not for the client
      const isIdle = now === before && this.#res.socket
      idle = isIdle ? idle + 1 : 0
      before = now
      if (idle === 4) stalled()
      else lookLater()
    }
    const lookLater = () => {
      const due = clock.now() + quarter
      this.#deadline = clock.after(quarter, () => {
        if (clock.now() === due) return look()
        // late, it has not seen yet what its client has taken meanwhile: that comes between timers and immediates
        const seen = setImmediate(look)
        this.#deadline = { cancel: () => clearImmediate(seen) }
      })
    }
    lookLater()
  }
}

/**
 * What of a response the kernel has not taken. Node counts a write as a whole until it is all gone; its handle
 * knows how much of it is left.
 */
function pending(res: Response): string {
  const handle = (res.socket as { _handle?: { writeQueueSize?: number } } | null)?._handle
  return `${res.writableLength} ${handle?.writeQueueSize ?? 0}`
}
