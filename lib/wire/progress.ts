// Decides when a client has stalled: bytes wait, and it takes none for the writeTimeout.
import type { Response } from 'express'
import { clock, type Deadline } from '../clock.js'

/**
 * Watches whether a client takes bytes. Calls back once if it takes none in four quarters of the timeout in a row.
 * A quarter that fires late counts once: a suspended process must not look like a slow client.
 */
export class Progress implements Deadline {
  readonly #res: Response
  readonly #quarter: number
  readonly #stalled: () => void
  #isCancelled = false
  #idleQuarters = 0
  #before: string | undefined
  #next: Deadline | undefined

  constructor(res: Response, milliseconds: number, stalled: () => void) {
    this.#res = res
    this.#quarter = milliseconds / 4
    this.#stalled = stalled
    // the kernel takes this turn's bytes at its end, whether or not the client reads
    setImmediate(() => {
      this.#before ??= unsent(res)
    })
    this.#lookLater()
  }

  cancel(): void {
    this.#isCancelled = true
    this.#next?.cancel()
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
    const now = unsent(this.#res)
    // a pipelined response without a socket waits for its turn, not for the client
    const isIdle = now === this.#before && this.#res.socket !== null
    this.#idleQuarters = isIdle ? this.#idleQuarters + 1 : 0
    this.#before = now
    if (this.#idleQuarters === 4) this.#stalled()
    else this.#lookLater()
  }
}

/**
 * The bytes of a response that the kernel has not taken. Node counts a whole write until all of it is taken; the
 * socket's handle knows how much is left.
 */
function unsent(res: Response): string {
  const handle = (res.socket as { _handle?: { writeQueueSize?: number } } | null)?._handle
  return `${res.writableLength} ${handle?.writeQueueSize ?? 0}`
}
