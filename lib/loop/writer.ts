import type { Request, Response } from 'express'
import { cut, destroy, onClose } from '../http/connection.js'
import type { Wrote } from '../spec.js'
import { clock, type Deadline } from './clock.js'
import { Mailbox } from './mailbox.js'

/** What the owner of a writer is told. */
interface Owner {
  /** The client has left. */
  gone(): void
  /** The client takes no byte any more. */
  stalled(): void
  /** The client has caught up. */
  drained(): void
}

/** The most that is handed to the response at once when a client has caught up. */
const batch = 2 ** 16

/**
 * Bytes to the socket: the only file that knows how a response takes them. What the response does not take
 * waits here, so that what waits can be counted and, one day, be dropped.
 */
export class Writer {
  readonly #res: Response & { flush?: () => void }
  readonly #owner: Owner
  readonly #writeTimeout: number
  readonly #queue = new Mailbox<Buffer>()
  #queuedBytes = 0
  #isBehind = false
  #isClosed = false
  #deadline: Deadline | undefined
  #unwatch: () => void
  /** When something was last written, by the clock. */
  lastWrite = clock.now()

  constructor(req: Request, res: Response, owner: Owner, writeTimeout: number) {
    this.#res = res
    this.#owner = owner
    this.#writeTimeout = writeTimeout
    const unwatchGone = onClose(req, res, () => this.#gone())
    const drained = () => this.#drained()
    // one listener for the life of the response: those of a compressed one are never taken back
    res.on('drain', drained)
    this.#unwatch = () => {
      unwatchGone()
      res.off('drain', drained)
    }
  }

  /** The client has not taken all yet. */
  get isBehind(): boolean {
    return this.#isBehind
  }

  /** Events that wait. */
  get queued(): number {
    return this.#queue.size
  }

  /** Bytes that wait: those here, and those that the response holds. */
  get waiting(): number {
    return this.#queuedBytes + this.#res.writableLength
  }

  /** Sends the head, with the opening bytes of the format. */
  open(status: number, opening: Buffer): void {
    this.#res.statusCode = status
    if (opening.length > 0) this.write(opening)
    else this.#res.flushHeaders()
    this.lastWrite = clock.now()
  }

  write(bytes: Buffer): Wrote {
    if (this.#isClosed) return 'closed'
    if (this.#isBehind) {
      this.#queue.put(bytes)
      this.#queuedBytes += bytes.length
      return 'wait'
    }
    return this.#hand(bytes) ? 'ok' : 'wait'
  }

  /** A proper end: what waits, the tail, the last chunk. */
  complete(tail: Buffer): void {
    this.#close()
    this.#handAll()
    this.#res.end(tail)
    this.#limit(() => this.#res.writableFinished)
  }

  /** A broken end: what was written goes out, without the last chunk; nothing more of a client that is too slow. */
  cut(how: 'flush' | 'now'): void {
    this.#close()
    if (how === 'now') return destroy(this.#res)
    this.#handAll()
    cut(this.#res)
    this.#limit(() => this.#res.destroyed)
  }

  /** Lets go without an end: the client has left, or somebody else answers. */
  release(): void {
    this.#close()
    this.#unwatch()
  }

  #hand(bytes: Buffer): boolean {
    this.lastWrite = clock.now()
    const taken = this.#res.write(bytes)
    this.#res.flush?.()
    if (!taken) {
      this.#isBehind = true
      this.#watchProgress(() => this.#owner.stalled())
    }
    return taken
  }

  #handAll(): void {
    while (this.#queue.size > 0) this.#res.write(this.#queue.take())
    this.#queuedBytes = 0
  }

  #drained(): void {
    if (!this.#isBehind || this.#isClosed) return
    this.#isBehind = false
    this.#deadline?.cancel()
    while (this.#queue.size > 0 && !this.#isBehind) this.#hand(this.#nextBatch())
    if (!this.#isBehind) this.#owner.drained()
  }

  #nextBatch(): Buffer {
    const parts = [this.#queue.take()]
    let length = (parts[0] as Buffer).length
    while (this.#queue.size > 0 && length < batch) {
      const part = this.#queue.take()
      parts.push(part)
      length += part.length
    }
    this.#queuedBytes -= length
    return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts, length)
  }

  #gone(): void {
    const isNews = !this.#isClosed
    this.release()
    if (isNews) this.#owner.gone()
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
    const limit = this.#writeTimeout
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
