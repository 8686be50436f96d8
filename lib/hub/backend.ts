// Defines the contract of a backend, which stores the events of channels, and of its logs.
import { is, isBranded } from '../brand.js'
import type { Awaitable } from '../promise.js'
import type { Gap } from './gap.js'
import type { Published } from './published.js'

/** How much of a channel is retained. An undefined limit does not apply. */
export interface Retention {
  readonly history: number | undefined
  readonly historyBytes: number | undefined
  readonly maxAge: number | undefined
}

/** Gets a log's events, in order, each once. */
export interface Receiver {
  event(event: Published): void
  /** Events are lost: the backend was unavailable, and does not retain all events of that time. */
  gap(gap: Gap): void
}

/** A reading of the retained events after an id. */
export interface Reading {
  /**
   * `found`: every event after the id is retained. `trimmed`: the id belongs to this log, but some later events are no
   * longer retained. `unknown`: the id does not belong to this log.
   */
  readonly outcome: 'found' | Gap['reason']
  /** The id of the first event of the reading; if it has none, of the latest event ever. */
  readonly from: string
  /**
   * In order; from the oldest retained unless the id was found. Read no faster than the client takes them. Events that
   * are no longer retained by then are replaced by a gap.
   */
  readonly events: Iterable<Published | Gap> | AsyncIterable<Published | Gap>
}

/**
 * The events of one channel, in one order for all processes that share the backend, with ids made by the backend. A
 * method may be synchronous or return a promise: a synchronous backend costs no promise.
 */
export interface Log {
  /**
   * Appends an event.
   *
   * @param check throws a TypeError for an event that no stream could write, which is then not appended. The event has
   *   its id if the backend knows it by then
   * @returns the id, once confirmed; a rejection while the backend is unavailable
   */
  publish(data: unknown, type: string | undefined, check: (event: Published) => void): Awaitable<string>
  /**
   * Delivers events appended from now on, by this or another process, even if the backend is lost in between: an event
   * that was confirmed and is still retained is delivered late rather than never.
   *
   * @returns a function that ends the delivery; a promise resolves once the delivery has begun
   */
  listen(receiver: Receiver): Awaitable<() => unknown>
  /** Reads the retained events after an id, or all of them for `earliest`. */
  read(after: string): Awaitable<Reading>
  /** The order of two ids of this log: negative, 0 or positive. */
  compare(one: string, other: string): number
  /** Delivery is synchronous with publishing: no readable event is delivered later. */
  readonly isImmediate: boolean
  /** The id of the last delivered event, if events are retained and the id is known without asking the store. */
  readonly latest: string | undefined
}

/** Stores the events of channels: in memory, or in a store that several processes share. */
export interface Backend {
  readonly [is]: 'backend'
  /** Opens the log of a channel. Called once for each name. */
  open(name: string, retention: Retention): Log
  /** Calls back when the store is lost, and when it is back. */
  on(name: 'down' | 'up', listener: () => void): unknown
  /** Lets go of the store. Called once, when the hub is closed. */
  close(): Awaitable<unknown>
}

export function isBackend(value: unknown): value is Backend {
  return isBranded(value, 'backend')
}
