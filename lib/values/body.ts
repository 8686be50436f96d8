// Defines a body that a callback may answer with, and turns it into bytes.
import { misuse } from '../errors.js'
import { isPromise } from '../promise.js'
import { isStream } from './readable.js'

/** A whole body: a string, bytes, a Node or Web stream, or a JSON value. Not undefined, and not a promise. */
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

/** Whether a callback may answer with a value as a body. */
export function isBody(value: unknown): value is Body {
  if (value === null) return true
  if (typeof value !== 'object')
    return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
  return isStream(value) || !(isPromise(value) || Symbol.asyncIterator in value)
}

/** The bytes of a body that is not a stream. */
export function toBytes(body: Body, charset?: string): Buffer {
  const chunk = toChunk(body, charset)
  return typeof chunk === 'string' ? Buffer.from(chunk) : chunk
}

/**
 * A body that is not a stream: a string in the given charset, bytes as they are, anything else as JSON. UTF-8 text
 * stays a string, which Node writes in one piece with the head.
 */
export function toChunk(body: Body, charset = 'utf-8'): string | Buffer {
  if (typeof body === 'string') return /^utf-?8$/i.test(charset) ? body : encode(body, charset)
  if (body instanceof Uint8Array) return Buffer.from(body.buffer, body.byteOffset, body.byteLength)
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
  return body instanceof Uint8Array || isStream(body) ? 'application/octet-stream' : 'application/json'
}
