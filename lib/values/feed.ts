// Defines the types of channels, feeds and hubs, as users see them.
import { isBranded } from '../brand.js'
import type { Awaitable } from '../promise.js'
import type { Event } from './event.js'
import type { OpenStream } from './open-stream.js'

/**
 * A channel, or a part of one. A feed can be a `subscribe`, be returned from one, and be iterated with `for await`,
 * which yields events published from then on.
 */
export interface Feed<out Data> extends AsyncIterable<Event<Data>> {
  /** A feed of the events for which `keep` returns true. Make a feed once, and it is filtered once for all its streams. */
  filter<Part extends Data>(keep: (data: Data, event: Event<Data>) => data is Part): Feed<Part>
  filter(keep: (data: Data, event: Event<Data>) => boolean): Feed<Data>
  /** A feed of the events with changed data; ids and types are kept. */
  map<To>(change: (data: Data, event: Event<Data>) => To): Feed<To>
  /** The retained events after an id: all of them for `earliest`, or if the id is not retained. */
  replay(lastEventId: string): AsyncIterable<Event<Data>>
  /** The number of streams and iterations that receive its events. */
  readonly subscribers: number
}

/** A named feed that events are published to. */
export interface Channel<in out Data> extends Feed<Data> {
  /**
   * Publishes data, or an `event()` with a type, to all subscribers.
   *
   * Do not change an object after it was published: it is retained, not copied.
   *
   * @returns the event's id, once the backend has the event
   * @throws TypeError (as a rejection) for data that no format can write; data that only one format cannot write ends
   *   the streams in that format. LariatError `LARIAT_DOWN` if the hub is closed or the backend is unavailable
   */
  publish(data: Data, meta?: { type?: string }): Promise<string>
  /** Calls back for each stream that subscribes or leaves. */
  on(name: 'join' | 'leave', listener: (stream: OpenStream) => void): this
}

/** The options of a channel: what it retains, and its source. */
export interface ChannelOptions<Data> {
  /** Most events retained. Default: as many as the other limits allow; without any limit, none. */
  history?: number
  /**
   * Most bytes retained: those of text or bytes, else of the JSON text of the data, and 480 for each event (its objects,
   * its id, its framing). Default: no such limit.
   */
  historyBytes?: number
  /** Milliseconds for which an event is retained, then it is let go. Default: no such limit. */
  maxAge?: number
  /**
   * Milliseconds after the last publish or subscriber, whichever is later, after which all that is retained is let go.
   * Never while there is a subscriber. Default: no such limit.
   */
  idle?: number
  /** Milliseconds for which the source continues without a subscriber. Default 0. */
  linger?: number
  /**
   * Starts publishing to the channel; called for the first subscriber. Returns a function that stops it. If the source
   * throws or rejects, at any time, the channel's streams end with reason `down`.
   */
  source?(channel: Channel<Data>): Awaitable<void | (() => unknown)>
}

/** Channels by name. */
export interface Hub {
  /** Returns the channel of a name, and creates it on the first call. Different options for a known name: TypeError. */
  channel<Data>(name: string, options?: ChannelOptions<Data>): Channel<Data>
  /** Calls back when the backend is lost, and when it is back. */
  on(name: 'down' | 'up', listener: () => void): this
  /** Ends all streams and iterations of all channels, stops their sources, and closes the backend. */
  close(): Promise<void>
}

/** Whether a value is a feed of this library. */
export function isFeed(value: unknown): value is Feed<unknown> {
  return isBranded(value, 'feed')
}
