// Writes chunks to the socket: the only file that knows how a response accepts bytes.

import type { Socket } from 'node:net'
import type { Request, Response } from 'express'
import { Alarm, clock } from '../clock.js'
import {
  type CloseListener,
  closeAfter,
  cut,
  destroy,
  offClose,
  onClose,
  tolerate,
} from '../http/connection.js'
import { bareSocket, isBare } from '../http/node.js'
import { isPromise } from '../promise.js'
import { nextTick } from '../turn.js'
import type { Wrote } from '../values/open-stream.js'
import type { Chunk } from './chunk.js'
import type { Through } from './passage.js'
import { Plain, type Streamed } from './plain.js'
import { atTimeout, type Idle, Progress, type Since } from './progress.js'

/** More than a kernel takes at once from a client that does not read: Linux's default limit of a send buffer. */
const mostAtOnce = 2 ** 22

/** The answer to a write. */
export type Written = Exclude<Wrote, 'dropped'>

/**
 * The phase of a response. `waiting`: the head is not out. `flowing`: the client keeps up. `behind`: it does not.
 * `ending`: we ended the response. `over`: the last byte is out, or the connection has closed.
 */
export type Phase = 'waiting' | 'flowing' | 'behind' | 'ending' | 'over'

/**
 * A response as a sink of chunks. Chunks go directly to the socket unless middleware has wrapped the response's
 * `write`; the head and the end are always Node's own.
 *
 * The outlet extends the writer, since each object that a write touches costs time.
 */
export abstract class Writer extends Alarm implements CloseListener, Idle, Through {
  #isCorked = false
  #drained: (() => void) | undefined
  #progress: Progress | undefined
  /** Made where chunks may not go to the socket directly. */
  #plain: Plain | undefined
  readonly res: Streamed
  /** Set while chunks may go to it directly. */
  protected socket: Socket | undefined
  #phase: Phase = 'waiting'
  /** The time of the last write, by the clock. */
  protected lastWrite = 0

  constructor(req: Request, res: Response) {
    super()
    this.res = res
    onClose(req, res, this)
  }

  abstract readonly writeTimeout: number
  /** The client has left. */
  protected abstract gone(): void
  abstract idle(since: Since): void
  abstract failed(error: unknown): void
  /** The client has taken all written bytes. */
  protected abstract drained(): void
  /** No group writes past this writer any more. */
  abstract leaveLane(): void
  /** The response has closed, for any reason. */
  protected abstract responseClosed(): void

  /** The path of the request, without its query. */
  get path(): string {
    return this.res.req.originalUrl.split('?', 1)[0] as string
  }

  get phase(): Phase {
    return this.#phase
  }

  /** The client has not taken all written bytes. */
  get isBehind(): boolean {
    return this.#phase === 'behind'
  }

  /** Ended by us. */
  protected get isClosed(): boolean {
    return this.#phase === 'ending' || this.#phase === 'over'
  }

  /** Ended by anyone. Bytes written now would belong to another response. */
  protected get isEnded(): boolean {
    return this.isClosed || this.res.writableEnded
  }

  /** The client is behind, but the kernel was not asked since, or is taking more: it may be no slow client. */
  get mayCatchUp(): boolean {
    if (!this.isBehind || this.res.socket === null || this.unsentBytes > mostAtOnce) return false
    return this.#progress?.hasStopped === false
  }

  /** Bytes handed over that the kernel has not taken. */
  protected get unsentBytes(): number {
    return this.res.writableLength + (this.#plain?.size ?? 0)
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
      // Bun keeps the head of a pipelined response back; where middleware does, it may have to change the head
      if (!res.headersSent && !this.#plain?.isWrapped) res.flushHeaders()
    } catch (error) {
      if (!res.headersSent && !this.isClosed) this.#phase = 'waiting'
      throw error
    }
  }

  /** Head and opening bytes in one packet. */
  #openBare(socket: Socket, opening: Chunk): void {
    socket.cork()
    try {
      this.res.flushHeaders()
      this.socket = bareSocket(this.res)
      if (opening.size > 0) this.writeNow(opening, this.lastWrite)
    } finally {
      socket.uncork()
    }
  }

  /** Writes, corked: all writes of a turn go out together. */
  protected write(chunk: Chunk): Written {
    const socket = this.socket
    if (socket && !this.#isCorked) {
      this.#isCorked = true
      socket.cork()
      nextTick(() => {
        this.#isCorked = false
        socket.uncork()
      })
    }
    return this.writeNow(chunk, clock.now())
  }

  /** Writes without corking: the only write of this turn. */
  protected writeNow(chunk: Chunk, now: number): Written {
    if (this.isEnded) return 'closed'
    const socket = this.socket
    if (socket?.writable) {
      this.lastWrite = now
      return this.took(socket.write(chunk.framed))
    }
    if (this.res.socket?.writable === false) {
      // the connection is closing: drop a client that does not close its half
      this.#progress ??= new Progress(
        this,
        atTimeout(() => destroy(this.res)),
      )
      return 'closed'
    }
    this.lastWrite = now
    this.#plain ??= new Plain(this.res, this)
    return this.took(this.#plain.write(chunk.bytes))
  }

  /** A proper end: the tail, then the last chunk; the connection may be kept for another request. */
  protected endWith(tail: Uint8Array, keepsAlive: boolean): void {
    this.#close()
    if (!keepsAlive) closeAfter(this.res)
    // a response of which a write is missing must not look whole
    if (this.#plain) this.#plain.onceWritten((hasFailed) => (hasFailed ? cut(this.res) : this.#end(tail)))
    else this.#end(tail)
    this.#limit(() => this.res.writableFinished)
  }

  #end(tail?: Uint8Array): void {
    try {
      const ended: unknown = this.res.end(tail)
      if (isPromise(ended)) ended.then(undefined, () => destroy(this.res))
    } catch (error) {
      // a wrapped `end` failed half-way: the state of the response is unknown
      destroy(this.res)
      throw error
    }
  }

  /**
   * A broken end: written bytes go out, the last chunk does not. Middleware that keeps the bytes may let go of them at
   * an end alone.
   */
  protected endCut(): void {
    this.#close()
    if (this.#plain?.isShut) this.#end()
    else if (this.#plain) this.#plain.onceWritten(() => cut(this.res))
    else cut(this.res)
    this.#limit(() => this.res.destroyed)
  }

  /** Drops the connection at once. */
  protected endNow(): void {
    this.#close()
    const { socket } = this.res
    destroy(this.res)
    // a pipelined response without a socket is dropped when it gets one
    if (!socket) this.#done()
  }

  /** Detaches without an end: the client has left, or another party answers. */
  protected detach(): void {
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
    // the connection may belong to another response now
    this.socket = undefined
    this.responseClosed()
  }

  /** A write larger than the buffer is no backlog if the kernel took it all. */
  protected took(taken: boolean): Written {
    if (taken) return 'ok'
    if (this.socket?.writableLength === 0) return 'ok'
    if (this.#phase === 'flowing') {
      this.#phase = 'behind'
      this.#listen()
      this.#progress = new Progress(this, this)
    }
    return 'wait'
  }

  /** Listens for 'drain' while behind. A wrapped response may be unable to remove a listener, and keeps one. */
  #listen(): void {
    if (this.#drained) return
    this.#drained = () => {
      try {
        this.#onDrain()
      } catch (error) {
        this.failed(error)
      }
    }
    if (this.socket) this.socket.on('drain', this.#drained)
    else this.res.on('drain', this.#drained)
  }

  #onDrain(): void {
    this.#progress?.moved()
    if (this.#plain?.writePieces() === false) return
    if (this.#phase !== 'behind') return
    this.#phase = 'flowing'
    this.#progress?.cancel()
    this.#progress = undefined
    this.#unlisten()
    this.drained()
  }

  #unlisten(): void {
    if (!this.#drained || !this.socket) return
    this.socket.off('drain', this.#drained)
    this.#drained = undefined
  }

  #close(): void {
    this.#progress?.cancel()
    this.#plain?.cancel()
    clock.cancel(this)
    if (this.isClosed) return
    this.leaveLane()
    this.#phase = 'ending'
    tolerate(this.res)
  }

  /** Cuts a client that does not take the last bytes after an end. */
  #limit(isDone: () => boolean): void {
    const late = atTimeout(() => {
      if (!isDone()) destroy(this.res)
    })
    this.#progress = new Progress(this, late)
    this.res.once('finish', () => this.detach())
  }
}
