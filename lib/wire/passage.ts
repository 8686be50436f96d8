// Decides whether middleware that has wrapped `write` lets bytes pass, or keeps them for good.
import type { Response } from 'express'
import { clock, type Deadline } from '../clock.js'
import { LariatError, report } from '../errors.js'
import { safely } from '../guard.js'
import { isPromise } from '../promise.js'

/** Milliseconds in which the first bytes have to pass: what changes a body as a whole cannot be streamed. */
const mostForFirst = 1000

/** Told what becomes of writes. */
export interface Through {
  readonly path: string
  /** Milliseconds in which something has to pass. */
  readonly writeTimeout: number
  /** A wrapped `write` rejected, or the middleware keeps what is written. */
  failed(error: unknown): void
}

export class Passage {
  readonly #res: Response
  readonly #through: Through
  /** Writes that have returned a promise. */
  #pending = 0
  #settled: ((hasFailed: boolean) => void) | undefined
  /** A write has rejected: what it was to write is missing. */
  #hasFailed = false
  #deadline: Deadline | undefined
  #hasPassed = false
  #isCancelled = false
  /** The middleware keeps what is written, and may let go of it at the end of the response. */
  isShut = false

  constructor(res: Response, through: Through) {
    this.#res = res
    this.#through = through
  }

  /** Writes, and returns what the wrapped `write` returned, of whatever type that is. */
  write(bytes: Buffer): unknown {
    const before = this.#passed
    const said: unknown = this.#res.write(bytes)
    if (isPromise(said)) this.#await(said)
    if (this.#passed === before) this.#watch(before)
    else this.#hasPassed = true
    return said
  }

  /** Calls once the promises of all writes have settled. */
  whenSettled(run: (hasFailed: boolean) => void): void {
    if (this.#pending === 0) run(this.#hasFailed)
    else this.#settled = run
  }

  /** The response is ending, and is watched otherwise. */
  cancel(): void {
    this.#isCancelled = true
    this.#deadline?.cancel()
  }

  #await(written: PromiseLike<unknown>): void {
    this.#pending += 1
    const settled = () => {
      this.#pending -= 1
      if (this.#pending > 0) return
      safely(
        () => this.#settled?.(this.#hasFailed),
        (error) => report(`the end of ${this.#through.path} failed`, error),
      )
    }
    // a thenable of the middleware's may call back twice
    Promise.resolve(written).then(settled, (error) => {
      this.#hasFailed = true
      this.#through.failed(error)
      settled()
    })
  }

  /** Bytes that have reached Node since the connection was opened, or while it serves an earlier response. */
  get #passed(): number {
    const { socket, writableLength } = this.#res
    return socket?.bytesWritten ?? writableLength
  }

  /** One deadline at a time: bytes that are written later are late later. */
  #watch(before: number): void {
    if (this.#deadline || this.#isCancelled) return
    const { writeTimeout } = this.#through
    const isPatient = this.#hasPassed || this.#pending > 0
    const most = isPatient ? writeTimeout : Math.min(mostForFirst, writeTimeout)
    this.#deadline = clock.after(most, () => {
      this.#deadline = undefined
      this.#hasPassed = this.#passed !== before
      if (this.#hasPassed) return
      this.isShut = true
      const { path } = this.#through
      const message = `Middleware keeps what is written to ${path}, which cannot be streamed: mount it elsewhere`
      this.#through.failed(new LariatError('LARIAT_KEPT', message))
    })
  }
}
