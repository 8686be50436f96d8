// Writes the multipart format: a part for each event.
import { randomUUID } from 'node:crypto'
import { misuse, show } from '../errors.js'
import { essenceOf } from '../http/media-type.js'
import { checkKeys } from '../rules.js'
import type { Event } from '../values/event.js'
import { checkMediaType, textRules } from './check.js'
import { asBody, guarded, isBare, json } from './data.js'
import type { Format, FormatOptions } from './format.js'
import { make, withoutIds } from './format.js'
import { noticeBy } from './notices.js'

/**
 * A part for each event: `multipart/mixed` (RFC 2046 5.1), or another multipart type such as
 * `multipart/x-mixed-replace`, with which a browser shows one image after the other.
 *
 * Bytes and strings are written as they are; other data is a TypeError. If the parts are JSON, everything except
 * bytes is written as JSON. The delimiter follows its part at once, so that a client sees the end of a part without
 * waiting for the next one.
 *
 * Every client knows the boundary, and may put it into data. It never appears in a part (RFC 2046 5.1.1): in JSON text its
 * first hyphen is escaped, and any other part that has it is base64, and says so in Content-Transfer-Encoding (RFC 2045 6).
 *
 * @param type the media type of the parts
 * @param options `mediaType` of the whole, without a boundary; `serialize(data, event)` returns the text of a part;
 *   `notice(kind, details)` returns what is written as a part for a notice
 * @throws TypeError for an invalid media type, and for unknown or invalid options
 */
export function multipart(type: string, options: FormatOptions = {}): Format {
  checkMediaType('multipart', type)
  checkKeys('multipart()', options, textRules)
  const { mediaType = 'multipart/mixed' } = options
  checkOuter(mediaType)
  const boundary = randomUUID()
  const delimiter = `--${boundary}`
  const head = `\r\nContent-Type: ${type}\r\n`
  const tail = `\r\n${delimiter}`
  const own = isJson(type) ? bytesOrJson : asIs
  const serialize = options.serialize ? guarded('multipart', options.serialize) : own
  const part = (body: string | Uint8Array) => {
    if (!contains(body, delimiter)) return framed(`${head}\r\n`, body, tail)
    if (typeof body !== 'string' || !isJson(type)) return `${head}${base64}${inBase64(body)}${tail}`
    // in JSON, hyphens in a row are within a string
    return `${head}\r\n${body.replaceAll(delimiter, `\\u002d${delimiter.slice(1)}`)}${tail}`
  }
  const encode = (event: Event) => (isBare(event) ? '' : part(serialize(event.data, event)))
  const notice = options.notice && noticeBy('multipart', options.notice, encode, (text) => part(own(text)))
  return make(
    {
      mediaType: `${mediaType}; boundary=${boundary}`,
      open: delimiter,
      close: '--\r\n',
      encode,
      ...(notice && { notice }),
    },
    { takesBytes: true, ...withoutIds(options) },
  )
}

function framed(head: string, body: string | Uint8Array, tail: string): string | Uint8Array {
  return typeof body === 'string'
    ? head + body + tail
    : Buffer.concat([Buffer.from(head), body, Buffer.from(tail)])
}

const base64 = 'Content-Transfer-Encoding: base64\r\n\r\n'

/** In lines of 76 characters (RFC 2045 6.8). */
function inBase64(body: string | Uint8Array): string {
  const text = Buffer.from(body as Uint8Array).toString('base64')
  return text.replace(/.{76}(?=.)/g, '$&\r\n')
}

function checkOuter(mediaType: string): void {
  if (/^multipart\//i.test(mediaType) && !/;[ \t]*boundary=/i.test(mediaType)) return
  throw misuse(
    'LARIAT_SPEC',
    `multipart({ mediaType: ${show(mediaType)} }): expected a type such as "multipart/mixed", without a boundary`,
  )
}

function isJson(type: string): boolean {
  const essence = essenceOf(type)
  return essence === 'application/json' || essence.endsWith('+json')
}

function bytesOrJson(data: unknown): string | Uint8Array {
  return (typeof data === 'string' ? undefined : asBody(data)) ?? json(data)
}

function asIs(data: unknown): string | Uint8Array {
  const body = asBody(data)
  if (body !== undefined) return body
  throw misuse(
    'LARIAT_DATA',
    `${show(data)} cannot be a part: expected bytes or a string, a JSON type, or serialize in multipart(type, { serialize })`,
  )
}

function contains(body: string | Uint8Array, delimiter: string): boolean {
  if (typeof body === 'string') return body.includes(delimiter)
  return Buffer.from(body.buffer, body.byteOffset, body.byteLength).includes(delimiter)
}
