import net from 'node:net'
import { gzipSync } from 'node:zlib'
import { expect } from 'chai'
import fc from 'fast-check'
import { type Endpoint, sse } from '../../lib/index.js'
import { bodyLimit, chosen, etag, methods, read, resourceOf } from '../../tools/fuzz/answers.js'
import { bytesOf, request, type Sent } from '../../tools/fuzz/requests.js'
import { staysClean } from '../support/clean.js'
import { onBoth, Site, type Spec, withSite } from '../support/http.js'
import { runs } from '../support/runs.js'

/** Every status of the graph, and 431, which Node answers before the app is reached. */
const statuses: readonly number[] = [
  200, 201, 202, 204, 206, 300, 301, 303, 304, 307, 400, 401, 403, 404, 405, 406, 409, 410, 412, 413, 414,
  415, 416, 429, 431, 500, 501, 503,
]
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

describe('Anything that a client may do', () => {
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

    it('A body that is not in its coding is 400, an unknown coding 415', async () => {
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
    it('One that is too long is 431', () => expectAnswer(head('GET', `/${'a'.repeat(20_000)}`), 431))
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
    async function cutAnywhere(spec: Spec, request: Buffer, isBegun = () => true) {
      await withSite(new Site(spec), async (site) => {
        const cutAt = async (length: number, turns: number, isSeen = () => true) => {
          const socket = net.connect(site.port, '127.0.0.1')
          socket.on('error', () => {})
          await new Promise((resolve) => socket.once('connect', resolve))
          await new Promise((resolve) => socket.write(request.subarray(0, length), resolve))
          for (let turn = 0; turn < turns || !isSeen(); turn++) await later(undefined)
          socket.resetAndDestroy()
        }
        for (let length = 1; length <= request.length; length++) {
          await Promise.all([cutAt(length, 0), cutAt(length, 2), cutAt(length, 8)])
        }
        // once at least it is cut in the midst of what it has begun, however long that takes to come
        await cutAt(request.length, 2, isBegun)
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
      const isBegun = () => counts.subscribed > 0
      await cutAnywhere(spec, head('GET', '/', { Accept: 'text/event-stream' }), isBegun)
      while (counts.terminated < counts.subscribed) await later(undefined)
      const { subscribed } = counts
      expect(subscribed).to.be.above(0)
      expect(counts).to.deep.equal({ subscribed, unsubscribed: subscribed, terminated: subscribed })
    })
  })

  onBoth('Any request at all, to a resource with every callback on', () => {
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
      let current: Endpoint
      const site = new Site({
        mount: (app) => app.use(((...given: Parameters<typeof current>) => current(...given)) as never),
      })
      const seen = new Set<number>()
      const property = fc.asyncProperty(request, chosen, async (sent, choice) => {
        current = resourceOf(choice)
        const answer = await exchange(site, sent)
        // who has half-closed before the graph was through has left
        if (!(answer === '' && sent.body?.isHalf)) expect(statuses, answer).to.include(status(answer))
        expectNoStack(answer)
        expect(site.errors.splice(0).map(String)).to.deep.equal([])
        seen.add(status(answer))
      })
      await withSite(site, () => fc.assert(property, { numRuns: runs(600) }))
      expect(seen.size, 'different statuses').to.be.above(15)
    }).timeout(30_000)
  })
})
