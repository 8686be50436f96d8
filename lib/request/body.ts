// Reads the body of a request: once, limited, and from `req.body` where earlier middleware has read it.
import { brotliDecompress, gunzip, inflate } from 'node:zlib'
import { parse } from 'content-type'
import type { Request } from 'express'
import getRawBody from 'raw-body'
import { LariatError, Refusal } from '../errors.js'
import { essenceOf } from '../http/media-type.js'

/** How Node decodes bytes as a whole. With `info` it also tells how many of them the decoder has used. */
type Decode = (
  bytes: Buffer,
  options: { readonly maxOutputLength: number; readonly info: true },
  done: (error: Error | null, decoded: { buffer: Buffer; engine: { bytesWritten: number } }) => void,
) => void

const decoders: ReadonlyMap<string, Decode> = new Map<string, unknown>([
  ['gzip', gunzip],
  ['x-gzip', gunzip],
  ['deflate', inflate],
  ['br', brotliDecompress],
]) as ReadonlyMap<string, Decode>

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
  bytes(): Promise<Buffer> {
    return unawaited(this.#toBytes())
  }

  /** The body as text, by the charset of its Content-Type, UTF-8 by default. */
  text(): Promise<string> {
    return unawaited(this.#toText())
  }

  /** The body as JSON. */
  json(): Promise<unknown> {
    return unawaited(this.#toJson())
  }

  async #toBytes(): Promise<Buffer> {
    const parsed = this.#parsed()
    if (!parsed) return this.#read()
    const { value } = parsed
    if (Buffer.isBuffer(value)) return value
    return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))
  }

  async #toText(): Promise<string> {
    const parsed = this.#parsed()
    if (parsed && typeof parsed.value === 'string') return parsed.value
    const bytes = await this.#toBytes()
    const charset = parsed && !Buffer.isBuffer(parsed.value) ? 'utf-8' : this.#charset()
    try {
      return new TextDecoder(charset).decode(bytes)
    } catch {
      throw new Refusal(415, `The charset ${charset} of the request body is not supported.`)
    }
  }

  async #toJson(): Promise<unknown> {
    const parsed = this.#parsed()
    if (parsed && !Buffer.isBuffer(parsed.value) && !this.#isUnparsed(parsed.value)) return parsed.value
    const text = await this.#toText()
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
    // Node undoes the chunks, and leaves what is coded within them (RFC 9112 6.1)
    const { 'transfer-encoding': transfer = 'chunked' } = this.#req.headers
    if (transfer.trim().toLowerCase() !== 'chunked')
      throw new Refusal(501, `The transfer coding ${transfer} of the request body is not supported.`)
    // an empty field lists no coding
    const coding = (this.#req.headers['content-encoding'] || 'identity').trim().toLowerCase()
    const decode = decoders.get(coding)
    if (!decode && coding !== 'identity') {
      // names the codings that are (RFC 9110 15.5.16)
      const offers = { field: 'Accept-Encoding', names: [...decoders.keys()] }
      throw new Refusal(415, `The content coding ${coding} of the request body is not supported.`, { offers })
    }
    const bytes = await this.#receive(decode ? codedLimit(this.#limit) : this.#limit)
    return decode ? decoded(decode, bytes, coding, this.#limit) : bytes
  }

  /** The body as it was sent. */
  async #receive(limit: number): Promise<Buffer> {
    try {
      return await getRawBody(this.#req, { limit, length: this.#req.headers['content-length'] ?? null })
    } catch (error) {
      // read and drop the rest: many clients read the answer only after they have sent the body
      this.#req.resume()
      throw explained(error, this.#limit)
    }
  }
}

/** A coding may make a body larger: by its head and tail, and by a few bytes for each block that it only stores. */
function codedLimit(limit: number): number {
  return limit + Math.ceil(limit / 8) + 1024
}

/**
 * The body is decoded as a whole, not piped into a decoder: a decoder may end before its input does, and fails then at
 * bytes that come after all listeners are gone.
 */
function decoded(decode: Decode, bytes: Buffer, coding: string, limit: number): Promise<Buffer> {
  const tooLarge = () => new Refusal(413, `The request body is larger than ${limit} bytes.`)
  return new Promise((resolve, reject) => {
    // Node takes no maximum of 0
    decode(bytes, { maxOutputLength: Math.max(1, limit), info: true }, (error, result) => {
      const { code } = (error ?? {}) as { code?: string }
      if (code === 'ERR_BUFFER_TOO_LARGE') return reject(tooLarge())
      if (error) return reject(new Refusal(400, `The request body is not valid ${coding} data.`))
      const { buffer, engine } = result
      if (engine.bytesWritten < bytes.length)
        return reject(new Refusal(400, `The request body goes on after the end of its ${coding} data.`))
      if (buffer.length > limit) return reject(tooLarge())
      resolve(buffer)
    })
  })
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

/** A callback need not wait for the body that it reads: a broken body is then no unhandled rejection. */
function unawaited<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {})
  return promise
}
