import type { Readable } from 'node:stream'
import type { ReadableStream as WebStream } from 'node:stream/web'
import { misuse, show } from './errors.js'
import { isFieldValue, isToken } from './http/field.js'

/** A value, or a promise of it. */
export type Awaitable<T> = T | PromiseLike<T>

/** Marks the library's own values; registered, so that two copies of the package understand each other. */
export const is: unique symbol = Symbol.for('express-lariat.is') as never

/** What `stop()` returns: end here, with this answer. */
export interface Stop {
  readonly [is]: 'stop'
}

/** What `format.once()` returns: a finite list, streamed in that format. */
export interface Once {
  readonly [is]: 'once'
}

/** Data with the metadata that a stream carries beside it. */
export interface Event<out Data = unknown> {
  readonly [is]: 'event'
  readonly data: Data
  /** The event's id: what a client that comes back sends as Last-Event-ID. */
  readonly id?: string
  /** The event's type: SSE's `event` field. */
  readonly type?: string
  /** Milliseconds that an SSE client waits before it connects again: a whole number. */
  readonly retry?: number
  /** A remark for whoever reads the stream: an SSE comment. */
  readonly comment?: string
}

/** The metadata that `event()` takes. */
export interface EventMeta {
  id?: string | undefined
  type?: string | undefined
  retry?: number | undefined
  comment?: string | undefined
}

/** A whole body: a string, bytes, a Node or Web stream, or a JSON value. Neither undefined nor a promise. */
export type Body =
  | string
  | number
  | boolean
  | null
  | (object & { readonly then?: never })
  // for literals alone, whose keys are checked one by one
  | { readonly [key: string]: unknown; readonly then?: never }

/** What `stop()` takes beside the status. */
export interface StopAnswer {
  headers?: Record<string, string>
  /** A string is text/plain, bytes are application/octet-stream, anything else is JSON, unless `headers` say more. */
  body?: Body
  /** Why, in the problem body of a status of 400 and above. */
  detail?: string
}

/** A stop as the library reads it. */
export interface StopValue extends Stop {
  readonly status: number
  readonly headers?: Record<string, string>
  readonly body?: Body
  readonly detail?: string
}

/** What Node writes into a header: text, or a number. */
const isWritable = (value: unknown) => typeof value === 'number' || isFieldValue(value)

/**
 * Ends a request or a held response; returned from any callback, as Cowboy's `{stop, Req, State}`.
 *
 * From a decision or a provider it is the answer. From `subscribe` it is the answer if the head has not
 * gone out. From `info` it ends the stream completely.
 *
 * @param status the status, 200 to 599; 204 by default
 * @param answer `headers` to set, a `body`, or the `detail` of the problem body (RFC 9457) that a status of
 *   400 and above without a `body` gets
 * @throws TypeError for a status that no final response can have, and for headers that none can
 */
export function stop(status = 204, answer: StopAnswer = {}): Stop {
  if (!Number.isInteger(status) || status < 200 || status > 599) {
    throw misuse('LARIAT_ANSWER', `stop(${show(status)}): expected a final status, 200 to 599`)
  }
  for (const [name, each] of Object.entries(answer.headers ?? {})) {
    if (each === undefined || (isToken(name) && [each].flat().every(isWritable))) continue
    throw misuse(
      'LARIAT_ANSWER',
      `stop(…, { headers: { ${show(name)}: ${show(each)} } }): no header can be that`,
    )
  }
  const value: StopValue = { [is]: 'stop', status, ...answer }
  return value
}

/**
 * Data with stream metadata; accepted wherever plain data is sent.
 *
 * @param data what the format serialises; left undefined, only the metadata is written
 * @param meta `id`, `type`, `retry` (ms, a whole number) and `comment`; empty strings and 0 are values
 */
export function event<Data>(data: Data, meta: EventMeta = {}): Event<Data> {
  const value: { -readonly [K in keyof Event<Data>]: Event<Data>[K] } = { [is]: 'event', data }
  if (meta.id !== undefined) value.id = meta.id
  if (meta.type !== undefined) value.type = meta.type
  if (meta.retry !== undefined) value.retry = meta.retry
  if (meta.comment !== undefined) value.comment = meta.comment
  return value
}

/** What `info` gets when no message came for the spec's `timeout`: Erlang's `after`. */
export const timeout: unique symbol = Symbol('express-lariat.timeout')

/** Whether a value is one of the library's own, by its mark. */
function marked(value: unknown, mark: string): boolean {
  return typeof value === 'object' && value !== null && (value as { [is]?: unknown })[is] === mark
}

export function isStop(value: unknown): value is StopValue {
  return marked(value, 'stop')
}

export function isOnce(value: unknown): value is OnceValue {
  return marked(value, 'once')
}

export function isEvent(value: unknown): value is Event {
  return marked(value, 'event')
}

/** A finite list as the library reads it; `format` is the one whose `once` was called. */
export interface OnceValue extends Once {
  readonly format: unknown
  readonly list: Iterable<unknown> | AsyncIterable<unknown>
}

export function isPromise(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  )
}

/** A Node stream that can be read. */
export function isNodeStream(value: unknown): value is Readable {
  return (
    typeof value === 'object' && value !== null && typeof (value as { pipe?: unknown }).pipe === 'function'
  )
}

/** A Web ReadableStream. */
export function isWebStream(value: unknown): value is WebStream {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as { getReader?: unknown }).getReader === 'function'
  )
}
