// Defines the two sides of a feed: the sinks that get its events, and the origin that delivers them.
import type { Format } from '../formats/format.js'
import type { Awaitable } from '../promise.js'
import type { OpenStream } from '../values/open-stream.js'
import type { Where } from './backend.js'
import type { Gap } from './gap.js'
import type { Published } from './published.js'

/** Gets a feed's events: a stream, a group of streams, an iteration, or a filtered, mapped or merged feed. */
export interface Sink {
  /** The streams and iterations behind it. */
  readonly subscribers: number
  event(event: Published): void
  /** Events are lost. */
  gap(gap: Gap): void
  /** A `filter` or `map` has thrown, or the format cannot write an event. */
  failed(error: unknown): void
  /** The channel has ended. The sink is detached by then. */
  ended(): void
  /** The source of the events has died, or the channel was closed. The sink is detached by then. */
  down(error?: unknown): void
  /** The formats in which the events are written as they are. */
  formats?(): Iterable<Format>
  /** Detaches what is behind it, and is told in its place. Undefined: it is told itself. */
  takeAll?(end: 'ended' | 'down'): readonly Sink[] | undefined
}

/** A feed, as its sinks see it. */
export interface Origin {
  readonly root: Root
  /** The channel's event as this feed delivers it; undefined if the feed filters it out. */
  of(event: Published): Published | undefined
  attach(sink: Sink): void
  detach(sink: Sink): void
}

/** Whether a feed lets an event of its root through. */
export type Keeps = (event: Published) => boolean

/** The retained events from a place on. */
export interface Missed {
  /** What is lost before the events; each is told. */
  readonly gaps: readonly Gap[]
  /** The place where the reading begins, or after the gaps. */
  readonly before: string
  /** Nothing comes after the events. */
  readonly hasEnded: boolean
  /** The id names some of the channels; another one begins now. */
  readonly isNewTo?: boolean
  readonly events: Items
}

/** Events that are read, and gaps between them. */
export interface Items {
  next(): Awaitable<IteratorResult<Published | Gap>>
  return?(): unknown
}

/** What a feed comes from: a channel, or several that are merged. */
export interface Root {
  /** The names of its channels. */
  readonly names: readonly string[]
  /** Resolves once events are delivered; undefined if they already are. */
  readonly ready: PromiseLike<unknown> | undefined
  /** An event is being delivered to the sinks. */
  readonly isDelivering: boolean
  /** Delivery is synchronous with publishing: no readable event is delivered later. A sink joins at the place. */
  readonly isImmediate: boolean
  /** Events are retained, so that a client has a place to come back to. */
  readonly retains: boolean
  /** Known to have ended: no event will come. */
  readonly hasEnded: boolean
  /** The place up to which events were delivered; undefined if the backend has to be asked. */
  readonly place: string | undefined
  /**
   * The place up to which events were delivered; with `isLatest`, and if nothing is known of deliveries, the place of
   * the latest event, which may still be on its way.
   */
  askPlace(isLatest?: boolean): Awaitable<string>
  /**
   * Lets a sink join: at once, or after the current delivery. A sink that joined during a delivery would get an event
   * that was published before it joined.
   */
  afterDelivery(join: () => void): void
  /** An event or a gap as a client gets it that has got everything up to a place; undefined if it has got that too. */
  after<Item extends { readonly id: string }>(item: Item, place: string): Item | undefined
  /** Whether everything up to a place was delivered: nothing older will come. */
  hasDelivered(place: string): boolean
  /**
   * Reads the retained events after an id, or from another beginning on.
   *
   * @param keeps which events count for the last so many. Default: all
   */
  missed(where: Where, keeps?: Keeps): Awaitable<Missed>
  tell(name: 'join' | 'leave', stream: () => OpenStream): void
}
