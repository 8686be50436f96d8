// Stands in for a store that is away: a backend in memory that lags, is lost, comes back, and loses what it had.
import { is } from '../../brand.js'
import { LariatError, misuse, show } from '../../errors.js'
import type { Backend, Log, Retention } from '../../hub/backend.js'
import type { Delivery } from './delivery.js'
import { AsyncLog } from './log.js'
import { type Lag, type Moment, Moments } from './moments.js'
import { Store } from './stored.js'

/**
 * The outcome of a publish that is on its way when the store is lost. `refused`: it rejects, and the event never comes.
 * `came` and `lost`: it rejects with `isUncertain`, and the event was appended, or was not.
 */
export type Fate = 'refused' | 'came' | 'lost'

export interface AsyncMemoryOptions {
  /** Delays each step of the store; by default every step takes a microtask. `randomLag(seed)` makes one. */
  readonly lag?: Lag
}

/**
 * A backend for tests of what an app does while its store is slow, away, or has lost events. It answers by promises, as a
 * store over the network does, and a test decides what becomes of it.
 */
export interface AsyncMemory extends Backend {
  /** The store is lost, and has not come back. */
  readonly isLost: boolean
  /** How many readings are open: neither read to their end nor left. */
  readonly readings: number
  /**
   * Loses the connection: nothing is delivered, and all calls reject with `LARIAT_DOWN`. Publishes on their way get the fate
   * that `freeze` named.
   */
  lose(): void
  /** Brings the connection back. Listeners get what they missed, and a gap for what is no longer there. */
  restore(): void
  /** From now on publishes are on their way, and are not answered until `lose` or `thaw`. */
  freeze(fate: Fate): void
  /** Appends and answers what is on its way since `freeze`. */
  thaw(): void
  /**
   * Each channel loses its latest events, so many, and its end, as after a failover to a replica that was behind. The ids
   * of the lost events are unknown from then on, and never given again; listeners are told a gap.
   */
  rollBack(count: number): void
  /** Remembers the store as it is; the function that it returns brings that back, as a restart from an older copy does. */
  copy(): () => void
  /** The store loses all events, keys and ends of all channels; listeners are told a gap. */
  empty(): void
  /** The backend of another process on the same store: it can be lost on its own. */
  another(options?: AsyncMemoryOptions): AsyncMemory
  /** From now on all that come to this moment wait there. */
  hold(moment: Moment): void
  /** Resolves once so many wait at a moment that is held. */
  held(moment: Moment, count?: number): Promise<void>
  /** Lets the first so many go on, each as soon as it is there. */
  step(moment: Moment, count?: number): Promise<void>
  /** Lets all go on, and holds no more. */
  release(moment: Moment): void
  /** Resolves once all that was published is delivered here; at once while the store is lost. */
  delivered(): Promise<void>
}

/**
 * A backend in memory that behaves as a store over the network: for `createHub`, in tests.
 *
 * @example
 * const backend = asyncMemory()
 * const hub = createHub(backend)
 * backend.lose() // publishes reject, streams stay open and wait
 * backend.restore()
 */
export function asyncMemory({ lag }: AsyncMemoryOptions = {}): AsyncMemory {
  return new Connection(new Store(), lag)
}

const away = () => new LariatError('LARIAT_DOWN', 'The store is away')

/** What becomes of publishes that wait for it. */
interface Frozen {
  readonly fate: Fate
  readonly waiting: ((fate: Fate | 'thawed') => void)[]
}

/** A process's connection to a store. */
class Connection implements AsyncMemory {
  readonly [is] = 'backend'
  readonly #store: Store
  readonly #moments: Moments
  readonly #listeners = { down: new Set<() => void>(), up: new Set<() => void>() }
  readonly #deliveries = new Set<Delivery>()
  #frozen: Frozen | undefined
  #isClosed = false
  isLost = false
  readings = 0

  constructor(store: Store, lag?: Lag) {
    this.#store = store
    this.#moments = new Moments(lag)
  }

  open(name: string, retention: Retention): Log {
    return new AsyncLog(this, this.#store.open(name), retention)
  }

  on(name: 'down' | 'up', listener: () => void): void {
    this.#listeners[name].add(listener)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#decide(this.#frozen?.fate)
    await this.pass('publish')
    for (const delivery of [...this.#deliveries]) delivery.stop()
  }

  // ---- what a test does

  lose(): void {
    this.isLost = true
    this.#decide(this.#frozen?.fate)
    for (const delivery of this.#deliveries) delivery.lose()
    for (const listener of this.#listeners.down) listener()
  }

  restore(): void {
    this.isLost = false
    for (const delivery of this.#deliveries) delivery.catchUp()
    for (const listener of this.#listeners.up) listener()
  }

  freeze(fate: Fate): void {
    this.#frozen = { fate, waiting: this.#frozen?.waiting ?? [] }
  }

  thaw(): void {
    this.#decide('thawed')
  }

  rollBack(count: number): void {
    if (!Number.isInteger(count) || count < 0)
      throw misuse('LARIAT_SPEC', `rollBack(${show(count)}): expected a whole number of events`)
    this.#store.rollBack(count)
  }

  copy(): () => void {
    return this.#store.copy()
  }

  empty(): void {
    this.#store.empty()
  }

  another({ lag }: AsyncMemoryOptions = {}): AsyncMemory {
    return new Connection(this.#store, lag)
  }

  hold(moment: Moment): void {
    this.#moments.hold(moment)
  }

  held(moment: Moment, count?: number): Promise<void> {
    return this.#moments.held(moment, count)
  }

  step(moment: Moment, count?: number): Promise<void> {
    return this.#moments.step(moment, count)
  }

  release(moment: Moment): void {
    this.#moments.release(moment)
  }

  async delivered(): Promise<void> {
    while (!this.isLost && [...this.#deliveries].some((delivery) => delivery.isBusy)) {
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  // ---- for its logs

  pass(moment: Moment): Promise<void> {
    return this.#moments.pass(moment)
  }

  /** Appends at the store, unless the connection is lost on the way. */
  async append<T>(append: () => T): Promise<T> {
    await this.pass('publish')
    const frozen = this.#frozen
    const fate = frozen && (await new Promise<Fate | 'thawed'>((resolve) => frozen.waiting.push(resolve)))
    if (fate === undefined || fate === 'thawed') {
      this.check()
      return append()
    }
    if (fate === 'refused') throw away()
    if (fate === 'came') append()
    throw new LariatError('LARIAT_DOWN', 'The store was lost before it had answered', { isUncertain: true })
  }

  check(): void {
    if (this.isLost || this.#isClosed) throw away()
  }

  listen(delivery: Delivery): () => void {
    this.#deliveries.add(delivery)
    return () => {
      this.#deliveries.delete(delivery)
      delivery.stop()
    }
  }

  #decide(fate: Fate | 'thawed' | undefined): void {
    const waiting = this.#frozen?.waiting ?? []
    this.#frozen = undefined
    if (fate) for (const tell of waiting) tell(fate)
  }
}
