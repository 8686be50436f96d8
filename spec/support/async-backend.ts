import { is } from '../../lib/brand.js'
import { clock } from '../../lib/clock.js'
import { LariatError } from '../../lib/errors.js'
import type { Backend, Log, Reading, Receiver, Retention } from '../../lib/hub/backend.js'
import { Gap } from '../../lib/hub/gap.js'
import { Published, sizeOf } from '../../lib/hub/published.js'

/** Where a backend may take its time: before and after an append, before an event that is read or delivered. */
export type Moment = 'publish' | 'listen' | 'read' | 'event' | 'delivery'

/** How long a moment takes; nothing for a microtask. */
export type Lag = (moment: Moment) => PromiseLike<unknown> | undefined

interface Entry {
  readonly number: number
  readonly data: unknown
  readonly type: string | undefined
  readonly size: number
  readonly at: number
}

let stores = 0

/** What several processes share: a log for each name, in one order for all of them. */
export class Store {
  readonly epoch = `store${++stores}`
  readonly #logs = new Map<string, StoredLog>()

  open(name: string, retention: Retention): StoredLog {
    let log = this.#logs.get(name)
    if (!log) {
      log = new StoredLog(retention)
      this.#logs.set(name, log)
    }
    return log
  }
}

class StoredLog {
  readonly #retention: Retention
  readonly #retains: boolean
  #entries: Entry[] = []
  /** Who is told of each entry at once. */
  readonly watchers = new Set<(entry: Entry) => void>()
  /** The number of the latest entry. */
  latest = 0

  constructor(retention: Retention) {
    this.#retention = retention
    const { history, historyBytes, maxAge } = retention
    this.#retains = history !== 0 && (history ?? historyBytes ?? maxAge) !== undefined
  }

  append(data: unknown, type: string | undefined): Entry {
    const entry = {
      number: ++this.latest,
      data,
      type,
      size: sizeOf(data),
      at: clock.now(),
    }
    if (this.#retains) this.#entries.push(entry)
    for (const watcher of this.watchers) watcher(entry)
    return entry
  }

  /** What is retained, oldest first. */
  get entries(): readonly Entry[] {
    const { history = Infinity, historyBytes = Infinity, maxAge = Infinity } = this.#retention
    const since = clock.now() - maxAge
    let bytes = this.#entries.reduce((sum, { size }) => sum + size, 0)
    while (this.#entries[0]) {
      const [oldest] = this.#entries
      if (this.#entries.length <= history && bytes <= historyBytes && oldest.at >= since) break
      bytes -= oldest.size
      this.#entries = this.#entries.slice(1)
    }
    return this.#entries
  }
}

/**
 * A process's connection to a store: everything is answered by promises, and what was published is delivered late.
 * A test may stop it at any moment (`hold`, `step`, `release`), lose it and bring it back (`down`, `up`).
 */
export class AsyncBackend implements Backend {
  readonly [is] = 'backend'
  readonly store: Store
  readonly #lag: Lag
  readonly #listeners = { down: new Set<() => void>(), up: new Set<() => void>() }
  readonly #held = new Map<Moment, (() => void)[]>()
  readonly #watching = new Set<() => void>()
  readonly logs: AsyncLog[] = []
  isDown = false
  /** How many readings are open. */
  readings = 0

  constructor(store = new Store(), lag: Lag = () => undefined) {
    this.store = store
    this.#lag = lag
  }

  open(name: string, retention: Retention): Log {
    const log = new AsyncLog(this, this.store.open(name, retention))
    this.logs.push(log)
    return log
  }

  on(name: 'down' | 'up', listener: () => void): void {
    this.#listeners[name].add(listener)
  }

  async close(): Promise<void> {
    await this.pass('publish')
    for (const log of this.logs) log.close()
  }

  // ---- what a test does

  /** The connection is lost: nothing is delivered, and everything else rejects. */
  down(): void {
    this.isDown = true
    for (const log of this.logs) log.down()
    for (const listener of this.#listeners.down) listener()
  }

  /** The connection is back. */
  up(): void {
    this.isDown = false
    for (const log of this.logs) log.up()
    for (const listener of this.#listeners.up) listener()
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
    while (!this.isDown && this.logs.some((log) => log.isDelivering)) {
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

  check(): void {
    if (this.isDown) throw new LariatError('LARIAT_DOWN', 'The store is away')
  }
}

class AsyncLog implements Log {
  readonly #backend: AsyncBackend
  readonly #stored: StoredLog
  readonly #deliveries = new Set<Delivery>()
  /** A store is asked. */
  readonly latest = undefined
  readonly isImmediate = false
  #appending: Promise<unknown> = Promise.resolve()

  constructor(backend: AsyncBackend, stored: StoredLog) {
    this.#backend = backend
    this.#stored = stored
  }

  async publish(data: unknown, type: string | undefined, check: (event: Published) => void): Promise<string> {
    check(new Published(this.id(this.#stored.latest + 1), data, type))
    const copy: unknown = structuredClone(data)
    // as on one connection: what is asked first is done first
    const before = this.#appending
    const appending = before.then(async () => {
      await this.#backend.pass('publish')
      this.#backend.check()
      return this.#stored.append(copy, type)
    })
    this.#appending = appending.catch(() => {})
    const { number } = await appending
    await this.#backend.pass('publish')
    return this.id(number)
  }

  async listen(receiver: Receiver): Promise<() => void> {
    await this.#backend.pass('listen')
    this.#backend.check()
    const delivery = new Delivery(this.#backend, this, this.#stored, receiver)
    this.#deliveries.add(delivery)
    await this.#backend.pass('listen')
    return () => {
      this.#deliveries.delete(delivery)
      delivery.stop()
    }
  }

  async read(after: string): Promise<Reading> {
    await this.#backend.pass('read')
    this.#backend.check()
    const { entries, latest } = this.#stored
    const oldest = entries[0]?.number ?? latest + 1
    const number = after === 'earliest' ? oldest - 1 : this.#numberOf(after)
    const outcome = number === undefined ? 'unknown' : number < oldest - 1 ? 'trimmed' : 'found'
    const from = outcome === 'found' ? (number as number) + 1 : oldest
    return {
      outcome,
      from: this.id(Math.min(from, latest)),
      events: new Counted(this.#backend, this.#events(from)),
    }
  }

  compare(one: string, other: string): number {
    return (this.#numberOf(one) ?? 0) - (this.#numberOf(other) ?? 0)
  }

  // ---- for the backend and for deliveries

  get isDelivering(): boolean {
    return [...this.#deliveries].some((delivery) => delivery.isBusy)
  }

  down(): void {
    for (const delivery of this.#deliveries) delivery.down()
  }

  up(): void {
    for (const delivery of this.#deliveries) delivery.up()
  }

  close(): void {
    for (const delivery of this.#deliveries) delivery.stop()
    this.#deliveries.clear()
  }

  id(number: number): string {
    return `${this.#backend.store.epoch}:${number}`
  }

  event({ number, data, type }: Entry): Published {
    return new Published(this.id(number), structuredClone(data), type)
  }

  #numberOf(id: string): number | undefined {
    const [epoch, number] = /^(\w+):(0|[1-9]\d{0,9})$/.exec(id)?.slice(1) ?? []
    if (epoch !== this.#backend.store.epoch || Number(number) > this.#stored.latest) return undefined
    return Number(number)
  }

  /** Read as it is taken, up to the latest there is by then; what is trimmed meanwhile is a gap. */
  async *#events(from: number): AsyncGenerator<Published | Gap> {
    for (let next = from; ; next++) {
      await this.#backend.pass('event')
      const { entries, latest } = this.#stored
      const oldest = entries[0]?.number ?? latest + 1
      if (oldest > next) {
        yield new Gap(this.id(next - 1), this.id(Math.min(oldest, latest)), 'trimmed')
        next = oldest
      }
      const entry = this.#stored.entries.find(({ number }) => number === next)
      if (!entry) return
      yield this.event(entry)
    }
  }
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
class Delivery {
  readonly #backend: AsyncBackend
  readonly #log: AsyncLog
  readonly #stored: StoredLog
  readonly #receiver: Receiver
  #pending: (Entry | Gap)[] = []
  #isPumping = false
  /** The number of the latest event that was delivered. */
  #position: number
  readonly #watcher = (entry: Entry) => {
    if (!this.#backend.isDown) this.#put(entry)
  }

  constructor(backend: AsyncBackend, log: AsyncLog, stored: StoredLog, receiver: Receiver) {
    this.#backend = backend
    this.#log = log
    this.#stored = stored
    this.#receiver = receiver
    this.#position = stored.latest
    stored.watchers.add(this.#watcher)
  }

  get isBusy(): boolean {
    return this.#pending.length > 0
  }

  stop(): void {
    this.#stored.watchers.delete(this.#watcher)
    this.#pending = []
  }

  /** What is on its way is lost with the connection. */
  down(): void {
    this.#pending = []
  }

  /** What came meanwhile is fetched, as far as it is there. */
  up(): void {
    const { entries, latest } = this.#stored
    const oldest = entries[0]?.number ?? latest + 1
    if (oldest > this.#position + 1) {
      const from = this.#log.id(Math.min(oldest, latest))
      this.#put(new Gap(this.#log.id(this.#position), from, 'trimmed'))
    }
    for (const entry of entries) if (entry.number > this.#position) this.#put(entry)
  }

  #put(item: Entry | Gap): void {
    this.#pending.push(item)
    void this.#pump()
  }

  async #pump(): Promise<void> {
    if (this.#isPumping) return
    this.#isPumping = true
    while (this.#pending.length > 0) {
      await this.#backend.pass('delivery')
      const item = this.#pending.shift()
      if (item instanceof Gap) this.#receiver.gap(item)
      else if (item) {
        this.#position = item.number
        this.#receiver.event(this.#log.event(item))
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
