// The two sides of a feed: the sinks that get its events, and the origin that they come from.
import type { Awaitable } from '../promise.js'
import type { OpenStream } from '../values/open-stream.js'
import type { Reading } from './backend.js'
import type { Gap } from './gap.js'
import type { Published } from './published.js'

/** Gets a feed's events: a stream, a group of streams, an iteration, or a feed that is part of the other. */
export interface Sink {
  /** The streams and iterations behind it. */
  readonly subscribers: number
  event(event: Published): void
  /** Events are lost for good. */
  gap(gap: Gap): void
  /** A `filter` or `map` has thrown, or the format cannot write an event. */
  failed(error: unknown): void
  /** The source of the events has died, or the channel was closed. The sink is detached by then. */
  down(error?: unknown): void
}

/** A feed, as its sinks see it. */
export interface Origin {
  readonly root: Root
  /** An event of the channel as this feed has it; undefined where the feed leaves it out. */
  of(event: Published): Published | undefined
  attach(sink: Sink): void
  detach(sink: Sink): void
}

/** The channel of a feed. */
export interface Root {
  /** Resolves when events are delivered from then on; undefined when they already are. */
  readonly ready: PromiseLike<unknown> | undefined
  /** An event is being handed to one sink after the other. */
  readonly isDelivering: boolean
  /** Nothing that can be read is delivered later. */
  readonly isImmediate: boolean
  /** The id of the event that was delivered last, where events are retained and the id is known without asking. */
  readonly position: string | undefined
  /**
   * Lets a sink join: at once, or when the event in delivery has been handed to all that were there before. A sink
   * that joins in the midst of a delivery would get an event that was published before it came.
   */
  afterDelivery(join: () => void): void
  /** The order of two ids. */
  compare(one: string, other: string): number
  /** Reads what is retained after an id. */
  retained(after: string): Awaitable<Reading>
  tell(name: 'join' | 'leave', stream: () => OpenStream): void
}
