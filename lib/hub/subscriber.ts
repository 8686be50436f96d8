// Defines what may be subscribed to a feed, a stream or an iteration, and the states of a subscription.
import type { Format } from '../formats/format.js'
import type { Awaitable } from '../promise.js'
import type { OpenStream, Reason } from '../values/open-stream.js'
import type { StopValue } from '../values/stop.js'
import type { Taker } from '../wire/batch.js'
import type { Queue } from '../wire/queue.js'
import type { Gap } from './gap.js'
import type { Published } from './published.js'
import type { ReplayStep } from './replay.js'
import type { SnapshotEvent } from './snapshot.js'

/** A step of catching up: an event, a gap, or an event of a snapshot. */
export type Step = ReplayStep | IteratorResult<SnapshotEvent>

/** What a stream pulls from until it has caught up. */
export interface CatchingUp {
  next(): Awaitable<Step>
}

/** What is subscribed to a feed: a stream, or an iteration. */
export interface Subscriber {
  /** Shown to the listeners of `join` and `leave`; an iteration has none. */
  readonly stream?: OpenStream
  /** Takes the bytes of a group. */
  readonly outlet?: SharingOutlet
  /** Handles events one by one; created when a stream follows alone. */
  follower(): Follower
  /** The stream shares from now on, and no longer needs its follower. */
  shares?(): void
  gap(gap: Gap): void
  /** The feed has ended, or is down: its source has died, with an error if it failed. */
  over(reason: Reason): void
  end(reason: Reason, stop?: StopValue): void
}

/** The outlet of a stream that may share bytes. */
export interface SharingOutlet extends Taker {
  readonly format: Format
  readonly gather: number
  /** Tells the place to come back to, if the format can. Returns false while the head is not out. */
  tellPlace(place: string): boolean
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
  /** Pulls from the subscription again, until it has caught up. */
  pull?(source: CatchingUp): void
}

/**
 * - `new`: nothing is subscribed yet
 * - `catchingUp`: live events are queued until a snapshot, or the missed ones, have been read
 * - `alone`: events come one by one
 * - `shared`: the outlet gets the bytes of its group
 * - `over`: the stream has left
 */
export type State = 'new' | 'catchingUp' | 'alone' | 'shared' | 'over'
