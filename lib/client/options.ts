// What a client is asked for, and what it gives.
import type { ReadOptions } from '../readers/reader.js'
import type { FollowError } from './failure.js'

/** A value, or what gives one: a function is asked for each attempt, so that a token may be renewed. */
export type Each<T> = T | (() => T | Promise<T>)

/**
 * - `connecting`: an attempt was made, and there is no answer yet
 * - `open`: the stream is read
 * - `waiting`: until the next attempt
 * - `over`: for good
 */
export type State = 'connecting' | 'open' | 'waiting' | 'over'

/** Why it is in a state. */
export interface StateDetails {
  /** Milliseconds until the next attempt, while it waits. */
  readonly delay?: number
  /** Of the answer, while it waits because of one. */
  readonly status?: number
  /** What the attempt failed with; of `over`, what the iteration throws. */
  readonly error?: unknown
}

/** Events that will not come. */
export interface Gap {
  /**
   * `trimmed`: they are no longer retained. `unknown`: the id is none of the channel's. `dropped`: this client was too
   * slow for them.
   */
  readonly reason: 'trimmed' | 'unknown' | 'dropped' | (string & {})
  /** The id that was asked for. */
  readonly requested?: string
  /** The id of the oldest event that is retained. */
  readonly from?: string
  /** The channel, where a stream has several. */
  readonly channel?: string
  /** How many were dropped. */
  readonly count?: number
}

/** An event of the stream. */
export interface Message<out T> {
  readonly data: T
  /** Of this event; undefined if it has none. */
  readonly id: string | undefined
  /** `message`, unless the event has another. */
  readonly type: string
  /** What was missed just before it. */
  readonly gap?: Gap
}

export interface Retry {
  /** Milliseconds: at most so long until the first attempt after one that has brought something. Default: 500 */
  readonly first?: number
  /** Milliseconds: at most so long until any other, each twice as long as the one before. Default: 30,000 */
  readonly most?: number
}

/** Where the id of the last event that was done with is kept beyond this client. The loop throws what it fails with. */
export interface Store {
  get(): string | null | undefined | Promise<string | null | undefined>
  set(id: string): unknown
}

export interface FollowOptions extends ReadOptions {
  /**
   * The media types to ask for, the preferred one first. One that has no reader of its own is read as text or bytes. Default:
   * all that are read.
   */
  readonly accept?: string | readonly string[]
  /** Where to begin: the id of the last event that is known, or `earliest`; what is in `store` comes first. Default: with what comes. */
  readonly lastEventId?: string | undefined
  /** Header fields; asked for each attempt, if it is a function. */
  readonly headers?: Each<Readonly<Record<string, string>> | Headers>
  /** Query parameters, added to those of the URL; asked for each attempt, if it is a function. */
  readonly query?: Each<Readonly<Record<string, string | number | boolean>> | URLSearchParams>
  /** Default: GET; with a `body`, POST. */
  readonly method?: string
  /** A body, or a function that makes one for each attempt. An object is sent as JSON. */
  readonly body?: Each<RequestInit['body'] | object>
  /** Whether a request that is not safe, such as a POST, is made again. Default: no. GET and QUERY are. */
  readonly repeat?: boolean
  /** Ends it for good, as `close()` does. */
  readonly signal?: AbortSignal
  /** In place of the global one. */
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>
  readonly credentials?: RequestInit['credentials']
  /** Milliseconds between attempts. Default: at most 500 at first, doubled with each that brings nothing, at most 30,000. */
  readonly retry?: Retry
  /**
   * Milliseconds without a byte after which the connection is taken for lost; 0 for never. Default: 2.5 times the heartbeat
   * that the server tells, and 45,000 where it tells none.
   */
  readonly silence?: number
  /** What an end means that the server does not explain: another attempt, or the end. Default: `cut`. */
  readonly over?: 'complete' | 'cut'
  /**
   * Called once after a 401 that follows an answer, or comes first; then the request is made again. What it fails with is a
   * lost connection, but for a {@link FollowError}, which ends it.
   */
  readonly refresh?: () => unknown
  /** Called for each gap, before the events behind it. */
  readonly onGap?: (gap: Gap) => void
  /** Called whenever the state changes. */
  readonly onState?: (state: State, details: StateDetails) => void
  readonly store?: Store
}

/**
 * A stream that is followed: iterate it once, with `for await`. The first step makes the first request. Leaving the loop
 * ends it, as `close()` does.
 *
 * It throws a {@link FollowError} once no further attempt would change the answer.
 */
export interface Followed<T> extends AsyncIterableIterator<Message<T>> {
  readonly state: State
  /** The id of the last event that the loop has finished with: where the next attempt begins. */
  readonly lastEventId: string | undefined
  /** Ends it for good: the request is aborted, and the loop ends. */
  close(): void
}
