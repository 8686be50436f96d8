// Delivers events and gaps to all sinks one after the other, also those that come during a delivery; lets sinks join in
// between.

export class Deliveries<Item> {
  readonly #deliver: (item: Item) => void
  /** What is in delivery, and what has come during it. */
  #arriving: Item[] = []
  /** The index of what is in delivery. */
  #at = 0
  /** Joins that wait for the current delivery to finish. */
  readonly #joining: (() => void)[] = []

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
      while (this.#joining.length > 0) this.#joining.shift()?.()
      this.#at += 1
    }
    // in one step: a delivery may publish very many
    if (this.#at === 1) this.#arriving.pop()
    else this.#arriving = []
    this.#at = 0
  }

  /** A delivery that runs goes on until it is over; what has come during it is not delivered. */
  dropWaiting(): void {
    this.#arriving.length = Math.min(this.#arriving.length, this.#at + 1)
  }

  /** Lets a sink join: at once, or after the current delivery. */
  join(join: () => void): void {
    if (this.isRunning) this.#joining.push(join)
    else join()
  }
}
