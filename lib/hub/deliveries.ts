// Delivers a channel's events one after the other, also those published during a delivery; lets sinks join in between.
import type { Published } from './published.js'

export class Deliveries {
  readonly #deliver: (event: Published) => void
  /** The event in delivery, and the events published during it. */
  readonly #arriving: Published[] = []
  /** Joins that wait for the current delivery to finish. */
  readonly #joining: (() => void)[] = []
  /** The place up to which events were delivered since listening began, where it is known. */
  last: string | undefined

  /** @param deliver delivers an event to all sinks */
  constructor(deliver: (event: Published) => void) {
    this.#deliver = deliver
  }

  /** The event in delivery. */
  get current(): Published | undefined {
    return this.#arriving[0]
  }

  get isRunning(): boolean {
    return this.#arriving.length > 0
  }

  /** An event published during a delivery is delivered after it, by the delivery that runs. */
  add(event: Published): void {
    this.#arriving.push(event)
    if (this.#arriving.length > 1) return
    for (let next: Published | undefined = event; next; next = this.#arriving[0]) {
      this.#deliver(next)
      this.last = next.id
      for (let join = this.#joining.shift(); join; join = this.#joining.shift()) join()
      this.#arriving.shift()
    }
  }

  /** Lets a sink join: at once, or after the current delivery. */
  join(join: () => void): void {
    if (this.isRunning) this.#joining.push(join)
    else join()
  }
}
