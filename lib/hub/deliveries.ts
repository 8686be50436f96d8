// Delivers a channel's events and gaps one after the other, also those that come during a delivery; lets sinks join in
// between.
import type { Gap } from './gap.js'
import type { Published } from './published.js'

type Item = Published | Gap

export class Deliveries {
  readonly #deliver: (item: Item) => void
  /** What is in delivery, and what has come during it. */
  #arriving: Item[] = []
  /** The index of what is in delivery. */
  #at = 0
  /** Joins that wait for the current delivery to finish. */
  readonly #joining: (() => void)[] = []
  /** The place up to which events were delivered since listening began, where it is known. */
  last: string | undefined

  /** @param deliver delivers to all sinks */
  constructor(deliver: (item: Item) => void) {
    this.#deliver = deliver
  }

  /** What is in delivery. */
  get current(): Item | undefined {
    return this.#arriving[this.#at]
  }

  get isRunning(): boolean {
    return this.#arriving.length > 0
  }

  /** What comes during a delivery is delivered after it, by the delivery that runs. */
  add(item: Item): void {
    this.#arriving.push(item)
    if (this.#arriving.length > 1) return
    for (let next: Item | undefined = item; next; next = this.current) {
      this.#deliver(next)
      this.last = next.id
      while (this.#joining.length > 0) this.#joining.shift()?.()
      this.#at += 1
    }
    // in one step: a delivery may publish very many
    if (this.#at === 1) this.#arriving.pop()
    else this.#arriving = []
    this.#at = 0
  }

  /** Lets a sink join: at once, or after the current delivery. */
  join(join: () => void): void {
    if (this.isRunning) this.#joining.push(join)
    else join()
  }
}
