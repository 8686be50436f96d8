import { once } from 'node:events'
import { PassThrough, Readable } from 'node:stream'
import { ReadableStream } from 'node:stream/web'
import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib'
import { expect } from 'chai'
import { createHub, ndjson, sse, stop } from '../../lib/index.js'
import type { Body } from '../../lib/values/body.js'
import { ask, expectError, expectStatus, hello, Site, type Spec, withSite } from '../support/http.js'

const providing = (body: unknown, type = 'application/json'): Spec => ({
  contentTypesProvided: { [type]: () => body as Body },
})

/** A Node stream that tells whether it was closed. */
function source(...chunks: (string | Buffer)[]): Readable {
  return Readable.from(chunks, { objectMode: false })
}

const decoders = { gzip: gunzipSync, deflate: inflateSync, br: brotliDecompressSync }

/** Has fields, as those of RxJS have, which JSON would write. */
class Observable {
  source = 1
  '@@observable'() {
    return this
  }
}

describe('Providing a body', () => {
  describe('Bodies of every kind', () => {
    const bytes = Buffer.from([0, 255, 1, 254])
    for (const [what, body, expected] of [
      ['a string', 'hällo', Buffer.from('hällo')],
      ['an empty string', '', Buffer.alloc(0)],
      ['a Buffer', bytes, bytes],
      ['an empty Buffer', Buffer.alloc(0), Buffer.alloc(0)],
      ['a Uint8Array', new Uint8Array(bytes), bytes],
      ['a part of a Uint8Array', new Uint8Array([9, 0, 255, 1, 254, 9]).subarray(1, 5), bytes],
      ['an ArrayBuffer', new Uint8Array(bytes).buffer, bytes],
      ['a DataView', new DataView(new Uint8Array([9, ...bytes]).buffer, 1), bytes],
      ['another typed array', new Uint16Array(new Uint8Array(bytes).buffer), bytes],
      ['a SharedArrayBuffer', new SharedArrayBuffer(2), Buffer.alloc(2)],
      ['a Blob', new Blob([bytes], { type: 'text/x-a' }), bytes],
      ['an empty Blob', new Blob([]), Buffer.alloc(0)],
      ['a File', new File([bytes], 'a.txt'), bytes],
      ['an object', { a: ['ä', null, 1] }, Buffer.from('{"a":["ä",null,1]}')],
      ['an array', [1, 'a'], Buffer.from('[1,"a"]')],
      ['an empty array', [], Buffer.from('[]')],
      ['what has a toJSON', new Date(0), Buffer.from('"1970-01-01T00:00:00.000Z"')],
      ['a number', 3, Buffer.from('3')],
      ['0', 0, Buffer.from('0')],
      ['true', true, Buffer.from('true')],
      ['false', false, Buffer.from('false')],
      ['null', null, Buffer.from('null')],
      ['an object that inherits from nothing', Object.create(null), Buffer.from('{}')],
    ] as const) {
      it(`${what}, by a sync and by an async provider, with its length in bytes`, async () => {
        for (const provider of [() => body, async () => body]) {
          const spec: Spec = { contentTypesProvided: { 'application/octet-stream': provider } } as Spec
          const answer = await expectStatus(spec, {}, 200)
          expect([...answer.body]).to.deep.equal([...expected])
          expect(answer.headers).to.include({
            'content-length': String(expected.length),
            'content-type': 'application/octet-stream',
          })
        }
      })

      it(`${what} is as long for HEAD, and not sent`, async () => {
        const answer = await expectStatus(providing(body), { method: 'HEAD' }, 200)
        expect(answer.headers['content-length']).to.equal(String(expected.length))
        expect(answer.body).to.have.length(0)
      })
    }

    it('The type of a Blob is that of the answer where none was negotiated', async () => {
      const typed = async (body: Body) => {
        const provider = () => stop(200, { body })
        return (await ask({ contentTypesProvided: { 'text/html': provider } })).headers['content-type']
      }
      expect(await typed(new Blob(['a'], { type: 'image/png' }))).to.equal('image/png')
      expect(await typed(new Blob(['a'], { type: 'text/plain;charset=utf-8' }))).to.equal(
        'text/plain;charset=utf-8',
      )
      for (const type of ['', 'png', 'a b/c', 'image/ä'])
        expect(await typed(new Blob(['a'], { type })), type).to.equal('application/octet-stream')
      expect(await typed(new ArrayBuffer(1))).to.equal('application/octet-stream')
      const answer = await ask(providing(new Blob(['a'], { type: 'image/png' }), 'image/jpeg'))
      expect(answer.headers['content-type']).to.equal('image/jpeg')
    })

    it('A Blob that cannot be read is an error like any other, with no length of what it was', async () => {
      const broken = Object.defineProperties(new Blob([]), {
        size: { value: 1000 },
        stream: { value: () => new ReadableStream({ pull: () => Promise.reject(new Error('broken')) }) },
      })
      const answer = await expectError(providing(broken), {}, /^broken$/)
      expect(answer.text).to.equal('The app answers.')
      expect(answer.headers['content-length']).to.equal(String(answer.body.length))
    })

    it('A Content-Type that the resource has set stays', async () => {
      const spec: Spec = {
        contentTypesProvided: {
          'text/plain': ({ res }) => {
            res.setHeader('Content-Type', 'text/plain; format=flowed')
            return 'a'
          },
        },
      }
      expect((await expectStatus(spec, {}, 200)).headers['content-type']).to.equal(
        'text/plain; format=flowed',
      )
    })

    it('Headers that callbacks have set stay', async () => {
      const spec: Spec = {
        contentTypesProvided: {
          'text/plain': ({ res }) => {
            res.set('X-Own', 'yes')
            return 'a'
          },
        },
      }
      expect((await expectStatus(spec, {}, 200)).headers['x-own']).to.equal('yes')
    })

    it('Over HTTP/1.0 it is the same body', () =>
      withSite(new Site(hello), async (site) => {
        const answer = await site.exchange('GET / HTTP/1.0\r\n\r\n')
        expect(answer).to.match(/^HTTP\/1\.1 200 OK\r\n/)
        expect(answer).to.match(/\r\nContent-Length: 5\r\n(?:.*\r\n)*\r\nhello$/)
      }))

    it('A keep-alive connection serves one request after the other', () =>
      withSite(new Site({ ...hello, generateEtag: '"a"' }), async (site) => {
        const get = 'GET / HTTP/1.1\r\nHost: a\r\n'
        const answer = await site.exchange(
          `${get}\r\nHEAD / HTTP/1.1\r\nHost: a\r\n\r\n${get}If-None-Match: "a"\r\n\r\n${get}Connection: close\r\n\r\n`,
        )
        expect(answer.match(/HTTP\/1\.1 \d+/g)).to.deep.equal(
          ['200', '200', '304', '200'].map((status) => `HTTP/1.1 ${status}`),
        )
      }))
  })

  describe('Values that are not a body', () => {
    for (const [what, value, shown] of [
      ['undefined', undefined, 'undefined'],
      ['a function', () => {}, 'Function'],
      ['a symbol', Symbol('a'), 'Symbol'],
      ['a bigint', 1n, '1n'],
      ['an async iterable', (async function* () {})(), 'AsyncGenerator'],
      ['a generator object', (function* () {})(), 'Generator'],
      ['a Map', new Map([['a', 1]]), 'Map'],
      ['a Set', new Set([1]), 'Set'],
      ['a WeakMap', new WeakMap(), 'WeakMap'],
      ['a Response', new Response('a'), 'Response'],
      ['Headers', new Headers(), 'Headers'],
      ['a FormData', new FormData(), 'FormData'],
      ['URLSearchParams', new URLSearchParams('a=b'), 'URLSearchParams'],
      ['an Error', new RangeError('too far'), 'too far'],
      ['a regular expression', /a/, '/a/'],
      ['an Observable', new Observable(), 'Observable'],
      ['a channel', createHub().channel('a'), 'Channel'],
    ] as const) {
      it(`${what} is an error that names it, never {}: as a body, in an answer of an accept callback, in stop()`, async () => {
        const accepting: Spec = {
          allowedMethods: ['POST'],
          contentTypesAccepted: { '*/*': () => ({ body: value as Body }) },
        }
        if (value !== undefined) {
          await expectError(
            accepting,
            { method: 'POST', headers: { 'content-type': 'a/b' } },
            /answered .*body/s,
          )
          expect(() => stop(200, { body: value as Body }))
            .to.throw(TypeError, new RegExp(`^stop.*\`body\` is .*${shown}.*: expected a string, bytes`, 's'))
            .that.includes({ code: 'LARIAT_ANSWER' })
        }
        await expectError(
          providing(value),
          {},
          new RegExp(
            `^contentTypesProvided\\['application/json'\\] answered .*${shown}.*: expected a body`,
            's',
          ),
        )
      })
    }

    for (const [what, value] of [
      ['a cycle', Object.assign([], { 0: 0 })],
      ['a bigint inside', { a: 1n }],
      ['a toJSON that returns undefined', { toJSON: () => undefined }],
      [
        'a toJSON that throws',
        {
          toJSON: () => {
            throw new Error('no')
          },
        },
      ],
    ] as const) {
      if (what === 'a cycle') (value as unknown[])[0] = value
      it(`JSON that cannot be made is an error, and leaves no head behind: ${what}`, async () => {
        const spec: Spec = { ...providing(value), generateEtag: '"a"', languagesProvided: ['en'] }
        for (const encodingsProvided of [['identity'], ['gzip']] as const) {
          const answer = await ask({ ...spec, encodingsProvided })
          expect(answer.status).to.equal(500)
          expect(answer.errors).to.have.length(1)
          expect(answer.text).to.equal('The app answers.')
          expect(answer.headers['content-type']).to.match(/^text\/html/)
          expect(answer.headers).not.to.have.any.keys('content-encoding', 'content-language')
          expect(answer.headers.etag).not.to.equal('"a"')
        }
      })
    }
  })

  describe('Streams', () => {
    const streams: Readonly<Record<string, () => Body>> = {
      'a Node stream': () => source('hel', 'lo'),
      'a Node stream of Buffers': () => source(Buffer.from('hello')),
      'a Node stream in object mode': () => Readable.from(['hel', Buffer.from('lo')]),
      'a PassThrough': () => new PassThrough().end('hello'),
      'a Web stream': () => new Blob(['hello']).stream(),
      'a Web stream of Uint8Arrays': () =>
        new ReadableStream({
          start(controller) {
            controller.enqueue(new TextEncoder().encode('hello'))
            controller.close()
          },
        }),
    }
    for (const [what, make] of Object.entries(streams)) {
      it(`${what} is chunked (RFC 9112 7.1)`, async () => {
        for (const provider of [make, async () => make()]) {
          const answer = await expectStatus({ contentTypesProvided: { 'text/plain': provider } }, {}, 200)
          expect(answer.text).to.equal('hello')
          expect(answer.headers).to.include({ 'content-type': 'text/plain', 'transfer-encoding': 'chunked' })
          expect(answer.headers).not.to.have.property('content-length')
          expect(answer.isCut).to.equal(false)
        }
      })

      it(`${what} is ended by close over HTTP/1.0`, () =>
        withSite(new Site({ contentTypesProvided: { 'text/plain': make } }), async (site) => {
          const answer = await site.exchange('GET / HTTP/1.0\r\n\r\n')
          expect(answer).to.match(/\r\n\r\nhello$/)
          expect(answer).not.to.match(/transfer-encoding/i)
        }))

      for (const [coding, decode] of Object.entries(decoders)) {
        it(`${what} in ${coding}`, async () => {
          const spec: Spec = {
            contentTypesProvided: { 'text/plain': make },
            encodingsProvided: [coding as 'gzip'],
          }
          const answer = await expectStatus(spec, { headers: { 'accept-encoding': coding } }, 200)
          expect(answer.headers['content-encoding']).to.equal(coding)
          expect(decode(answer.body).toString()).to.equal('hello')
        })
      }
    }

    it('Of any length', async () => {
      const chunk = Buffer.alloc(64 * 1024, 'a')
      const make = () => Readable.from(Array.from({ length: 64 }, () => chunk))
      for (const encodingsProvided of [['identity'], ['gzip']] as const) {
        const answer = await expectStatus(
          { contentTypesProvided: { 'text/plain': make }, encodingsProvided },
          { headers: { 'accept-encoding': 'gzip' } },
          200,
        )
        const body = answer.headers['content-encoding'] ? gunzipSync(answer.body) : answer.body
        expect(body).to.have.length(64 * chunk.length)
      }
    })

    it('HEAD says chunked, destroys a Node stream and cancels a Web stream', async () => {
      const node = source('hello')
      let cancel: () => void
      const cancelled = new Promise<void>((resolve) => {
        cancel = resolve
      })
      const web = new ReadableStream({ cancel: () => cancel() })
      for (const body of [node, web]) {
        const answer = await expectStatus(providing(body), { method: 'HEAD' }, 200)
        expect(answer.headers).to.include({
          'transfer-encoding': 'chunked',
          'content-type': 'application/json',
        })
        expect(answer.body).to.have.length(0)
      }
      expect(node.destroyed).to.equal(true)
      await cancelled
    })

    it('HEAD of a stream has the headers of GET (RFC 9110 9.3.2)', async () => {
      for (const encodingsProvided of [['identity'], ['gzip']] as const) {
        const spec: Spec = {
          contentTypesProvided: { 'text/plain': () => source('hello') },
          encodingsProvided,
          generateEtag: '"a"',
          rangesProvided: 'auto',
        }
        const [get, head] = await Promise.all(
          ['GET', 'HEAD'].map((method) => expectStatus(spec, { method }, 200)),
        )
        const strip = ({ date, ...headers }: Record<string, unknown>) => headers
        expect(strip(head!.headers)).to.deep.equal(strip(get!.headers))
      }
    })

    describe('A stream that fails', () => {
      const failing = (after: readonly string[], error: Error | undefined = new Error('broken')): Body =>
        Readable.from(
          (async function* () {
            yield* after
            // what came before has gone out by then
            if (after.length > 0) await new Promise(setImmediate)
            throw error
          })(),
          { objectMode: false },
        )
      const web = (after: readonly string[]): Body => {
        const rest = [...after]
        return new ReadableStream({
          async pull(controller) {
            await new Promise(setImmediate)
            const next = rest.shift()
            if (next === undefined) controller.error(new Error('broken'))
            else controller.enqueue(new TextEncoder().encode(next))
          },
        })
      }
      const kinds: Readonly<Record<string, (after: readonly string[]) => Body>> = { Node: failing, Web: web }

      for (const [kind, make] of Object.entries(kinds)) {
        it(`${kind}: before the first byte is an error like any other`, async () => {
          const spec: Spec = {
            contentTypesProvided: { 'text/plain': () => make([]) },
            generateEtag: '"a"',
            languagesProvided: ['en'],
          }
          const answer = await expectError(spec, {}, /^broken$/)
          expect(answer.status).to.equal(500)
          expect(answer.headers['content-type']).to.match(/^text\/html/)
          expect(answer.headers).not.to.have.property('content-language')
          expect(answer.headers.etag).not.to.equal('"a"')
        })

        it(`${kind}: after that the connection is cut, so that it does not look whole`, async () => {
          const answer = await ask({ contentTypesProvided: { 'text/plain': () => make(['hel']) } })
          expect(answer.status).to.equal(200)
          expect(answer.text).to.equal('hel')
          expect(answer.isCut).to.equal(true)
          expect(answer.errors).to.deep.equal([])
        })

        it(`${kind}: encoded, it is an error or cut, and never whole`, async () => {
          for (const after of [[], ['hel']]) {
            const spec: Spec = {
              contentTypesProvided: { 'text/plain': () => make(after) },
              encodingsProvided: ['gzip'],
            }
            const answer = await ask(spec, { headers: { 'accept-encoding': 'gzip' } })
            if (answer.status === 200) expect(answer.isCut).to.equal(true)
            else expect(answer.text).to.equal('The app answers.')
            expect(answer.status === 200 || answer.headers['content-encoding'] === undefined).to.equal(true)
          }
        })
      }

      it('One that was destroyed already is an error', async () => {
        const stream = source('hello').destroy()
        const answer = await ask(providing(stream))
        expect(answer.status).to.equal(500)
        expect(answer.errors).to.have.length(1)
      })

      it('A Web stream that is locked is an error', async () => {
        const stream = new ReadableStream()
        stream.getReader()
        expect((await ask(providing(stream))).status).to.equal(500)
      })

      it('One that closes without an end is cut', async () => {
        const stream = new PassThrough()
        stream.write('hel')
        setImmediate(() => setImmediate(() => stream.destroy()))
        const answer = await ask(providing(stream))
        expect(answer.isCut || answer.status === 500).to.equal(true)
      })

      it('A chunk that is neither text nor bytes is an error that says so, and no crash', async () => {
        await expectError(
          providing(Readable.from([{ a: 1 }])),
          {},
          /A stream that is a body gave \{ a: 1 \}: expected text or bytes/,
        )
        const spec: Spec = { ...providing(Readable.from([1])), encodingsProvided: ['gzip'] }
        await expectError(spec, {}, /gave 1: expected/)
        const web = new ReadableStream({
          start(controller) {
            controller.enqueue({ a: 1 })
          },
        })
        expect((await ask(providing(web))).status).to.equal(500)
      })
    })

    it('A stream is destroyed when the client leaves', async () => {
      const stream = new PassThrough()
      stream.write('hello')
      const closed = once(stream, 'close')
      await withSite(new Site(providing(stream)), async (site) => {
        const controller = new AbortController()
        const response = await fetch(`http://127.0.0.1:${site.port}/`, { signal: controller.signal })
        expect(response.status).to.equal(200)
        controller.abort()
        await closed
      })
    })

    it('A stream is destroyed where another answer takes its place', async () => {
      const places: readonly Spec[] = [
        { multipleChoices: () => stop(200) },
        {
          multipleChoices: () => {
            throw new Error('no')
          },
        },
        { multipleChoices: async () => stop(404) },
      ]
      for (const spec of places) {
        const node = new PassThrough()
        const closed = once(node, 'close')
        await ask({ ...providing(node), ...spec })
        await closed
        await new Promise((resolve, reject) => {
          const web = new ReadableStream({ cancel: resolve })
          ask({ ...providing(web), ...spec }).catch(reject)
        })
      }
    })
  })

  describe('Charsets', () => {
    const text = 'häl\u00e9o'
    for (const [charset, encoding] of [
      ['utf-8', 'utf8'],
      ['UTF-8', 'utf8'],
      ['iso-8859-1', 'latin1'],
      ['utf-16le', 'utf16le'],
    ] as const) {
      it(`A string is written in ${charset}, which its type says`, async () => {
        for (const encodingsProvided of [['identity'], ['gzip']] as const) {
          const spec: Spec = {
            contentTypesProvided: { 'text/plain': () => text },
            charsetsProvided: [charset],
            encodingsProvided,
          }
          const answer = await expectStatus(spec, { headers: { 'accept-encoding': '*' } }, 200)
          const body = answer.headers['content-encoding'] ? gunzipSync(answer.body) : answer.body
          expect(body.toString(encoding)).to.equal(text)
          expect(answer.headers['content-type']).to.equal(`text/plain; charset=${charset}`)
        }
      })
    }

    it('JSON is UTF-8 by definition, whatever was negotiated', async () => {
      for (const body of [text, [text]]) {
        const answer = await expectStatus({ ...providing(body), charsetsProvided: ['iso-8859-1'] }, {}, 200)
        expect(answer.text).to.contain(text)
        expect(answer.headers['content-type']).to.equal('application/json')
      }
    })

    it('A charset that the provided type says is the one that is written', async () => {
      const answer = await expectStatus(providing(text, 'text/plain; charset=iso-8859-1'), {}, 200)
      expect(answer.body.toString('latin1')).to.equal(text)
    })

    it('Bytes are sent as they are', async () => {
      const spec: Spec = { ...providing(Buffer.from(text), 'text/plain'), charsetsProvided: ['iso-8859-1'] }
      expect((await expectStatus(spec, {}, 200)).text).to.equal(text)
    })

    it('ASCII can be written in any charset; other text is an error where Node cannot write it', async () => {
      for (const charset of ['koi8-r', 'us-ascii', 'shift_jis']) {
        const spec = (body: string): Spec => ({
          ...providing(body, 'text/plain'),
          charsetsProvided: [charset],
        })
        const answer = await expectStatus(spec('hello'), {}, 200)
        expect(answer.headers['content-type']).to.equal(`text/plain; charset=${charset}`)
        expect(answer.text).to.equal('hello')
        const failed = await expectError(spec(text), {}, new RegExp(`charset ${charset}.*return a Buffer`))
        expect(failed.headers['content-type']).to.match(/^text\/html/)
      }
    })

    it('A character that ISO-8859-1 lacks is an error too, and not another character', () =>
      expectError(
        { ...providing('\u20ac', 'text/plain'), charsetsProvided: ['iso-8859-1'] },
        {},
        /charset iso-8859-1/,
      ))
  })

  describe('A format', () => {
    it('Held open: a snapshot and a stream are one resource', async () => {
      const spec: Spec = {
        contentTypesProvided: {
          'application/json': () => ({ a: 1 }),
          'text/event-stream': sse(),
          'application/x-ndjson': ({ req }) => (req.query.follow ? ndjson() : ndjson().once([1, 2])),
        },
        subscribe: () => [{ b: 2 }],
      }
      const get = (accept: string, url = '/') => ask(spec, { url, headers: { accept } })
      expect((await get('application/json')).json).to.deep.equal({ a: 1 })
      expect((await get('text/event-stream')).text).to.contain('data: {"b":2}')
      expect((await get('application/x-ndjson')).text).to.equal('1\n2\n')
      expect((await get('application/x-ndjson', '/?follow=1')).text).to.equal('{"b":2}\n')
    })

    it('HEAD calls the provider, and not subscribe', async () => {
      const called: string[] = []
      const spec: Spec = {
        contentTypesProvided: {
          'text/event-stream': () => {
            called.push('provider')
            return sse()
          },
        },
        subscribe: () => {
          called.push('subscribe')
          return []
        },
      }
      const answer = await expectStatus(spec, { method: 'HEAD' }, 200)
      expect(called).to.deep.equal(['provider'])
      expect(answer.headers['content-type']).to.equal('text/event-stream')
    })

    it('A format from a provider goes out with the headers set so far', async () => {
      const spec: Spec = {
        contentTypesProvided: {
          'text/event-stream': ({ res }) => {
            res.set('X-Own', 'yes')
            return sse()
          },
        },
        subscribe: () => [],
      }
      for (const method of ['GET', 'HEAD']) {
        const answer = await expectStatus(spec, { method }, 200)
        expect(answer.headers['x-own']).to.equal('yes')
        expect(answer.vary).to.deep.equal(['Accept'])
      }
    })

    it('Without a subscribe is an error that says so', () =>
      expectError(
        { contentTypesProvided: { 'text/event-stream': () => sse() } },
        {},
        /returned a format, and the spec has no `subscribe`/,
      ))

    it('stop() from a provider is the answer', async () => {
      for (const provider of [() => stop(302, { headers: { Location: '/a' } }), async () => stop(302)]) {
        await expectStatus({ contentTypesProvided: { 'text/plain': provider } }, {}, 302)
      }
    })
  })
})
