// Reads the body of a request: once, limited, and from `req.body` where earlier middleware has read it.
import type { Readable, Transform } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import { parse } from 'content-type'
import type { Request } from 'express'
import getRawBody from 'raw-body'
import { LariatError, Refusal } from '../errors.js'
import { essenceOf } from '../http/media-type.js'

const decoders: ReadonlyMap<string, () => Transform> = new Map([
  ['gzip', () => createGunzip()],
  ['x-gzip', () => createGunzip()],
  ['deflate', () => createInflate()],
  ['br', () => createBrotliDecompress()],
])

/** The value that earlier middleware left in `req.body`. */
interface Parsed {
  readonly value: unknown
}

/** The body of a request. */
export class RequestBody {
  readonly #req: Request
  readonly #limit: number
  #bytes: Promise<Buffer> | undefined

  constructor(req: Request, limit: number) {
    this.#req = req
    this.#limit = limit
  }

  /** The body as bytes. */
  async bytes(): Promise<Buffer> {
    const parsed = this.#parsed()
    if (!parsed) return this.#read()
    const { value } = parsed
    if (Buffer.isBuffer(value)) return value
    return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))
  }

  /** The body as text, by the charset of its Content-Type, UTF-8 by default. */
  async text(): Promise<string> {
    const parsed = this.#parsed()
    if (parsed && typeof parsed.value === 'string') return parsed.value
    const bytes = await this.bytes()
    const charset = parsed && !Buffer.isBuffer(parsed.value) ? 'utf-8' : this.#charset()
    try {
      return new TextDecoder(charset).decode(bytes)
    } catch {
      throw new Refusal(415, `The charset ${charset} of the request body is not supported.`)
    }
  }

  /** The body as JSON. */
  async json(): Promise<unknown> {
    const parsed = this.#parsed()
    if (parsed && !Buffer.isBuffer(parsed.value) && !this.#isUnparsed(parsed.value)) return parsed.value
    const text = await this.text()
    try {
      return JSON.parse(text)
    } catch {
      throw new Refusal(400, 'The request body is not valid JSON.')
    }
  }

  /** A text parser left this string: still to be parsed. A string from a JSON parser is the value itself. */
  #isUnparsed(value: unknown): boolean {
    return typeof value === 'string' && !/[/+]json$/.test(essenceOf(this.#type()))
  }

  #type(): string {
    return this.#req.headers['content-type'] ?? ''
  }

  #charset(): string {
    return parse(this.#type()).parameters.charset ?? 'utf-8'
  }

  /** Undefined while the body is unread. Some parsers set `req.body` without reading, so the stream is checked too. */
  #parsed(): Parsed | undefined {
    const { body } = this.#req as { body?: unknown }
    if (this.#bytes || !this.#req.readableDidRead) return undefined
    if (body === undefined) {
      throw new LariatError(
        'LARIAT_BODY',
        'The request body was read before the endpoint was reached, and req.body is undefined. ' +
          'Mount the endpoint before the middleware that reads the body, or have it set req.body.',
      )
    }
    return { value: body }
  }

  #read(): Promise<Buffer> {
    this.#bytes ??= this.#drain()
    return this.#bytes
  }

  async #drain(): Promise<Buffer> {
    const coding = (this.#req.headers['content-encoding'] ?? 'identity').trim().toLowerCase()
    const decoder = coding === 'identity' ? undefined : decoders.get(coding)
    if (coding !== 'identity' && !decoder) {
      // names the codings that are (RFC 9110 15.5.16)
      const offers = { field: 'Accept-Encoding', names: [...decoders.keys()] }
      throw new Refusal(415, `The content coding ${coding} of the request body is not supported.`, { offers })
    }
    const length = decoder ? undefined : this.#req.headers['content-length']
    const stream: Readable = decoder ? this.#decode(decoder()) : this.#req
    try {
      return await getRawBody(stream, { limit: this.#limit, length: length ?? null })
    } catch (error) {
      // read and drop the rest: many clients read the answer only after they have sent the body
      this.#req.unpipe().resume()
      if (decoder) stream.destroy()
      throw explained(error, this.#limit)
    }
  }

  #decode(decoder: Transform): Transform {
    this.#req.once('close', () => {
      if (!this.#req.readableEnded) decoder.end()
    })
    return this.#req.pipe(decoder)
  }
}

/** Turns an error of raw-body or of a decoder into one of the library's errors. */
function explained(error: unknown, limit: number): LariatError {
  const { type } = error as { type?: string }
  if (type === 'stream.encoding.set') {
    const message = 'The request was given an encoding before the endpoint was reached (req.setEncoding)'
    return new LariatError(
      'LARIAT_BODY',
      `${message}: its bytes are gone. Read the body before, into req.body.`,
    )
  }
  if (type === 'entity.too.large') return new Refusal(413, `The request body is larger than ${limit} bytes.`)
  if (type === 'request.aborted') return new Refusal(400, 'The request body stopped half-way.')
  return new Refusal(400, 'The request body is not what its headers say.')
}
