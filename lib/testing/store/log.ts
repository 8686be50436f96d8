// Reads and appends a channel of a store that answers by promises.
import { clock } from '../../clock.js'
import { LariatError } from '../../errors.js'
import { stored } from '../../hub/authoring.js'
import type { Log, Meta, Reading, Receiver, Retention, Where } from '../../hub/backend.js'
import type { Gap } from '../../hub/gap.js'
import type { Published } from '../../hub/published.js'
import { Delivery, eventOf, missed } from './delivery.js'
import type { Moment } from './moments.js'
import type { StoredLog } from './stored.js'

/** What a log needs of the connection to its store. */
export interface Way {
  readonly isLost: boolean
  readings: number
  pass(moment: Moment): Promise<void>
  append<T>(append: () => T): Promise<T>
  check(): void
  listen(delivery: Delivery): () => void
}

export class AsyncLog implements Log {
  readonly #way: Way
  readonly #stored: StoredLog
  readonly #retention: Retention
  /** A store is asked. */
  readonly latest = undefined
  readonly isImmediate = false
  readonly isEmpty = true
  #appending: Promise<unknown> = Promise.resolve()

  constructor(way: Way, stored: StoredLog, retention: Retention) {
    this.#way = way
    this.#stored = stored
    this.#retention = retention
  }

  async publish(data: unknown, meta: Meta, check: (event: Published) => void): Promise<string> {
    check(stored(this.#stored.id(this.#stored.latest + 1), data, meta.type))
    const copy: unknown = structuredClone(data)
    const entry = await this.#append(() => this.#stored.append(copy, meta, this.#retention))
    if (!entry) throw new LariatError('LARIAT_ENDED', 'The log has ended')
    await this.#way.pass('publish')
    return entry.id
  }

  async end(): Promise<void> {
    await this.#append(() => this.#stored.end())
  }

  async drop(): Promise<void> {
    await this.#append(() => this.#stored.reset())
  }

  async listen(receiver: Receiver): Promise<() => void> {
    await this.#way.pass('listen')
    this.#way.check()
    const hasEnded = this.#stored.hasEnded
    const stop = this.#way.listen(new Delivery(this.#way, this.#stored, receiver))
    await this.#way.pass('listen')
    // who comes later is told first of all
    if (hasEnded) receiver.end()
    return stop
  }

  async read(where: Where): Promise<Reading> {
    await this.#ask()
    const log = this.#stored
    const number = this.#numberOf(where)
    const outcome = number === undefined ? 'unknown' : number < log.oldest - 1 ? 'trimmed' : 'found'
    const from = outcome === 'found' ? (number as number) + 1 : log.oldest
    return {
      outcome,
      from: log.id(Math.min(from, log.latest)),
      before: log.id(from - 1),
      hasEnded: log.hasEnded,
      events: new Counted(this.#way, this.#events(from)),
    }
  }

  async position(): Promise<string> {
    await this.#ask()
    return this.#stored.id(this.#stored.latest)
  }

  /** An id that is lost comes before all others. */
  compare(one: string, other: string): number {
    return (this.#stored.numberOf(one) ?? -1) - (this.#stored.numberOf(other) ?? -1)
  }

  async #ask(): Promise<void> {
    await this.#way.pass('read')
    this.#way.check()
    this.#stored.age(this.#retention)
  }

  /** As on one connection: what is asked first is done first. */
  #append<T>(append: () => T): Promise<T> {
    const appending = this.#appending.then(() => this.#way.append(append))
    this.#appending = appending.catch(() => {})
    return appending
  }

  /** The number after which a reading begins. */
  #numberOf(where: Where): number | undefined {
    const { oldest, latest, entries } = this.#stored
    if (where === 'earliest') return oldest - 1
    if (typeof where === 'string') return this.#stored.numberOf(where)
    if ('last' in where) return Math.max(oldest - 1, latest - where.last)
    const since = where.since - clock.date() + clock.now()
    return (entries.find(({ at }) => at >= since)?.number ?? latest + 1) - 1
  }

  /** Read as it is taken, up to the latest there is by then; what is trimmed meanwhile is a gap. */
  async *#events(from: number): AsyncGenerator<Published | Gap> {
    const log = this.#stored
    // the place before the next event: what is lost meanwhile is lost with it
    let before = log.place(from - 1)
    for (;;) {
      await this.#way.pass('event')
      const lost = missed(log, before)
      if (lost.gap) {
        before = log.place(lost.next - 1)
        // more may be lost by the time that the next is asked for
        yield lost.gap
        continue
      }
      const entry = log.entry(lost.next)
      if (!entry) return
      before = log.place(entry.number)
      yield eventOf(entry)
    }
  }
}

/** A reading that is open until its end, or until it is returned. */
class Counted implements AsyncIterableIterator<Published | Gap> {
  readonly #way: Way
  readonly #items: AsyncGenerator<Published | Gap>
  #isOpen = true

  constructor(way: Way, items: AsyncGenerator<Published | Gap>) {
    this.#way = way
    this.#items = items
    way.readings += 1
  }

  async next(): Promise<IteratorResult<Published | Gap>> {
    const result = await this.#items.next()
    if (result.done) this.#close()
    return result
  }

  async return(): Promise<IteratorResult<Published | Gap>> {
    this.#close()
    return this.#items.return(undefined)
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  #close(): void {
    if (this.#isOpen) this.#way.readings -= 1
    this.#isOpen = false
  }
}
