/** What a client calls back with, in order, to be waited for. */
export class Inbox<T> {
  readonly #waiting: T[] = []
  #wake = () => {}

  readonly put = (each: T): void => {
    this.#waiting.push(each)
    this.#wake()
  }

  async next(): Promise<T> {
    while (this.#waiting.length === 0)
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    return this.#waiting.shift() as T
  }

  async take(count: number): Promise<T[]> {
    const taken: T[] = []
    while (taken.length < count) taken.push(await this.next())
    return taken
  }

  /** How many have come and were not taken. */
  get size(): number {
    return this.#waiting.length
  }
}
