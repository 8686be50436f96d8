// Collects the answer to a request until it is sent: its headers, its body, and how the body is labelled.
import type { Response } from 'express'
import vary from 'vary'

import { type Fields, isToken, removeFields } from '../http/field.js'

import { parseMediaType } from '../http/media-type.js'
import type { ByteRange } from '../http/range.js'
import { type Body, typeOf } from '../values/body.js'
import { Negotiated } from './negotiated.js'

/** Names for Vary, and the whole field if it was known before the request. */
export interface Variance {
  readonly names: readonly string[]
  readonly field?: string
}

type Headers = Record<string, string | readonly string[]>

/** The answer so far. */
export class Draft {
  readonly #res: Response
  /** The Content-Type that other middleware had set before the endpoint was reached. */
  readonly #typeBefore: unknown
  readonly negotiated = new Negotiated()
  #headers: Headers | undefined
  #validators: Record<string, string> | undefined
  vary: Variance | undefined
  /** The request created something. */
  isCreated = false
  /** The answer is at another URI (303). */
  isElsewhere = false
  /** The reason in a problem body, and the alternatives that the resource offers. */
  detail: string | undefined
  offered: readonly string[] | undefined
  body: Body | undefined
  /** Whether a Range may cut the body, and the requested ranges. */
  cutsRanges = false
  ranges: readonly ByteRange[] | undefined

  constructor(res: Response) {
    this.#res = res
    this.#typeBefore = res.getHeader('Content-Type')
  }

  get headers(): Headers {
    this.#headers ??= {}
    return this.#headers
  }

  /** ETag, Last-Modified and Expires: sent only with the statuses that they apply to. */
  get validators(): Record<string, string> {
    this.#validators ??= {}
    return this.#validators
  }

  /** The body is sent in a content coding. */
  get isEncoded(): boolean {
    const { encoding } = this.negotiated
    return encoding !== undefined && encoding !== 'identity'
  }

  /** A callback has set the Content-Type. A Content-Type from before the endpoint does not describe this answer. */
  get hasOwnType(): boolean {
    return this.#res.getHeader('Content-Type') !== this.#typeBefore
  }

  /** Sets the headers and Vary on the response, in addition to those of other middleware. */
  apply(): void {
    if (this.#headers) putHeaders(this.#res, this.#headers)
    this.#applyVary()
  }

  /** Sets the validators on the response. */
  applyValidators(): void {
    if (this.#validators) putHeaders(this.#res, this.#validators)
  }

  #applyVary(): void {
    if (!this.vary || this.vary.names.length === 0) return
    const { names, field } = this.vary
    if (field !== undefined && !this.#res.hasHeader('Vary')) this.#res.setHeader('Vary', field)
    else vary(this.#res, names as string[])
  }

  /** Takes the status back, and removes the headers, of an answer that cannot be sent. */
  retract(): void {
    if (this.#res.headersSent) return
    this.#res.statusCode = 200
    removeFields(this.#res, ofBodies)
    if (this.#validators) removeFields(this.#res, Object.keys(this.#validators))
  }

  /**
   * The Content-Type of a body: the one that a callback has set, else the negotiated one with its charset, unless a
   * stream was negotiated.
   */
  typeOf(body: Body): string {
    const { mediaType, charset, chosen } = this.negotiated
    const own = this.#res.getHeader('Content-Type')
    if (own !== undefined && this.hasOwnType) return String(own)
    return mediaType === undefined || chosen ? typeOf(body) : withCharset(mediaType, charset)
  }

  /** The charset that the Content-Type of a text names. */
  charsetOf(body: Body): string | undefined {
    return typeof body === 'string' ? charsetOf(this.typeOf(body)) : undefined
  }
}

/** The charset that a media type names. */
export function charsetOf(type: string): string | undefined {
  if (!/charset/i.test(type)) return undefined
  return parseMediaType(type)?.parameters.find(([name]) => name === 'charset')?.[1]
}

/** Headers that describe a body and nothing else. */
const ofBodies = [
  'Content-Type',
  'Content-Encoding',
  'Content-Language',
  'Content-Length',
  'Content-Range',
  'Transfer-Encoding',
]

/** Adds a charset to text types. JSON, event streams and the like are UTF-8 by definition. */
export function withCharset(mediaType: string, charset: string | undefined): string {
  if (charset === undefined || !/^text\//i.test(mediaType) || /^text\/event-stream/i.test(mediaType))
    return mediaType
  return parseMediaType(mediaType)?.parameters.some(([name]) => name === 'charset')
    ? mediaType
    : `${mediaType}; charset=${charset}`
}

/** Sets the headers from a callback on a response. */
export function putHeaders(res: Response, headers: Fields): void {
  for (const name in headers) putHeader(res, name, headers[name])
}

/** Vary and Set-Cookie are appended to, since other middleware uses them too. All others are replaced. */
function putHeader(res: Response, name: string, value: Fields[string]): void {
  if (value === undefined) return
  if (/^vary$/i.test(name)) addVary(res, String(value))
  else if (/^set-cookie$/i.test(name))
    res.appendHeader(name, typeof value === 'number' ? String(value) : value)
  else res.setHeader(name, value)
}

function addVary(res: Response, value: string): void {
  const names = value.split(',').map((name) => name.trim())
  for (const name of names) if (isToken(name)) vary(res, name)
}
