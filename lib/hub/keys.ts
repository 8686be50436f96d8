// Remembers under which keys events were published to a channel, so that each key is one event.
import { clock } from '../clock.js'

/** How many keys of a channel are remembered, and for how many milliseconds. */
const maxKeys = 1000
const maxAge = 120_000

export class Keys {
  readonly #ids = new Map<string, string>()
  /** In the order of their publishing. Beside the map: one that is deleted from at its start is slow to begin. */
  #known: { readonly key: string; readonly at: number }[] = []
  /** The index of the oldest. */
  #first = 0

  /** The id of the event that was published under a key. */
  idOf(key: string): string | undefined {
    this.trim(clock.now())
    return this.#ids.get(key)
  }

  /** Adds a key that is not known, without trimming. */
  add(key: string, id: string, at: number): void {
    this.#ids.set(key, id)
    this.#known.push({ key, at })
  }

  trim(now: number): void {
    for (let oldest = this.#oldest; oldest; oldest = this.#oldest) {
      if (this.size <= maxKeys && now - oldest.at < maxAge) break
      this.#ids.delete(oldest.key)
      this.#first += 1
    }
    if (this.#first <= maxKeys) return
    this.#known = this.#known.slice(this.#first)
    this.#first = 0
  }

  get size(): number {
    return this.#known.length - this.#first
  }

  /** The time of the clock at which the oldest is forgotten. */
  get due(): number {
    const oldest = this.#oldest
    return oldest ? oldest.at + maxAge : Infinity
  }

  get #oldest(): { readonly key: string; readonly at: number } | undefined {
    return this.#known[this.#first]
  }
}
