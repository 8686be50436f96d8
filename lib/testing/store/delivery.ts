// Hands a listener the events of its log, one by one and late, and a gap for what is lost.
import { gap, stored } from '../../hub/authoring.js'
import type { Receiver } from '../../hub/backend.js'
import type { Gap } from '../../hub/gap.js'
import type { Moment } from './moments.js'
import type { Entry, Place, StoredLog, Watcher } from './stored.js'

/** What a delivery needs of the connection to its store. */
interface Way {
  readonly isLost: boolean
  pass(moment: Moment): Promise<void>
}

export const eventOf = ({ id, data, type }: Entry) => stored(id, structuredClone(data), type)

/** What comes after a place, and the gap before it. */
export function missed(
  log: StoredLog,
  place: Place,
): { readonly gap: Gap | undefined; readonly next: number } {
  const known = log.still(place)
  const next = Math.max(log.oldest, (known ?? -1) + 1)
  if (known === place.number && next === known + 1) return { gap: undefined, next }
  const reason = known === place.number ? 'trimmed' : 'unknown'
  const from = log.id(Math.min(next, log.latest))
  return { gap: gap({ requested: place.id, from, reason, id: log.id(next - 1) }), next }
}

/** What one listener is given, one by one and late. */
export class Delivery implements Watcher {
  readonly #way: Way
  readonly #log: StoredLog
  readonly #receiver: Receiver
  #pending: (Entry | Gap | 'end')[] = []
  #isPumping = false
  /** The place of the latest event that was delivered. */
  #place: Place

  constructor(way: Way, log: StoredLog, receiver: Receiver) {
    this.#way = way
    this.#log = log
    this.#receiver = receiver
    this.#place = log.place(log.latest)
    log.watchers.add(this)
  }

  get isBusy(): boolean {
    return this.#pending.length > 0
  }

  appended(entry: Entry): void {
    this.#put(entry)
  }

  ended(): void {
    this.#put('end')
  }

  /** What is dropped after its end has ended: that is on its way. */
  rewound(): void {
    if (!this.#way.isLost && !this.#pending.includes('end')) this.catchUp()
  }

  stop(): void {
    this.#log.watchers.delete(this)
    this.#log.touch()
    this.#pending = []
  }

  /** What is on its way is lost with the connection. */
  lose(): void {
    this.#pending = []
  }

  /** What came meanwhile is fetched, as far as it is there. */
  catchUp(): void {
    this.#pending = []
    const { gap, next } = missed(this.#log, this.#place)
    if (gap) this.#put(gap)
    for (const entry of this.#log.entries) if (entry.number >= next) this.#put(entry)
    if (this.#log.hasEnded) this.#put('end')
  }

  #put(item: Entry | Gap | 'end'): void {
    if (this.#way.isLost) return
    this.#pending.push(item)
    void this.#pump()
  }

  async #pump(): Promise<void> {
    if (this.#isPumping) return
    this.#isPumping = true
    while (this.#pending.length > 0) {
      await this.#way.pass('delivery')
      const item = this.#pending.shift()
      if (item === undefined) continue
      if (item === 'end') this.#receiver.end()
      else if ('requested' in item) {
        this.#place = this.#log.place(this.#log.numberOf(item.id) as number)
        this.#receiver.gap(item)
      } else {
        this.#place = this.#log.place(item.number)
        this.#receiver.event(eventOf(item))
      }
    }
    this.#isPumping = false
  }
}
