// Where channels keep their events: the contract of a backend and its logs.
import { is, isBranded } from '../brand.js'
import type { Awaitable } from '../promise.js'
import type { Gap } from './gap.js'
import type { Published } from './published.js'

/** How much of a channel is retained; a limit that is undefined does not limit. */
export interface Retention {
  readonly history: number | undefined
  readonly historyBytes: number | undefined
  readonly maxAge: number | undefined
}

/** Gets a log's events, in order and each once. */
export interface Receiver {
  event(event: Published): void
  /** Events are lost for good: the backend was away, and does not retain all events of that time. */
  gap(gap: Gap): void
}

/** A reading of what is retained after an id. */
export interface Reading {
  /**
   * `found`: every event after the id is retained. `trimmed`: the id is one of this log's, and some events after it
   * are gone. `unknown`: the id is none of this log's.
   */
  readonly outcome: 'found' | Gap['reason']
  /** The id of the first event of the reading, or, where there is none, of the latest event ever. */
  readonly from: string
  /**
   * In order; from the oldest retained unless the id was found. Read no faster than the client takes them: a gap stands
   * in place of events that are no longer retained by then.
   */
  readonly events: Iterable<Published | Gap> | AsyncIterable<Published | Gap>
}

/**
 * The events of one channel, in one order for all processes that share the backend, with ids of the backend's own. A
 * method that some backends answer by a promise may be synchronous in others, and then costs none.
 */
export interface Log {
  /**
   * Appends an event.
   *
   * @param check throws a TypeError for an event that no stream could write: then it is not appended. It gets the event
   *   with its id, where the id is known by then
   * @returns the id, once it is confirmed; a rejection while the backend is away
   */
  publish(data: unknown, type: string | undefined, check: (event: Published) => void): Awaitable<string>
  /**
   * Delivers the events that are appended from now on, here or in another process, also across a loss of the backend:
   * an event that was confirmed and is still retained is delivered late rather than never.
   *
   * @returns a function that ends the delivery, once it has begun
   */
  listen(receiver: Receiver): Awaitable<() => unknown>
  /** Reads what is retained after an id; `earliest` for all of it. */
  read(after: string): Awaitable<Reading>
  /** The order of two ids of this log: negative, 0 or positive. */
  compare(one: string, other: string): number
  /** Every event that can be read has been delivered: none comes later that a reader has already got. */
  readonly isImmediate: boolean
  /** The id of the latest event that was delivered, where it is known without asking and events are retained. */
  readonly latest: string | undefined
}

/** Where channels keep their events: in memory, or in a store that several processes share. */
export interface Backend {
  readonly [is]: 'backend'
  /** Opens the log of a channel; once for each name. */
  open(name: string, retention: Retention): Log
  /** Calls back when the store is lost, and when it comes back. */
  on(name: 'down' | 'up', listener: () => void): unknown
  close(): Awaitable<unknown>
}

export function isBackend(value: unknown): value is Backend {
  return isBranded(value, 'backend')
}
