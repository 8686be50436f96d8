// Decides how long a stream waits for one thing: for `subscribe`, for the first event, or for the exit of a process.
import { clock, type Deadline } from '../clock.js'

/** Milliseconds after which messages that wait for `subscribe` are suspicious. */
const suspicious = 2000

/** The specs whose messages have waited: each is warned of once. */
const warned = new WeakSet<object>()

export class Patience {
  #deadline: Deadline | undefined
  #warning: Deadline | undefined

  /** Waits for one thing, in place of what was waited for. */
  wait(milliseconds: number, late: () => void): void {
    this.end()
    this.#deadline = clock.after(milliseconds, late)
  }

  /** It has come. */
  end(): void {
    this.#deadline?.cancel()
    this.#deadline = undefined
    this.hush()
  }

  /** Nobody is left to be warned for. */
  hush(): void {
    this.#warning?.cancel()
    this.#warning = undefined
  }

  /** Messages wait for it: one that sends in a loop, and awaits the loop, would see nothing and never know why. */
  warn(spec: object, path: string): void {
    if (!this.#deadline || this.#warning || warned.has(spec)) return
    this.#warning = clock.after(suspicious, () => {
      warned.add(spec)
      process.emitWarning(
        `Messages have waited on ${path} for ${suspicious / 1000} s: what subscribe sends is handled when it has ` +
          'resolved, and it is pending. Do not await in it what sends them; or use write(), which does not wait',
        { type: 'LariatWarning' },
      )
    })
  }
}
