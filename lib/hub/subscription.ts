// Decides what a stream gets of a feed: alone or shared, what it has missed, what it was told. Each event exactly once.
import type { Format } from '../formats/format.js'
import { type Awaitable, isPromise } from '../promise.js'
import type { Feed } from '../values/feed.js'
import type { OpenStream, Reason } from '../values/open-stream.js'
import type { Taker } from '../wire/batch.js'
import type { Queue } from '../wire/queue.js'
import { Gap } from './gap.js'
import type { Group } from './group.js'
import type { Published } from './published.js'
import { type Replay, type Step, skipped } from './replay.js'
import type { Sink } from './sink.js'
import type { View } from './view.js'

/** A stream that is subscribed to a feed. */
export interface Subscriber {
  readonly stream: OpenStream
  /** Takes the bytes of a group. */
  readonly outlet: Taker & { readonly format: Format }
  /** Handles events one by one; made when a stream follows alone. */
  readonly alone: Follower
  /** The stream shares from now on, and has nothing left to do alone. */
  shares(): void
  gap(gap: Gap): void
  end(reason: Reason): void
}

/** Handles the events of a stream that follows alone. */
export interface Follower {
  /** Nothing waits to be handled: what a group writes from now on comes after it. */
  readonly isIdle: boolean
  event(event: Published): void
  /** An empty queue within the limits of the stream. */
  newQueue(): Queue<unknown>
  /** Puts an event into a queue, within the limits. */
  offer(queue: Queue<unknown>, event: Published): void
}

/**
 * - `new`: nothing is subscribed yet
 * - `catchingUp`: events come one by one, and wait until what was missed has been read
 * - `alone`: events come one by one
 * - `shared`: the outlet gets the bytes of its group
 * - `over`: the stream has left
 */
type State = 'new' | 'catchingUp' | 'alone' | 'shared' | 'over'

/** How a client begins; let go when it has caught up. */
interface Arrival {
  /** The id that it came with. */
  readonly asked: string | undefined
  /** The id of the event before the first that the stream gets, where it came without one. */
  position?: string | undefined
  replay?: Replay | undefined
  /** Events that came live while the client catches up. */
  live?: Queue<unknown>
  /** The gap that the head has told. */
  toldGap?: Gap | undefined
}

/**
 * A stream's part in a feed. It follows alone while it has something to catch up with, or an `info` of its own; else
 * it shares the bytes of its group.
 */
export class Subscription implements Sink {
  readonly #view: View<unknown>
  readonly #who: Subscriber
  #state: State = 'new'
  #group: Group | undefined
  #arrival: Arrival | undefined

  constructor(feed: Feed<unknown>, who: Subscriber, asked: string | undefined) {
    this.#view = feed as View<unknown>
    this.#who = who
    if (asked !== undefined) this.#arrival = { asked }
  }

  get subscribers(): number {
    return 1
  }

  /** There is nothing to ask the backend for, and nothing to catch up with: the stream may share from the start. */
  get isPlain(): boolean {
    return !this.#arrival && this.#view.root.isImmediate
  }

  /** Live events that wait until the client has caught up. */
  get queued(): number {
    return this.#arrival?.live?.size ?? 0
  }

  /** The place where the client begins, as the Mercure protocol tells it: after an id, or with all that is retained. */
  head(): Record<string, string> {
    const arrival = this.#arrival
    const gap = arrival?.replay?.gap
    if (arrival && gap) {
      arrival.toldGap = gap
      return { 'Last-Event-ID': 'earliest', 'Event-Gap': gap.reason }
    }
    const position = arrival ? (arrival.asked ?? arrival.position) : this.#view.root.position
    // it was for the head alone
    if (arrival?.asked === undefined) this.#arrival = undefined
    return position === undefined ? {} : { 'Last-Event-ID': position }
  }

  /** Whether the head has told a gap. */
  hasTold(gap: Gap): boolean {
    return gap === this.#arrival?.toldGap
  }

  // ---- joining

  /**
   * Gets events one by one from now on, and then reads what was missed, so that nothing is lost between the two. A
   * promise where the backend needs one.
   */
  follow(): Awaitable<void> {
    if (this.#state !== 'new') return
    const { isPlain } = this
    this.#enter(this.#arrival ? 'catchingUp' : 'alone')
    const { root } = this.#view
    const isDeferred = root.isDelivering
    root.afterDelivery(() => this.#guard(() => this.#attach()))
    if (isPlain) return
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

  /** Shares the bytes of the group from now on, unless there is something to do alone first. */
  share(): void {
    if (this.#state !== 'new' && this.#state !== 'alone') return
    // a backend that lags would deliver events to the group that the client has read already
    if (this.#arrival?.replay?.last !== undefined && !this.#view.root.isImmediate) return
    const { root } = this.#view
    if (this.#state === 'new') this.#arrival = { asked: undefined, position: root.position }
    root.afterDelivery(() => this.#guard(() => this.#join()))
  }

  #join(): void {
    const wasAlone = this.#state === 'alone'
    if (!wasAlone && this.#state !== 'new') return
    if (wasAlone && !this.#who.alone.isIdle) return
    this.#enter('shared')
    // a listener of 'join' may have ended the stream
    if (this.#state !== 'shared') return
    if (wasAlone) this.#arrival = undefined
    const group = this.#view.group(this.#who.outlet.format)
    this.#group = group
    group.add(this.#who.outlet, this)
    // what the group wrote to others first may have ended the stream
    if (!this.#isOpen) return group.remove(this.#who.outlet)
    // attach the group before detaching, or the feed would stop for lack of subscribers
    if (wasAlone) this.#view.detach(this)
    this.#who.shares()
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
    if (isNew) this.#view.root.tell('join', () => this.#who.stream)
  }

  leave(): void {
    const state = this.#state
    const wasAlone = this.#isAlone
    this.#state = 'over'
    const replay = this.#arrival?.replay
    this.#arrival = undefined
    if (wasAlone) this.#view.detach(this)
    this.#group?.remove(this.#who.outlet)
    this.#group = undefined
    replay?.close()
    if (state !== 'new' && state !== 'over') this.#view.root.tell('leave', () => this.#who.stream)
  }

  get #isOpen(): boolean {
    return this.#state !== 'over'
  }

  get #isAlone(): boolean {
    return this.#state === 'alone' || this.#state === 'catchingUp'
  }

  /** Writes what the group has gathered, so that the stream's own write comes after it. */
  flush(): void {
    this.#group?.flush()
  }

  // ---- catching up

  get isCatchingUp(): boolean {
    return this.#state === 'catchingUp'
  }

  /** What was missed, then what came live meanwhile; after the last of it, events come as they are published. */
  next(): Awaitable<Step> {
    const replay = this.#arrival?.replay
    if (!replay || replay.isDone) return this.#nextLive()
    const step = replay.next()
    return isPromise(step) ? step.then((each) => goOn(each as Step)) : goOn(step)
  }

  #nextLive(): Step {
    if (this.queued > 0) {
      const value = this.#liveQueue.take() as Published | Gap
      return this.#isNews(value) ? { done: false, value } : skipped
    }
    if (this.#state === 'catchingUp') this.#state = 'alone'
    return { done: true, value: undefined }
  }

  /** Whether an event, or what comes after a gap, was not part of what was missed. */
  #isNews(live: Published | Gap): boolean {
    const last = this.#arrival?.replay?.last
    const id = live instanceof Gap ? live.from : live.id
    if (last !== undefined && this.#view.root.compare(id, last) <= 0) return false
    // once the client has caught up, each event from here on comes after what was missed
    if (this.#arrival && this.#state === 'alone') this.#arrival.replay = undefined
    return true
  }

  // ---- as a sink, while it is alone or for its group

  event(event: Published): void {
    const { alone } = this.#who
    if (this.#state === 'catchingUp') alone.offer(this.#liveQueue, event)
    else if (this.#isNews(event)) alone.event(event)
  }

  gap(gap: Gap): void {
    if (this.#state === 'catchingUp') this.#liveQueue.put(gap)
    else if (this.#isNews(gap)) this.#who.gap(gap)
  }

  failed(error: unknown): void {
    this.#who.end({ kind: 'error', error })
  }

  down(error?: unknown): void {
    this.#who.end(error === undefined ? { kind: 'down' } : { kind: 'down', error })
  }

  get #liveQueue(): Queue<unknown> {
    const arrival = this.#arrival as Arrival
    arrival.live ??= this.#who.alone.newQueue()
    return arrival.live
  }
}

/** The end of what was missed is not the end of what there is. */
function goOn(step: Step): Step {
  return step !== skipped && step.done ? skipped : step
}
