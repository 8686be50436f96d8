// Defines the two sides of a feed: the sinks that get its events, and the origin that delivers them.
import type { Awaitable } from '../promise.js'
import type { OpenStream } from '../values/open-stream.js'
import type { Reading, Where } from './backend.js'
import type { Gap } from './gap.js'
import type { Published } from './published.js'

/** Gets a feed's events: a stream, a group of streams, an iteration, or a filtered or mapped feed. */
export interface Sink {
  /** The streams and iterations behind it. */
  readonly subscribers: number
  event(event: Published): void
  /** Events are lost. */
  gap(gap: Gap): void
  /** A `filter` or `map` has thrown, or the format cannot write an event. */
  failed(error: unknown): void
  /** There will be no more events, ever. The sink is detached by then. */
  end(): void
  /** The source of the events has died, or the channel was closed. The sink is detached by then. */
  down(error?: unknown): void
}

/** A feed, as its sinks see it. */
export interface Origin {
  readonly root: Root
  /** The channel's event as this feed delivers it; undefined if the feed filters it out. */
  of(event: Published): Published | undefined
  attach(sink: Sink): void
  detach(sink: Sink): void
}

/** The channel of a feed. */
export interface Root {
  /** Resolves once events are delivered; undefined if they already are. */
  readonly ready: PromiseLike<unknown> | undefined
  /** An event is being delivered to the sinks. */
  readonly isDelivering: boolean
  /** Delivery is synchronous with publishing: no readable event is delivered later. */
  readonly isImmediate: boolean
  /** The id of the last delivered event, if events are retained and the id is known without asking the backend. */
  readonly position: string | undefined
  /**
   * Lets a sink join: at once, or after the current delivery. A sink that joined during a delivery would get an event
   * that was published before it joined.
   */
  afterDelivery(join: () => void): void
  /** The order of two ids. */
  compare(one: string, other: string): number
  /** Reads the retained events after an id, or from another beginning on. */
  retained(where: Where): Awaitable<Reading>
  tell(name: 'join' | 'leave', stream: () => OpenStream): void
}
