// Defines a body that a callback may answer with, and turns it into bytes.
import { isBranded } from '../brand.js'
import { misuse } from '../errors.js'
import { parseMediaType } from '../http/media-type.js'
import { isPromise } from '../promise.js'
import { asBytes, isBlob } from './bytes.js'
import { isLostInJson, isSource } from './json.js'
import { isStream } from './readable.js'

/** A whole body: a string, bytes or a Blob, a Node or Web stream, or a JSON value. Not undefined, and not a promise. */
export type Body =
  | string
  | number
  | boolean
  | null
  | (object & { readonly then?: never })
  // Only for object literals, whose keys TypeScript checks one by one.
  | { readonly [key: string]: unknown; readonly then?: never }

/** The charsets that Node can write, by the names that Buffer has for them. */
const encodings: ReadonlyMap<string, BufferEncoding> = new Map([
  ['iso-8859-1', 'latin1'],
  ['latin1', 'latin1'],
  ['utf-16le', 'utf16le'],
])

/**
 * Whether a callback may answer with a value as a body: a string, bytes of any kind, a stream, or a value that JSON can
 * say. Not a Map, a Response, an Error and the like, for which JSON writes `{}`.
 */
export function isBody(value: unknown): value is Body {
  if (value === null) return true
  if (typeof value !== 'object')
    return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
  if (isStream(value) || isBlob(value) || asBytes(value)) return true
  return !(isPromise(value) || isSource(value) || isLostInJson(value) || isOrder(value))
}

/** What a callback returns to have something done, and is no data: a stop, a format or a list of `once()`. */
function isOrder(value: object): boolean {
  return isBranded(value, 'stop') || isBranded(value, 'format') || isBranded(value, 'once')
}

/** A body whose length is known: a Blob, whose bytes come later; or its bytes. */
export function toWhole(body: Body, charset?: string): Buffer | Blob {
  return isBlob(body) ? body : toBytes(body, charset)
}

/** The length of a body in bytes; undefined for a stream, or for text and JSON that were not encoded yet. */
export function sizeOf(body: Body | undefined): number | undefined {
  return isBlob(body) ? body.size : asBytes(body)?.length
}

/** The bytes of a body that is neither a stream nor a Blob. */
export function toBytes(body: Body, charset?: string): Buffer {
  const chunk = toChunk(body, charset)
  return typeof chunk === 'string' ? Buffer.from(chunk) : chunk
}

/**
 * A body that is neither a stream nor a Blob: a string in the given charset, bytes as they are, anything else as JSON. UTF-8 text
 * stays a string, which Node writes in one piece with the head.
 */
export function toChunk(body: Body, charset = 'utf-8'): string | Buffer {
  if (typeof body === 'string') return /^utf-?8$/i.test(charset) ? body : encode(body, charset)
  const bytes = asBytes(body)
  if (bytes) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const json = JSON.stringify(body) as string | undefined
  if (json === undefined) {
    throw misuse('LARIAT_ANSWER', 'The body cannot be written as JSON: its toJSON() returned undefined')
  }
  return json
}

function encode(text: string, charset: string): Buffer {
  const encoding = encodings.get(charset.toLowerCase())
  if (encoding && !(encoding === 'latin1' && /[^\x00-\xff]/.test(text))) return Buffer.from(text, encoding)
  // Nearly all charsets encode these characters alike.
  if (/^[\x00-\x7f]*$/.test(text)) return Buffer.from(text)
  throw misuse(
    'LARIAT_ANSWER',
    `Node cannot encode the body in the negotiated charset ${charset}: return a Buffer`,
  )
}

/** The media type of a body for which none was negotiated. */
export function typeOf(body: Body): string {
  if (typeof body === 'string') return 'text/plain; charset=utf-8'
  // a Blob may name its type, in any text
  if (isBlob(body) && parseMediaType(body.type)) return body.type
  return isBlob(body) || isStream(body) || asBytes(body) ? 'application/octet-stream' : 'application/json'
}
