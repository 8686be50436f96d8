import type { Socket } from 'node:net'
import type { Request, Response } from 'express'
import { clock, type Deadline } from '../clock.js'
import type { Chunk } from '../formats/chunk.js'
import { bareSocket, type Closing, cut, destroy, offClose, onClose } from '../http/connection.js'

/** What the owner of a writer is told. */
interface Owner {
  readonly writeTimeout: number
  /** The client has left. */
  gone(): void
  /** The client takes no byte any more. */
  stalled(): void
  /** The client has caught up with what was written. */
  drained(): void
  /** The response is over, whoever has ended it. */
  over(): void
}

/**
 * Chunks to the socket: the only file that knows how a response takes them. They go straight to the socket,
 * where nobody has wrapped the response's `write`; its head and its end are always Node's own.
 */
export class Writer implements Closing {
  readonly #res: Response & { flush?: () => void }
  readonly #owner: Owner
  #socket: Socket | undefined
  /** The response did not take all that was written. */
  isBehind = false
  #isClosed = false
  #isOver = false
  #isCorked = false
  #isListening = false
  #deadline: Deadline | undefined
  /** When something was last written, by the clock. */
  lastWrite = 0

  constructor(req: Request, res: Response, owner: Owner) {
    this.#res = res
    this.#owner = owner
    onClose(req, res, this)
  }

  /** Bytes that the response holds, because the kernel has not taken them. */
  get waiting(): number {
    return this.#res.writableLength
  }

  /** Sends the head, with the opening bytes of the format. */
  open(status: number, opening: Buffer): void {
    const res = this.#res
    res.statusCode = status
    this.lastWrite = clock.now()
    if (opening.length === 0) res.flushHeaders()
    else {
      this.#took(res.write(opening))
      res.flush?.()
    }
    this.#socket = bareSocket(res)
  }

  /** Writes within a turn go out together. */
  write(chunk: Chunk): boolean {
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
  writeNow(chunk: Chunk, now: number): boolean {
    this.lastWrite = now
    const socket = this.#socket
    // a socket that has begun to close, because the client has, would take it for an error
    if (socket?.writable) return this.#took(socket.write(chunk.framed))
    const taken = this.#res.write(chunk.bytes)
    this.#res.flush?.()
    return this.#took(taken)
  }

  /** A proper end: the tail, the last chunk. */
  complete(tail: Uint8Array): void {
    this.#close()
    this.#res.end(tail)
    this.#limit(() => this.#res.writableFinished)
  }

  /** A broken end: what was written goes out, without the last chunk. */
  cut(): void {
    this.#close()
    cut(this.#res)
    this.#limit(() => this.#res.destroyed)
  }

  /** Drops the connection at once. */
  destroy(): void {
    this.#close()
    destroy(this.#res)
  }

  /** Lets go without an end: the client has left, or somebody else answers. */
  release(): void {
    this.#close()
    offClose(this.#res, this)
    this.#done()
  }

  closed(): void {
    const isNews = !this.#isClosed
    this.#close()
    if (isNews) this.#owner.gone()
    this.#done()
  }

  #done(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#unlisten()
    this.#owner.over()
  }

  #took(taken: boolean): boolean {
    if (!taken && !this.isBehind) {
      this.isBehind = true
      this.#listen()
      this.#watchProgress(() => this.#owner.stalled())
    }
    return taken
  }

  /** Listens for 'drain' while it is behind; a wrapped response may not let go of a listener: it has one for good. */
  #listen(): void {
    if (this.#socket) this.#socket.on('drain', this.#drained)
    else if (!this.#isListening) this.#res.on('drain', this.#drained)
    this.#isListening = true
  }

  #unlisten(): void {
    if (!this.#isListening || !this.#socket) return
    this.#isListening = false
    this.#socket.off('drain', this.#drained)
  }

  readonly #drained = (): void => {
    if (!this.isBehind || this.#isClosed) return
    this.isBehind = false
    this.#deadline?.cancel()
    this.#unlisten()
    this.#owner.drained()
  }

  #close(): void {
    this.#isClosed = true
    this.#deadline?.cancel()
  }

  /** After an end the client still has to take what waits; one that does not is cut. */
  #limit(isDone: () => boolean): void {
    this.#watchProgress(() => {
      if (!isDone()) destroy(this.#res)
    })
    this.#res.once('finish', () => this.release())
  }

  /** Calls back when the client has taken no byte for the writeTimeout. */
  #watchProgress(stalled: () => void): void {
    const limit = this.#owner.writeTimeout
    let since = clock.now()
    let before: string | undefined
    // what is written now goes to the kernel at the end of the turn: that is no progress of the client's
    setImmediate(() => {
      before ??= pending(this.#res)
    })
    const look = () => {
      const now = pending(this.#res)
      // a pipelined response that has no socket yet waits for its turn, not for the client
      if (now !== before || !this.#res.socket) since = clock.now()
      before = now
      const rest = since + limit - clock.now()
      if (rest <= 0) stalled()
      else this.#deadline = clock.after(Math.min(rest, limit / 4), look)
    }
    this.#deadline = clock.after(limit / 4, look)
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
