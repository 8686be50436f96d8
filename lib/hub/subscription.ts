// Decides how a stream gets the events of a feed: missed ones first, then one by one or shared. Each exactly once.
import type { Format } from '../formats/format.js'
import { type Awaitable, isPromise } from '../promise.js'
import type { Feed } from '../values/feed.js'
import type { OpenStream, Reason } from '../values/open-stream.js'
import type { Taker } from '../wire/batch.js'
import type { Queue } from '../wire/queue.js'
import { earliest, Gap } from './gap.js'
import type { Group } from './group.js'
import type { Published } from './published.js'
import { type Replay, type ReplayStep, skipped } from './replay.js'
import type { Sink } from './sink.js'
import type { View } from './view.js'

/** A stream that is subscribed to a feed. */
export interface Subscriber {
  readonly stream: OpenStream
  /** Takes the bytes of a group. */
  readonly outlet: Taker & { readonly format: Format; readonly gather: number }
  /** Handles events one by one; created when a stream follows alone. */
  follower(): Follower
  /** The stream shares from now on, and no longer needs its follower. */
  shares(): void
  gap(gap: Gap): void
  /** The source of the feed has died, with an error if it failed. */
  down(error?: unknown): void
  end(reason: Reason): void
}

/** Handles the events of a stream that follows alone. */
export interface Follower {
  /** Nothing is queued, so later group writes stay in order. */
  readonly isIdle: boolean
  event(event: Published): void
  /** An empty queue within the limits of the stream. */
  newQueue(): Queue<unknown>
  /** Adds an event to a queue, within the limits. */
  offer(queue: Queue<unknown>, event: Published): void
}

/**
 * - `new`: nothing is subscribed yet
 * - `catchingUp`: live events are queued until the missed ones have been read
 * - `alone`: events come one by one
 * - `shared`: the outlet gets the bytes of its group
 * - `over`: the stream has left
 */
type State = 'new' | 'catchingUp' | 'alone' | 'shared' | 'over'

/** Where a client begins. Released once it has caught up. */
interface Arrival {
  /** The id that the client sent. */
  readonly asked: string | undefined
  /** The id of the event before the first that the stream gets, if the client sent none. */
  position?: string | undefined
  replay?: Replay | undefined
  /** Live events that wait while the client catches up. */
  live?: Queue<unknown>
  /** The gap that the head has reported. */
  toldGap?: Gap | undefined
}

/**
 * One stream's subscription to a feed. The stream follows alone while it catches up, or if it has an `info`. Otherwise
 * it shares the bytes of its group.
 */
export class Subscription implements Sink {
  readonly #view: View<unknown>
  readonly #subscriber: Subscriber
  #state: State = 'new'
  #group: Group | undefined
  #arrival: Arrival | undefined

  constructor(feed: Feed<unknown>, subscriber: Subscriber, asked: string | undefined) {
    this.#view = feed as View<unknown>
    this.#subscriber = subscriber
    if (asked !== undefined) this.#arrival = { asked }
  }

  get subscribers(): number {
    return 1
  }

  /** There is nothing to catch up with, and nothing to wait for: the stream may share from the start. */
  get isImmediate(): boolean {
    return !this.#arrival && this.#view.root.isImmediate
  }

  /** The number of live events that wait until the client has caught up. */
  get queued(): number {
    return this.#arrival?.live?.size ?? 0
  }

  /** Headers that say where the client begins (Mercure): after an id, or at the oldest retained event. */
  head(): Record<string, string> {
    const arrival = this.#arrival
    const gap = arrival?.replay?.gap
    if (arrival && gap) {
      arrival.toldGap = gap
      return { 'Last-Event-ID': earliest, 'Event-Gap': gap.reason }
    }
    const position = arrival ? (arrival.asked ?? arrival.position) : this.#view.root.position
    // the position is needed only for the head
    if (arrival?.asked === undefined) this.#arrival = undefined
    return position === undefined ? {} : { 'Last-Event-ID': position }
  }

  /** Whether the head has reported a gap. */
  hasTold(gap: Gap): boolean {
    return gap === this.#arrival?.toldGap
  }

  // ---- joining

  /**
   * Receives live events first, then reads the missed ones, so that none falls between. Returns a promise only if the
   * stream has to wait for the backend or for the current delivery.
   */
  follow(): Awaitable<void> {
    if (this.#state !== 'new') return
    const { isImmediate } = this
    this.#enter(this.#arrival ? 'catchingUp' : 'alone')
    const { root } = this.#view
    const isDeferred = root.isDelivering
    root.afterDelivery(() => this.#guard(() => this.#attach()))
    if (isImmediate) return
    // a delivery is synchronous: by the next microtask it is over, and this stream is attached
    return isDeferred ? Promise.resolve().then(() => this.#readWhenReady()) : this.#readWhenReady()
  }

  #attach(): void {
    if (!this.#isAlone) return
    this.#arrival ??= { asked: undefined, position: this.#view.root.position }
    this.#view.attach(this)
  }

  #readWhenReady(): Awaitable<void> {
    const { ready } = this.#view.root
    return ready === undefined ? this.#read() : ready.then(() => this.#read())
  }

  #read(): Awaitable<void> {
    const arrival = this.#arrival
    if (arrival?.asked === undefined) return
    const reading = this.#view.read(arrival.asked)
    const took = (replay: Replay) => {
      if (this.#state === 'over') replay.close()
      else arrival.replay = replay
    }
    return isPromise(reading) ? reading.then(took) : took(reading)
  }

  /** Shares the bytes of the group from now on, unless the stream is still catching up. */
  share(): void {
    if (this.#state !== 'new' && this.#state !== 'alone') return
    // a lagging backend would deliver again what the client has already read
    if (this.#arrival?.replay?.last !== undefined && !this.#view.root.isImmediate) return
    const { root } = this.#view
    if (this.#state === 'new') this.#arrival = { asked: undefined, position: root.position }
    root.afterDelivery(() => this.#guard(() => this.#join()))
  }

  #join(): void {
    const wasAlone = this.#state === 'alone'
    if (!wasAlone && this.#state !== 'new') return
    if (wasAlone && !this.#subscriber.follower().isIdle) return
    this.#enter('shared')
    // a listener of 'join' may have ended the stream
    if (this.#state !== 'shared') return
    if (wasAlone) this.#arrival = undefined
    const { outlet } = this.#subscriber
    const group = this.#view.group(outlet.format, outlet.gather)
    this.#group = group
    group.add(this.#subscriber.outlet, this)
    // the group first writes earlier events to its streams, which may have ended this one
    if (!this.#isOpen) return group.remove(this.#subscriber.outlet)
    // attach the group before detaching, or the feed would stop for lack of subscribers
    if (wasAlone) this.#view.detach(this)
    this.#subscriber.shares()
  }

  /** A backend that fails to listen ends the stream. */
  #guard(join: () => void): void {
    try {
      join()
    } catch (error) {
      this.failed(error)
    }
  }

  #enter(state: 'catchingUp' | 'alone' | 'shared'): void {
    const isNew = this.#state === 'new'
    this.#state = state
    if (isNew) this.#view.root.tell('join', () => this.#subscriber.stream)
  }

  leave(): void {
    const state = this.#state
    const wasAlone = this.#isAlone
    this.#state = 'over'
    const replay = this.#arrival?.replay
    this.#arrival = undefined
    if (wasAlone) this.#view.detach(this)
    this.#group?.remove(this.#subscriber.outlet)
    this.#group = undefined
    replay?.close()
    if (state !== 'new' && state !== 'over') this.#view.root.tell('leave', () => this.#subscriber.stream)
  }

  get #isOpen(): boolean {
    return this.#state !== 'over'
  }

  get #isAlone(): boolean {
    return this.#state === 'alone' || this.#state === 'catchingUp'
  }

  /** Writes the gathered events of the group, so that the stream's own write comes after them. */
  flush(): void {
    this.#group?.flush()
  }

  // ---- catching up

  get isCatchingUp(): boolean {
    return this.#state === 'catchingUp'
  }

  /** Yields missed events, then live events queued meanwhile. */
  next(): Awaitable<ReplayStep> {
    const replay = this.#arrival?.replay
    if (!replay || replay.isDone) return this.#nextLive()
    const step = replay.next()
    return isPromise(step) ? step.then((each) => orLive(each as ReplayStep)) : orLive(step)
  }

  #nextLive(): ReplayStep {
    if (this.queued > 0) {
      const value = this.#ensureLiveQueue().take() as Published | Gap
      return this.#isNews(value) ? { done: false, value } : skipped
    }
    if (this.#state === 'catchingUp') this.#state = 'alone'
    return { done: true, value: undefined }
  }

  /** Whether a live event is later than the last replayed one. */
  #isNews(live: Published | Gap): boolean {
    const last = this.#arrival?.replay?.last
    const id = live instanceof Gap ? live.from : live.id
    if (last !== undefined && this.#view.root.compare(id, last) <= 0) return false
    // caught up: no later event can be a duplicate
    if (this.#arrival && this.#state === 'alone') this.#arrival.replay = undefined
    return true
  }

  // ---- as a sink, while it is alone or for its group

  event(event: Published): void {
    const follower = this.#subscriber.follower()
    if (this.#state === 'catchingUp') follower.offer(this.#ensureLiveQueue(), event)
    else if (this.#isNews(event)) follower.event(event)
  }

  gap(gap: Gap): void {
    if (this.#state === 'catchingUp') this.#ensureLiveQueue().put(gap)
    else if (this.#isNews(gap)) this.#subscriber.gap(gap)
  }

  failed(error: unknown): void {
    this.#subscriber.end({ kind: 'error', error })
  }

  end(): void {
    this.#subscriber.end({ kind: 'end' })
  }

  down(error?: unknown): void {
    this.#subscriber.down(error)
  }

  #ensureLiveQueue(): Queue<unknown> {
    const arrival = this.#arrival as Arrival
    arrival.live ??= this.#subscriber.follower().newQueue()
    return arrival.live
  }
}

/** When the replay ends, the live queue follows: returns an empty step. */
function orLive(step: ReplayStep): ReplayStep {
  return step !== skipped && step.done ? skipped : step
}
