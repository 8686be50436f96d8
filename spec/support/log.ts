/** What happened, in order; one can wait for what is to happen. */
export class Log {
  readonly entries: string[] = []
  readonly #waiting = new Set<() => void>()

  add(entry: string): void {
    this.entries.push(entry)
    for (const look of this.#waiting) look()
  }

  /** Waits until an entry has been there so many times. */
  until(entry: string, times = 1): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (this.count(entry) < times) return
        this.#waiting.delete(look)
        resolve()
      }
      this.#waiting.add(look)
      look()
    })
  }

  count(entry: string): number {
    return this.entries.filter((each) => each === entry).length
  }
}
