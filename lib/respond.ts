import { randomBytes } from 'node:crypto'
import { STATUS_CODES } from 'node:http'
import { finished, Readable, Transform } from 'node:stream'
import { promisify } from 'node:util'
import zlib from 'node:zlib'
import type { Response } from 'express'
import vary from 'vary'
import { misuse, show } from './errors.js'
import { cut, onClose, tolerate } from './http/connection.js'
import { isToken } from './http/field.js'
import { parseMediaType } from './http/media-type.js'
import type { ByteRange } from './http/range.js'
import type { Exchange } from './request/exchange.js'
import { type Body, toBytes, toChunk, typeOf } from './values/body.js'
import { isStream, isWebStream } from './values/readable.js'
import type { StopValue } from './values/stop.js'

type Fail = (error: unknown) => void

/** Brotli's own default takes a hundred times as long for a tenth less. */
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

/** Answers with a status that the graph has come to. */
export function respond(x: Exchange, status: number, fail: Fail): void {
  applyHeaders(x)
  if (status >= 400) return refuse(x, status)
  if (status === 304 || status === 200 || status === 206 || status === 300) set(x, x.validators)
  if (status === 304 || status === 204 || x.result === undefined) return finishEmpty(x, status)
  setStatus(x, status)
  if (x.negotiated.language !== undefined) x.res.setHeader('Content-Language', x.negotiated.language)
  retracting(x, fail, (failed) => {
    if (status === 206) sendPart(x, toBytes(x.result as Body))
    else sendBody(x, x.result as Body, failed)
  })
}

/** Answers with what a callback has stopped with. */
export function respondStop(x: Exchange, { status, headers, body, detail }: StopValue, fail: Fail): void {
  applyHeaders(x)
  if (headers) set(x, headers)
  const own = x.res.getHeader('Content-Type') !== x.typeBefore
  if (body !== undefined && status !== 204 && status !== 304) {
    x.res.statusCode = status
    if (!own) x.res.setHeader('Content-Type', typeOf(body))
    retracting(x, fail, (failed) => send(x, body, failed))
  } else if (status >= 400) {
    x.detail = detail
    refuse(x, status)
  } else finishEmpty(x, status)
}

/** Puts the headers that the graph has come to onto the response, beside those of other middleware. */
export function applyHeaders(x: Exchange): void {
  const { res } = x
  for (const name in x.headers) putHeader(res, name, x.headers[name] as string | readonly string[])
  if (x.vary.length === 0) return
  if (x.vary === x.plan.vary && !res.hasHeader('Vary')) res.setHeader('Vary', x.plan.varyHeader)
  else vary(res, x.vary as string[])
}

/** A header that a callback has given; in two of them others have their say, too. */
export function putHeader(res: Response, name: string, value: string | readonly string[] | undefined): void {
  if (value === undefined) return
  if (/^vary$/i.test(name)) addVary(res, String(value))
  else if (/^set-cookie$/i.test(name)) res.appendHeader(name, value)
  else res.setHeader(name, value)
}

function addVary(res: Response, value: string): void {
  const names = value.split(',').map((name) => name.trim())
  for (const name of names) if (isToken(name)) vary(res, name)
}

function set({ res }: Exchange, headers: Readonly<Record<string, string>>): void {
  for (const name in headers) putHeader(res, name, headers[name] as string)
}

/** Express's responses are slow to take a status, and 200 is what they begin with. */
function setStatus({ res }: Exchange, status: number): void {
  if (res.statusCode !== status) res.statusCode = status
}

/** A problem body (RFC 9457). */
function refuse(x: Exchange, status: number): void {
  const { res } = x
  const title = STATUS_CODES[status] ?? 'Unknown Status'
  const problem = { type: 'about:blank', title, status, detail: x.detail, offered: x.offered }
  if (status === 416 && x.result instanceof Uint8Array)
    res.setHeader('Content-Range', `bytes */${x.result.length}`)
  res.statusCode = status
  res.setHeader('Content-Type', 'application/problem+json')
  finish(x, JSON.stringify(problem))
}

const ofBodies = ['Content-Type', 'Content-Length']

function finishEmpty(x: Exchange, status: number): void {
  const { res } = x
  for (const name of ofBodies) if (res.hasHeader(name)) res.removeHeader(name)
  setStatus(x, status)
  if (status !== 204 && status !== 304) res.setHeader('Content-Length', '0')
  res.end()
}

/** The end of every whole answer: HEAD has the head of GET. */
function finish({ req, res }: Exchange, chunk: string | Buffer): void {
  res.setHeader('Content-Length', String(Buffer.byteLength(chunk)))
  res.end(req.method === 'HEAD' ? undefined : chunk)
}

/** The head of a body whose length is not known; without saying so, Node would close the connection. */
export function finishHead({ req, res }: Exchange): void {
  if (req.httpVersion === '1.1') res.setHeader('Transfer-Encoding', 'chunked')
  res.end()
}

/**
 * One that a callback has set; else the type that was negotiated, with its charset. That of a stream says
 * nothing of a body, and one that was set before the resource was reached nothing of the resource.
 */
function contentType(x: Exchange, body: Body): string {
  const { mediaType, charset } = x.negotiated
  const own = x.res.getHeader('Content-Type')
  if (own !== undefined && own !== x.typeBefore) return String(own)
  return mediaType === undefined || x.streams ? typeOf(body) : withCharset(mediaType, charset)
}

/** The charset is for text types alone; JSON, event streams and their like are UTF-8 by definition. */
export function withCharset(mediaType: string, charset: string | undefined): string {
  if (charset === undefined || !/^text\//i.test(mediaType) || /^text\/event-stream/i.test(mediaType))
    return mediaType
  return parseMediaType(mediaType)?.parameters.some(([name]) => name === 'charset')
    ? mediaType
    : `${mediaType}; charset=${charset}`
}

/** The charset that a body's type says; UTF-8 if none. */
export function charsetOf(x: Exchange, body: Body): string | undefined {
  if (typeof body !== 'string') return undefined
  const type = contentType(x, body)
  if (!/charset/i.test(type)) return undefined
  return parseMediaType(type)?.parameters.find(([name]) => name === 'charset')?.[1]
}

/** What is said of a body that then cannot be sent is taken back: the answer to the error says its own. */
function retracting(x: Exchange, fail: Fail, run: (failed: Fail) => void): void {
  const failed = (error: unknown) => {
    for (const name of ['Content-Type', 'Content-Encoding', 'Content-Language', ...Object.keys(x.validators)])
      x.res.removeHeader(name)
    fail(error)
  }
  try {
    run(failed)
  } catch (error) {
    failed(error)
  }
}

function sendBody(x: Exchange, body: Body, fail: Fail): void {
  x.res.setHeader('Content-Type', contentType(x, body))
  if (!x.isEncoded) return send(x, body, fail)
  const coder = coders[x.negotiated.encoding as keyof typeof coders]
  if (isStream(body)) return sendStream(x, body, fail, coder.stream())
  coder.whole(toBytes(body, charsetOf(x, body))).then((bytes) => {
    if (x.isOver) return
    x.res.setHeader('Content-Encoding', x.negotiated.encoding)
    finish(x, bytes)
  }, fail)
}

function send(x: Exchange, body: Body, fail: Fail): void {
  if (isStream(body)) sendStream(x, body, fail)
  else finish(x, toChunk(body, charsetOf(x, body)))
}

/** A body of unknown length: a source that fails before its first byte is an error like any other. */
function sendStream(x: Exchange, body: Body, fail: Fail, coder?: zlib.Gzip): void {
  const { req, res } = x
  const source = isWebStream(body) ? Readable.fromWeb(body) : (body as Readable)
  // its length is not known, so that no range of it can be
  res.removeHeader('Accept-Ranges')
  if (coder) res.removeHeader('Content-Length')
  if (req.method === 'HEAD') {
    source.on('error', () => {}).destroy()
    if (coder) res.setHeader('Content-Encoding', x.negotiated.encoding)
    return finishHead(x)
  }
  if (coder) res.setHeader('Content-Encoding', x.negotiated.encoding)
  finished(source, { writable: false }, (error) => {
    if (!error) return
    coder?.destroy()
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

/** For a chunk that is neither text nor bytes Node throws where nobody can catch it. */
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

/** One range with Content-Range, several as multipart/byteranges (RFC 9110 14.4, 14.6). */
function sendPart(x: Exchange, bytes: Buffer): void {
  const { res } = x
  const ranges = x.ranges as readonly ByteRange[]
  const type = contentType(x, bytes)
  const describe = ({ first, last }: ByteRange) => `bytes ${first}-${last}/${bytes.length}`
  const cutTo = ({ first, last }: ByteRange) => bytes.subarray(first, last + 1)
  const [only, second] = ranges as [ByteRange, ByteRange | undefined]
  forbidTransform(res)
  if (!second) {
    res.setHeader('Content-Type', type)
    res.setHeader('Content-Range', describe(only))
    return finish(x, cutTo(only))
  }
  const boundary = randomBytes(16).toString('hex')
  const parts = ranges.flatMap((range) => [
    Buffer.from(`\r\n--${boundary}\r\nContent-Type: ${type}\r\nContent-Range: ${describe(range)}\r\n\r\n`),
    cutTo(range),
  ])
  res.setHeader('Content-Type', `multipart/byteranges; boundary=${boundary}`)
  finish(x, Buffer.concat([...parts, Buffer.from(`\r\n--${boundary}--\r\n`)]))
}

/** Content-Range counts bytes as they are: a part that `compression()` compressed would be another (RFC 9110 14.4). */
function forbidTransform(res: Response): void {
  const control = [res.getHeader('Cache-Control') ?? []].flat().join(', ')
  if (!control.includes('no-transform'))
    res.setHeader('Cache-Control', control === '' ? 'no-transform' : `${control}, no-transform`)
}
