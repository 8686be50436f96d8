// Turns a status or a `stop()` into a head and a body.
import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import type { ReadableStream as WebStream } from 'node:stream/web'
import { promisify } from 'node:util'
import zlib from 'node:zlib'
import type { Response } from 'express'
import type { Problem } from './declare/answers.js'
import { quietly } from './guard.js'
import { cut, onClose, tolerate } from './http/connection.js'
import { removeFields } from './http/field.js'
import { pump, readableOf } from './http/pump.js'
import type { ByteRange } from './http/range.js'
import { discard } from './request/discard.js'
import { charsetOf, putHeaders } from './request/draft.js'
import type { Exchange } from './request/exchange.js'
import type { Fail } from './request/outcome.js'
import { askProblem, problemOf } from './request/problem.js'
import { answering } from './request/refused.js'
import { type Body, sizeOf, toBytes, toChunk, toWhole, typeOf } from './values/body.js'
import { isBlob } from './values/bytes.js'
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

/** The statuses that have no body (RFC 9110 15.3.5, 15.3.6, 15.4.5). */
const bodiless: readonly number[] = [204, 205, 304]

/** Answers with the status that the graph has decided. Never throws: what cannot be sent is told to `fail`. */
export function respond(x: Exchange, status: number, fail: Fail): void {
  answering(x, status)
  attempt(x, fail, (failed) => sendStatus(x, status, failed))
}

function sendStatus(x: Exchange, status: number, fail: Fail): void {
  const { draft, res } = x
  draft.apply()
  if (status >= 400) return refuse(x, status, fail)
  if (validated.includes(status)) draft.applyValidators()
  const { body } = draft
  if (body === undefined || bodiless.includes(status)) return finishEmpty(x, status)
  setStatus(x, status)
  if (draft.negotiated.language !== undefined) res.setHeader('Content-Language', draft.negotiated.language)
  if (status === 206) sendPart(x, toWhole(body), fail)
  else sendBody(x, body, fail)
}

/** Answers with the `stop()` of a callback. Never throws: what cannot be sent is told to `fail`, and let go. */
export function respondStop(x: Exchange, stop: StopValue, fail: Fail): void {
  answering(x, stop.status)
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
  if (body !== undefined && !bodiless.includes(status)) {
    res.statusCode = status
    if (!draft.hasOwnType && !hasType(headers)) res.setHeader('Content-Type', typeOf(body))
    return send(x, body, fail)
  }
  if (body !== undefined) discard(body)
  draft.detail = detail
  if (status >= 400) refuse(x, status, fail)
  else finishEmpty(x, status, headers)
}

/** Setting the status of an Express response is slow, and 200 is its default. */
function setStatus({ res }: Exchange, status: number): void {
  if (res.statusCode !== status) res.statusCode = status
}

/** Answers a refusal: by the callback `problem`, else by RFC 9457. */
function refuse(x: Exchange, status: number, fail: Fail): void {
  const { draft, plan, res } = x
  const size = sizeOf(draft.body)
  if (status === 416 && size !== undefined) res.setHeader('Content-Range', `bytes */${size}`)
  const problem = problemOf(x, status)
  if (!plan.problem) return sendProblem(x, problem)
  askProblem(x, plan.problem, problem, {
    shaped: ({ body, headers }, failed) => {
      res.statusCode = status
      res.setHeader('Content-Type', typeOf(body))
      putHeaders(res, headers)
      send(x, body, failed)
    },
    unshaped: () => {
      draft.retract()
      attempt(x, fail, () => sendProblem(x, problem))
    },
  })
}

function sendProblem(x: Exchange, problem: Problem): void {
  x.res.statusCode = problem.status
  x.res.setHeader('Content-Type', 'application/problem+json')
  finish(x, JSON.stringify(problem))
}

/** Ends an answer without a body. A Content-Type stays if it was set on purpose (RFC 9110 8.3), but in 204 and 304. */
function finishEmpty(x: Exchange, status: number, headers?: StopValue['headers']): void {
  const { res, draft } = x
  const isTyped = draft.hasOwnType || hasType(headers)
  const hasLength = status !== 204 && status !== 304
  if (!(isTyped && hasLength)) removeFields(res, ['Content-Type'])
  setStatus(x, status)
  if (status === 304 && isOffered(res)) forbidTransform(res)
  // the framing of another body: an answer has one (RFC 9112 6.2)
  removeFields(res, ['Content-Length', 'Transfer-Encoding'])
  if (hasLength) res.setHeader('Content-Length', '0')
  res.end()
}

/** Whether headers name the type: it was set on purpose, even if middleware had set the same. */
function hasType(headers: StopValue['headers'] = {}): boolean {
  return Object.entries(headers).some(
    ([name, value]) => value !== undefined && name.toLowerCase() === 'content-type',
  )
}

/** Ends an answer of known length. HEAD gets the head of GET. */
function finish({ req, res }: Exchange, chunk: string | Buffer): void {
  frame(res, Buffer.byteLength(chunk))
  res.end(req.method === 'HEAD' ? undefined : chunk)
}

function frame(res: Response, length: number): void {
  removeFields(res, ['Transfer-Encoding'])
  res.setHeader('Content-Length', String(length))
}

/** Ends the head of a body that is not sent. Without a framing, Node would close the connection. */
export function finishHead({ req, res }: Exchange): void {
  if (req.httpVersion === '1.1' && !res.hasHeader('Content-Length'))
    res.setHeader('Transfer-Encoding', 'chunked')
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
  if (isBlob(body)) return sendStream(x, body.stream(), fail, coder.stream())
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
  if (isStream(body)) return sendStream(x, body, fail)
  if (isOffered(x.res)) forbidTransform(x.res)
  if (isBlob(body)) sendBlob(x, body, fail)
  else finish(x, toChunk(body, charsetOf(String(x.res.getHeader('Content-Type')))))
}

/** Sends a Blob, whose length is known before it is read. */
function sendBlob(x: Exchange, blob: Blob, fail: Fail): void {
  frame(x.res, blob.size)
  if (x.req.method === 'HEAD') x.res.end()
  else pour(x, Readable.fromWeb(blob.stream() as WebStream), fail)
}

/** Sends a body of unknown length, unless a callback has set its Content-Length. */
function sendStream(x: Exchange, body: Body, fail: Fail, coder?: zlib.Gzip): void {
  const { req, res } = x
  // ranges need the length
  removeFields(res, ['Accept-Ranges'])
  if (res.hasHeader('Transfer-Encoding'))
    removeFields(res, [req.httpVersion === '1.0' ? 'Transfer-Encoding' : 'Content-Length'])
  if (coder) {
    removeFields(res, ['Content-Length'])
    res.setHeader('Content-Encoding', x.negotiated.encoding)
  }
  if (req.method === 'HEAD') {
    discard(body)
    return finishHead(x)
  }
  pour(x, isWebStream(body) ? readableOf(body) : (body as Readable), fail, coder)
}

/** Writes a source. One that fails before its first byte is an ordinary error. */
function pour(x: Exchange, source: Readable, fail: Fail, coder?: zlib.Gzip): void {
  const { req, res } = x
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
  if (coder) pump(coder, res, failed)
  pump(source, coder ?? res, failed)
}

/** Sends one range with Content-Range, several as multipart/byteranges (RFC 9110 14.4, 14.6). */
function sendPart(x: Exchange, whole: Buffer | Blob, fail: Fail): void {
  const { res } = x
  const ranges = x.draft.ranges as readonly ByteRange[]
  const type = x.draft.typeOf(whole)
  const contentRange = ({ first, last }: ByteRange) => `bytes ${first}-${last}/${sizeOf(whole)}`
  const partOf = ({ first, last }: ByteRange) =>
    isBlob(whole) ? whole.slice(first, last + 1) : whole.subarray(first, last + 1)
  const [only, second] = ranges as [ByteRange, ByteRange | undefined]
  forbidTransform(res)
  if (!second) {
    res.setHeader('Content-Type', type)
    res.setHeader('Content-Range', contentRange(only))
    return send(x, partOf(only), fail)
  }
  const boundary = randomBytes(16).toString('hex')
  const parts = ranges.flatMap((range) => [
    Buffer.from(
      `\r\n--${boundary}\r\nContent-Type: ${type}\r\nContent-Range: ${contentRange(range)}\r\n\r\n`,
    ),
    partOf(range),
  ])
  parts.push(Buffer.from(`\r\n--${boundary}--\r\n`))
  res.setHeader('Content-Type', `multipart/byteranges; boundary=${boundary}`)
  // the types of the DOM and of Node disagree about what a Blob is made of
  send(x, isBlob(whole) ? new Blob(parts as never[]) : Buffer.concat(parts as Buffer[]), fail)
}

/**
 * The answer offers ranges, and middleware such as `compression()`, which puts a `flush` on the response, may encode it.
 * Its strong etag would name two sequences of bytes, and a download that is resumed would be spliced of both (RFC 9110
 * 8.8.3.3, 13.1.5).
 */
function isOffered(res: Response): boolean {
  return (
    res.getHeader('Accept-Ranges') === 'bytes' && typeof (res as { flush?: unknown }).flush === 'function'
  )
}

/** Content-Range counts the bytes as sent, which `compression()` would change (RFC 9110 14.4). */
function forbidTransform(res: Response): void {
  const control = [res.getHeader('Cache-Control') ?? []].flat().join(', ')
  if (/\bno-transform\b/i.test(control)) return
  res.setHeader('Cache-Control', control === '' ? 'no-transform' : `${control}, no-transform`)
}
