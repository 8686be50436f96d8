// Writes the formats without structure: text and raw bytes.
import { misuse, show } from '../errors.js'
import { checkKeys } from '../rules.js'
import type { Event } from '../values/event.js'
import { checkMediaType, textRules } from './check.js'
import { asBody, guarded, isBare } from './data.js'
import type { Format, FormatOptions } from './format.js'
import { make, withoutIds } from './format.js'
import { noticeBy } from './notices.js'

/**
 * Plain text: `text/plain`, each string as it is, with nothing between two strings. A surrogate pair that is split over
 * two strings is joined: its first half waits for the second.
 *
 * Numbers, booleans and bigints are converted with `String()`, bytes are written as they are, other data needs
 * `serialize`. An event without data is not written.
 *
 * @param options `mediaType`; `serialize(data, event)` returns the text of the data; `notice(kind, details)` returns the
 *   text of a notice
 * @throws TypeError for unknown or invalid options
 */
export function text(options: FormatOptions = {}): Format {
  checkKeys('text()', options, textRules)
  const { mediaType = 'text/plain' } = options
  const serialize = options.serialize ? guarded('text', options.serialize) : textOf
  const encode = (event: Event) => (isBare(event) ? '' : serialize(event.data, event))
  const notice = options.notice && noticeBy('text', options.notice, encode, (text) => text)
  return make(
    { mediaType, encode, ...(notice && { notice }) },
    { takesBytes: true, joins: true, ...withoutIds(options) },
  )
}

/**
 * Bytes as they are, of any media type: an image, a sound, the output of another program.
 *
 * Data is bytes of any kind (a Buffer, a typed array, a DataView, an ArrayBuffer) or a string. A Blob may be sent, or come
 * from a source; `write` is too soon for it. An event without data is not written.
 *
 * @param type the media type
 * @throws TypeError for an invalid media type
 */
export function raw(type: string): Format {
  checkMediaType('raw', type)
  return make(
    { mediaType: type, encode: (event) => (isBare(event) ? '' : bytesOf(event.data)) },
    { takesBytes: true, joins: true, withoutIds: true },
  )
}

function textOf(data: unknown): string | Uint8Array {
  if (typeof data === 'number' || typeof data === 'boolean' || typeof data === 'bigint') return String(data)
  const body = asBody(data)
  if (body !== undefined) return body
  throw misuse(
    'LARIAT_DATA',
    `${show(data)} is not text: expected a string, or a serialize function in text({ serialize })`,
  )
}

function bytesOf(data: unknown): string | Uint8Array {
  const body = asBody(data)
  if (body !== undefined) return body
  throw misuse(
    'LARIAT_DATA',
    `${show(data)} cannot be written by raw(): expected bytes (a Buffer, a typed array, an ArrayBuffer …) or a string`,
  )
}
