import { misuse, show } from '../errors.js'
import { checkKeys } from '../rules.js'
import { checkMediaType, textRules } from './check.js'
import { asBody, guarded, isBare } from './data.js'
import type { Format, FormatOptions } from './format.js'
import { make } from './format.js'

/**
 * Plain text: `text/plain`, each string as it is, with nothing between two of them.
 *
 * Numbers, booleans and bigints are written as `String()` has them, bytes as they are; other data needs
 * `serialize`. An event without data is nothing.
 *
 * @param options `mediaType`; `serialize(data, event)` for the text of other data
 * @throws TypeError for unknown or wrong options
 */
export function text(options: FormatOptions = {}): Format {
  checkKeys('text()', options, textRules)
  const { mediaType = 'text/plain' } = options
  const serialize = options.serialize ? guarded('text', options.serialize) : textOf
  return make({ mediaType, encode: (event) => (isBare(event) ? '' : serialize(event.data, event)) })
}

/**
 * Bytes as they are, of any type: a picture, a sound, what another program writes.
 *
 * Data is a Uint8Array (a Buffer is one), an ArrayBuffer or a string. An event without data is nothing.
 *
 * @param type the media type of the whole
 * @throws TypeError for a type that is none
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
    `${show(data)} is no text: expected a string, or serialize in text({ serialize })`,
  )
}

function bytesOf(data: unknown): string | Uint8Array {
  const body = asBody(data)
  if (body !== undefined) return body
  throw misuse('LARIAT_DATA', `${show(data)} is not raw: expected a Uint8Array, an ArrayBuffer or a string`)
}
