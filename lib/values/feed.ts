// Defines the types of channels, feeds and hubs, as users see them.
import { isBranded } from '../brand.js'
import type { Awaitable } from '../promise.js'
import type { Event } from './event.js'
import type { OpenStream } from './open-stream.js'

/** What a gap tells. */
export interface GapDetails {
  /** The id that the client sent, or the last that it was given. */
  readonly requested: string
  /** The id of the oldest retained event; if none is retained, the id after which new events follow. */
  readonly from: string
  /** `trimmed`: events after the id are no longer retained. `unknown`: the id is none of the channel's. */
  readonly reason: 'trimmed' | 'unknown'
  /** The channel, where a stream has several. */
  readonly channel?: string
  /** The place just before `from`: a client that comes back with it is not told of the gap again. */
  readonly id: string
}

/**
 * Where a client begins that brings no id of its own: after the event of an id, or after a channel's `position()`; with
 * all that is retained (`earliest`); with what is published from now on (`now`); with the last so many retained events;
 * with those since a time.
 */
export type From = 'earliest' | 'now' | (string & {}) | { readonly last: number } | { readonly since: Date }

/** The data of what a `map` returns: an `event()` says more than its data. */
export type Content<Made> = Made extends Event<infer Data> ? Data : Made

/**
 * A channel, a part of one, or several that are merged. A feed can be a `subscribe`, be returned from one, and be iterated
 * with `for await`, which yields events from where `from` says, by default from then on. An iteration ends with the
 * channel, and throws once it is more than 10,000 events behind (LariatError `LARIAT_OVERFLOW`), or the source fails.
 */
export interface Feed<out Data> extends AsyncIterable<Event<Data>> {
  /**
   * A feed of the events for which `keep` returns true; not a promise. Make a feed once, and it is filtered once for all
   * its streams, which end with reason `error` if `keep` throws.
   *
   * @throws TypeError for what is no function
   */
  filter<Part extends Data>(keep: (data: Data, event: Event<Data>) => data is Part): Feed<Part>
  filter(keep: (data: Data, event: Event<Data>) => boolean): Feed<Data>
  /**
   * A feed of the events with changed data, or with the data and type of an `event()`; ids are kept, and types by default.
   * Its streams end with reason `error` if `change` throws, or returns a promise.
   *
   * @throws TypeError for what is no function
   */
  map<To>(change: (data: Data, event: Event<Data>) => To): Feed<Content<To>>
  /**
   * The same feed, with a place to begin for clients that bring no id of their own, and for iterations. Default: `now`; of
   * a channel that has ended: `earliest`. What is made of it with `filter` and `map` begins there too.
   *
   * @throws TypeError for what is no place. An id is not looked up: one that is unknown is a gap
   */
  from(where: From): Feed<Data>
  /**
   * The retained events after an id; for `earliest`, all of them. Then it ends: what is published later does not come.
   * Events that are no longer retained are told by an event of type `gap`, in their place, with `{ requested, from, reason }`
   * as its data; of merged channels with `channel` too.
   *
   * @throws TypeError (at the first step) for what is no string. LariatError `LARIAT_DOWN` if the backend is unavailable
   */
  replay(lastEventId: string): AsyncIterable<Event<Data>>
  /** The number of streams and iterations that receive its events. */
  readonly subscribers: number
}

/** A named feed that events are published to. */
export interface Channel<in out Data> extends Feed<Data> {
  /**
   * The id of the latest event; of a channel without any, of the place where the first will come. Ask for it first, then
   * read a database, then subscribe to `from(position)`: nothing is missed between the two.
   *
   * @throws LariatError (as a rejection) `LARIAT_DOWN` if the hub is closed or the backend is unavailable
   */
  position(): Promise<string>
  /**
   * Ends the channel for good, for all processes: no event will come. Open streams and iterations end behind what was
   * published, with reason `end`, and the source is stopped. A client that comes later gets what is retained, and the end;
   * one that comes back and has it all is answered 204, after which an EventSource stays away. A second call changes
   * nothing.
   *
   * @throws LariatError (as a rejection) `LARIAT_DOWN` if the hub is closed or the backend is unavailable
   */
  end(): Promise<void>
  /**
   * Publishes data, or an `event()` with a type, to all subscribers. Has three outcomes:
   *
   * - it resolves to the event's id: the backend has the event;
   * - it rejects: the event is refused, and will never come;
   * - it rejects with an error whose `isUncertain` is true: the backend was lost while the event was on its way, and it may
   *   have come or not. Publishing again with the same `key` is safe. Never in memory.
   *
   * Do not change an object after it was published: it is retained, not copied.
   *
   * @param meta `type`: of the event. `key`: makes it one event however often it is published: a key that is among the
   *   last 1,000 keys and two minutes of the channel appends nothing, and the id of its event is returned
   * @throws TypeError (as a rejection) for data that no format can write; data that only one format cannot write ends
   *   the streams in that format. LariatError `LARIAT_DOWN` if the hub is closed or the backend is unavailable;
   *   `LARIAT_ENDED` if the channel has ended or was deleted
   */
  publish(data: Data, meta?: { type?: string; key?: string }): Promise<string>
  /** Calls back for each stream that subscribes or leaves. The listener says what `state` its streams have. */
  on<State>(name: 'join' | 'leave', listener: (stream: OpenStream<State>) => void): this
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
  /**
   * Returns the channel of a name, and creates it on the first call: the same object for as long as anybody holds it, or it
   * has subscribers, retains something, remembers keys, runs its source, or has listeners to `join` or `leave`. A channel
   * that nobody needs any more is forgotten, with its options: the next call makes it anew, with the options of that call.
   * So is one that has ended and retains nothing in this process, whoever holds it: a store is asked whether it has.
   *
   * @throws TypeError for options other than those that a known channel has. LariatError `LARIAT_DOWN` if the hub is closed
   */
  channel<Data>(name: string, options?: ChannelOptions<Data>): Channel<Data>
  /**
   * Ends the channel of a name and forgets it, in the store too: its events, its keys, and that it has ended. Also for a
   * name that this hub has not opened. Afterwards `channel(name)` makes a new channel; publishing to the old one rejects
   * with `LARIAT_ENDED`.
   *
   * @throws LariatError (as a rejection) `LARIAT_DOWN` if the hub is closed or the backend is unavailable
   */
  delete(name: string): Promise<void>
  /** Calls back when the backend is lost, and when it is back. */
  on(name: 'down' | 'up', listener: () => void): this
  /** Ends all streams and iterations of all channels, stops their sources, and closes the backend. */
  close(): Promise<void>
}

/** Whether a value is a feed of this library. */
export function isFeed(value: unknown): value is Feed<unknown> {
  return isBranded(value, 'feed')
}
