import { Readable } from 'node:stream'
import { expect } from 'chai'
import type { ErrorRequestHandler, RequestHandler, Response } from 'express'
import onHeaders from 'on-headers'
import { loop, ndjson, resource, sse, stop } from '../../lib/index.js'
import type { Spec } from '../support/http.js'
import type { Ask } from '../support/raw.js'
import { stage, staged } from '../support/stage.js'

const text = 'some text '.repeat(20)
const length = String(text.length)
const provide = (provider: (res: Response) => unknown, spec: Spec = {}) =>
  resource({
    contentTypesProvided: { 'text/plain': ({ res }: { res: Response }) => provider(res) },
    ...spec,
  } as Spec)
const coded: Spec = { encodingsProvided: ['gzip'] }

/** Everything that an answer may be made of. */
const answers: Record<string, object> = {
  text: provide(() => text),
  'no text': provide(() => ''),
  bytes: provide(() => Buffer.from(text)),
  JSON: provide(() => ({ text })),
  'an ArrayBuffer': provide(() => new TextEncoder().encode(text).buffer),
  'a Blob': provide(() => new Blob([text])),
  'an empty Blob': provide(() => new Blob([])),
  'a stream': provide(() => Readable.from([text])),
  'a Web stream': provide(() => new Blob([text]).stream()),
  'a stream of a known length': provide((res) => res.set('Content-Length', length) && Readable.from([text])),
  'a stream that is said to be chunked': provide(
    (res) => res.set('Transfer-Encoding', 'chunked') && Readable.from([text]),
  ),
  'a stream with two framings': provide(
    (res) => res.set({ 'Transfer-Encoding': 'chunked', 'Content-Length': length }) && Readable.from([text]),
  ),
  'text with two framings': provide(
    (res) => res.set({ 'Transfer-Encoding': 'chunked', 'Content-Length': '3' }) && text,
  ),
  'text, coded': provide(() => text, coded),
  'a Blob, coded': provide(() => new Blob([text]), coded),
  'a stream, coded': provide((res) => res.set('Content-Length', length) && Readable.from([text]), coded),
  'stop() with text': provide(() => stop(200, { body: text })),
  'stop() with a Blob': provide(() => stop(200, { body: new Blob([text], { type: 'text/x-a' }) })),
  'stop() with a stream': provide(() =>
    stop(200, { body: Readable.from([text]), headers: { 'Content-Length': length } }),
  ),
  'stop() with nothing': provide(() => stop(200, { headers: { 'Content-Length': '3' } })),
  'a chunked stop() with nothing': provide((res) => res.set('Transfer-Encoding', 'chunked') && stop(200)),
  ...Object.fromEntries(
    [204, 205, 304].flatMap((status) => [
      [`${status}`, provide((res) => res.set('Transfer-Encoding', 'chunked') && stop(status))],
      [`${status} with text`, provide(() => stop(status, { body: text }))],
      [
        `${status} with a stream`,
        provide(() => stop(status, { body: Readable.from([text]), headers: { 'Content-Length': length } })),
      ],
    ]),
  ),
  'a problem': provide((res) => res.set({ 'Transfer-Encoding': 'chunked' }) && stop(404)),
  'a redirect': resource({ resourceExists: false, previouslyExisted: true, movedPermanently: '/a' }),
  'a 304': provide(() => text, { generateEtag: '"a"' }),
  'a list in a format': provide(() => ndjson().once([1])),
  'a held stream': loop({ format: sse(), subscribe() {} }),
  'a held stream with fields': loop({
    format: sse(),
    subscribe() {},
    headers: { 'X-A': 'b' },
  }),
}

describe('The framing of an answer (RFC 9112 6)', () => {
  staged()

  const asked: Ask[] = [
    { version: '1.1' },
    { version: '1.0' },
    { version: '1.0', headers: { Connection: 'keep-alive' } },
  ]
  for (const [what, endpoint] of Object.entries(answers)) {
    it(`is one, or none, and HEAD has the head of GET (RFC 9110 9.3.2): ${what}`, async () => {
      const site = await stage.now.serve(endpoint)
      for (const { version, headers } of asked) {
        const ask = (method: string) =>
          site
            .get('/', {
              method,
              version: version as '1.0' | '1.1',
              headers: { ...headers, 'Accept-Encoding': 'gzip', 'If-None-Match': '"a"' },
            })
            .head()
        const [get, head] = [await ask('GET'), await ask('HEAD')]
        const how = `${version} ${JSON.stringify(headers)}`
        for (const { names, headers, status } of [get, head]) {
          const framings = names.filter((name) => /^(?:content-length|transfer-encoding)$/i.test(name))
          expect(framings.length, `${how}: ${framings}`).to.be.at.most(1)
          if (version === '1.0') expect(headers, how).not.to.have.property('transfer-encoding')
          if (status === 204 || status === 304) expect(framings, how).to.deep.equal([])
        }
        const fields = ({ headers }: typeof get) => ({ ...headers, date: '' })
        expect(head.status).to.equal(get.status)
        // a coding gives a length only once all is coded
        expect(fields(head), how).to.deep.equal(fields(get))
      }
    })
  }
})

describe('An answer in place of one that cannot be sent', () => {
  staged()

  const throwing: RequestHandler = (_req, res, next) => {
    onHeaders(res, () => {
      throw new Error('a hook into the head')
    })
    next()
  }
  const circular: { self?: unknown } = {}
  circular.self = circular
  const locked = () => {
    const stream = new ReadableStream()
    stream.getReader()
    return stream
  }
  const failing: Record<string, readonly [endpoint: object, ...before: RequestHandler[]]> = {
    'JSON that is circular': [provide(() => circular)],
    'a Web stream that another reader has': [provide(locked)],
    'a stream that fails': [provide(() => Readable.from([{}]))],
    'a coded stream that fails': [provide(() => Readable.from([{}]), coded)],
    'text behind a hook that throws': [provide(() => text), throwing],
    'a coded text behind a hook that throws': [provide(() => text, coded), throwing],
    'an empty answer behind a hook that throws': [resource({}), throwing],
    'a problem behind a hook that throws': [resource({ resourceExists: false }), throwing],
    'stop() behind a hook that throws': [provide(() => stop(200, { body: Readable.from([text]) })), throwing],
    'a loop whose `subscribe` fails': [
      loop({
        format: sse(),
        subscribe: () => {
          throw new Error('no source')
        },
      }),
    ],
    'a list that fails': [provide(() => ndjson().once([circular]))],
  }
  for (const [what, [endpoint, ...before]] of Object.entries(failing)) {
    it(`has a framing, so that the next request is answered: ${what}`, async () => {
      // an error handler that writes in pieces knows no length
      const inPieces: ErrorRequestHandler = (_error, _req, res, _next) => {
        res.status(500).write('the app ')
        res.end('failed')
      }
      for (const after of [[], [inPieces]]) {
        const site = await stage.now.serve(endpoint, { before, after })
        const client = site.connect()
        for (const _ of [1, 2]) {
          const answer = await client.ask('/', { headers: { 'Accept-Encoding': 'gzip' } }).whole()
          expect(answer).to.include({ status: 500, body: 'the app failed' })
          expect(Object.keys(answer.headers)).to.include.oneOf(['content-length', 'transfer-encoding'])
        }
      }
    })
  }
})
