import { once } from 'node:events'
import { connect } from 'node:net'
import { Readable } from 'node:stream'
import { runInNewContext } from 'node:vm'
import { expect } from 'chai'
import { type Endpoint, loop, ndjson, resource, resources, sse, stop } from '../../lib/index.js'
import { ask, expectError, expectStatus, hello, onBoth, Site, type Spec, withSite } from '../support/http.js'

const declare = (spec: object): Endpoint => resource(spec as Spec)
/** A value of another realm. Under Jest, whatever Node's own modules return is one. */
const foreign = (code: string) => runInNewContext(code)
const day = "new Date('2026-01-02T03:04:05Z')"

onBoth('Values of another realm', () => {
  it('are what they are as constants and as answers: dates', async () => {
    const modified = 'Fri, 02 Jan 2026 03:04:05 GMT'
    for (const make of [() => foreign(day), () => () => foreign(day)]) {
      const { headers } = await ask(declare({ ...hello, lastModified: make(), expires: make() }))
      expect(headers).to.include({ 'last-modified': modified, expires: modified })
      for (const key of ['serviceAvailable', 'rateLimited'])
        expect((await ask(declare({ [key]: make() }))).headers).to.include({ 'retry-after': modified })
    }
    expect(() => declare({ lastModified: foreign('new Date(NaN)') })).to.throw(TypeError, 'a valid Date')
  })

  it('are bytes in a stream that is a body', async () => {
    const chunks = () => Readable.from([foreign('new Uint8Array([104, 105])'), Buffer.from('!')])
    expect((await ask({ contentTypesProvided: { 'text/plain': chunks } })).text).to.equal('hi!')
  })

  it('are specs, options, tables and answers', () => {
    const spec = foreign(
      "({ negotiation: { type: 'lenient' }, stream: { heartbeat: 5 }, knownMethods: ['GET'] })",
    )
    expect(declare(spec)).to.be.a('function')
    expect(resources({ '/a': spec })).to.be.a('function')
    expect(stop(200, foreign("({ body: new Uint8Array(1), headers: { a: 'b' } })"))).to.be.an('object')
  })
})

onBoth('A Web stream that is a body', () => {
  for (const chunk of [null, undefined, 1, new ArrayBuffer(1)]) {
    it(`is cut at what is no text and no bytes, and let go: ${chunk}`, async () => {
      let cancelled = 0
      const stream = () =>
        new ReadableStream({
          start: (controller) => {
            for (const each of ['a', chunk, 'b']) controller.enqueue(each)
          },
          cancel: () => {
            cancelled += 1
          },
        })
      const { isCut, text } = await ask({ contentTypesProvided: { 'text/plain': stream } })
      expect({ isCut, text, cancelled }).to.deep.equal({ isCut: true, text: 'a', cancelled: 1 })
    })
  }

  it('is let go when the client leaves while it waits', async () => {
    const cancelled = new Promise<void>((resolve) => {
      const stream = () =>
        new ReadableStream({ start: (controller) => controller.enqueue('a'), cancel: () => resolve() })
      void withSite(new Site({ contentTypesProvided: { 'text/plain': stream } }), async (site) => {
        const socket = connect(site.port)
        socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
        await once(socket, 'data')
        socket.destroy()
        await cancelled
      })
    })
    await cancelled
  })
})

onBoth('What is no body', () => {
  const nobodies: Record<string, () => unknown> = {
    'a format': () => sse(),
    'a list of once()': () => ndjson().once([1]),
    'a stop': () => stop(204),
    'a collection without fields': () =>
      new (class {
        *[Symbol.iterator]() {
          yield 1
        }
      })(),
  }
  for (const [what, make] of Object.entries(nobodies)) {
    it(`is refused, and not sent as JSON: ${what}`, async () => {
      expect(() => stop(200, { body: make() as object })).to.throw(TypeError, '`body` is')
      await expectError(
        declare({
          allowedMethods: ['POST'],
          contentTypesAccepted: { '*/*': () => ({ body: make() }) },
        }),
        { method: 'POST' },
        "contentTypesAccepted['*/*'] answered",
      )
    })
  }

  it('Empty lists and strings are bodies', async () => {
    for (const [body, text] of [
      [new (class extends Array {})(), '[]'],
      [new String(''), '""'],
    ] as const)
      expect((await ask({ contentTypesProvided: { 'application/json': () => body } })).text).to.equal(text)
  })
})

describe('Declared wrong', () => {
  const wrong = (make: () => unknown, ...says: readonly string[]) => {
    expect(make, says.join(', ')).to.throw(TypeError).that.includes({ code: 'LARIAT_SPEC' })
    for (const each of says) expect(make).to.throw(each)
  }

  it('`negotiation` is a plain object: the entries of a Map would be ignored', () => {
    for (const each of [new Map([['type', 'lenient']]), new Set(), new Date(), /a/, Promise.resolve({})])
      wrong(() => declare({ negotiation: each }), '`negotiation` is')
  })

  it('A class is no callback, nor is a factory of formats', () => {
    class Feed {}
    const loopOf = (more: object) => () => loop({ format: sse(), subscribe: () => {}, ...more } as never)
    for (const key of ['init', 'info', 'terminate', 'onGap', 'problem', 'trace', 'subscribe', 'headers']) {
      wrong(loopOf({ [key]: Feed }), `\`${key}\` is [class Feed]`, 'this is a class')
      wrong(loopOf({ [key]: sse }), `\`${key}\` is [Function: sse]`)
    }
    for (const key of ['maxDuration', 'clientKey'])
      wrong(loopOf({ stream: { [key]: Feed } }), `\`${key}\` is [class Feed]`)
    wrong(() => declare({ isAuthorized: Feed }), '`isAuthorized` is [class Feed]', 'this is a class')
    wrong(
      () => declare({ contentTypesProvided: { 'text/html': Feed } }),
      "contentTypesProvided['text/html']: this is a class",
    )
  })

  it('Functions of every kind are callbacks', () => {
    async function* generate() {}
    const bound = generate.bind(undefined)
    const proxied = new Proxy(generate, {})
    for (const subscribe of [generate, bound, proxied, async () => {}, { subscribe() {} }.subscribe])
      expect(loop({ format: sse(), subscribe })).to.be.a('function')
  })
})

onBoth('Fields as clients write them', () => {
  it('`utf8` is UTF-8 in Accept (it is what many clients write)', async () => {
    for (const [type, accept, status] of [
      ['application/json', 'application/json;charset=utf8', 200],
      ['text/plain', 'text/plain; charset="UTF8"', 200],
      ['text/plain', 'text/plain; charset=utf88', 406],
    ] as const)
      await expectStatus({ contentTypesProvided: { [type]: () => 'a' } }, { headers: { accept } }, status)
  })

  it('A transfer coding that Node leaves in the body is a 501 (RFC 9112 6.1), and the next request is answered', () =>
    withSite(
      new Site({
        allowedMethods: ['POST', 'GET'],
        contentTypesAccepted: { '*/*': async ({ bytes }) => ({ body: await bytes() }) },
      }),
      async (site) => {
        for (const [coding, status] of [
          ['chunked', 200],
          ['Chunked', 200],
          ['gzip, chunked', 501],
        ] as const) {
          const head = `POST / HTTP/1.1\r\nHost: a\r\nContent-Type: a/b\r\nTransfer-Encoding: ${coding}\r\n\r\n`
          const next = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'
          const answers = await site.exchange(`${head}2\r\nhi\r\n0\r\n\r\n${next}`)
          expect(answers.match(/HTTP\/1\.1 \d{3}/g)).to.deep.equal([`HTTP/1.1 ${status}`, 'HTTP/1.1 200'])
        }
      },
    ))

  it('An empty Content-Encoding lists no coding (RFC 9110 5.6.1)', async () => {
    const { status, text } = await ask(
      {
        allowedMethods: ['POST'],
        contentTypesAccepted: { '*/*': async ({ text }) => ({ body: await text() }) },
      },
      { method: 'POST', headers: { 'content-encoding': '', 'content-type': 'text/plain' }, body: 'hi' },
    )
    expect([status, text]).to.deep.equal([200, 'hi'])
  })
})
