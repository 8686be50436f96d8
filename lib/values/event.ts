// An event: data with the metadata that a stream carries beside it.
import { is, isBranded } from '../brand.js'

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

export function isEvent(value: unknown): value is Event {
  return isBranded(value, 'event')
}
