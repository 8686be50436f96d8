// Keeps the log of one channel in memory: its latest events, its keys, and whether it has ended.

import { randomBytes } from 'node:crypto'
import { is } from '../brand.js'
import { Alarm, clock } from '../clock.js'
import { LariatError } from '../errors.js'
import { unpooled } from '../values/bytes.js'
import type { Retained as Survey } from '../values/inside.js'
import {
  type Log,
  type Meta,
  type Reading,
  type Receiver,
  type Retention,
  retainsNothing,
  type Where,
} from './backend.js'
import { earliest, Gap } from './gap.js'
import { Keys } from './keys.js'
import { Published } from './published.js'
import { Retained } from './retained.js'

/** The most events that a reading holds at once. */
const pageLength = 1000

/** A log in memory. It is the alarm of what it lets go of next. */
export class History extends Alarm implements Log {
  readonly #retained: Retained
  readonly #maxAge: number
  readonly #idle: number
  readonly #emptied: () => void
  /** The histories that have something to let go of at a time: those with an alarm. */
  readonly #waiting: Set<History>
  #keys: Keys | undefined
  /** Tells ids of this log from ids of other logs, and of earlier runs of the process. */
  #epoch = newEpoch()
  /** The number of the latest event. */
  #number = 0
  #latest: { readonly number: number; readonly id: string } | undefined
  #receiver: Receiver | undefined
  /** When something was published last, or listened last. */
  #usedAt = clock.now()
  /** When the log ended. */
  #endedAt: number | undefined
  /** Something is retained. */
  #holds = false
  readonly isImmediate = true

  constructor(retention: Retention, emptied: () => void, waiting: Set<History>) {
    super()
    this.#retained = new Retained(retention)
    this.#maxAge = retention.maxAge ?? Infinity
    this.#idle = retention.idle ?? Infinity
    this.#emptied = emptied
    this.#waiting = waiting
  }

  publish(data: unknown, meta: Meta, check: (event: Published) => void): string {
    const { type, key } = meta
    const known = key === undefined ? undefined : this.#keys?.idOf(key)
    if (known !== undefined) return known
    if (this.#endedAt !== undefined)
      throw new LariatError('LARIAT_ENDED', 'The channel has ended: nothing can be published')
    const retains = this.#retained.isOn
    const epoch = this.#epoch
    const number = this.#number + 1
    const event = new Published(
      this.#id(number),
      retains && ArrayBuffer.isView(data) ? unpooled(data) : data,
      type,
    )
    if (retains) event.keep()
    check(event)
    const size = this.#retained.sizeOf(data)
    // the check runs user code, which may have published, or ended the log
    const isStale = this.#number + 1 !== number || this.#endedAt !== undefined || this.#epoch !== epoch
    if (isStale) return this.publish(data, meta, check)
    this.#number = number
    if (retains || key !== undefined) this.#keep(event, size, key)
    this.#receiver?.event(event)
    return event.id
  }

  #keep(event: Published, size: number, key: string | undefined): void {
    const now = clock.now()
    if (this.#retained.isOn) this.#retained.add(event, size, now)
    if (key !== undefined) {
      this.#keys ??= new Keys()
      this.#keys.add(key, event.id, now)
    }
    this.#used(now)
  }

  listen(receiver: Receiver): () => void {
    this.#receiver = receiver
    if (this.#endedAt !== undefined) receiver.end()
    return () => {
      if (this.#receiver !== receiver) return
      this.#receiver = undefined
      this.#used(clock.now())
    }
  }

  read(where: Where): Reading {
    this.#letGo(clock.now())
    const oldest = this.#oldest
    const number = this.#placeOf(where)
    if (number === undefined) return this.#reading('unknown', oldest)
    return number < oldest - 1 ? this.#reading('trimmed', oldest) : this.#reading('found', number + 1)
  }

  position(): string {
    return this.#id(this.#number)
  }

  retained(): Survey {
    const now = clock.now()
    this.#letGo(now)
    const { count, since } = this.#retained
    const first = count > 0 ? this.#id(this.#oldest) : undefined
    const date = since === undefined ? undefined : clock.date() - (now - since)
    return {
      events: count,
      bytes: this.#retained.surveyBytes(),
      first,
      last: this.position(),
      since: date,
    }
  }

  end(): void {
    if (this.#endedAt !== undefined) return
    const now = clock.now()
    this.#endedAt = now
    this.#used(now)
    this.#receiver?.end()
  }

  drop(): void {
    const last = this.position()
    const hadEnded = this.#endedAt !== undefined
    this.#epoch = newEpoch()
    this.#number = 0
    this.#latest = undefined
    this.#endedAt = undefined
    this.#keys = undefined
    this.#retained.clear()
    this.#letGo(clock.now())
    if (!hadEnded) this.#receiver?.gap(new Gap(last, this.position(), 'unknown', this.position()))
  }

  compare(one: string, other: string): number {
    return (this.#numberOf(one) ?? -1) - (this.#numberOf(other) ?? -1)
  }

  /** Created once for each event, since the head of every stream names it. */
  get latest(): string | undefined {
    if (!this.#retained.isOn) return undefined
    if (this.#latest?.number !== this.#number)
      this.#latest = { number: this.#number, id: this.#id(this.#number) }
    return this.#latest.id
  }

  // ---- what is let go of, at its time

  get isEmpty(): boolean {
    return !this.#holds
  }

  /** It only lets go of what is kept, in time: nobody waits for it. */
  get [is](): string {
    return 'upkeep'
  }

  ring(): void {
    this.#waiting.delete(this)
    this.#letGo(clock.now())
  }

  #used(now: number): void {
    this.#usedAt = now
    this.#letGo(now)
  }

  #letGo(now: number): void {
    this.#retained.trim(now)
    this.#keys?.trim(now)
    if (this.#keys?.size === 0) this.#keys = undefined
    const idleAt = this.#receiver ? Infinity : this.#usedAt + this.#idle
    if (now >= idleAt) this.#retained.clear()
    // an end is remembered for as long as an event of that time
    const endAt = this.#endedAt === undefined ? 0 : Math.min(this.#endedAt + this.#maxAge + 1, idleAt)
    const { count } = this.#retained
    const held = this.#holds
    this.#holds = count > 0 || this.#keys !== undefined || now < endAt
    const next = Math.min(this.#retained.due, this.#keys?.due ?? Infinity)
    this.#await(Math.min(next, count > 0 ? idleAt : Infinity, now < endAt ? endAt : Infinity), now)
    if (held && !this.#holds) this.#emptied()
  }

  /** One alarm for each history that has something to let go of. One that is set too early only looks once more. */
  #await(next: number, now: number): void {
    if (this.at >= 0 && this.due <= next && next !== Infinity) return
    this.cancel()
    if (next === Infinity) return
    clock.set(this, next - now)
    this.#waiting.add(this)
  }

  cancel(): void {
    clock.cancel(this)
    this.#waiting.delete(this)
  }

  // ---- reading

  #reading(outcome: Reading['outcome'], from: number): Reading {
    const last = this.#number
    return {
      outcome,
      from: this.#id(Math.min(from, last)),
      before: this.#id(from - 1),
      hasEnded: this.#endedAt !== undefined,
      events: this.#from(this.#page(from, last), from, last, this.#epoch),
    }
  }

  /** The number after which a reading begins; undefined for an id of another log. */
  #placeOf(where: Where): number | undefined {
    if (where === earliest) return this.#oldest - 1
    if (typeof where === 'string') return this.#numberOf(where)
    if ('last' in where) return Math.max(this.#oldest - 1, this.#number - where.last)
    // both clocks leave out fractions: what was published in the millisecond before counts, rather than be missed
    const since = clock.now() - (clock.date() - where.since) - 1
    return this.#oldest - 1 + this.#retained.countBefore(since)
  }

  /**
   * Reads a page at a time, as the client takes events: a slow client keeps at most one page alive, and gets a gap for
   * events that are let go of meanwhile.
   */
  *#from(
    firstPage: readonly Published[],
    first: number,
    last: number,
    epoch: string,
  ): Generator<Published | Gap, void, undefined> {
    yield* firstPage
    // a log that was dropped meanwhile has ended: nothing of it is left, and its listeners were told
    for (let number = first + firstPage.length; number <= last && epoch === this.#epoch; ) {
      // looked at again after each yield: events may have been let go of
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
    return this.#retained.page(first - this.#oldest, Math.min(last - first + 1, pageLength))
  }

  /** The number of the oldest retained event; if none is retained, of the next event. */
  get #oldest(): number {
    return this.#number - this.#retained.count + 1
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
}

/** What is left of a log that was dropped: nothing can be appended, and there is nothing to read. */
export function endedLog(): Log {
  const log = new History(retainsNothing, () => {}, new Set())
  log.end()
  return log
}

function newEpoch(): string {
  return randomBytes(5).toString('hex')
}
