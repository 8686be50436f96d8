// Defines a format, and builds one from its parts.
import { is, isBranded } from '../brand.js'
import { misuse, show } from '../errors.js'
import { checkKeys } from '../rules.js'
import type { Event } from '../values/event.js'
import type { Once, OnceValue } from '../values/once.js'
import { partRules } from './check.js'

/**
 * A notice: what a format can say in-band besides events.
 *
 * - `gap`: events that the client missed are no longer retained; `requested`, `from` and `reason`, and the `id` to come
 *   back with
 * - `position`: the place to come back to, where no event has told it; `id` and `heartbeat`
 * - `dropped`: events were dropped because the client was too slow; `count`
 * - `end`: the stream is over (with `endEvent`); `reason`
 * - `reconnect`: this response ends, and the stream goes on in another one (with `endEvent`); `reason`
 * - `error`: the stream has failed (with `errorEvent`); `error`, which only a `notice` of your own may write
 */
export type Notice = 'gap' | 'position' | 'dropped' | 'end' | 'reconnect' | 'error'

/** What a notice tells. Each kind has its own members. */
export interface NoticeDetails {
  /** Why the stream ends, or why there is a gap. */
  readonly reason?: string
  /** The id that the client sent, or the last that it was given. */
  readonly requested?: string
  /** The id of the oldest event that is retained; if none is, the id after which new events follow. */
  readonly from?: string
  /** The channel, if the stream has several. */
  readonly channel?: string
  /** The number of dropped events. */
  readonly count?: number
  /** The id to come back with; SSE writes it as the `id` of the frame. */
  readonly id?: string
  /** Milliseconds after which something comes again, if only a heartbeat; absent if there are no heartbeats. */
  readonly heartbeat?: number
  /** What the source or a callback threw. It is not enumerable: nothing of it is written, unless you name it. */
  readonly error?: unknown
}

/**
 * A wire format: how events become bytes.
 *
 * `encode` does not know which stream it writes to: an event is encoded once, and its bytes are shared by all streams
 * of the format.
 */
export interface Format {
  /** The media type with its parameters; or several, the preferred one first. */
  readonly mediaType: string | readonly string[]
  /** Written with the head. */
  readonly open?: string | Uint8Array
  /** Written at a complete end, never when the stream is cut. */
  readonly close?: string | Uint8Array
  /** Written when nothing else was written for `heartbeat` ms (a stream option). Default: no heartbeats. */
  readonly heartbeat?: string | Uint8Array
  /** Returns the bytes of one event, empty for none. Throws a TypeError for data that it cannot serialise. */
  encode(event: Event): string | Uint8Array
  /** Returns the bytes of a notice, empty for none. Default: no notices. */
  notice?(kind: Notice, details: NoticeDetails): string | Uint8Array
  /** Streams a finite list in this format, then ends complete; a content provider may return it. */
  once(list: Iterable<unknown> | AsyncIterable<unknown>): Once
  readonly [is]: 'format'
}

/** The key of what built-in formats tell the loop in addition. */
export const wire: unique symbol = Symbol.for('express-lariat.wire') as never

export interface Wire {
  /** Written before every event and notice except the first: the comma of a JSON array. */
  readonly separator?: string
  /** Returns the bytes that set the reconnection time: SSE's `retry`. */
  retry?(milliseconds: number): string
  /** Data may be bytes of any kind. */
  readonly takesBytes?: true
  /** Strings follow each other without anything between, so that a surrogate pair may be split over two. */
  readonly joins?: true
  /** The id of an event makes no difference to its bytes. */
  readonly withoutIds?: true
  /** Records are `{ id, type, data }`. */
  readonly envelope?: true
}

/** A format, and what it tells in addition if it is built in. */
export type Wired = Format & { readonly [wire]?: Wire }

/** The parts of a format, as `format()` takes them. */
export type FormatParts = Omit<Format, 'once' | typeof is>

/** The options of the text formats. */
export interface FormatOptions {
  /** The media type. Default: the format's own. */
  mediaType?: string
  /** Turns data into text, in place of the format's own way. Not called for an event without data. */
  serialize?(data: unknown, event: Event): string
  /**
   * What is written for a notice, in place of the format's own: an `event()`; a string, which is data as the format writes
   * strings, without `serialize`; undefined for nothing. Asked for every kind.
   */
  notice?(kind: Notice, details: NoticeDetails): Event | string | undefined
}

/** The options of the JSON formats. */
export interface JsonOptions extends FormatOptions {
  /** Writes records `{ id, type, data }`, and notices as records `{ notice, … }`. Default false: the data alone. */
  envelope?: boolean
}

/**
 * Makes a custom format.
 *
 * @param parts `mediaType` and `encode`; optionally `open`, `close`, `heartbeat` and `notice`. Methods are called on
 *   the object, so it may be an instance of a class
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

/** Builds a format from parts that have been checked. */
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

/** What a format says that writes no ids: only a user's `serialize` could. */
export function withoutIds({ serialize }: FormatOptions): Pick<Wire, 'withoutIds'> {
  return serialize ? {} : { withoutIds: true }
}

/** The media types of a format, the preferred one first. */
export function mediaTypesOf({ mediaType }: Format): readonly [string, ...string[]] {
  return [mediaType].flat() as [string, ...string[]]
}

export function isFormat(value: unknown): value is Format & { readonly [wire]?: Wire } {
  return isBranded(value, 'format')
}

function isList(value: unknown): value is Iterable<unknown> | AsyncIterable<unknown> {
  return (
    typeof value === 'object' && value !== null && (Symbol.iterator in value || Symbol.asyncIterator in value)
  )
}
