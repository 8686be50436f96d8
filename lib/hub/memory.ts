// Keeps channels in the memory of the process: the default backend.
import { randomBytes } from 'node:crypto'
import { is } from '../brand.js'
import { Alarm, clock } from '../clock.js'
import { LariatError } from '../errors.js'
import { unpooled } from '../values/bytes.js'
import type { Backend, Log, Meta, Reading, Receiver, Retention, Where } from './backend.js'
import { earliest, Gap } from './gap.js'
import { Published, sizeOf } from './published.js'

/** Channels that live and die with the process: nothing is lost while it runs. */
export function memory(): Backend {
  const histories: History[] = []
  return {
    [is]: 'backend',
    open(_name, retention) {
      const history = new History(retention)
      if (retention.maxAge !== undefined) histories.push(history)
      return history
    },
    on: () => {},
    close() {
      for (const each of histories) clock.cancel(each)
    },
  }
}

/** The most events that a reading holds at once. */
const pageLength = 1000

interface Retained {
  readonly event: Published
  readonly size: number
  readonly at: number
}

/** The latest events of a channel, bounded by count, bytes and age. It is the alarm of its oldest event's end. */
class History extends Alarm implements Log {
  /** Tells ids of this log from ids of other logs, and of earlier runs of the process. */
  readonly #epoch = randomBytes(5).toString('hex')
  readonly #retention: Retention
  readonly #retains: boolean
  #retained: (Retained | undefined)[] = []
  /** The index of the oldest event in `retained`. */
  #first = 0
  #bytes = 0
  /** The number of the latest event. */
  #number = 0
  #latest: { readonly number: number; readonly id: string } | undefined
  #receiver: Receiver | undefined
  #hasEnded = false
  readonly isImmediate = true

  constructor(retention: Retention) {
    super()
    this.#retention = retention
    const { history, historyBytes, maxAge } = retention
    this.#retains = history !== 0 && (history ?? historyBytes ?? maxAge) !== undefined
  }

  publish(data: unknown, meta: Meta, check: (event: Published) => void): string {
    if (this.#hasEnded)
      throw new LariatError('LARIAT_ENDED', 'The channel has ended: nothing can be published')
    const number = this.#number + 1
    const event = new Published(
      this.#id(number),
      this.#retains && ArrayBuffer.isView(data) ? unpooled(data) : data,
      meta.type,
    )
    if (this.#retains) event.keep()
    check(event)
    const size = this.#retention.historyBytes === undefined ? 0 : sizeOf(data)
    // the check runs user code, which may have published
    if (this.#number >= number) return this.publish(data, meta, check)
    this.#number = number
    if (this.#retains) {
      this.#retained.push({ event, size, at: clock.now() })
      this.#bytes += size
      this.#trim()
    }
    this.#receiver?.event(event)
    return event.id
  }

  /** The oldest event is past its age. */
  ring(): void {
    this.#trim()
  }

  listen(receiver: Receiver): () => void {
    this.#receiver = receiver
    if (this.#hasEnded) receiver.end()
    return () => {
      if (this.#receiver === receiver) this.#receiver = undefined
    }
  }

  read(where: Where): Reading {
    this.#trim()
    const oldest = this.#oldest
    const number = this.#placeOf(where)
    if (number === undefined) return this.#reading('unknown', oldest)
    return number < oldest - 1 ? this.#reading('trimmed', oldest) : this.#reading('found', number + 1)
  }

  position(): string {
    return this.#id(this.#number)
  }

  end(): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#receiver?.end()
  }

  drop(): void {
    this.#retained = []
    this.#first = 0
    this.#bytes = 0
    clock.cancel(this)
  }

  get isEmpty(): boolean {
    return this.#count === 0
  }

  compare(one: string, other: string): number {
    return (this.#numberOf(one) ?? 0) - (this.#numberOf(other) ?? 0)
  }

  /** Created once for each event, since the head of every stream names it. */
  get latest(): string | undefined {
    if (!this.#retains) return undefined
    if (this.#latest?.number !== this.#number)
      this.#latest = { number: this.#number, id: this.#id(this.#number) }
    return this.#latest.id
  }

  #reading(outcome: Reading['outcome'], from: number): Reading {
    const last = this.#number
    const events = this.#from(this.#page(from, last), from, last)
    return {
      outcome,
      from: this.#id(Math.min(from, last)),
      before: this.#id(from - 1),
      hasEnded: this.#hasEnded,
      events,
    }
  }

  /** The number after which a reading begins; undefined for an id of another log. */
  #placeOf(where: Where): number | undefined {
    if (where === earliest) return this.#oldest - 1
    if (typeof where === 'string') return this.#numberOf(where)
    if ('last' in where) return Math.max(this.#oldest, this.#number - where.last + 1) - 1
    const since = clock.now() - (clock.date() - where.since)
    const first = this.#retained.findIndex((each) => each !== undefined && each.at >= since)
    return first < 0 ? this.#number : this.#oldest + first - this.#first - 1
  }

  /**
   * Reads a page at a time, as the client takes events: a slow client keeps at most one page alive, and gets a gap for
   * events that are trimmed meanwhile.
   */
  *#from(
    firstPage: readonly Published[],
    first: number,
    last: number,
  ): Generator<Published | Gap, void, undefined> {
    yield* firstPage
    for (let number = first + firstPage.length; number <= last; ) {
      // re-read after each yield: history may have been trimmed
      const oldest = Math.min(this.#oldest, last + 1)
      if (number < oldest) {
        const from = this.#id(Math.min(oldest, this.#number))
        const gap = new Gap(this.#id(number - 1), from, 'trimmed', this.#id(oldest - 1))
        number = oldest
        yield gap
        continue
      }
      const page = this.#page(number, last)
      number += page.length
      yield* page
    }
  }

  #page(first: number, last: number): readonly Published[] {
    const at = this.#first + first - this.#oldest
    const length = Math.min(last - first + 1, pageLength)
    return this.#retained.slice(at, at + length).map((each) => (each as Retained).event)
  }

  /** The number of the oldest retained event; if none is retained, of the next event. */
  get #oldest(): number {
    return this.#number - this.#count + 1
  }

  get #count(): number {
    return this.#retained.length - this.#first
  }

  #id(number: number): string {
    return `${this.#epoch}-${number}`
  }

  /** The number in an id of this log; undefined for any other. */
  #numberOf(id: string): number | undefined {
    const [epoch, digits = '', ...more] = id.split('-')
    if (epoch !== this.#epoch || more.length > 0 || !/^(?:0|[1-9]\d{0,15})$/.test(digits)) return undefined
    const number = Number(digits)
    return number <= this.#number ? number : undefined
  }

  #trim(): void {
    const { history = Infinity, historyBytes = Infinity, maxAge = Infinity } = this.#retention
    const since = clock.now() - maxAge
    for (let oldest = this.#retained[this.#first]; oldest; oldest = this.#retained[this.#first]) {
      if (this.#count <= history && this.#bytes <= historyBytes && oldest.at >= since) break
      this.#bytes -= oldest.size
      this.#retained[this.#first++] = undefined
    }
    if (this.#first > 1024 && this.#first * 2 > this.#retained.length) {
      this.#retained = this.#retained.slice(this.#first)
      this.#first = 0
    }
    this.#awaitAge()
  }

  /** One alarm for each history that has something to forget. */
  #awaitAge(): void {
    const { maxAge = Infinity } = this.#retention
    const oldest = this.#retained[this.#first]
    if (!oldest || maxAge === Infinity) return clock.cancel(this)
    // one that is set too early only looks once more
    if (this.at < 0) clock.set(this, oldest.at + maxAge - clock.now() + 1)
  }
}
