import { once } from 'node:events'
import net from 'node:net'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { expect } from 'chai'
import type { Context } from '../../lib/index.js'
import {
  type Answer,
  ask,
  currentExpress,
  type Middleware,
  onBoth,
  Site,
  type Spec,
  withSite,
} from '../support/http.js'

type Reader = 'json' | 'text' | 'bytes'

/** A resource that answers with what it has read. */
function reading(read: (context: Context<undefined>) => Promise<unknown>, spec: Spec = {}): Spec {
  return {
    allowedMethods: ['POST'],
    contentTypesAccepted: {
      '*/*': async (context) => {
        const body = await read(context)
        return { body: body instanceof Uint8Array ? [...body] : (body as string) }
      },
    },
    ...spec,
  }
}

interface Sent {
  body?: string | Uint8Array
  type?: string
  headers?: Record<string, string>
  before?: readonly Middleware[]
  spec?: Spec
}

function read(
  reader: Reader,
  { body = '', type = 'application/json', headers, before = [], spec }: Sent,
): Promise<Answer> {
  const site = new Site(
    reading((context) => context[reader](), spec),
    { before },
  )
  return ask(site, { method: 'POST', headers: { 'content-type': type, ...headers }, body })
}

function expectProblem(answer: Answer, status: number, detail: string): void {
  expect(answer.status).to.equal(status)
  expect(answer.errors).to.deep.equal([])
  expect(answer.headers['content-type']).to.equal('application/problem+json')
  expect(answer.json).to.include({ status, detail })
}

describe('The request body', () => {
  describe('json()', () => {
    for (const [text, value] of [
      ['{"a":["ä"]}', { a: ['ä'] }],
      ['"a"', 'a'],
      ['0', 0],
      ['false', false],
      ['null', null],
      [' [1] ', [1]],
    ] as const) {
      it(`${text} is its value`, async () => {
        const answer = await read('json', { body: text })
        expect(answer.status).to.equal(200)
        expect(typeof value === 'string' ? answer.text : answer.json).to.deep.equal(value)
      })
    }

    for (const text of ['', '{', 'undefined', "{'a':1}", '[1,]', '{"a":1}{', '\u0000']) {
      it(`${JSON.stringify(text)} is 400 by a problem body`, async () => {
        expectProblem(await read('json', { body: text }), 400, 'The request body is not valid JSON.')
      })
    }

    it('Is in the charset of the Content-Type', async () => {
      const body = Buffer.from('"ä"', 'latin1')
      expect((await read('json', { body, type: 'application/json; charset=iso-8859-1' })).text).to.equal('ä')
    })

    it('Whatever the Content-Type is', async () => {
      expect((await read('json', { body: '[1]', type: 'text/plain' })).json).to.deep.equal([1])
    })
  })

  describe('text()', () => {
    it('Is UTF-8 by default', async () => {
      expect((await read('text', { body: 'hällo', type: 'text/plain' })).text).to.equal('hällo')
    })

    it('May be empty', async () => {
      const answer = await read('text', { type: 'text/plain' })
      expect([answer.status, answer.text]).to.deep.equal([200, ''])
    })

    for (const [charset, encoding] of [
      ['iso-8859-1', 'latin1'],
      ['"UTF-8"', 'utf8'],
      ['utf-16le', 'utf16le'],
    ] as const) {
      it(`Is in the charset of the Content-Type: ${charset}`, async () => {
        const answer = await read('text', {
          body: Buffer.from('hällo', encoding),
          type: `text/plain; charset=${charset}`,
        })
        expect(answer.text).to.equal('hällo')
      })
    }

    it('A charset that nobody knows is 415', async () => {
      const answer = await read('text', { body: 'a', type: 'text/plain; charset=nonsense' })
      expectProblem(answer, 415, 'The charset nonsense of the request body is not supported.')
    })
  })

  describe('bytes()', () => {
    it('Is the bytes as they are', async () => {
      const answer = await read('bytes', { body: Buffer.from([0, 255, 10, 13]), type: 'a/b' })
      expect(answer.json).to.deep.equal([0, 255, 10, 13])
    })

    it('Is chunked or not', () =>
      withSite(new Site(reading(({ bytes }) => bytes())), async (site) => {
        const answer = await site.exchange(
          'POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: a/b\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n',
        )
        expect(answer).to.match(/\r\n\r\n\[104,105\]$/)
      }))
  })

  describe('Read more than once', () => {
    it('It is read once, and each reader gets it', async () => {
      const spec = reading(async ({ json, text, bytes }) => [
        await json(),
        await json(),
        await text(),
        Buffer.from(await bytes()).toString(),
      ])
      const answer = await ask(spec, { method: 'POST', headers: { 'content-type': 'a/json' }, body: '[1]' })
      expect(answer.json).to.deep.equal([[1], [1], '[1]', '[1]'])
    })

    it('At the same time', async () => {
      const spec = reading(({ json, text }) => Promise.all([json(), text(), text()]))
      const answer = await ask(spec, { method: 'POST', headers: { 'content-type': 'a/json' }, body: '[1]' })
      expect(answer.json).to.deep.equal([[1], '[1]', '[1]'])
    })

    it('In different callbacks, init among them', async () => {
      const spec: Spec = {
        ...reading(({ text }) => text()),
        malformedRequest: async ({ json }) => !Array.isArray(await json()),
      }
      const post = (body: string) =>
        ask(spec, { method: 'POST', headers: { 'content-type': 'a/json' }, body })
      expect((await post('[1]')).text).to.equal('[1]')
      expect((await post('1')).status).to.equal(400)
      expectProblem(await post('['), 400, 'The request body is not valid JSON.')
    })

    it('One that is too large is so for each, and no rejection is left unhandled', async () => {
      const spec = reading(
        async ({ json, text }) => [await json().catch(() => 'one'), await text().catch(() => 'two')],
        {
          bodyLimit: 1,
        },
      )
      const answer = await ask(spec, { method: 'POST', headers: { 'content-type': 'a/json' }, body: '[1]' })
      expect(answer.json).to.deep.equal(['one', 'two'])
    })
  })

  describe('bodyLimit', () => {
    const large = (limit: number) => `The request body is larger than ${limit} bytes.`

    for (const reader of ['json', 'text', 'bytes'] as const) {
      it(`A body that is larger is 413 by a problem body: ${reader}()`, async () => {
        expectProblem(await read(reader, { body: '"abc"', spec: { bodyLimit: 4 } }), 413, large(4))
        expect((await read(reader, { body: '"abc"', spec: { bodyLimit: 5 } })).status).to.equal(200)
      })
    }

    it('Is 1 MiB by default', async () => {
      expect((await read('text', { body: Buffer.alloc(2 ** 20, 'a') })).status).to.equal(200)
      expectProblem(await read('text', { body: Buffer.alloc(2 ** 20 + 1, 'a') }), 413, large(2 ** 20))
    })

    it('0 allows an empty body alone', async () => {
      expect((await read('text', { body: '', spec: { bodyLimit: 0 } })).status).to.equal(200)
      expectProblem(await read('text', { body: 'a', spec: { bodyLimit: 0 } }), 413, large(0))
    })

    it('Counts a chunked body, whose length nobody has said', () =>
      withSite(new Site(reading(({ text }) => text(), { bodyLimit: 4 })), async (site) => {
        const answer = await site.exchange(
          'POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: a/b\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
        )
        expect(answer).to.match(/^HTTP\/1\.1 413 /)
      }))

    it('Counts what a compressed body becomes', async () => {
      const bomb = gzipSync(Buffer.alloc(2 ** 20))
      expect(bomb.length).to.be.below(2000)
      const sent = { body: bomb, headers: { 'content-encoding': 'gzip' }, spec: { bodyLimit: 2000 } }
      expectProblem(await read('bytes', sent), 413, large(2000))
    })

    it('The connection serves the next request after a 413', () =>
      withSite(new Site(reading(({ text }) => text(), { bodyLimit: 4 })), async (site) => {
        const post = (body: string, more = '') =>
          `POST / HTTP/1.1\r\nHost: a\r\nContent-Type: a/b\r\n${more}Content-Length: ${body.length}\r\n\r\n${body}`
        const answer = await site.exchange(post('too much') + post('ok', 'Connection: close\r\n'))
        expect(answer.match(/HTTP\/1\.1 \d+/g)).to.deep.equal(['HTTP/1.1 413', 'HTTP/1.1 200'])
      }))

    it('And after one whose rest is longer than what the connection holds', () =>
      withSite(new Site(reading(({ text }) => text(), { bodyLimit: 4 })), async (site) => {
        const head = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Type: a/b\r\n'
        const chunk = `10000\r\n${'a'.repeat(2 ** 16)}\r\n`
        const large = `${head}Transfer-Encoding: chunked\r\n\r\n${chunk.repeat(32)}0\r\n\r\n`
        const answer = await site.exchange(`${large}${head}Connection: close\r\nContent-Length: 2\r\n\r\nok`)
        expect(answer.match(/HTTP\/1\.1 \d+/g)).to.deep.equal(['HTTP/1.1 413', 'HTTP/1.1 200'])
      }))
  })

  describe('Content-Encoding', () => {
    for (const [coding, encode] of [
      ['gzip', gzipSync],
      ['x-gzip', gzipSync],
      ['deflate', deflateSync],
      ['br', brotliCompressSync],
      ['GZIP', gzipSync],
      ['identity', (text: string) => Buffer.from(text)],
    ] as const) {
      it(`${coding} is decoded`, async () => {
        const answer = await read('json', {
          body: encode('{"a":1}'),
          headers: { 'content-encoding': coding },
        })
        expect(answer.json).to.deep.equal({ a: 1 })
      })
    }

    for (const coding of ['zstd', 'gzip, gzip', 'garbage']) {
      it(`${coding} is 415`, async () => {
        const answer = await read('json', { body: 'a', headers: { 'content-encoding': coding } })
        expectProblem(answer, 415, `The content coding ${coding} of the request body is not supported.`)
        // what it could be instead (RFC 9110 15.5.16)
        expect(answer.headers['accept-encoding']).to.equal('gzip, x-gzip, deflate, br')
        expect(answer.json).to.deep.include({ offered: ['gzip', 'x-gzip', 'deflate', 'br'] })
      })
    }

    for (const [what, body] of [
      ['what is no gzip', Buffer.from('{"a":1}')],
      ['half of it', gzipSync('{"a":1}').subarray(0, 15)],
      ['nothing', Buffer.alloc(0)],
    ] as const) {
      it(`${what} is 400`, async () => {
        const answer = await read('json', { body, headers: { 'content-encoding': 'gzip' } })
        expect(answer.status).to.equal(400)
        expect(answer.errors).to.deep.equal([])
        expect(answer.headers['content-type']).to.equal('application/problem+json')
      })
    }
  })

  onBoth('A body that earlier middleware has consumed is used as it is', () => {
    const parser = (name: 'json' | 'text' | 'raw' | 'urlencoded', options: object = {}) => [
      (currentExpress()[name] as (options: object) => Middleware)({
        type: () => true,
        extended: true,
        ...options,
      }),
    ]
    const json = '{"a":[1]}'

    it('express.json()', async () => {
      const before = parser('json', { strict: false })
      expect((await read('json', { body: json, before })).json).to.deep.equal({ a: [1] })
      expect((await read('text', { body: ' {"a": [1]}', before })).text).to.equal(json)
      expect(Buffer.from((await read('bytes', { body: json, before })).json as number[]).toString()).to.equal(
        json,
      )
      expect((await read('json', { body: '"a"', before })).text).to.equal('a')
      expect((await read('json', { body: '0', before })).text).to.equal('0')
      expect((await read('json', { body: 'null', before })).text).to.equal('null')
    })

    it('express.text()', async () => {
      const before = parser('text')
      expect((await read('text', { body: json, type: 'text/plain', before })).text).to.equal(json)
      expect((await read('json', { body: json, type: 'text/plain', before })).json).to.deep.equal({ a: [1] })
      expect((await read('bytes', { body: 'hi', type: 'text/plain', before })).json).to.deep.equal([104, 105])
      expectProblem(
        await read('json', { body: '{', type: 'text/plain', before }),
        400,
        'The request body is not valid JSON.',
      )
    })

    it('express.raw()', async () => {
      const before = parser('raw')
      expect((await read('text', { body: json, before })).text).to.equal(json)
      expect((await read('json', { body: json, before })).json).to.deep.equal({ a: [1] })
      expect((await read('bytes', { body: 'hi', before })).json).to.deep.equal([104, 105])
      const latin = { body: Buffer.from('ä', 'latin1'), type: 'text/plain; charset=iso-8859-1' }
      expect((await read('text', { ...latin, before })).text).to.equal('ä')
    })

    it('express.urlencoded()', async () => {
      const before = parser('urlencoded')
      const sent = { body: 'a=1&b=2', type: 'application/x-www-form-urlencoded', before }
      expect((await read('json', sent)).json).to.deep.equal({ a: '1', b: '2' })
    })

    it('A parser that was not meant leaves the body to be read', async () => {
      const before = parser('json', { type: 'application/json' })
      expect((await read('text', { body: 'hello', type: 'text/plain', before })).text).to.equal('hello')
      expect((await read('json', { body: '[1]', type: 'text/plain', before })).json).to.deep.equal([1])
    })

    it('A body that was consumed by somebody who left nothing of it is an error that says so', async () => {
      const swallow: Middleware = (req, _res, next) => {
        req.resume().once('end', () => {
          ;(req as { body?: unknown }).body = undefined
          next()
        })
      }
      for (const reader of ['json', 'text', 'bytes'] as const) {
        const answer = await read(reader, { body: json, before: [swallow] })
        expect(answer.status).to.equal(500)
        expect(answer.errors[0]).to.include({ code: 'LARIAT_BODY' })
      }
    })
  })

  onBoth('A body that stops half-way', () => {
    for (const [how, part] of [
      ['announced by its length', 'Content-Length: 100\r\n\r\nhalf'],
      ['chunked', 'Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n'],
      ['compressed', 'Content-Encoding: gzip\r\nContent-Length: 100\r\n\r\nhalf'],
    ] as const) {
      it(`Rejects, and nothing goes to next: ${how}`, async () => {
        let fail: (error: unknown) => void
        const failed = new Promise<unknown>((resolve) => {
          fail = resolve
        })
        let start: () => void
        const started = new Promise<void>((resolve) => {
          start = resolve
        })
        const spec = reading(async ({ text }) => {
          const body = text()
          start()
          return body.catch((error) => {
            fail(error)
            throw error
          })
        })
        await withSite(new Site(spec), async (site) => {
          const socket = net.connect(site.port, '127.0.0.1')
          socket.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Type: a/b\r\n${part}`)
          await started
          socket.resetAndDestroy()
          const error = await failed
          expect(error).to.include({ status: 400 })
          await new Promise(setImmediate)
          expect(site.errors).to.deep.equal([])
          expect(
            (await site.ask({ method: 'POST', headers: { 'content-type': 'a/b' }, body: 'ok' })).text,
          ).to.equal('ok')
        })
      })
    }

    it('A half-closed one gets 400 and no more', () =>
      withSite(new Site(reading(({ text }) => text())), async (site) => {
        const socket = net.connect({ port: site.port, host: '127.0.0.1', allowHalfOpen: true })
        socket.end('POST / HTTP/1.1\r\nHost: a\r\nContent-Type: a/b\r\nContent-Length: 100\r\n\r\nhalf')
        let got = ''
        socket.on('data', (chunk) => {
          got += chunk
        })
        await once(socket, 'close')
        expect(got === '' || got.startsWith('HTTP/1.1 400 ')).to.equal(true)
        expect(site.errors).to.deep.equal([])
      }))
  })

  it('A body that nobody reads does no harm, however large', () =>
    withSite(
      new Site({ allowedMethods: ['POST'], contentTypesAccepted: { '*/*': () => true } }),
      async (site) => {
        const asked = { method: 'POST', headers: { 'content-type': 'a/b' }, body: Buffer.alloc(2 ** 21) }
        expect((await site.ask(asked)).status).to.equal(204)
      },
    ))

  it('An empty body without a length is empty', async () => {
    const spec = reading(({ text }) => text(), { allowedMethods: ['GET', 'POST'] })
    const answer = await ask(
      { ...spec, contentTypesProvided: { 'text/plain': async ({ text }) => `[${await text()}]` } },
      {},
    )
    expect(answer.text).to.equal('[]')
  })
})
