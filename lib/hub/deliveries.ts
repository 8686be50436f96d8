// Delivers events and gaps to all sinks one after the other, also those that come during a delivery; lets sinks join in
// between.

export class Deliveries<Item> {
  readonly #deliver: (item: Item) => void
  /** What is in delivery, and what has come during it. */
  readonly #arriving: Item[] = []
  /** Joins that wait for the current delivery to finish. */
  readonly #joining: (() => void)[] = []

  /** @param deliver delivers to all sinks */
  constructor(deliver: (item: Item) => void) {
    this.#deliver = deliver
  }

  /** What is in delivery. */
  get current(): Item | undefined {
    return this.#arriving[0]
  }

  get isRunning(): boolean {
    return this.#arriving.length > 0
  }

  /** What comes during a delivery is delivered after it, by the delivery that runs. */
  add(item: Item): void {
    this.#arriving.push(item)
    if (this.#arriving.length > 1) return
    for (let next: Item | undefined = item; next; next = this.#arriving[0]) {
      this.#deliver(next)
      for (let join = this.#joining.shift(); join; join = this.#joining.shift()) join()
      this.#arriving.shift()
    }
  }

  /** Lets a sink join: at once, or after the current delivery. */
  join(join: () => void): void {
    if (this.isRunning) this.#joining.push(join)
    else join()
  }

  /** Forgets what has come during the current delivery. */
  dropWaiting(): void {
    this.#arriving.splice(1)
  }
}
