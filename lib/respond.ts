// Turns a status or a `stop()` into a head and a body.
import { randomBytes } from 'node:crypto'
import { STATUS_CODES } from 'node:http'
import { finished, Readable, Transform } from 'node:stream'
import { promisify } from 'node:util'
import zlib from 'node:zlib'
import type { Response } from 'express'
import type { Problem, ProblemAnswer } from './declare/answers.js'
import { misuse, report, show } from './errors.js'
import { cut, onClose, tolerate } from './http/connection.js'
import type { ByteRange } from './http/range.js'
import { discard } from './request/discard.js'
import { charsetOf, putHeaders } from './request/draft.js'
import type { Exchange } from './request/exchange.js'
import type { Fail } from './request/outcome.js'
import { shape } from './request/problem.js'
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

/** Answers with the status that the graph has decided. */
export function respond(x: Exchange, status: number, fail: Fail): void {
  const { draft, res } = x
  draft.apply()
  if (status >= 400) return refuse(x, status, fail)
  if (validated.includes(status)) draft.applyValidators()
  const { body } = draft
  if (status === 304 || status === 204 || body === undefined) return finishEmpty(x, status)
  setStatus(x, status)
  if (draft.negotiated.language !== undefined) res.setHeader('Content-Language', draft.negotiated.language)
  attempt(x, fail, (failed) => {
    if (status === 206) sendPart(x, toBytes(body))
    else sendBody(x, body, failed)
  })
}

/** Answers with the `stop()` of a callback. */
export function respondStop(x: Exchange, { status, headers, body, detail }: StopValue, fail: Fail): void {
  const { draft, res } = x
  draft.apply()
  if (headers) putHeaders(res, headers)
  if (body !== undefined && status !== 204 && status !== 304) {
    res.statusCode = status
    if (!draft.hasOwnType) res.setHeader('Content-Type', typeOf(body))
    attempt(x, fail, (failed) => send(x, body, failed))
    return
  }
  if (body !== undefined) discard(body)
  draft.detail = detail
  if (status >= 400) refuse(x, status, fail)
  else finishEmpty(x, status)
}

/** Setting the status of an Express response is slow, and 200 is its default. */
function setStatus({ res }: Exchange, status: number): void {
  if (res.statusCode !== status) res.statusCode = status
}

/** Answers a refusal: by the callback `problem`, else by RFC 9457. */
function refuse(x: Exchange, status: number, fail: Fail): void {
  const { draft, plan, res } = x
  const { body, detail, offered } = draft
  const title = STATUS_CODES[status] ?? 'Unknown Status'
  if (status === 416 && body instanceof Uint8Array) res.setHeader('Content-Range', `bytes */${body.length}`)
  const problem: Problem = { type: 'about:blank', title, status, detail, offered }
  if (!plan.problem) return sendProblem(x, problem)
  shape(x, plan.problem, problem, {
    shaped: (answer, failed) => sendShaped(x, status, answer, failed),
    unshaped: (error) => {
      if (x.hasLeft) return
      report(
        `problem failed at ${x.req.originalUrl.split('?', 1)}, which got the problem body of RFC 9457`,
        error,
      )
      if (x.isOver) return
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

/** Fields that say why a request is refused, and what the client may do: no other answer replaces them. */
const ofRefusals = /^(?:allow|www-authenticate|proxy-authenticate|retry-after|content-range|accept(?:-.+)?)$/i

/** Answers a refusal with the body that `problem` has made. */
function sendShaped(x: Exchange, status: number, { body, headers = {} }: ProblemAnswer, fail: Fail): void {
  const { res } = x
  res.statusCode = status
  res.setHeader('Content-Type', typeOf(body))
  putHeaders(
    res,
    Object.fromEntries(
      Object.entries(headers).filter(([name]) => !(ofRefusals.test(name) && res.hasHeader(name))),
    ),
  )
  send(x, body, fail)
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

/** Removes the headers of a body that then fails. */
function attempt(x: Exchange, fail: Fail, run: (failed: Fail) => void): void {
  const failed = (error: unknown) => {
    x.draft.retract()
    fail(error)
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
  coder.whole(toBytes(body, draft.charsetOf(body))).then((bytes) => {
    if (x.isOver) return
    res.setHeader('Content-Encoding', encoding)
    finish(x, bytes)
  }, fail)
}

function send(x: Exchange, body: Body, fail: Fail): void {
  if (isStream(body)) sendStream(x, body, fail)
  else finish(x, toChunk(body, charsetOf(String(x.res.getHeader('Content-Type')))))
}

/** Sends a body of unknown length. A source that fails before its first byte is an ordinary error. */
function sendStream(x: Exchange, body: Body, fail: Fail, coder?: zlib.Gzip): void {
  const { req, res } = x
  const source = isWebStream(body) ? Readable.fromWeb(body) : (body as Readable)
  // ranges need the length
  res.removeHeader('Accept-Ranges')
  if (coder) {
    res.removeHeader('Content-Length')
    res.setHeader('Content-Encoding', x.negotiated.encoding)
  }
  if (req.method === 'HEAD') {
    source.on('error', () => {}).destroy()
    return finishHead(x)
  }
  finished(source, { writable: false }, (error) => {
    if (!error) return
    coder?.destroy()
    // the client left, which destroyed the source: not an error
    if (x.hasLeft) return
    if (res.headersSent) cut(res)
    else fail(error)
  })
  tolerate(res)
  onClose(req, res, {
    closed() {
      source.on('error', () => {}).destroy()
      coder?.destroy()
    },
  })
  const bytes = source.readableObjectMode ? source.pipe(bytesOnly(source)) : source
  if (coder) bytes.pipe(coder).pipe(res)
  else bytes.pipe(res)
}

/** Checks chunks of an object stream: Node would throw where nothing can catch it. */
function bytesOnly(source: Readable): Transform {
  return new Transform({
    writableObjectMode: true,
    transform(chunk: unknown, _encoding, done) {
      if (typeof chunk === 'string' || chunk instanceof Uint8Array) return done(null, chunk)
      const error = misuse(
        'LARIAT_ANSWER',
        `A stream that is a body gave ${show(chunk)}: expected text or bytes`,
      )
      source.destroy(error)
      done()
    },
  })
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
