// Finds the group of streams that share bytes: by format, and by the time for which they gather events.
import type { Format } from '../formats/format.js'
import type { Group } from './group.js'

export class Groups {
  /** By the milliseconds for which they gather. */
  readonly #groups = new Map<number, Map<Format, Group>>()

  get(format: Format, gather: number): Group | undefined {
    return this.#groups.get(gather)?.get(format)
  }

  add(group: Group): Group {
    const { format, gather } = group
    const alike = this.#groups.get(gather) ?? new Map<Format, Group>()
    this.#groups.set(gather, alike.set(format, group))
    return group
  }

  remove({ format, gather }: Group): void {
    const alike = this.#groups.get(gather)
    if (alike?.delete(format) && alike.size === 0) this.#groups.delete(gather)
  }

  clear(): void {
    this.#groups.clear()
  }

  *formats(): Iterable<Format> {
    for (const alike of this.#groups.values()) yield* alike.keys()
  }
}
