/** The events that one reader has got over all of its connections: each once and in order, unless it is told of a gap. */
export class Order {
  /** The last id. */
  last: string | undefined
  #told: { from?: unknown } | undefined

  /** Takes an event; returns what is wrong with it. */
  take(id: string | undefined): string | undefined {
    const next = parts(id)
    if (!id || !next) return `an id that is none: ${id}`
    const before = parts(this.last)
    const told = this.#told
    const shown = `${id} after ${this.last}`
    this.last = id
    this.#told = undefined
    if (told) {
      const from = parts(String(told.from))
      // where nothing has happened yet, it goes on from before the first
      const isFrom = from && from.epoch === next.epoch && Math.max(1, from.number) === next.number
      return isFrom ? undefined : `not what the gap said: ${shown}, said was ${told.from}`
    }
    if (!before) return undefined
    if (next.epoch !== before.epoch) return `another life, and no gap was told: ${shown}`
    if (next.number === before.number + 1) return undefined
    return next.number > before.number ? `lost: ${shown}` : `doubled, or out of order: ${shown}`
  }

  /** Takes the notice of a gap; returns what is wrong with it. */
  gap(data: string): string | undefined {
    const { requested, from } = JSON.parse(data)
    this.#told = { from }
    return requested === this.last ? undefined : `a gap after ${requested}, and not after ${this.last}`
  }
}

function parts(id: string | undefined): { epoch: string; number: number } | undefined {
  const [, epoch, number] = /^(.+)-(\d+)$/.exec(id ?? '') ?? []
  return epoch && number ? { epoch, number: Number(number) } : undefined
}
