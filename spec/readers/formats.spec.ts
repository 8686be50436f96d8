import { isDeepStrictEqual } from 'node:util'
import { expect } from 'chai'
import fc from 'fast-check'
import { time } from '../../lib/client/time.js'
import * as client from '../../lib/client.js'
import {
  csv,
  event,
  type Format,
  jsonArray,
  jsonSeq,
  multipart,
  ndjson,
  raw,
  sse,
  text,
} from '../../lib/index.js'
import type { Reader } from '../../lib/readers/reader.js'
import { written } from '../formats/written.js'
import { runs } from '../support/runs.js'
import { byByte, cutAt, read } from './read.js'

const json = fc
  .jsonValue({ maxDepth: 2, stringUnit: 'binary' })
  .map((value) => JSON.parse(JSON.stringify(value)))
const words = fc.string({ unit: 'binary' }).map((each) => Buffer.from(each).toString())
const id = fc.stringMatching(/^[\wé🪢-]{1,8}$/u)

/** Data, in an event with an id and a type, or without. */
const events = (data: fc.Arbitrary<unknown>) =>
  fc.record(
    { data, id, type: fc.constantFrom('created', 'end', 'message', 'ü') },
    { requiredKeys: ['data', 'id'] },
  )

interface Case {
  readonly format: () => Format
  readonly reader: Reader
  /** What is written. */
  readonly data: fc.Arbitrary<unknown>
  /** Ids and types are written. */
  readonly hasIds?: true
  /** What is read is not divided as it was written: the whole of it. */
  readonly joined?: (parts: unknown[]) => unknown
  /** An end of the response is no sign that the last record is whole. */
  readonly mayLoseTail?: true
}

// what SSE tells from text is JSON; CR, LF and CRLF are one thing
const ofSse = fc.oneof(
  json.filter((value) => typeof value !== 'string'),
  words.map((each) => `~${each.replace(/\r\n?/g, '\n')}`),
)
const bytes = fc.uint8Array({ maxLength: 60 })
const like = fc.constantFrom('\r\n--', '--', '\r', '-', '\r\n\r\n', 'Content-Type: a/b\r\n')

const cases: Record<string, Case> = {
  sse: { format: () => sse(), reader: client.sse, data: ofSse, hasIds: true },
  ndjson: { format: () => ndjson(), reader: client.ndjson, data: json },
  'ndjson with envelopes': {
    format: () => ndjson({ envelope: true }),
    reader: client.ndjson,
    data: json,
    hasIds: true,
  },
  jsonSeq: { format: () => jsonSeq(), reader: client.jsonSeq, data: json },
  'jsonSeq with envelopes': {
    format: () => jsonSeq({ envelope: true }),
    reader: client.jsonSeq,
    data: json,
    hasIds: true,
  },
  'jsonSeq, pretty-printed': {
    format: () => jsonSeq({ serialize: (data) => JSON.stringify(data, null, 2) }),
    reader: client.jsonSeq,
    data: json,
  },
  jsonArray: { format: () => jsonArray(), reader: client.jsonArray, data: json },
  'jsonArray with envelopes': {
    format: () => jsonArray({ envelope: true }),
    reader: client.jsonArray,
    data: json,
    hasIds: true,
  },
  csv: {
    format: () => csv({ columns: ['name', 'é;'] }),
    reader: client.csv,
    data: fc.record({ name: words, 'é;': words }),
    mayLoseTail: true,
  },
  'csv with semicolons': {
    format: () => csv({ columns: ['a b', 'c'], delimiter: ';', bom: true }),
    reader: client.csv,
    data: fc.record({ 'a b': words, c: words }),
    mayLoseTail: true,
  },
  'multipart of JSON': { format: () => multipart('application/json'), reader: client.multipart, data: json },
  'multipart of text': {
    format: () => multipart('text/plain'),
    reader: client.multipart,
    data: fc.array(fc.oneof(words, like)).map((parts) => parts.join('')),
  },
  'multipart of bytes': { format: () => multipart('image/png'), reader: client.multipart, data: bytes },
  text: {
    format: () => text(),
    reader: client.text,
    data: words,
    joined: (parts) => parts.join(''),
    mayLoseTail: true,
  },
  raw: {
    format: () => raw('application/octet-stream'),
    reader: client.bytes,
    data: bytes,
    joined: (parts) => Buffer.concat(parts as Uint8Array[]).toString('hex'),
    mayLoseTail: true,
  },
}

const typeOf = ({ mediaType }: Format) => [mediaType].flat()[0] as string

/** As deep.equal of chai, whose time would be most of all. */
function same(actual: unknown, expected: unknown): void {
  if (!isDeepStrictEqual(actual, expected)) expect(actual).to.deep.equal(expected)
}

describe('The readers read what the formats write', () => {
  for (const [name, { format: make, reader, data, hasIds, joined, mayLoseTail }] of Object.entries(cases)) {
    const lists = fc.array(hasIds ? events(data) : data, { maxLength: 6 })
    const asWritten = (list: readonly unknown[]) =>
      hasIds
        ? (list as { data: unknown; id: string; type?: string }[]).map(({ data: of, ...more }) =>
            event(of, more),
          )
        : list
    const options = name.endsWith('envelopes')
      ? { envelope: true }
      : name.startsWith('sse')
        ? {}
        : { envelope: false }

    /** What has come, as it was written. */
    const asRead = (received: readonly { readonly data?: unknown }[]) => {
      const own = hasIds ? received : received.map((each) => each.data)
      return joined ? joined([...own]) : own
    }

    it(`${name}: however it is cut into pieces, with heartbeats between`, () => {
      fc.assert(
        fc.property(lists, fc.array(fc.nat()), fc.nat(2), (list, places, beats) => {
          const format = make()
          const stream = written(format, asWritten(list), beats)
          const expected = joined ? joined([...list]) : list
          for (const pieces of [[stream], cutAt(stream, places), byByte(stream)]) {
            const { received, isWhole } = read(reader, pieces, { type: typeOf(format), ...options })
            same(asRead(received.filter(({ data: of }) => of !== undefined)), expected)
            expect(isWhole).to.equal(true)
          }
        }),
        { numRuns: runs(400, 10) },
      )
    })

    it(`${name}: cut anywhere, what has come is a beginning of what was written, and a part is never taken for a record`, () => {
      fc.assert(
        fc.property(lists, (list) => {
          const format = make()
          const stream = written(format, asWritten(list))
          for (let end = 0; end <= stream.length; end++) {
            const how = { type: typeOf(format), ...options }
            const { received } = read(reader, [stream.subarray(0, end)], { ...how, goesOn: true })
            const whole = received.filter(({ data: of }) => of !== undefined)
            if (joined) {
              const all = joined([...list]) as string
              expect(all.startsWith(joined(whole.map(({ data: of }) => of)) as string)).to.equal(true)
            } else same(asRead(whole), list.slice(0, whole.length))
            // and where nothing but the end of the connection says that it is over
            if (mayLoseTail) continue
            const ended = read(reader, [stream.subarray(0, end)], how)
            const all = ended.received.filter(({ data: of }) => of !== undefined)
            same(asRead(all), list.slice(0, all.length))
          }
        }),
        { numRuns: runs(40, 10) },
      )
    })
  }
})

describe('A client that is cut again and again', () => {
  for (const [name, { format: make, data, hasIds }] of Object.entries(cases).filter(
    ([, { hasIds }]) => hasIds,
  ))
    it(`Loses nothing and doubles nothing where there are ids: ${name}`, async () => {
      const real = { ...time }
      time.random = () => 0
      try {
        await fc.assert(
          fc.asyncProperty(
            fc.uniqueArray(events(data), { selector: (each) => each.id, maxLength: 8, minLength: 1 }),
            fc.array(fc.tuple(fc.nat(), fc.array(fc.nat(), { maxLength: 5 })), { maxLength: 12 }),
            async (list, cuts) => {
              const attempts = [...cuts]
              const format = make()
              const stream = (from: number) =>
                written(
                  format,
                  list.slice(from).map(({ data: of, ...more }) => event(of, more)),
                )
              const fetch = async (_url: string, { headers }: RequestInit) => {
                // in UTF-8, as EventSource sends it
                const last = Buffer.from((headers as Headers).get('last-event-id') ?? '', 'latin1').toString()
                const bytes = stream(list.findIndex((each) => each.id === last) + 1)
                const [cut, places] = attempts.shift() ?? []
                const part = cut === undefined ? bytes : bytes.subarray(0, cut % (bytes.length + 1))
                const pieces = cutAt(part, places ?? [])
                const body = new ReadableStream({
                  pull(controller) {
                    const next = pieces.shift()
                    if (next) controller.enqueue(next)
                    else if (cut === undefined) controller.close()
                    else controller.error(new TypeError('cut'))
                  },
                })
                return new Response(body, { headers: { 'content-type': typeOf(format) } })
              }
              const got: unknown[] = []
              const options = {
                fetch,
                over: 'complete',
                ...(hasIds && name !== 'sse' && { envelope: true }),
              } as const
              for await (const { data: of } of client.follow('http://host/', options)) got.push(of)
              expect(got).to.deep.equal(list.map((each) => each.data))
            },
          ),
          { numRuns: runs(300, 10) },
        )
      } finally {
        Object.assign(time, real)
      }
    })
})
