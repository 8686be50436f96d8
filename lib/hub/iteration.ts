// Iterates over a feed with `for await`: over the events published after the first `next`, or from a place on.
import { clock } from '../clock.js'
import { LariatError } from '../errors.js'
import { type Entry, ledger } from '../ledger.js'
import { isPromise, nextTurn } from '../promise.js'
import type { Reason } from '../values/open-stream.js'
import { Queue } from '../wire/queue.js'
import { startOf } from './followed.js'
import { Gap } from './gap.js'
import type { Published } from './published.js'
import { skipped } from './replay.js'
import { type Beginning, Start, type Whole } from './start.js'
import type { Follower, Subscriber } from './subscriber.js'
import { Subscription } from './subscription.js'

/** The most events that are queued for an iteration. */
const maxQueued = 10_000

const limits = { maxQueued, maxQueuedBytes: Infinity, overflow: 'close' } as const

const measure = { count: () => 1, size: () => 0, data: () => undefined, isKept: () => false }

/** Steps before yielding to the event loop. */
const stepsPerTurn = 1000

interface Pending {
  resolve(result: IteratorResult<Published>): void
  reject(error: unknown): void
}

/** A feed as an async iterator, until it is returned, or the feed has ended or is down. */
export class Iteration implements AsyncIterableIterator<Published>, Subscriber, Follower {
  readonly #feed: Whole<unknown>
  readonly #subscription: Subscription
  #events: Published[] = []
  #pending: Pending[] = []
  #state: 'new' | 'open' | 'over' = 'new'
  #isReading = false
  /** Thrown after the queued events are taken. */
  #error: unknown

  constructor(feed: Whole<unknown>, start: Beginning | undefined) {
    this.#feed = feed
    const from = start === undefined ? feed : new Start(feed, start)
    this.#subscription = new Subscription(from, this, undefined)
  }

  next(): Promise<IteratorResult<Published>> {
    if (this.#state === 'new') {
      this.#state = 'open'
      ledger.entries?.set(this, this.#entry)
      this.#open()
    }
    const value = this.#events.shift()
    if (value) return Promise.resolve({ done: false, value })
    if (this.#state === 'open') {
      const next = new Promise<IteratorResult<Published>>((resolve, reject) => {
        this.#pending.push({ resolve, reject })
      })
      if (this.#mayRead) void this.#catchUp()
      return next
    }
    const error = this.#error
    this.#error = undefined
    return error === undefined ? Promise.resolve({ done: true, value: undefined }) : Promise.reject(error)
  }

  return(): Promise<IteratorResult<Published>> {
    this.#events = []
    this.#error = undefined
    this.#end()
    return Promise.resolve({ done: true, value: undefined })
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  get #entry(): Entry {
    const path = startOf(this.#feed).whole.root.names.join(', ')
    return { kind: 'iteration', path, details: '', since: clock.now(), end: () => void this.return() }
  }

  #open(): void {
    const failed = (error: unknown) => this.#end(error)
    try {
      const following = this.#subscription.follow()
      if (!isPromise(following)) return
      this.#isReading = true
      following.then(() => {
        this.#isReading = false
        void this.#catchUp()
      }, failed)
    } catch (error) {
      failed(error)
    }
  }

  /** Reads what is retained from the place on, no faster than it is taken. */
  async #catchUp(): Promise<void> {
    if (this.#isReading) return
    this.#isReading = true
    try {
      for (let steps = 1; this.#mayRead; steps++) {
        const step = await this.#subscription.next()
        if (step !== skipped && !step.done) this.#take(step.value as Published | Gap)
        if (steps % stepsPerTurn === 0) await nextTurn()
      }
    } catch (error) {
      this.#end(error)
    }
    this.#isReading = false
  }

  get #mayRead(): boolean {
    return this.#state === 'open' && this.#pending.length > 0 && this.#subscription.isCatchingUp
  }

  #take(item: Published | Gap): void {
    this.event(item instanceof Gap ? item.asEvent : item)
  }

  event(value: Published): void {
    const pending = this.#pending.shift()
    if (pending) pending.resolve({ done: false, value })
    else if (this.#events.push(value) > maxQueued) this.#overflowed()
  }

  #overflowed(): void {
    this.#end(new LariatError('LARIAT_OVERFLOW', `More than ${maxQueued} events wait for an iteration`))
  }

  // ---- as the subscriber, and as its own follower

  follower(): Follower {
    return this
  }

  get isIdle(): boolean {
    return this.#events.length === 0
  }

  newQueue(): Queue<unknown> {
    return new Queue<unknown>(measure, limits)
  }

  offer(queue: Queue<unknown>, event: Published): void {
    if (queue.offer(event) === undefined) this.#overflowed()
  }

  gap(gap: Gap): void {
    this.#take(gap)
  }

  over({ error }: Reason): void {
    this.#end(error)
  }

  end(reason: Reason): void {
    this.#end(reason.error)
  }

  #end(error?: unknown): void {
    if (this.#state === 'over') return
    this.#state = 'over'
    ledger.entries?.delete(this)
    this.#subscription.leave()
    const [first, ...rest] = this.#pending
    this.#pending = []
    if (error === undefined) first?.resolve({ done: true, value: undefined })
    else if (first) first.reject(error)
    else this.#error = error
    for (const each of rest) each.resolve({ done: true, value: undefined })
  }
}
