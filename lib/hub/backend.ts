// Defines the contract of a backend, which stores the events of channels, and of its logs.
import { is, isBranded } from '../brand.js'
import type { Awaitable } from '../promise.js'
import type { Retained } from '../values/inside.js'
import type { Gap } from './gap.js'
import type { Published } from './published.js'

/** How much of a channel is retained. An undefined limit does not apply. */
export interface Retention {
  readonly history: number | undefined
  readonly historyBytes: number | undefined
  readonly maxAge: number | undefined
  /** Milliseconds after the last publish or listener, whichever is later, after which nothing is retained. */
  readonly idle: number | undefined
}

/** Limits that retain nothing. */
export const retainsNothing: Retention = {
  history: undefined,
  historyBytes: undefined,
  maxAge: undefined,
  idle: undefined,
}

/** Whether anything is retained within the limits: one of them must be given. */
export function retains({ history, historyBytes, maxAge }: Partial<Retention>): boolean {
  return history !== 0 && (history ?? historyBytes ?? maxAge) !== undefined
}

/**
 * Where a reading begins: after an id of this log; `earliest`: with the oldest retained event; the last so many retained
 * events; those appended at or after a time (milliseconds since the epoch).
 */
export type Where = string | { readonly last: number } | { readonly since: number }

/** What is appended with the data of an event. */
export interface Meta {
  readonly type?: string | undefined
  /** The same key within the last 1,000 keys and two minutes of the log is the same event: nothing is appended. */
  readonly key?: string | undefined
}

/** Gets a log's events, in order, each once. */
export interface Receiver {
  event(event: Published): void
  /** Events are lost: the backend was unavailable, and does not retain all events of that time. */
  gap(gap: Gap): void
  /** The log has ended, and all its events were delivered: no other will come. */
  end(): void
}

/** A reading of retained events. */
export interface Reading {
  /**
   * `found`: every event after the id is retained; also for a beginning that is no id. `trimmed`: the id belongs to this
   * log, but some later events are no longer retained. `unknown`: the id does not belong to this log.
   */
  readonly outcome: 'found' | Gap['reason']
  /** The id of the first event of the reading; if it has none, of the latest event ever. */
  readonly from: string
  /** The place just before `from`: an id after which the same events are found. If there are none, the same as `from`. */
  readonly before: string
  /** The log has ended: nothing comes after the events of the reading. */
  readonly hasEnded: boolean
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
   * @returns the id, once confirmed. A rejection is a refusal: the event will never come. Unless the error says
   *   `isUncertain`: then it may have been appended, and publishing again with the same `key` is safe. LariatError
   *   `LARIAT_DOWN` while the backend is unavailable, `LARIAT_ENDED` once the log has ended
   */
  publish(data: unknown, meta: Meta, check: (event: Published) => void): Awaitable<string>
  /**
   * Delivers events appended from now on, by this or another process, even if the backend is lost in between: an event
   * that was confirmed and is still retained is delivered late rather than never. Of a log that has ended by then, `end`
   * is delivered before this returns, or its promise resolves.
   *
   * @returns a function that ends the delivery; a promise resolves once the delivery has begun
   */
  listen(receiver: Receiver): Awaitable<() => unknown>
  /** Reads the retained events after an id, or from another beginning on. */
  read(where: Where): Awaitable<Reading>
  /**
   * The id of the latest event, also if it is not retained; of a log without any, of the place where the first will
   * come. `read` finds everything that is appended after it.
   */
  position(): Awaitable<string>
  /** Ends the log for good: nothing can be appended, and every listener is told. A second call changes nothing. */
  end(): Awaitable<unknown>
  /** Forgets the log, in the store too: its events, its keys, and that it has ended. */
  drop(): Awaitable<unknown>
  /** The order of two ids of this log: negative, 0 or positive. */
  compare(one: string, other: string): number
  /** Delivery is synchronous with publishing: no readable event is delivered later. */
  readonly isImmediate: boolean
  /**
   * The id of the last delivered event, if events are retained and the id is known without asking the store. A log that is
   * immediate knows it, also before the first event: it is then its `position`.
   */
  readonly latest: string | undefined
  /**
   * What is retained, for those who look: optional. A store may be asked, so it must be cheap: counts and ids, no events.
   */
  retained?(): Awaitable<Retained | undefined>
  /** When the event of an id was appended: milliseconds since the epoch. Optional: without it, when it was delivered. */
  appendedAt?(id: string): number | undefined
  /** Retains nothing in this process, so that the log may be forgotten here and opened again. */
  readonly isEmpty: boolean
}

/** Stores the events of channels: in memory, or in a store that several processes share. */
export interface Backend {
  readonly [is]: 'backend'
  /** What the store is called, in metrics. */
  readonly name?: string
  /**
   * Opens the log of a channel. Called again for a name only once the log was forgotten: while it was empty, or after
   * `drop`.
   *
   * @param emptied called when the log lets go of the last that it retained in this process, other than by `publish`
   */
  open(name: string, retention: Retention, emptied: () => void): Log
  /** Calls back when the store is lost, and when it is back. */
  on(name: 'down' | 'up', listener: () => void): unknown
  /** Lets go of the store. Called once, when the hub is closed. */
  close(): Awaitable<unknown>
}

export function isBackend(value: unknown): value is Backend {
  return isBranded(value, 'backend')
}
