import { is } from '../../lib/brand.js'
import { clock } from '../../lib/clock.js'
import { LariatError } from '../../lib/errors.js'
import { gap, stored } from '../../lib/hub/authoring.js'
import type { Backend, Log, Meta, Reading, Receiver, Retention, Where } from '../../lib/hub/backend.js'
import type { Gap } from '../../lib/hub/gap.js'
import type { Published } from '../../lib/hub/published.js'
import { type Entry, type Place, Store, type StoredLog, type Watcher } from './store.js'

export { Store }

/** Where a backend may take its time: before and after an append, before an event that is read or delivered. */
export type Moment = 'publish' | 'listen' | 'read' | 'event' | 'delivery'

/** How long a moment takes; nothing for a microtask. */
export type Lag = (moment: Moment) => PromiseLike<unknown> | undefined

/**
 * What becomes of a publish that is on its way when the connection is lost: it is refused; or nobody knows, and the event
 * came, or was lost.
 */
export type Fate = 'refused' | 'came' | 'lost'

/**
 * A process's connection to a store: everything is answered by promises, and what was published is delivered late.
 * A test may stop it at any moment (`hold`, `step`, `release`), freeze it, lose it and bring it back (`down`, `up`).
 */
export class AsyncBackend implements Backend {
  readonly [is] = 'backend'
  readonly store: Store
  readonly #lag: Lag
  readonly #listeners = { down: new Set<() => void>(), up: new Set<() => void>() }
  readonly #held = new Map<Moment, (() => void)[]>()
  readonly #watching = new Set<() => void>()
  readonly #deliveries = new Set<Delivery>()
  #frozen: { readonly fate: Fate; readonly waiting: ((fate: Fate) => void)[] } | undefined
  #isClosed = false
  isDown = false
  /** How many readings are open. */
  readings = 0

  constructor(store = new Store(), lag: Lag = () => undefined) {
    this.store = store
    this.#lag = lag
  }

  open(name: string, retention: Retention): Log {
    return new AsyncLog(this, this.store.open(name), retention)
  }

  on(name: 'down' | 'up', listener: () => void): void {
    this.#listeners[name].add(listener)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#thaw()
    await this.pass('publish')
    for (const delivery of [...this.#deliveries]) delivery.stop()
  }

  // ---- what a test does

  /** The connection is lost: nothing is delivered, and everything else rejects. */
  down(): void {
    this.isDown = true
    this.#thaw()
    for (const delivery of this.#deliveries) delivery.down()
    for (const listener of this.#listeners.down) listener()
  }

  /** The connection is back. */
  up(): void {
    this.isDown = false
    for (const delivery of this.#deliveries) delivery.catchUp()
    for (const listener of this.#listeners.up) listener()
  }

  /** From now on what is appended is on its way, and not answered, until the connection is lost. */
  freeze(fate: Fate): void {
    this.#frozen = { fate, waiting: [] }
  }

  #thaw(): void {
    const frozen = this.#frozen
    this.#frozen = undefined
    for (const tell of frozen?.waiting ?? []) tell(frozen!.fate)
  }

  /** From now on whoever comes to a moment waits there. */
  hold(moment: Moment): void {
    if (!this.#held.has(moment)) this.#held.set(moment, [])
  }

  /** Waits until so many wait at a moment. */
  held(moment: Moment, count = 1): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if ((this.#held.get(moment)?.length ?? 0) < count) return
        this.#watching.delete(look)
        resolve()
      }
      this.#watching.add(look)
      look()
    })
  }

  /** Lets the first so many go on, as they come. */
  async step(moment: Moment, count = 1): Promise<void> {
    for (let done = 0; done < count; done++) {
      await this.held(moment)
      this.#held.get(moment)!.shift()!()
    }
  }

  /** Lets all go on. */
  release(moment: Moment): void {
    const waiting = this.#held.get(moment) ?? []
    this.#held.delete(moment)
    for (const goOn of waiting) goOn()
  }

  /** Until all that was published is delivered. */
  async deliver(): Promise<void> {
    while (!this.isDown && [...this.#deliveries].some((delivery) => delivery.isBusy)) {
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  // ---- for its logs

  async pass(moment: Moment): Promise<void> {
    await this.#lag(moment)
    const waiting = this.#held.get(moment)
    if (!waiting) return
    await new Promise<void>((resolve) => {
      waiting.push(resolve)
      for (const look of this.#watching) look()
    })
  }

  /** Appends at the store, unless the connection is lost on the way. */
  async append<T>(append: () => T): Promise<T> {
    await this.pass('publish')
    const frozen = this.#frozen
    if (!frozen) {
      this.check()
      return append()
    }
    const fate = await new Promise<Fate>((resolve) => frozen.waiting.push(resolve))
    if (fate === 'refused') throw away()
    if (fate === 'came') append()
    throw new LariatError('LARIAT_DOWN', 'The store was lost before it had answered', { isUncertain: true })
  }

  check(): void {
    if (this.isDown || this.#isClosed) throw away()
  }

  listen(delivery: Delivery): () => void {
    this.#deliveries.add(delivery)
    return () => {
      this.#deliveries.delete(delivery)
      delivery.stop()
    }
  }
}

const away = () => new LariatError('LARIAT_DOWN', 'The store is away')

class AsyncLog implements Log {
  readonly #backend: AsyncBackend
  readonly #stored: StoredLog
  readonly #retention: Retention
  /** A store is asked. */
  readonly latest = undefined
  readonly isImmediate = false
  readonly isEmpty = true
  #appending: Promise<unknown> = Promise.resolve()

  constructor(backend: AsyncBackend, stored: StoredLog, retention: Retention) {
    this.#backend = backend
    this.#stored = stored
    this.#retention = retention
  }

  async publish(data: unknown, meta: Meta, check: (event: Published) => void): Promise<string> {
    check(stored(this.#stored.id(this.#stored.latest + 1), data, meta.type))
    const copy: unknown = structuredClone(data)
    const entry = await this.#append(() => this.#stored.append(copy, meta, this.#retention))
    if (!entry) throw new LariatError('LARIAT_ENDED', 'The log has ended')
    await this.#backend.pass('publish')
    return entry.id
  }

  async end(): Promise<void> {
    await this.#append(() => this.#stored.end())
  }

  async drop(): Promise<void> {
    await this.#append(() => this.#stored.reset())
  }

  async listen(receiver: Receiver): Promise<() => void> {
    await this.#backend.pass('listen')
    this.#backend.check()
    const hasEnded = this.#stored.hasEnded
    const stop = this.#backend.listen(new Delivery(this.#backend, this.#stored, receiver))
    await this.#backend.pass('listen')
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
      events: new Counted(this.#backend, this.#events(from)),
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
    await this.#backend.pass('read')
    this.#backend.check()
    this.#stored.age(this.#retention)
  }

  /** As on one connection: what is asked first is done first. */
  #append<T>(append: () => T): Promise<T> {
    const appending = this.#appending.then(() => this.#backend.append(append))
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
      await this.#backend.pass('event')
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

const eventOf = ({ id, data, type }: Entry) => stored(id, structuredClone(data), type)

/** What comes after a place, and the gap before it. */
function missed(log: StoredLog, place: Place): { readonly gap: Gap | undefined; readonly next: number } {
  const known = log.still(place)
  const next = Math.max(log.oldest, (known ?? -1) + 1)
  if (known === place.number && next === known + 1) return { gap: undefined, next }
  const reason = known === place.number ? 'trimmed' : 'unknown'
  const from = log.id(Math.min(next, log.latest))
  return { gap: gap({ requested: place.id, from, reason, id: log.id(next - 1) }), next }
}

/** A reading that is open until its end, or until it is returned. */
class Counted implements AsyncIterableIterator<Published | Gap> {
  readonly #backend: AsyncBackend
  readonly #items: AsyncGenerator<Published | Gap>
  #isOpen = true

  constructor(backend: AsyncBackend, items: AsyncGenerator<Published | Gap>) {
    this.#backend = backend
    this.#items = items
    backend.readings += 1
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
    if (this.#isOpen) this.#backend.readings -= 1
    this.#isOpen = false
  }
}

/** What one listener is given, one by one and late. */
class Delivery implements Watcher {
  readonly #backend: AsyncBackend
  readonly #log: StoredLog
  readonly #receiver: Receiver
  #pending: (Entry | Gap | 'end')[] = []
  #isPumping = false
  /** The place of the latest event that was delivered. */
  #place: Place

  constructor(backend: AsyncBackend, log: StoredLog, receiver: Receiver) {
    this.#backend = backend
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
    if (!this.#backend.isDown && !this.#pending.includes('end')) this.catchUp()
  }

  stop(): void {
    this.#log.watchers.delete(this)
    this.#log.touch()
    this.#pending = []
  }

  /** What is on its way is lost with the connection. */
  down(): void {
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
    if (this.#backend.isDown) return
    this.#pending.push(item)
    void this.#pump()
  }

  async #pump(): Promise<void> {
    if (this.#isPumping) return
    this.#isPumping = true
    while (this.#pending.length > 0) {
      await this.#backend.pass('delivery')
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

/** A lag that a seed decides: none, some microtasks, or a turn or two of the event loop. */
export function randomLag(seed: number): Lag {
  let state = seed
  const next = () => {
    // mulberry32
    state = (state + 0x6d2b79f5) | 0
    let value = Math.imul(state ^ (state >>> 15), 1 | state)
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32
  }
  return () => {
    const kind = next()
    if (kind < 0.5) return undefined
    return kind < 0.8 ? microtasks(next() * 8) : turns(1 + next() * 2)
  }
}

async function microtasks(count: number): Promise<void> {
  for (let done = 0; done < count; done++) await undefined
}

async function turns(count: number): Promise<void> {
  for (let done = 1; done < count; done++) await new Promise((resolve) => setImmediate(resolve))
}
