// Watches whether all endpoints close: what looks at them then ends by itself, since it would hold up the shutdown.
import { clock, type Deadline } from '../clock.js'

/** Milliseconds between two looks, while there is somebody to tell. */
const beat = 250

export class Closing {
  readonly #isClosing: () => boolean
  readonly #waiting = new Set<() => void>()
  #next: Deadline | undefined

  constructor(isClosing: () => boolean) {
    this.#isClosing = isClosing
  }

  /** Calls back once, when all endpoints close. Returns a function that forgets it. */
  watch(call: () => void): () => void {
    this.#waiting.add(call)
    this.#next ??= clock.after(beat, () => this.#look())
    return () => {
      this.#waiting.delete(call)
      if (this.#waiting.size > 0) return
      this.#next?.cancel()
      this.#next = undefined
    }
  }

  #look(): void {
    this.#next = undefined
    if (!this.#isClosing()) {
      if (this.#waiting.size > 0) this.#next = clock.after(beat, () => this.#look())
      return
    }
    for (const call of [...this.#waiting]) {
      this.#waiting.delete(call)
      call()
    }
  }
}
