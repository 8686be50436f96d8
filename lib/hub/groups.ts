// Finds the group of streams that share bytes: by format, and by the time for which they gather events.
import type { Format } from '../formats/format.js'
import type { Group } from './group.js'

export class Groups {
  /** Those of each format: almost always one. A feed may have a single stream, so that each list counts. */
  readonly #groups = new Map<Format, readonly Group[]>()

  get(format: Format, gather: number): Group | undefined {
    return this.#groups.get(format)?.find((each) => each.gather === gather)
  }

  add(group: Group): Group {
    this.#groups.set(group.format, [...this.#others(group), group])
    return group
  }

  remove(group: Group): void {
    const others = this.#others(group)
    if (others.length > 0) this.#groups.set(group.format, others)
    else this.#groups.delete(group.format)
  }

  /** The groups of the same format that gather for another time. */
  #others({ format, gather }: Group): readonly Group[] {
    return this.#groups.get(format)?.filter((each) => each.gather !== gather) ?? []
  }

  clear(): void {
    this.#groups.clear()
  }

  formats(): Iterable<Format> {
    return this.#groups.keys()
  }
}
