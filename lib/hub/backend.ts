import { is, isBranded } from '../brand.js'
import type { Awaitable } from '../promise.js'
import type { Gap } from './gap.js'
import type { Published } from './published.js'

/** How much of a channel is retained; what is undefined does not limit. */
export interface Retention {
  readonly history: number | undefined
  readonly historyBytes: number | undefined
  readonly maxAge: number | undefined
}

/** Who gets a log's events, in their order and each once. */
export interface Receiver {
  event(event: Published): void
  /** Events are lost for good: the backend was away, and no longer retains what came meanwhile. */
  gap(gap: Gap): void
}

/** What is retained after an id. */
export interface Reading {
  /**
   * `found`: all that came after the id is there. `trimmed`: the id is one of this log's, and what came after it
   * is not all there. `unknown`: it is none of this log's.
   */
  readonly outcome: 'found' | Gap['reason']
  /** The id of the first event, or, where there is none, of the latest that was ever there. */
  readonly from: string
  /**
   * In their order; from the oldest retained unless the id was found. Read no faster than the client takes them:
   * where some of them are not retained any more when it comes to them, a gap stands in their place.
   */
  readonly events: Iterable<Published | Gap> | AsyncIterable<Published | Gap>
}

/**
 * The events of one channel, in one order for all processes that share the backend, by ids of the backend's own.
 * What is asynchronous somewhere may be synchronous elsewhere, and then costs no promise.
 */
export interface Log {
  /**
   * Appends an event.
   *
   * @param check throws a TypeError for an event that no stream could write: then it is not appended. It is given the
   *   event with its id, where that is known by then
   * @returns its id, once it is confirmed; a rejection while the backend is away
   */
  publish(data: unknown, type: string | undefined, check: (event: Published) => void): Awaitable<string>
  /**
   * Delivers from now on what is appended, here or in another process; also across a loss of the backend: what was
   * confirmed and is still retained is delivered late rather than never.
   *
   * @returns how to end that, once it delivers
   */
  listen(receiver: Receiver): Awaitable<() => unknown>
  /** What is retained after an id; `earliest` for all of it. */
  read(after: string): Awaitable<Reading>
  /** The order of two ids of this log: negative, 0 or positive. */
  compare(one: string, other: string): number
  /** What can be read has been delivered: nothing comes later that a reader has already got. */
  readonly isImmediate: boolean
  /** The id of the latest event, where that is known without asking, and events are retained to come back for. */
  readonly latest: string | undefined
}

/** Where channels keep their events: in memory, or in a store that several processes share. */
export interface Backend {
  readonly [is]: 'backend'
  /** Opens the log of a channel; once for each name. */
  open(name: string, retention: Retention): Log
  /** Calls back when the store is lost, and when it is back. */
  on(name: 'down' | 'up', listener: () => void): unknown
  close(): Awaitable<unknown>
}

export function isBackend(value: unknown): value is Backend {
  return isBranded(value, 'backend')
}
