import { mebibytes } from '../../spec/support/bytes.js'
import type { Ledger } from './ledger.js'
import type { Shop } from './shop.js'
import { type Point, perMinute } from './trend.js'

/** A life's first part: the history fills up, code is compiled. In milliseconds. */
const warmUp = 75_000
/** Points that are needed to speak of a trend. */
const least = 8
/** Bytes in a minute. */
const limits = { heap: 1 * 2 ** 20, rss: 4 * 2 ** 20 }

export interface Measured {
  readonly rss: number
  readonly heap: number
  readonly files: number
}

/** What the server takes, over each of its lives. */
export class Memory {
  readonly slopes: Record<keyof typeof limits, number[]> = { heap: [], rss: [] }
  #life = 0
  #began = 0
  #points: Record<keyof typeof limits, Point[]> = { heap: [], rss: [] }

  /** Takes a measure; undefined while the server is away. */
  async measure(shop: Shop): Promise<Measured | undefined> {
    const { life } = shop
    const inside = shop.isUp ? await shop.inside().catch(() => undefined) : undefined
    if (!inside || !shop.isUp || shop.life !== life) return undefined
    const at = performance.now()
    if (life !== this.#life) {
      this.#life = life
      this.#began = at
      this.#points = { heap: [], rss: [] }
    }
    const measured = { heap: inside.heap, rss: shop.rss }
    for (const kind of ['heap', 'rss'] as const) {
      if (at - this.#began > warmUp) this.#points[kind].push({ at, value: measured[kind] })
    }
    return { ...measured, files: shop.files.length }
  }

  /** A life is about to end: did it grow? */
  judge(ledger: Ledger): void {
    for (const kind of ['heap', 'rss'] as const) {
      const points = this.#points[kind]
      if (points.length < least) continue
      const slope = perMinute(points)
      this.slopes[kind].push(slope)
      if (slope <= limits[kind]) continue
      ledger.violation(
        `${kind} grows by ${mebibytes(slope)} MiB a minute, more than ${mebibytes(limits[kind])}`,
      )
    }
    this.#points = { heap: [], rss: [] }
  }
}
