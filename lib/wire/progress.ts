// Decides whether a client takes bytes while some wait: not in this turn of the event loop, or not for the writeTimeout.

import type { Response } from 'express'
import { clock, type Deadline } from '../clock.js'
import { takenBytes } from '../http/node.js'
import { clearImmediate, setImmediate } from '../turn.js'

/**
 * Since when a client takes nothing. `turn`: since the last turn of the event loop, so that the kernel had its chance.
 * `timeout`: in four quarters of the timeout in a row.
 */
export type Since = 'turn' | 'timeout'

/** Told that a client takes nothing; of the timeout, once. */
export interface Idle {
  idle(since: Since): void
}

/** Calls back once a client has taken nothing for the whole timeout. */
export function atTimeout(call: () => void): Idle {
  return {
    idle(since) {
      if (since === 'timeout') call()
    },
  }
}

interface Watched {
  readonly res: Response
  readonly writeTimeout: number
}

/**
 * Watches whether a client takes bytes. A quarter that fires late counts once: a suspended process must not look like a
 * slow client.
 */
export class Progress implements Deadline {
  readonly #res: Response
  readonly #quarter: number
  readonly #idle: Idle
  #isCancelled = false
  #idleQuarters = 0
  /** Bytes taken by the last look at a quarter, and at a turn. */
  #atQuarter: number | undefined
  #atTurn: number | undefined
  #isLooking = false
  #hasStopped = false
  #next: Deadline | undefined

  constructor({ res, writeTimeout }: Watched, idle: Idle) {
    this.#res = res
    this.#quarter = writeTimeout / 4
    this.#idle = idle
    this.#lookNextTurn()
    this.#lookLater()
  }

  cancel(): void {
    this.#isCancelled = true
    this.#next?.cancel()
  }

  /** The client has taken a piece. */
  moved(): void {
    this.#idleQuarters = 0
    this.#atQuarter = undefined
    this.#atTurn = undefined
  }

  /** Whether the kernel had its chance, and takes nothing more for now. If not, it has until the next turn. */
  get hasStopped(): boolean {
    if (this.#hasStopped && this.#taken !== this.#atTurn) this.#hasStopped = false
    if (!this.#hasStopped && !this.#isLooking) this.#lookNextTurn()
    return this.#hasStopped
  }

  get #taken(): number {
    return takenBytes(this.#res) ?? -this.#res.writableLength
  }

  #lookNextTurn(): void {
    this.#isLooking = true
    setImmediate(() => {
      this.#isLooking = false
      if (this.#isCancelled) return
      const taken = this.#taken
      // the kernel takes the bytes of a turn at its end, whether or not the client reads
      this.#atQuarter ??= taken
      const isIdle = taken === this.#atTurn
      this.#atTurn = taken
      if (!isIdle) return this.#lookNextTurn()
      // what middleware keeps was not offered to the kernel
      if (this.#res.writableLength === 0) return
      this.#hasStopped = true
      this.#idle.idle('turn')
    })
  }

  #lookLater(): void {
    const due = clock.now() + this.#quarter
    this.#next = clock.after(this.#quarter, () => {
      if (clock.now() === due) return this.#look()
      // after a block, sockets report progress between timers and immediates
      const later = setImmediate(() => this.#look())
      this.#next = { cancel: () => clearImmediate(later) }
    })
  }

  #look(): void {
    if (this.#isCancelled) return
    const taken = this.#taken
    // a pipelined response without a socket waits for its turn, not for the client
    const isIdle = taken === this.#atQuarter && this.#res.socket !== null
    this.#idleQuarters = isIdle ? this.#idleQuarters + 1 : 0
    this.#atQuarter = taken
    if (this.#idleQuarters === 4) this.#idle.idle('timeout')
    else this.#lookLater()
  }
}
