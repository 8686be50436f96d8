// Keeps the last so many of what comes.

/** How many are kept: as many as somebody may want to look through. */
const kept = 200

export class Ring<T> {
  readonly #items: T[] = []
  #next = 0

  push(item: T): void {
    this.#items[this.#next % kept] = item
    this.#next += 1
  }

  /** The newest first. */
  *[Symbol.iterator](): Iterator<T> {
    const { length } = this.#items
    for (let back = 1; back <= length; back++) yield this.#items[(this.#next - back) % kept] as T
  }
}
