import net from 'node:net'
import { gzipSync } from 'node:zlib'
import { expect } from 'chai'
import fc from 'fast-check'
import { type Context, ndjson, resource, sse } from '../../lib/index.js'
import { staysClean } from '../support/clean.js'
import { onBoth, Site, type Spec, withSite } from '../support/http.js'

/** Every status of the graph, and 431, which Node answers before the app is reached. */
const statuses: readonly number[] = [
  200, 201, 202, 204, 206, 300, 301, 303, 304, 307, 400, 401, 403, 404, 405, 406, 409, 410, 412, 413, 414,
  415, 416, 429, 431, 500, 501, 503,
]
const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']
const bodyLimit = 64
const etag = '"a"'

/** Takes the body in one of the ways that there are. */
const read = (way: 'json' | 'text' | 'bytes') => async (context: Context<undefined>) => {
  await context[way]()
  return { body: 'taken' }
}

const open: Spec = {
  allowedMethods: methods,
  bodyLimit,
  contentTypesProvided: { 'text/plain': () => 'hello', 'text/event-stream': sse() },
  contentTypesAccepted: { 'application/json': read('json'), 'text/*': read('text'), '*/*': read('bytes') },
  generateEtag: etag,
  deleteResource: true,
  subscribe: () => ['event one'],
}

const status = (answer: string) => Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1])

/** No stack, no path of this machine, and no name that only a stack would tell. */
function expectNoStack(answer: string) {
  expect(answer).not.to.match(/\n\s+at |node:internal|node_modules|\.[jt]s:\d/)
}

function head(method: string, url: string, headers: Readonly<Record<string, string>> = {}) {
  const fields = Object.entries({ Host: 'a', Connection: 'close', ...headers })
  const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.from(`${method} ${url} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1')
}

/** Sends a request as it is, and checks what any answer has to be. */
async function send(site: Site, request: Buffer): Promise<string> {
  const answer = await site.exchange(request)
  expect(statuses, answer || 'no answer').to.include(status(answer))
  expectNoStack(answer)
  expect(site.errors).to.deep.equal([])
  return answer
}

async function expectAnswer(request: Buffer, expected: number): Promise<string> {
  return withSite(new Site(open), async (site) => {
    const answer = await send(site, request)
    expect(status(answer)).to.equal(expected)
    return answer
  })
}

/** Waits for the server to be rid of all connections. */
async function idle(site: Site) {
  const count = () => new Promise<number>((resolve) => site.server.getConnections((_, open) => resolve(open)))
  while ((await count()) > 0) await new Promise((resolve) => setImmediate(resolve))
}

onBoth('Anything that a client may do', () => {
  staysClean()

  describe('Request bodies', () => {
    const large = 'a'.repeat(bodyLimit + 1)
    const post = (headers: Readonly<Record<string, string>>, body: string | Buffer) =>
      Buffer.concat([head('POST', '/', { 'Content-Type': 'text/plain', ...headers }), Buffer.from(body)])
    const whole = (headers: Readonly<Record<string, string>>, body: string | Buffer) =>
      post({ 'Content-Length': String(Buffer.byteLength(body)), ...headers }, body)

    it('Larger than the limit is 413, by its length, in chunks, or when decoded', async () => {
      const requests = [
        whole({}, large),
        post({ 'Transfer-Encoding': 'chunked' }, `${large.length.toString(16)}\r\n${large}\r\n0\r\n\r\n`),
        whole({ 'Content-Encoding': 'gzip' }, gzipSync('a'.repeat(100_000))),
      ]
      for (const request of requests) {
        expect(await expectAnswer(request, 413)).to.include(`larger than ${bodyLimit} bytes`)
      }
    })

    it('As large as the limit is taken', () => expectAnswer(whole({}, 'a'.repeat(bodyLimit)), 200))

    it('Of many megabytes is 413, and the client gets to read that', () =>
      expectAnswer(whole({}, Buffer.alloc(32 * 2 ** 20, 'a')), 413))

    it('JSON that is none is 400', async () => {
      for (const body of ['{"a":', '', Buffer.from([0xff, 0xfe])]) {
        await expectAnswer(whole({ 'Content-Type': 'application/json' }, body), 400)
      }
    })

    it('What is not in the coding that it says is 400, and an unknown coding 415', async () => {
      for (const [coding, expected] of [
        ['gzip', 400],
        ['br', 400],
        ['deflate', 400],
        ['zip', 415],
        ['gzip, br', 415],
        ['__proto__', 415],
        ['constructor', 415],
        ['tostring', 415],
      ] as const) {
        await expectAnswer(whole({ 'Content-Encoding': coding }, 'hello'), expected)
      }
    })

    it('A coded body that is not all there is 400', () =>
      expectAnswer(whole({ 'Content-Encoding': 'gzip' }, gzipSync('hello').subarray(0, 15)), 400))

    it('A charset that nobody knows is 415', () =>
      expectAnswer(whole({ 'Content-Type': 'text/plain;charset=@@' }, 'a'), 415))

    for (const [what, headers, body] of [
      ['of a known length', { 'Content-Length': '10' }, 'half'],
      ['between chunks', { 'Transfer-Encoding': 'chunked' }, '4\r\nhalf\r\n'],
      ['in a chunk', { 'Transfer-Encoding': 'chunked' }, 'a\r\nhalf'],
      [
        'in a coding',
        { 'Content-Length': '30', 'Content-Encoding': 'gzip' },
        gzipSync('half').subarray(0, 9),
      ],
    ] as const) {
      it(`One that stops half-way with a FIN, ${what}, is 400`, () =>
        withSite(new Site(open), async (site) => {
          const socket = net.connect(site.port, '127.0.0.1')
          let answer = ''
          socket.on('data', (chunk) => {
            answer += chunk
          })
          socket.end(post(headers, body))
          await new Promise((resolve) => socket.once('close', resolve))
          expect(status(answer)).to.equal(400)
          await idle(site)
          expect(site.errors).to.deep.equal([])
        }))
    }
  })

  describe('A URL', () => {
    it('That is too long is 431', () => expectAnswer(head('GET', `/${'a'.repeat(20_000)}`), 431))
  })

  describe('Last-Event-ID', () => {
    it('Of any bytes, in the header or the query, reaches subscribe as a string', () => {
      const seen: unknown[] = []
      const spec: Spec = {
        contentTypesProvided: [sse()],
        subscribe: ({ lastEventId }) => {
          seen.push(lastEventId)
          return []
        },
      }
      const values = ['@', '\xff\xfe', '"', '{"a":1}', '\t', '%00', '__proto__']
      const queries = ['%ff', '%', '%00', '%0a', '&lastEventId[a]=1', '1&lastEventId=2', '[]']
      return withSite(new Site(spec), async (site) => {
        for (const value of values) await send(site, head('GET', '/', { 'Last-Event-ID': value }))
        for (const query of queries) await send(site, head('GET', `/?lastEventId=${query}`))
        expect(seen).to.have.length(values.length + queries.length)
        for (const each of seen) expect(typeof each).to.be.oneOf(['string', 'undefined'])
      })
    })
  })

  describe('A reset', () => {
    const later = <T>(value: T) => new Promise<T>((resolve) => setImmediate(resolve, value))

    /** Cuts a request after each of its bytes: at once, and after the server has had time to begin. */
    async function cutAnywhere(spec: Spec, request: Buffer) {
      await withSite(new Site(spec), async (site) => {
        const cutAt = async (length: number, turns: number) => {
          const socket = net.connect(site.port, '127.0.0.1')
          socket.on('error', () => {})
          await new Promise((resolve) => socket.once('connect', resolve))
          await new Promise((resolve) => socket.write(request.subarray(0, length), resolve))
          for (let turn = 0; turn < turns; turn++) await later(undefined)
          socket.resetAndDestroy()
        }
        for (let length = 1; length <= request.length; length++) {
          await Promise.all([cutAt(length, 0), cutAt(length, 2), cutAt(length, 8)])
        }
        await idle(site)
        expect(site.errors).to.deep.equal([])
        await send(site, head('GET', '/', { Accept: 'text/plain' }))
      })
    }

    const slow: Spec = {
      ...open,
      isAuthorized: () => later(true),
      resourceExists: () => later(true),
      generateEtag: () => later(etag),
    }

    it('At any byte of a GET does no harm', () =>
      cutAnywhere(slow, head('GET', '/', { Accept: 'text/plain' })))

    it('At any byte of a POST and its body does none', () => {
      const headers = { 'Content-Type': 'application/json', 'Content-Length': '12' }
      return cutAnywhere(slow, Buffer.concat([head('POST', '/', headers), Buffer.from('{"hello": 1}')]))
    })

    it('At any byte of what asks for a stream: whoever has subscribed is unsubscribed, once', async () => {
      const counts = { subscribed: 0, unsubscribed: 0, terminated: 0 }
      const spec: Spec = {
        ...slow,
        subscribe: async ({ send }) => {
          counts.subscribed += 1
          send('event one')
          await later(undefined)
          return () => {
            counts.unsubscribed += 1
          }
        },
        terminate: () => {
          counts.terminated += 1
        },
      }
      await cutAnywhere(spec, head('GET', '/', { Accept: 'text/event-stream' }))
      while (counts.terminated < counts.subscribed) await later(undefined)
      const { subscribed } = counts
      expect(subscribed).to.be.above(0)
      expect(counts).to.deep.equal({ subscribed, unsubscribed: subscribed, terminated: subscribed })
    })
  })

  describe('Any request at all, to a resource with every callback on', () => {
    const valid = [
      'text/plain',
      'text/event-stream;q=0.5, */*;q=0.1',
      'application/json; charset="utf-8"',
      'application/x-ndjson',
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
        {
          weight: 1,
          arbitrary: fc.array(fc.constantFrom(...valid), { maxLength: 40 }).map((all) => all.join()),
        },
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
    const body = fc.option(
      fc.record({
        content: fc.oneof(
          fc
            .constantFrom('{"a":1}', 'hello', '', '{', 'a'.repeat(bodyLimit + 1))
            .map((text) => Buffer.from(text)),
          fc.constant(gzipSync('"hello"')),
          fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes)),
        ),
        isChunked: fc.boolean(),
        isHalf: fc.boolean(),
      }),
    )
    const requests = fc.record({ method, url, headers, body })
    type Sent = typeof requests extends fc.Arbitrary<infer Each> ? Each : never

    /** What hardly ever happens, so that most requests come far. */
    const mostly = (usual: unknown, ...others: readonly unknown[]) => [...Array(20).fill(usual), ...others]

    /** What each callback may answer. */
    const answers: Readonly<Record<string, readonly unknown[]>> = {
      serviceAvailable: mostly(true, false, 5),
      knownMethods: [[...methods, 'LINK', 'TRACE']],
      uriTooLong: mostly(false, true),
      allowedMethods: mostly([...methods, 'LINK'], ['GET', 'POST']),
      malformedRequest: mostly(false, true),
      isAuthorized: mostly(true, 'Basic realm="a"', ['Basic', 'Bearer']),
      forbidden: mostly(false, true),
      rateLimited: mostly(false, new Date(0)),
      validContentHeaders: mostly(true, false),
      validEntityLength: mostly(true, false),
      options: [{}, { 'X-Options': 'yes' }],
      contentTypesProvided: [
        { 'text/plain': () => 'hello', 'text/event-stream': sse(), 'application/json': () => ({ a: 1 }) },
        [sse(), ndjson()],
        { 'text/html;level=1': () => Promise.resolve('hello'), 'application/x-ndjson': () => ndjson() },
      ],
      languagesProvided: mostly(['en', 'de-AT'], []),
      charsetsProvided: [['utf-8', 'iso-8859-1']],
      encodingsProvided: mostly(['identity', 'gzip'], ['br', 'deflate'], ['gzip'], []),
      rangesProvided: ['auto', 'none'],
      variances: [[], ['Cookie']],
      resourceExists: [true, true, false],
      generateEtag: [etag, 'W/"a"', undefined],
      lastModified: [new Date(0), new Date(), undefined],
      expires: [undefined, new Date(0), '0'],
      previouslyExisted: [false, true],
      movedPermanently: [false, false, '/é\r\n'],
      movedTemporarily: [false, '/b'],
      multipleChoices: [false, false, true],
      contentTypesAccepted: [
        { 'application/json': read('json'), 'text/*': read('text'), '*/*': read('bytes') },
        { '*/*': () => true, 'text/plain': () => false },
        { 'text/plain': () => sse(), '*/*': () => ({ created: '/c' }) },
        { '*/*': () => ({ seeOther: '/d' }) },
      ],
      allowMissingPost: [true, false],
      isConflict: [false, false, true],
      deleteResource: [true, { body: 'deleted' }, false],
      deleteCompleted: [true, false],
    }
    const choices = fc.record(
      Object.fromEntries(
        Object.entries(answers).map(([callback, values]) => [
          callback,
          fc.record({ answer: fc.constantFrom(...values), isAsync: fc.boolean() }),
        ]),
      ),
    )
    const subscribes = {
      'a list': () => ['event one', 'event two'],
      'a held stream': ({ send }) => {
        send('event one')
      },
      'a held stream that is slow to begin': async ({ send }) => {
        await new Promise((resolve) => setImmediate(resolve))
        send('event one')
        return () => {}
      },
    } satisfies Record<string, Spec['subscribe']>
    const kinds = fc.constantFrom(...(Object.keys(subscribes) as (keyof typeof subscribes)[]))

    function bytesOf({ method, url, headers, body }: Sent): Buffer {
      const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')
      const start = `${method} ${url} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${lines}`
      if (!body) return Buffer.from(`${start}\r\n`, 'latin1')
      const { content, isChunked, isHalf } = body
      const framing = isChunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${content.length}`
      const size = Buffer.from(`${content.length.toString(16)}\r\n`)
      const end = Buffer.from('0\r\n\r\n')
      const chunks = content.length > 0 ? [size, content, Buffer.from('\r\n'), end] : [end]
      const framed = isChunked ? Buffer.concat(chunks) : content
      const half = isHalf ? framed.subarray(0, framed.length / 2) : framed
      return Buffer.concat([Buffer.from(`${start}${framing}\r\n\r\n`, 'latin1'), half])
    }

    /** Sends, and leaves when a stream has begun; after half a body comes a FIN. */
    function exchange(site: Site, sent: Sent): Promise<string> {
      return new Promise((resolve) => {
        const socket = net.connect(site.port, '127.0.0.1')
        let answer = ''
        socket.setEncoding('latin1').on('data', (text) => {
          answer += text
          if (answer.includes('event one')) socket.resetAndDestroy()
        })
        socket.on('error', () => {})
        socket.on('close', () => resolve(answer))
        if (sent.body?.isHalf) socket.end(bytesOf(sent))
        else socket.write(bytesOf(sent))
      })
    }

    it('Gets a status of the table, and never a stack', async () => {
      let current: ReturnType<typeof resource>
      const site = new Site({
        mount: (app) => app.use(((...given: Parameters<typeof current>) => current(...given)) as never),
      })
      const seen = new Set<number>()
      const property = fc.asyncProperty(requests, choices, kinds, async (sent, chosen, kind) => {
        const callbacks = Object.fromEntries(
          Object.entries(chosen).map(([name, { answer, isAsync }]) => [
            name,
            () => (isAsync ? Promise.resolve(answer) : answer),
          ]),
        )
        current = resource({ ...callbacks, bodyLimit, subscribe: subscribes[kind] } as Spec)
        const answer = await exchange(site, sent)
        // who has half-closed before the graph was through has left
        if (!(answer === '' && sent.body?.isHalf)) expect(statuses, answer).to.include(status(answer))
        expectNoStack(answer)
        expect(site.errors.splice(0).map(String)).to.deep.equal([])
        seen.add(status(answer))
      })
      await withSite(site, () => fc.assert(property, { numRuns: 600 }))
      expect(seen.size, 'different statuses').to.be.above(15)
    }).timeout(30_000)
  })
})
