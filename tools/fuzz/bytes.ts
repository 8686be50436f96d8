import fc from 'fast-check'
import { bytesOf, coded, request } from './requests.js'

const long = 'a'.repeat(15_000)
const get = (path: string, ...lines: readonly string[]) =>
  [`GET ${path} HTTP/1.1`, 'Host: a', ...lines, '', ''].join('\r\n')
const post = (...lines: readonly string[]) =>
  ['POST /accept HTTP/1.1', 'Host: a', 'Content-Type: text/plain', ...lines].join('\r\n')

/** Requests that are made to be read in two ways, and others that nobody sends by mistake. */
const crafted: readonly string[] = [
  // where does the body end? (RFC 9112 6.3, 11.2)
  post('Content-Length: 5', 'Content-Length: 6', '', 'hello'),
  post('Content-Length: 5', 'Content-Length: 5', '', 'hello'),
  post('Content-Length: 5, 5', '', 'hello'),
  post('Content-Length: +5', '', 'hello'),
  post('Content-Length: 0x5', '', 'hello'),
  post('Content-Length: 99999999999999999999', '', 'hello'),
  post(
    'Content-Length: 5',
    'Transfer-Encoding: chunked',
    '',
    '0\r\n\r\nGET /any HTTP/1.1\r\nHost: a\r\n\r\n',
  ),
  post('Transfer-Encoding: chunked', 'Content-Length: 5', '', '5\r\nhello\r\n0\r\n\r\n'),
  post('Transfer-Encoding: xchunked', '', '0\r\n\r\n'),
  post('Transfer-Encoding: chunked, identity', '', '0\r\n\r\n'),
  post('Transfer-Encoding: gzip, chunked', '', '0\r\n\r\n'),
  post('Transfer-Encoding:\tchunked', '', '5\r\nhello\r\n0\r\n\r\n'),
  post('Transfer-Encoding : chunked', '', '5\r\nhello\r\n0\r\n\r\n'),
  post('Transfer-Encoding: chunked', 'Transfer-Encoding: identity', '', '5\r\nhello\r\n0\r\n\r\n'),
  post('Transfer-Encoding: chunked', '', '5;a=b;c="d"\r\nhello\r\n0;e\r\n\r\n'),
  post('Transfer-Encoding: chunked', '', '5\r\nhello\r\n0\r\nX-Trailer: a\r\nHost: b\r\n\r\n'),
  post('Transfer-Encoding: chunked', '', '-5\r\nhello\r\n0\r\n\r\n'),
  post('Transfer-Encoding: chunked', '', 'fffffffffffffffff\r\nhello\r\n0\r\n\r\n'),
  post('Transfer-Encoding: chunked', '', '5\nhello\n0\n\n'),
  post('Transfer-Encoding: chunked', '', '5\r\nhelloX\r\n0\r\n\r\n'),
  post('Transfer-Encoding: chunked', '', '3\r\nhello\r\n0\r\n\r\n'),
  'POST /accept HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'GET /file HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello',
  // which one is asked for? (RFC 9112 3.2)
  'OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n',
  get('*'),
  get('http://b/file'),
  get('HTTP://b:0/file'),
  get('http://b:port/file'),
  get('http://[::1/file'),
  get('https://a@b/any'),
  get('//b/file'),
  get('/\\file'),
  get('/file#a'),
  get('/file\xff'),
  get('/table/..%2f..%2ffile'),
  get('/table/%00'),
  get('/table/%c0%af'),
  get('/table/%e2%80%a8'),
  get(`/${long}`),
  get('/feed?lastEventId=%0d%0aX-Injected:%20yes'),
  get('/feed', 'Last-Event-ID: \xff\xfe\x80'),
  get('/any', 'Host: b'),
  'GET /file HTTP/1.1\r\n\r\n',
  'CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n',
  // which protocol is it?
  'GET /file\r\n',
  'GET /file HTTP/0.9\r\n\r\n',
  'GET /file HTTP/1.0\r\n\r\n',
  'GET /feed HTTP/1.0\r\nConnection: keep-alive\r\n\r\n',
  'GET /file HTTP/1.0\r\nConnection: keep-alive\r\n\r\n',
  'GET /file HTTP/1.2\r\nHost: a\r\n\r\n',
  'GET /file HTTP/2.0\r\nHost: a\r\n\r\n',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  get(
    '/feed',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Key: a',
    'Sec-WebSocket-Version: 13',
  ),
  get('/file', 'Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: a'),
  '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
  'get /file HTTP/1.1\r\nHost: a\r\n\r\n',
  '\r\n\r\nGET /file HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET  /file  HTTP/1.1\r\nHost: a\r\n\r\n',
  // is anything else expected?
  post('Expect: 100-continue', 'Content-Length: 5', '', 'hello'),
  post('Expect: something else', 'Content-Length: 5', '', 'hello'),
  // what is a header?
  get('/any', 'Accept: text/plain,', ' text/html'),
  get('/any', ' Accept: a'),
  get('/any', 'Accept: a\0b'),
  get('/any', 'Accept\0: a'),
  get('/any', 'Acc ept: a'),
  get('/any', ': a'),
  get('/any', 'Accept'),
  get('/any', '__proto__: a', 'constructor: b', 'toString: c'),
  get('/any', ...Array(1000).fill('Accept: a/b')),
  get('/any', ...Array(1000).fill('Range: a')),
  get('/any', ...Array(1000).fill('If-None-Match:"a"')),
  get('/any', ...Array(3000).fill('X:')),
  get('/any', `Accept: ${long}`),
  get('/any', `Accept: ${'*/*;q=0.1,'.repeat(1500)}`),
  get('/any', `If-None-Match: ${'"b",'.repeat(3500)}`),
  get('/file', `Range: bytes=${'0-0,'.repeat(3500)}`),
  get('/file', 'Range: bytes=0-0,2-2,4-'),
  get('/file', 'Range: bytes=-0', 'If-Range: "a"'),
  get('/any', `Accept: ${long}`, `Cookie: ${long}`),
  'GET /file HTTP/1.1\nHost: a\n\n',
  'GET /file HTTP/1.1\rHost: a\r\r',
]

const paths = [
  '/any',
  '/json',
  '/feed',
  '/feed',
  '/accept',
  '/accept',
  '/file',
  '/loop',
  '/table',
  '/nowhere',
]

/** How it is sent; most connections stay open for the next request. */
const sending = fc.record({
  connection: fc.constantFrom('keep-alive', 'keep-alive', 'close', 'a'),
  off: fc.constantFrom(...Array(60).fill(0), -5, -1, 1, 5, 10_000),
  isExpectant: fc.constantFrom(...Array(10).fill(false), true),
})

/** A request to one of the paths that there are. */
const sensible = fc.tuple(request, fc.constantFrom(...paths), sending).map(([sent, path, sending]) => {
  const at = /^\//.test(sent.url) ? `${path}${sent.url}` : sent.url
  return bytesOf({ ...sent, url: at.replace(/\/(?=\?|$)/, '') || '/' }, sending)
})

/** A body in a coding that is sure to be read. */
const posted = fc.tuple(coded, fc.boolean()).map(([content, isChunked]) =>
  bytesOf(
    {
      method: 'POST',
      url: '/accept',
      headers: [['Content-Type', 'text/plain']],
      body: { content, isChunked, isHalf: false },
    },
    { connection: 'keep-alive' },
  ),
)

const message = fc.oneof(
  { weight: 10, arbitrary: sensible },
  { weight: 2, arbitrary: posted },
  { weight: 3, arbitrary: fc.constantFrom(...crafted).map((text) => Buffer.from(text, 'latin1')) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)) },
)

type Change = (bytes: Buffer, at: number, size: number, byte: number) => Buffer

/** What may become of bytes on their way. */
const changes: Readonly<Record<string, Change>> = {
  flip: (bytes, at, _size, byte) => replaced(bytes, at, 1, Buffer.from([byte])),
  insert: (bytes, at, _size, byte) => replaced(bytes, at, 0, Buffer.from([byte])),
  drop: (bytes, at, size) => replaced(bytes, at, size, Buffer.alloc(0)),
  truncate: (bytes, at) => bytes.subarray(0, at),
  repeat: (bytes, at, size) => replaced(bytes, at, 0, bytes.subarray(at, at + size)),
  flood: (bytes, at, size, byte) => replaced(bytes, at, 0, Buffer.alloc(size * 100, byte)),
  break: (bytes, at) => replaced(bytes, at, 0, Buffer.from('\r\n')),
}

function replaced(bytes: Buffer, at: number, size: number, by: Buffer): Buffer {
  return Buffer.concat([bytes.subarray(0, at), by, bytes.subarray(at + size)])
}

const edit = fc.record({
  kind: fc.constantFrom(...Object.keys(changes)),
  at: fc.nat(4000),
  size: fc.integer({ min: 1, max: 60 }),
  byte: fc.oneof(fc.constantFrom(...Buffer.from('\r\n\0 \t:;,"/%')), fc.nat(255)),
})

/** What a connection sends, and where it is parted on its way. */
export const sent = fc
  .record({
    messages: fc.array(message, { minLength: 1, maxLength: 4 }),
    edits: fc.oneof(
      { weight: 2, arbitrary: fc.array(edit, { maxLength: 0 }) },
      { weight: 1, arbitrary: fc.array(edit, { minLength: 1, maxLength: 3 }) },
    ),
    cuts: fc.oneof(
      { weight: 4, arbitrary: fc.array(fc.nat(4000), { maxLength: 3 }) },
      // a decoder may be through before all is there
      { weight: 1, arbitrary: fc.constant(Array.from({ length: 100 }, (_, at) => at * 20)) },
    ),
  })
  .map(({ messages, edits, cuts }) => {
    const bytes = edits.reduce<Buffer>(
      (bytes, { kind, at, size, byte }) => changes[kind]!(bytes, at % (bytes.length + 1), size, byte),
      Buffer.concat(messages),
    )
    const places = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b)
    return places.map((place, index) => bytes.subarray(places[index - 1] ?? 0, place))
  })
