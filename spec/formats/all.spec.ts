import { setImmediate as turn } from 'node:timers/promises'
import { expect } from 'chai'
import { csv } from '../../lib/formats/csv.js'
import { format } from '../../lib/formats/format.js'
import { jsonArray, jsonSeq, ndjson } from '../../lib/formats/json.js'
import { multipart } from '../../lib/formats/multipart.js'
import { sse } from '../../lib/formats/sse.js'
import { raw, text } from '../../lib/formats/text.js'
import { event } from '../../lib/values/event.js'
import { formatContract } from '../contracts/format.js'
import { unserialisable as bad } from './unserialisable.js'

class Point {
  x = 1
}
class Empty {}
const url = new URL('http://a/')
const bare = Object.create(null)
const values = [
  ...[{ a: 1 }, '', 0, false, null, [], 'text', Number.NaN, new Date(0), {}],
  ...[new Point(), new Empty(), bare, url, Object('a'), { toJSON: () => 'a', [Symbol.toStringTag]: 'A' }],
]
const { buffer } = new Uint8Array([1, 2, 3, 4])
const bytes = [
  ...[new Uint8Array([0, 255]), Buffer.from('a'), new Uint8Array(0), 'text', ''],
  ...[
    buffer,
    new Uint16Array(buffer),
    new Float32Array(1),
    new DataView(buffer, 1),
    new SharedArrayBuffer(2),
  ],
]

const notBytes = bad.filter((value) => !(value instanceof ArrayBuffer || value instanceof DataView))

formatContract('sse()', { make: sse, makeWith: sse, good: values, bad })
formatContract('ndjson()', { make: ndjson, makeWith: ndjson, good: values, bad })
formatContract('jsonSeq()', { make: jsonSeq, makeWith: jsonSeq, good: values, bad })
formatContract('jsonArray()', { make: jsonArray, makeWith: jsonArray, good: values, bad })

const envelope = true
formatContract('ndjson({ envelope })', {
  make: () => ndjson({ envelope }),
  makeWith: (options) => ndjson({ envelope, ...options }),
  good: values,
  bad,
})

formatContract('multipart() of JSON', {
  make: () => multipart('application/json'),
  makeWith: (options) => multipart('application/json', options),
  good: [...values, ...bytes],
  bad: notBytes,
})
formatContract('multipart() of bytes', {
  make: () => multipart('image/png'),
  good: bytes,
  bad: [...notBytes, {}, 0, false, null, []],
})

const columns = ['a', 'b']
formatContract('csv()', {
  make: () => csv({ columns }),
  makeWith: (options) => csv({ columns, ...options }),
  good: [{ a: 0, b: false }, {}, [null, ''], [1n, undefined], { a: new Date(0), b: { c: 1 } }],
  bad: [
    ...['', 'text', 0, 1n, false, null, () => 1, Symbol('a'), Buffer.from('a'), new Date()],
    ...[[], [1], [1, 2, 3], [1, new Date(Number.NaN)]],
    ...bad.filter((value) => typeof value !== 'bigint').map((value) => [1, value]),
  ],
})

formatContract('text()', {
  make: text,
  makeWith: text,
  good: ['text', '', 0, false, 1n, Number.NaN, new Uint8Array([104, 105])],
  bad: [null, {}, [], () => 1, Symbol('a'), new Date()],
})

formatContract('raw()', {
  make: () => raw('audio/mpeg'),
  good: bytes,
  bad: [0, false, null, {}, [], 1n, () => 1, Symbol('a'), new Blob(['a'])],
})

formatContract('format() of JSON', {
  make: () =>
    format({
      mediaType: ['text/x-a', 'text/x-b'],
      open: 'a',
      close: Buffer.from('b'),
      encode: ndjson().encode,
    }),
  good: values,
  bad,
})

describe('A promise among the data, which somebody forgot to await', () => {
  for (const [name, format] of Object.entries({
    sse: sse(),
    ndjson: ndjson(),
    csv: csv({ columns: ['a'] }),
    text: text(),
    raw: raw('a/b'),
    'multipart of JSON': multipart('application/json'),
    'multipart of bytes': multipart('image/png'),
  })) {
    it(`is refused by ${name}, and ends no process when it rejects`, async () => {
      expect(() => format.encode(event(Promise.reject(new Error('nobody’s')))))
        .to.throw(TypeError, 'A promise cannot be written: await it first')
        .that.includes({ code: 'LARIAT_DATA' })
      await turn()
    })
  }
})
