// Remembers under which keys events were published to a channel, so that each key is one event.
import { clock } from '../clock.js'

/** How many keys of a channel are remembered, and for how many milliseconds. */
const maxKeys = 1000
const maxAge = 120_000

export class Keys {
  /** In the order of their publishing: the first is the oldest. */
  readonly #known = new Map<string, { readonly id: string; readonly at: number }>()

  /** The id of the event that was published under a key. */
  idOf(key: string): string | undefined {
    this.trim(clock.now())
    return this.#known.get(key)?.id
  }

  /** Adds a key without trimming. */
  add(key: string, id: string, at: number): void {
    this.#known.set(key, { id, at })
  }

  trim(now: number): void {
    for (const [key, { at }] of this.#known) {
      if (this.#known.size <= maxKeys && now - at < maxAge) return
      this.#known.delete(key)
    }
  }

  get size(): number {
    return this.#known.size
  }

  /** The time of the clock at which the oldest is forgotten. */
  get due(): number {
    for (const { at } of this.#known.values()) return at + maxAge
    return Infinity
  }
}
