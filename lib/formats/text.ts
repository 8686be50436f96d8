// Writes the formats without structure: text and raw bytes.
import { misuse, show } from '../errors.js'
import { checkKeys } from '../rules.js'
import { checkMediaType, textRules } from './check.js'
import { asBody, guarded, isBare } from './data.js'
import type { Format, FormatOptions } from './format.js'
import { make } from './format.js'

/**
 * Plain text: `text/plain`, each string as it is, with nothing between two strings.
 *
 * Numbers, booleans and bigints are converted with `String()`, bytes are written as they are, other data needs
 * `serialize`. An event without data is not written.
 *
 * @param options `mediaType`; `serialize(data, event)` returns the text of the data
 * @throws TypeError for unknown or invalid options
 */
export function text(options: FormatOptions = {}): Format {
  checkKeys('text()', options, textRules)
  const { mediaType = 'text/plain' } = options
  const serialize = options.serialize ? guarded('text', options.serialize) : textOf
  return make({ mediaType, encode: (event) => (isBare(event) ? '' : serialize(event.data, event)) })
}

/**
 * Bytes as they are, of any media type: an image, a sound, the output of another program.
 *
 * Data is a Uint8Array (such as a Buffer), an ArrayBuffer or a string. An event without data is not written.
 *
 * @param type the media type
 * @throws TypeError for an invalid media type
 */
export function raw(type: string): Format {
  checkMediaType('raw', type)
  return make({ mediaType: type, encode: (event) => (isBare(event) ? '' : bytesOf(event.data)) })
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
    `${show(data)} cannot be written by raw(): expected a Uint8Array, an ArrayBuffer or a string`,
  )
}
