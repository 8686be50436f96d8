import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { bodyLimit, etag, methods } from './answers.js'

const valid = [
  'text/plain',
  'text/event-stream;q=0.5, */*;q=0.1',
  'application/json; charset="utf-8"',
  'application/x-ndjson',
  'multipart/form-data; boundary=a',
  'en-GB, de;q=0.5, *;q=0',
  'utf-8, iso-8859-1;q=0.3',
  'gzip, br;q=0.5, identity;q=0',
  '*',
  etag,
  'W/"a", "b"',
  'Thu, 01 Jan 1970 00:00:00 GMT',
  'Thursday, 01-Jan-70 00:00:00 GMT',
  'Thu Jan  1 00:00:00 1970',
  'bytes=0-1',
  'bytes=0-0,-1,99-',
  '17',
  'earliest',
]
const anyByte = fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code))
const mutated = fc
  .tuple(fc.constantFrom(...valid), fc.array(fc.tuple(fc.nat(40), fc.nat(2), anyByte), { maxLength: 3 }))
  .map(([value, edits]) =>
    edits.reduce((text, [at, cut, byte]) => text.slice(0, at) + byte + text.slice(at + cut), value),
  )
const value = fc
  .oneof(
    { weight: 4, arbitrary: fc.constantFrom(...valid) },
    { weight: 4, arbitrary: mutated },
    { weight: 1, arbitrary: fc.array(anyByte, { maxLength: 30 }).map((bytes) => bytes.join('')) },
    { weight: 1, arbitrary: fc.array(fc.constantFrom(...valid), { maxLength: 40 }).map((all) => all.join()) },
  )
  .map((text) => text.replace(/[\r\n]/g, ''))
const name = fc.constantFrom(
  'Accept',
  'Accept-Language',
  'Accept-Charset',
  'Accept-Encoding',
  'If-Match',
  'If-None-Match',
  'If-Modified-Since',
  'If-Unmodified-Since',
  'If-Range',
  'Range',
  'Content-Type',
  'Content-Encoding',
  'Last-Event-ID',
  'Origin',
  'Cookie',
  'Authorization',
  'Cache-Control',
)
const fitting = fc.constantFrom<[string, string][]>(
  ['Accept', '*/*'],
  ['Accept', 'text/event-stream'],
  ['Accept-Language', 'en'],
  ['Accept-Charset', 'utf-8'],
  ['Accept-Encoding', 'identity'],
  ['If-Match', etag],
  ['If-None-Match', '"b"'],
  ['If-Range', etag],
  ['Range', 'bytes=0-1'],
  ['Content-Type', 'text/plain'],
  ['Content-Type', 'application/json'],
)
const headers = fc.array(fc.oneof(fitting, fc.tuple(name, value)), { maxLength: 5 })
const url = fc.oneof(
  fc.constantFrom('/', '/a', '/%', '/%ff', '/?lastEventId=%ff', '/?a[b]=c', 'http://a/b'),
  fc.webPath().map((path) => path || '/'),
)
const method = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...methods) },
  { weight: 1, arbitrary: fc.constantFrom('TRACE', 'LINK', 'PROPFIND', 'foo', 'get', 'GETT') },
)
/** What is small on the wire, and large once it is decoded. */
const bombs = [gzipSync, deflateSync, brotliCompressSync].map((code) => code(Buffer.alloc(2 ** 20)))
const content = fc.oneof(
  fc
    .constantFrom('{"a":1}', 'hello', '', '{', '{"__proto__":{"a":1}}', 'a'.repeat(bodyLimit + 1))
    .map((text) => Buffer.from(text)),
  fc.constantFrom(gzipSync('"hello"'), ...bombs),
  fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes)),
)

type Code = (bytes: Buffer) => Buffer

const codings: readonly (readonly [name: string, code: Code])[] = [
  ['gzip', gzipSync],
  ['x-gzip', gzipSync],
  ['deflate', deflateSync],
  ['deflate', deflateRawSync],
  ['br', brotliCompressSync],
  ['identity', (bytes) => bytes],
  ['zstd', gzipSync],
]

/** What may become of coded data: it goes on, it is cut short, it is broken, or another follows. */
const broken: Readonly<Record<string, (coded: Buffer, tail: Buffer, at: number) => Buffer>> = {
  whole: (coded) => coded,
  'goes on': (coded, tail) => Buffer.concat([coded, tail]),
  'goes on for long': (coded) => Buffer.concat([coded, Buffer.alloc(100_000, 'a')]),
  'goes on with zeros': (coded, tail) => Buffer.concat([coded, Buffer.alloc(tail.length)]),
  'goes on with another': (coded, tail) => Buffer.concat([coded, gzipSync(tail)]),
  'goes on with half of another': (coded, tail) => Buffer.concat([coded, gzipSync(tail).subarray(0, 12)]),
  'is padded and goes on': (coded) => Buffer.concat([coded, Buffer.alloc(1), Buffer.alloc(300, 'a')]),
  'is padded, and another follows': (coded, tail) => {
    const other = gzipSync(tail)
    return Buffer.concat([coded, Buffer.alloc(1), other, other, other])
  },
  'is many': (coded) => Buffer.concat(Array(20).fill(coded)),
  'is cut': (coded, _tail, at) => coded.subarray(0, at % (coded.length + 1)),
  'has another byte': (coded, tail, at) => {
    const other = Buffer.from(coded)
    if (other.length > 0) other[at % other.length] = tail[0] ?? 0
    return other
  },
}

/** Content in a coding, well or badly. */
export const coded = fc
  .record({
    coding: fc.constantFrom(...codings),
    content,
    fate: fc.constantFrom(...Object.keys(broken)),
    tail: fc.uint8Array({ minLength: 1, maxLength: 30 }).map((bytes) => Buffer.from(bytes)),
    at: fc.nat(1000),
  })
  .map(({ coding: [coding, code], content, fate, tail, at }) => ({
    coding,
    content: (broken[fate] as (typeof broken)[string])(code(content), tail, at),
  }))

const body = fc.option(
  fc.record({
    content: fc.oneof(
      { weight: 2, arbitrary: content.map((content) => ({ content, coding: undefined })) },
      { weight: 1, arbitrary: coded },
    ),
    isChunked: fc.boolean(),
    isHalf: fc.boolean(),
  }),
)

/** A request that makes sense, for the most part. */
export const request = fc.record({ method, url, headers, body })
export type Sent = typeof request extends fc.Arbitrary<infer Each> ? Each : never

/** How a request is sent. */
interface Sending {
  readonly connection?: string
  /** How far the length of the body is from what it says. */
  readonly off?: number
  /** The client says that it waits to be told to go on, and does not. */
  readonly isExpectant?: boolean
}

/** A request as it stands on the wire. */
export function bytesOf(
  { method, url, headers, body }: Sent,
  { connection = 'close', off = 0, isExpectant = false }: Sending = {},
): Buffer {
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  const start = `${method} ${url} HTTP/1.1\r\nHost: a\r\nConnection: ${connection}\r\n${lines}`
  if (!body) return Buffer.from(`${start}\r\n`, 'latin1')
  const { isChunked, isHalf } = body
  const { content, coding } = body.content
  const size = Math.max(0, content.length + off)
  const fields = [
    isChunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${size}`,
    ...(coding === undefined ? [] : [`Content-Encoding: ${coding}`]),
    ...(isExpectant ? ['Expect: 100-continue'] : []),
  ]
  const end = Buffer.from('0\r\n\r\n')
  const first = Buffer.from(`${size.toString(16)}\r\n`)
  const chunks = size > 0 ? [first, content, Buffer.from('\r\n'), end] : [end]
  const framed = isChunked ? Buffer.concat(chunks) : content
  const half = isHalf ? framed.subarray(0, framed.length / 2) : framed
  return Buffer.concat([Buffer.from(`${start}${fields.join('\r\n')}\r\n\r\n`, 'latin1'), half])
}
