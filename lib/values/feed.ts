// Channels and feeds, as their users see them.
import { isBranded } from '../brand.js'
import type { Awaitable } from '../promise.js'
import type { Event } from './event.js'
import type { OpenStream } from './open-stream.js'

/**
 * What one subscribes to: a channel, or a part of one. It can be a `subscribe`, be returned from one, and be
 * iterated with `for await`, which gives what comes from then on.
 */
export interface Feed<out Data> extends AsyncIterable<Event<Data>> {
  /** The events that are kept. A feed that is made once is filtered once for all of its streams. */
  filter<Part extends Data>(keep: (data: Data, event: Event<Data>) => data is Part): Feed<Part>
  filter(keep: (data: Data, event: Event<Data>) => boolean): Feed<Data>
  /** Each event with other data; it keeps its id and type. */
  map<To>(change: (data: Data, event: Event<Data>) => To): Feed<To>
  /** What is retained after an id, `earliest` for all of it; from the oldest where the id is not retained. */
  replay(lastEventId: string): AsyncIterable<Event<Data>>
  /** How many streams and iterations get its events. */
  readonly subscribers: number
}

/** Where events are published. */
export interface Channel<in out Data> extends Feed<Data> {
  /**
   * Publishes data, or an `event()` with a type, to all who are subscribed.
   *
   * What was published must not be changed afterwards: it is retained as it is.
   *
   * @returns the event's id, once the backend has it
   * @throws TypeError (as a rejection) for data that nobody could write; what one format alone cannot write ends the
   *   streams of that format. LariatError `LARIAT_DOWN` when the hub is closed or the backend is away
   */
  publish(data: Data, meta?: { type?: string }): Promise<string>
  /** Calls back for each stream that subscribes, and for each that leaves. */
  on(name: 'join' | 'leave', listener: (stream: OpenStream) => void): this
}

/** What a channel retains, and where its events come from. */
export interface ChannelOptions<Data> {
  /** The most events that are retained. Default: as many as the other limits allow; without any limit, none. */
  history?: number
  /** The most bytes that are retained, counted as the JSON text of the data. Default: no such limit. */
  historyBytes?: number
  /** The most milliseconds that an event is retained. Default: no such limit. */
  maxAge?: number
  /** Milliseconds that the source goes on without a subscriber. Default 0. */
  linger?: number
  /**
   * Starts what publishes to the channel, for the first subscriber; returns how to stop it. One that throws, or
   * rejects, at whatever time, has died: the channel's streams end with reason `down`.
   */
  source?(channel: Channel<Data>): Awaitable<void | (() => unknown)>
}

/** Channels by name. */
export interface Hub {
  /** The channel of a name, made when it is first asked for; other options for a known name are a TypeError. */
  channel<Data>(name: string, options?: ChannelOptions<Data>): Channel<Data>
  /** Calls back when the backend is lost, and when it is back. */
  on(name: 'down' | 'up', listener: () => void): this
  /** Ends all streams and iterations of all channels, stops their sources, and lets go of the backend. */
  close(): Promise<void>
}

/** Whether a value is a feed of this library. */
export function isFeed(value: unknown): value is Feed<unknown> {
  return isBranded(value, 'feed')
}
