// Adds stream metadata to data: `event()`, and the symbol `timeout`.
import { is, isBranded } from '../brand.js'
import { misuse, show } from '../errors.js'
import { checkKeys, isPlainObject, type Rules, wrong } from '../rules.js'

/** Data with stream metadata. */
export interface Event<out Data = unknown> {
  readonly [is]: 'event'
  readonly data: Data
  /** The event's id: a client that reconnects sends the last one as Last-Event-ID. */
  readonly id?: string
  /** The event's type: SSE's `event` field. */
  readonly type?: string
  /** The reconnection time of an SSE client, in whole milliseconds. */
  readonly retry?: number
  /** An SSE comment. */
  readonly comment?: string
}

/** The metadata that `event()` accepts. */
export interface EventMeta {
  /** The event's id. A channel makes the ids of its own events. */
  id?: string | undefined
  /** Null for none: an event keeps its type in a feed's `map`, and is a `snapshot` in a snapshot, unless this says other. */
  type?: string | null | undefined
  /** The reconnection time of an SSE client, in whole milliseconds. */
  retry?: number | undefined
  /** An SSE comment. */
  comment?: string | undefined
}

/**
 * Adds stream metadata to data. The result is accepted wherever plain data is.
 *
 * @param data serialised by the format; with undefined, only the metadata is written
 * @param meta `id`, `type`, `retry` (ms, a whole number) and `comment`; empty strings and 0 are values. `type: null`
 *   takes the type away from an event that a `map` changes, and from one of a snapshot
 * @throws TypeError for a second argument that is no such object
 */
export function event<Data>(data: Data, meta: EventMeta = {}): Event<Data> {
  if (typeof meta !== 'object' || meta === null) {
    const expected = 'expected an object with id, type, retry, comment'
    throw misuse('LARIAT_DATA', `event(…, ${show(meta)}): ${expected}; write { type: ${show(meta)} }`)
  }
  checkMeta(meta)
  const value: { -readonly [K in keyof Event<Data>]: Event<Data>[K] } = { [is]: 'event', data }
  if (meta.id !== undefined) value.id = meta.id
  // an own `type` that is undefined: no type, where an absent one says nothing of it
  if (meta.type !== undefined) (value as { type?: string | undefined }).type = meta.type ?? undefined
  if (meta.retry !== undefined) value.retry = meta.retry
  if (meta.comment !== undefined) value.comment = meta.comment
  return value
}

const any: Rules[string] = [() => true, 'anything']
const metaRules: Rules = { id: any, type: any, retry: any, comment: any }

/** Refuses what would be dropped. Events are made often: most of them have no key that is looked up twice. */
function checkMeta(meta: object): void {
  for (const key in meta) {
    if (key === 'id' || key === 'type' || key === 'retry' || key === 'comment') continue
    if (!Object.hasOwn(meta, key)) continue
    // the metadata of another event
    if (isEvent(meta)) return
    checkKeys('event(…, …)', meta, metaRules, { code: 'LARIAT_DATA', key: adviseKey })
  }
  if (!isPlainObject(meta) && !isEvent(meta))
    wrong(`event(…, …): expected a plain object, not ${show(meta)}`, 'LARIAT_DATA')
}

function adviseKey(key: string): string | undefined {
  if (key === 'event') return 'SSE’s field `event` is the `type`'
  return key === 'data' ? 'the data is the first argument' : undefined
}

/** The message that `info` gets when none came for the spec's `timeout`: Erlang's `after`. */
export const timeout: unique symbol = Symbol.for('express-lariat.timeout') as never

export function isEvent(value: unknown): value is Event {
  return isBranded(value, 'event')
}
