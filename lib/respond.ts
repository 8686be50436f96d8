import { randomBytes } from 'node:crypto'
import { STATUS_CODES } from 'node:http'
import { finished, Readable } from 'node:stream'
import { promisify } from 'node:util'
import zlib from 'node:zlib'
import vary from 'vary'
import type { Exchange } from './exchange.js'
import { parseMediaType } from './http/media-type.js'
import type { ByteRange } from './http/range.js'
import { isStream, toBytes, typeOf } from './http/representation.js'
import { cut } from './loop/writer.js'
import { type Body, isWebStream, type StopValue } from './values.js'

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
  x.res.statusCode = status
  if (x.negotiated.language !== undefined) x.res.setHeader('Content-Language', x.negotiated.language)
  if (status === 206) return sendPart(x, toBytes(x.result, x.negotiated.charset))
  sendBody(x, x.result, fail)
}

/** Answers with what a callback has stopped with. */
export function respondStop(x: Exchange, { status, headers, body, detail }: StopValue, fail: Fail): void {
  applyHeaders(x)
  if (headers) set(x, headers)
  if (body !== undefined && status !== 204 && status !== 304) {
    x.res.statusCode = status
    setType(x, typeOf(body))
    send(x, body, fail)
  } else if (status >= 400) {
    x.offered = undefined
    x.detail = detail
    refuse(x, status)
  } else finishEmpty(x, status)
}

/** Puts the headers that the graph has come to onto the response, beside those of other middleware. */
export function applyHeaders(x: Exchange): void {
  const { res } = x
  for (const name in x.headers) res.setHeader(name, x.headers[name] as string | readonly string[])
  if (x.vary.length === 0) return
  if (x.vary === x.plan.vary && !res.hasHeader('Vary')) res.setHeader('Vary', x.plan.varyHeader)
  else vary(res, x.vary as string[])
}

function set({ res }: Exchange, headers: Readonly<Record<string, string>>): void {
  for (const name in headers) res.setHeader(name, headers[name] as string)
}

/** A content type of the library's own stands back behind one that the resource has set. */
function setType({ res }: Exchange, type: string): void {
  if (!res.hasHeader('Content-Type')) res.setHeader('Content-Type', type)
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
  finish(x, Buffer.from(JSON.stringify(problem)))
}

function finishEmpty(x: Exchange, status: number): void {
  const { res } = x
  res.removeHeader('Content-Type')
  res.removeHeader('Content-Length')
  res.statusCode = status
  if (status !== 204 && status !== 304) res.setHeader('Content-Length', '0')
  res.end()
}

/** The end of every whole answer: HEAD has the head of GET. */
function finish({ req, res }: Exchange, bytes: Buffer): void {
  res.setHeader('Content-Length', String(bytes.length))
  res.end(req.method === 'HEAD' ? undefined : bytes)
}

/** The head of a body whose length is not known; without saying so, Node would close the connection. */
export function finishHead({ req, res }: Exchange): void {
  if (req.httpVersion === '1.1') res.setHeader('Transfer-Encoding', 'chunked')
  res.end()
}

/** The type that was negotiated, with its charset; that of a stream says nothing of a body. */
export function contentType(x: Exchange, body: Body): string {
  const { mediaType, charset } = x.negotiated
  if (mediaType === undefined || x.streams) return typeOf(body)
  return withCharset(mediaType, charset)
}

/** The charset is for text types alone; JSON, event streams and their like are UTF-8 by definition. */
export function withCharset(mediaType: string, charset: string | undefined): string {
  if (charset === undefined || !/^text\//i.test(mediaType) || /^text\/event-stream/i.test(mediaType))
    return mediaType
  return parseMediaType(mediaType)?.parameters.some(([name]) => name === 'charset')
    ? mediaType
    : `${mediaType}; charset=${charset}`
}

function sendBody(x: Exchange, body: Body, fail: Fail): void {
  setType(x, contentType(x, body))
  if (!x.isEncoded) return send(x, body, fail)
  const coder = coders[x.negotiated.encoding as keyof typeof coders]
  if (isStream(body)) return sendStream(x, body, fail, coder.stream())
  coder.whole(toBytes(body, x.negotiated.charset)).then((bytes) => {
    if (x.isOver) return
    x.res.setHeader('Content-Encoding', x.negotiated.encoding)
    finish(x, bytes)
  }, fail)
}

function send(x: Exchange, body: Body, fail: Fail): void {
  if (isStream(body)) sendStream(x, body, fail)
  else finish(x, toBytes(body, x.negotiated.charset))
}

/** A body of unknown length: a source that fails before its first byte is an error like any other. */
function sendStream(x: Exchange, body: Body, fail: Fail, coder?: zlib.Gzip): void {
  const { req, res } = x
  const source = isWebStream(body) ? Readable.fromWeb(body) : (body as Readable)
  if (req.method === 'HEAD') {
    source.on('error', () => {}).destroy()
    if (coder) res.setHeader('Content-Encoding', x.negotiated.encoding)
    return finishHead(x)
  }
  // its length is not known, so that no range of it can be
  res.removeHeader('Accept-Ranges')
  if (coder) res.setHeader('Content-Encoding', x.negotiated.encoding)
  finished(source, { writable: false }, (error) => {
    if (!error) return
    coder?.destroy()
    if (res.headersSent) return cut(res)
    res.removeHeader('Content-Encoding')
    res.removeHeader('Content-Type')
    fail(error)
  })
  res.once('close', () => {
    source.on('error', () => {}).destroy()
    coder?.destroy()
  })
  if (coder) source.pipe(coder).pipe(res)
  else source.pipe(res)
}

/** One range with Content-Range, several as multipart/byteranges (RFC 9110 14.4, 14.6). */
function sendPart(x: Exchange, bytes: Buffer): void {
  const { res } = x
  const ranges = x.ranges as readonly ByteRange[]
  const type = String(res.getHeader('Content-Type') ?? contentType(x, bytes))
  const describe = ({ first, last }: ByteRange) => `bytes ${first}-${last}/${bytes.length}`
  const cutTo = ({ first, last }: ByteRange) => bytes.subarray(first, last + 1)
  const [only, second] = ranges as [ByteRange, ByteRange | undefined]
  if (!second) {
    setType(x, type)
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
