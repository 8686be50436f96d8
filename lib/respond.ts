// Turns a status or a `stop()` into a head and a body.
import { randomBytes } from 'node:crypto'
import { STATUS_CODES } from 'node:http'
import { Readable } from 'node:stream'
import { promisify } from 'node:util'
import zlib from 'node:zlib'
import type { Response } from 'express'
import { misuse, show } from './errors.js'
import { quietly } from './guard.js'
import { cut, onClose, tolerate } from './http/connection.js'
import { pump } from './http/pump.js'
import type { ByteRange } from './http/range.js'
import { discard } from './request/discard.js'
import { putHeaders } from './request/draft.js'
import type { Exchange } from './request/exchange.js'
import type { Fail } from './request/outcome.js'
import { type Body, toBytes, toChunk, typeOf } from './values/body.js'
import { isStream, isWebStream } from './values/readable.js'
import type { StopValue } from './values/stop.js'

/** Brotli's default quality takes a hundred times as long, to save another tenth. */
const brotli = { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 4 } }

const coders = {
  gzip: { whole: promisify(zlib.gzip) as Coder, stream: () => zlib.createGzip() },
  deflate: { whole: promisify(zlib.deflate) as Coder, stream: () => zlib.createDeflate() },
  br: {
    whole: ((bytes) => promisify(zlib.brotliCompress)(bytes, brotli)) as Coder,
    stream: () => zlib.createBrotliCompress(brotli),
  },
}
type Coder = (bytes: Buffer) => Promise<Buffer>

/** The statuses that the validators apply to. */
const validated: readonly number[] = [200, 206, 300, 304]

/** Answers with the status that the graph has decided. Never throws: what cannot be sent is told to `fail`. */
export function respond(x: Exchange, status: number, fail: Fail): void {
  attempt(x, fail, (failed) => sendStatus(x, status, failed))
}

function sendStatus(x: Exchange, status: number, fail: Fail): void {
  const { draft, res } = x
  draft.apply()
  if (status >= 400) return sendProblem(x, status)
  if (validated.includes(status)) draft.applyValidators()
  const { body } = draft
  if (status === 304 || status === 204 || body === undefined) return finishEmpty(x, status)
  setStatus(x, status)
  if (draft.negotiated.language !== undefined) res.setHeader('Content-Language', draft.negotiated.language)
  if (status === 206) sendPart(x, toBytes(body))
  else sendBody(x, body, fail)
}

/** Answers with the `stop()` of a callback. Never throws: what cannot be sent is told to `fail`, and let go. */
export function respondStop(x: Exchange, stop: StopValue, fail: Fail): void {
  const letGo: Fail = (error) => {
    discard(stop)
    fail(error)
  }
  attempt(x, letGo, (failed) => sendStop(x, stop, failed))
}

function sendStop(x: Exchange, { status, headers, body, detail }: StopValue, fail: Fail): void {
  const { draft, res } = x
  draft.apply()
  if (headers) putHeaders(res, headers)
  if (body !== undefined && status !== 204 && status !== 304) {
    res.statusCode = status
    if (!draft.hasOwnType) res.setHeader('Content-Type', typeOf(body))
    return send(x, body, fail)
  }
  if (body !== undefined) discard(body)
  draft.detail = detail
  if (status >= 400) sendProblem(x, status)
  else finishEmpty(x, status)
}

/** Setting the status of an Express response is slow, and 200 is its default. */
function setStatus({ res }: Exchange, status: number): void {
  if (res.statusCode !== status) res.statusCode = status
}

/** Answers a refusal (RFC 9457). */
function sendProblem(x: Exchange, status: number): void {
  const { draft, res } = x
  const { body, detail, offered } = draft
  const title = STATUS_CODES[status] ?? 'Unknown Status'
  if (status === 416 && body instanceof Uint8Array) res.setHeader('Content-Range', `bytes */${body.length}`)
  res.statusCode = status
  res.setHeader('Content-Type', 'application/problem+json')
  finish(x, JSON.stringify({ type: 'about:blank', title, status, detail, offered }))
}

function finishEmpty(x: Exchange, status: number): void {
  const { res } = x
  if (res.hasHeader('Content-Type')) res.removeHeader('Content-Type')
  if (res.hasHeader('Content-Length')) res.removeHeader('Content-Length')
  setStatus(x, status)
  if (status !== 204 && status !== 304) res.setHeader('Content-Length', '0')
  res.end()
}

/** Ends an answer of known length. HEAD gets the head of GET. */
function finish({ req, res }: Exchange, chunk: string | Buffer): void {
  res.setHeader('Content-Length', String(Buffer.byteLength(chunk)))
  res.end(req.method === 'HEAD' ? undefined : chunk)
}

/** Ends the head of a body of unknown length. Without Transfer-Encoding, Node would close the connection. */
export function finishHead({ req, res }: Exchange): void {
  if (req.httpVersion === '1.1') res.setHeader('Transfer-Encoding', 'chunked')
  res.end()
}

/**
 * Runs what sends an answer, and takes the headers of its body back if that fails. What is half sent is cut: no other
 * answer can take its place.
 */
function attempt(x: Exchange, fail: Fail, run: (failed: Fail) => void): void {
  const failed = (error: unknown) => {
    const { headersSent } = x.res
    quietly(() => x.draft.retract())
    fail(error)
    if (headersSent) cut(x.res)
  }
  try {
    run(failed)
  } catch (error) {
    failed(error)
  }
}

function sendBody(x: Exchange, body: Body, fail: Fail): void {
  const { draft, res } = x
  res.setHeader('Content-Type', draft.typeOf(body))
  if (!draft.isEncoded) return send(x, body, fail)
  const { encoding } = draft.negotiated
  const coder = coders[encoding as keyof typeof coders]
  if (isStream(body)) return sendStream(x, body, fail, coder.stream())
  coder
    .whole(toBytes(body, draft.charsetOf(body)))
    .then((bytes) => {
      if (x.isOver) return
      res.setHeader('Content-Encoding', encoding)
      finish(x, bytes)
    })
    // also what sending it throws
    .catch(fail)
}

function send(x: Exchange, body: Body, fail: Fail): void {
  if (isStream(body)) sendStream(x, body, fail)
  else finish(x, toChunk(body, x.draft.charsetOf(body)))
}

/** Sends a body of unknown length. A source that fails before its first byte is an ordinary error. */
function sendStream(x: Exchange, body: Body, fail: Fail, coder?: zlib.Gzip): void {
  const { req, res } = x
  // ranges need the length
  res.removeHeader('Accept-Ranges')
  if (coder) {
    res.removeHeader('Content-Length')
    res.setHeader('Content-Encoding', x.negotiated.encoding)
  }
  if (req.method === 'HEAD') {
    discard(body)
    return finishHead(x)
  }
  const source = isWebStream(body) ? Readable.fromWeb(body) : (body as Readable)
  let isOver = false
  const letGo = () => {
    discard(source)
    coder?.destroy()
  }
  const failed = (error: unknown) => {
    // the client left, which destroyed the source: not an error
    const isNews = !isOver && !x.hasLeft
    isOver = true
    letGo()
    if (!isNews) return
    if (res.headersSent) cut(res)
    else fail(error)
  }
  tolerate(res)
  onClose(req, res, { closed: letGo })
  if (coder) pump(coder, res, checkChunk, failed)
  pump(source, coder ?? res, checkChunk, failed)
}

/** Checks a chunk of an object stream: Node would throw where nothing can catch it. */
function checkChunk(chunk: unknown): void {
  if (typeof chunk === 'string' || chunk instanceof Uint8Array) return
  throw misuse('LARIAT_ANSWER', `A stream that is a body gave ${show(chunk)}: expected text or bytes`)
}

/** Sends one range with Content-Range, several as multipart/byteranges (RFC 9110 14.4, 14.6). */
function sendPart(x: Exchange, bytes: Buffer): void {
  const { res } = x
  const ranges = x.draft.ranges as readonly ByteRange[]
  const type = x.draft.typeOf(bytes)
  const describe = ({ first, last }: ByteRange) => `bytes ${first}-${last}/${bytes.length}`
  const partOf = ({ first, last }: ByteRange) => bytes.subarray(first, last + 1)
  const [only, second] = ranges as [ByteRange, ByteRange | undefined]
  forbidTransform(res)
  if (!second) {
    res.setHeader('Content-Type', type)
    res.setHeader('Content-Range', describe(only))
    return finish(x, partOf(only))
  }
  const boundary = randomBytes(16).toString('hex')
  const parts = ranges.flatMap((range) => [
    Buffer.from(`\r\n--${boundary}\r\nContent-Type: ${type}\r\nContent-Range: ${describe(range)}\r\n\r\n`),
    partOf(range),
  ])
  res.setHeader('Content-Type', `multipart/byteranges; boundary=${boundary}`)
  finish(x, Buffer.concat([...parts, Buffer.from(`\r\n--${boundary}--\r\n`)]))
}

/** Content-Range counts the bytes as sent, which `compression()` would change (RFC 9110 14.4). */
function forbidTransform(res: Response): void {
  const control = [res.getHeader('Cache-Control') ?? []].flat().join(', ')
  if (!control.includes('no-transform'))
    res.setHeader('Cache-Control', control === '' ? 'no-transform' : `${control}, no-transform`)
}
