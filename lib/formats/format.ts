import { is, isBranded } from '../brand.js'
import { misuse, show } from '../errors.js'
import { checkKeys } from '../rules.js'
import type { Event } from '../values/event.js'
import type { Once, OnceValue } from '../values/once.js'
import { partRules } from './check.js'

/** What a format can say in-band beside events. */
export type Notice = 'gap' | 'dropped' | 'end' | 'error'

/**
 * A wire format: how events become bytes.
 *
 * `encode` knows nothing of the stream that it writes to, so that an event is encoded once and its bytes are
 * shared by all streams of the format.
 */
export interface Format {
  /** The media type, with parameters where it has any; several, the preferred one first. */
  readonly mediaType: string | readonly string[]
  /** Written with the head. */
  readonly open?: string | Uint8Array
  /** Written at a complete end, never at a cut one. */
  readonly close?: string | Uint8Array
  /** Written when nothing else was for the `heartbeat` of the stream options; none: no heartbeats. */
  readonly heartbeat?: string | Uint8Array
  /** The bytes of one event; empty for nothing. A TypeError for what cannot be serialised. */
  encode(event: Event): string | Uint8Array
  /** The bytes of an in-band notice; empty or absent for none. */
  notice?(kind: Notice, details: object): string | Uint8Array
  /** A finite list in this format, then a complete end: what a content provider may return. */
  once(list: Iterable<unknown> | AsyncIterable<unknown>): Once
  readonly [is]: 'format'
}

/** What only the built-in formats say of themselves to the loop. */
export const wire: unique symbol = Symbol.for('express-lariat.wire') as never

export interface Wire {
  /** Written before every event and notice but the first: the comma of a JSON array. */
  readonly separator?: string
  /** The reconnection time, in the format's own words: SSE's `retry`. */
  retry?(milliseconds: number): string
}

/** The parts of a format, as `format()` takes them. */
export type FormatParts = Omit<Format, 'once' | typeof is>

/** What the text formats take. */
export interface FormatOptions {
  /** Another media type than the format's own. */
  mediaType?: string
  /** Another text for an event's data than the format's own. */
  serialize?(data: unknown, event: Event): string
}

/** What the JSON formats take. */
export interface JsonOptions extends FormatOptions {
  /** Each record is `{ id, type, data }`, and notices are records `{ notice, … }`. */
  envelope?: boolean
}

/**
 * A format of one's own.
 *
 * @param parts `mediaType` and `encode`; `open`, `close`, `heartbeat` and `notice` where it has them. Methods
 *   are called on the parts, so an instance of a class will do
 * @throws TypeError for a part that is missing, unknown, or of the wrong type
 */
export function format(parts: FormatParts): Format {
  checkKeys('format()', parts, partRules)
  const { mediaType, open, close, heartbeat } = parts
  return make({
    mediaType,
    ...(open !== undefined && { open }),
    ...(close !== undefined && { close }),
    ...(heartbeat !== undefined && { heartbeat }),
    encode: parts.encode.bind(parts),
    ...(parts.notice && { notice: parts.notice.bind(parts) }),
  })
}

/** Builds a format from parts that are known to be good. */
export function make(parts: FormatParts, own?: Wire): Format {
  const made: Format & { [wire]?: Wire } = {
    ...parts,
    mediaType: typeof parts.mediaType === 'string' ? parts.mediaType : Object.freeze([...parts.mediaType]),
    [is]: 'format',
    once(list) {
      if (!isList(list)) {
        throw misuse(
          'LARIAT_DATA',
          `once(${show(list)}): expected an iterable or an async iterable, not a string`,
        )
      }
      const value: OnceValue = { [is]: 'once', format: made, list }
      return value
    },
  }
  if (own) made[wire] = own
  return Object.freeze(made)
}

export function isFormat(value: unknown): value is Format & { readonly [wire]?: Wire } {
  return isBranded(value, 'format')
}

function isList(value: unknown): value is Iterable<unknown> | AsyncIterable<unknown> {
  return (
    typeof value === 'object' && value !== null && (Symbol.iterator in value || Symbol.asyncIterator in value)
  )
}
