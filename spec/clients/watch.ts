/** Something that comes piece by piece, and can be waited for. */
export class Watch {
  readonly #waiting = new Set<() => void>()
  #isOver = false

  /** Something has come. */
  protected look(): void {
    for (const each of this.#waiting) each()
  }

  /** Nothing will come any more. */
  protected over(): void {
    this.#isOver = true
    this.look()
  }

  /** Waits until it is so; rejects if it cannot be any more. */
  protected when(isSo: () => boolean, failure: () => string): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const found = isSo()
        if (!found && !this.#isOver) return
        this.#waiting.delete(look)
        if (found) resolve()
        else reject(new Error(failure()))
      }
      this.#waiting.add(look)
      look()
    })
  }
}
