import { expect } from 'chai'
import fc from 'fast-check'
import { graph } from '../../lib/graph/graph.js'
import { chooseMediaType } from '../../lib/http/accept.js'
import { parseMediaType } from '../../lib/http/media-type.js'
import { resource, sse } from '../../lib/index.js'
import { type Asked, onBoth, Site, type Spec, tableOf, withSite } from '../support/http.js'

/** A resource with everything on. */
const everything: Spec = {
  allowedMethods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
  contentTypesProvided: {
    'text/plain': () => 'hello, wörld',
    'application/json': async () => ({ hello: 'world' }),
    'text/event-stream': sse(),
  },
  subscribe: ({ lastEventId }) => [lastEventId ?? 'none'],
  languagesProvided: ['en', 'de-CH'],
  charsetsProvided: ['utf-8', 'iso-8859-1'],
  encodingsProvided: ['gzip', 'identity'],
  rangesProvided: 'auto',
  variances: ['Cookie'],
  generateEtag: '"a"',
  lastModified: new Date(Date.UTC(2024, 0, 1)),
  expires: new Date(Date.UTC(2025, 0, 1)),
  contentTypesAccepted: {
    'application/json': async ({ json }) => ({ body: { got: await json() } }),
    'text/*': async ({ text }) => ({ body: await text() }),
  },
  bodyLimit: 1000,
  deleteResource: true,
}

const statuses = new Set(
  [...Object.values(graph).flat(), 413, 415].filter((exit) => typeof exit === 'number'),
)

const garbage: readonly string[] = [
  '',
  ' ',
  ',',
  ';',
  '=',
  '"',
  '""',
  '\\',
  '*',
  '/',
  '*/*;q=',
  ';q=1',
  'q=1',
  'a/b;q=1e3',
  'a/b;q=NaN',
  '"unclosed',
  '\u00e9\u00ff',
  '%00%ff',
  '<script>',
  '../../etc/passwd',
  '{"a":1}',
  '__proto__',
  'constructor',
  'toString/hasOwnProperty',
  '-1',
  '99999999999999999999999999',
  'bytes=',
  'bytes=-',
  'bytes=99999999999999999999-99999999999999999999',
  'W/',
  'W/"',
  'Thu, 99 Foo 9999 99:99:99 GMT',
  'Thu, 01 Jan 1970 00:00:00 GMT'.repeat(3),
  `${'a'.repeat(4000)}`,
  `${','.repeat(4000)}`,
  `${'"\\'.repeat(2000)}`,
  `${'a/b;c="d",'.repeat(300)}`,
]

const fields = [
  'accept',
  'accept-language',
  'accept-charset',
  'accept-encoding',
  'if-match',
  'if-none-match',
  'if-modified-since',
  'if-unmodified-since',
  'if-range',
  'range',
  'content-type',
  'content-encoding',
  'last-event-id',
] as const

/** What would make a process unclean. */
const events = ['unhandledRejection', 'uncaughtException', 'warning'] as const

onBoth('Bad requests never crash', () => {
  const heard: unknown[] = []
  const listen = (event: unknown) => heard.push(event)
  const site = new Site(everything)

  before(async () => {
    for (const event of events) process.on(event, listen)
    await site.open()
  })
  after(async () => {
    site.close()
    for (let turns = 0; turns < 10; turns++) await new Promise(setImmediate)
    for (const event of events) process.off(event, listen)
  })
  afterEach('The process stays clean', () => {
    expect(heard.splice(0)).to.deep.equal([])
    expect(site.errors.splice(0)).to.deep.equal([])
  })

  /** A status of the table, no stack, and for HEAD no body. */
  async function expectClean(asked: Asked): Promise<number> {
    const answer = await site.ask(asked)
    expect([...statuses], JSON.stringify(asked)).to.include(answer.status)
    expect(answer.status).not.to.equal(500)
    expect(answer.isCut).to.equal(false)
    expect(answer.text).not.to.match(/\n\s+at |node_modules|\.ts:\d+/)
    if (asked.method === 'HEAD') expect(answer.body).to.have.length(0)
    return answer.status
  }

  describe('Garbage in each field gets a status of the table', () => {
    for (const name of fields) {
      it(name, async () => {
        for (const value of garbage) {
          for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'DELETE']) {
            await expectClean({
              method,
              headers: {
                ...(method === 'POST' && { 'content-type': 'text/plain' }),
                [name]: Buffer.from(value).toString('latin1'),
              },
              ...(method === 'POST' && { body: 'a' }),
            })
          }
        }
      })
    }

    it('last-event-id, on a stream', async () => {
      for (const value of garbage) {
        for (const url of [
          '/',
          `/?lastEventId=${encodeURIComponent(value)}`,
          '/?lastEventId=%',
          '/?lastEventId=%ff&lastEventId=',
        ]) {
          const status = await expectClean({
            url,
            headers: { accept: 'text/event-stream', 'last-event-id': Buffer.from(value).toString('latin1') },
          })
          expect(status).to.equal(200)
        }
      }
    })
  })

  describe('Each field gets the status that the semantics give', () => {
    for (const [headers, status] of [
      [{ accept: 'garbage' }, 406],
      [{ 'accept-language': '@' }, 406],
      [{ 'accept-charset': '@' }, 406],
      [{ 'accept-encoding': '@' }, 200],
      [{ 'if-match': 'garbage' }, 400],
      [{ 'if-none-match': 'garbage' }, 400],
      [{ 'if-modified-since': 'garbage' }, 200],
      [{ 'if-unmodified-since': 'garbage' }, 200],
      [{ range: 'garbage' }, 200],
      [{ range: 'bytes=0-1', 'if-range': 'garbage', 'accept-encoding': 'identity' }, 200],
    ] as const) {
      it(`${JSON.stringify(headers)} is ${status}`, async () => {
        expect(await expectClean({ headers })).to.equal(status)
      })
    }
    it('A garbled Content-Type is 415, a garbled body 400', async () => {
      expect(
        await expectClean({ method: 'POST', headers: { 'content-type': 'garbage' }, body: 'a' }),
      ).to.equal(415)
      const json = { 'content-type': 'application/json' }
      expect(await expectClean({ method: 'POST', headers: json, body: '{"a":' })).to.equal(400)
      expect(await expectClean({ method: 'POST', headers: json, body: 'a'.repeat(1001) })).to.equal(413)
    })
  })

  describe('URLs', () => {
    for (const url of [
      '/%',
      '/%ff',
      '/%00',
      '/%zz',
      '/%E0%A4%A',
      '//',
      '//a',
      '/?%',
      '/?%ff=%',
      '/?a[b]=1&__proto__[c]=2',
      '/../../a',
      '/a%2Fb',
      '/;',
      '/http://a.b/',
      '/?lastEventId=%00%0A',
    ]) {
      it(`${url} is 200: a resource mounted by app.use decodes nothing`, async () => {
        expect(await expectClean({ url })).to.equal(200)
      })
    }

    it('In a table, a path that cannot be decoded is 400, whatever the method', () =>
      withSite(new Site(tableOf({ '/:id': everything })), async (table) => {
        for (const url of ['/%', '/%ff', '/%E0%A4%A']) {
          for (const method of ['GET', 'POST', 'OPTIONS', 'DELETE', 'PROPFIND']) {
            const answer = await table.ask({ url, method })
            expect(answer.status).to.equal(400)
            expect(answer.text).not.to.match(/\bat |URIError|decodeURI/)
          }
        }
        expect((await table.ask({ url: '/%00' })).status).to.equal(200)
        expect(table.errors).to.deep.equal([])
      }))

    for (const target of ['/\0', '/a b', '', 'a', '*', '/\u0001', '/\r\n']) {
      it(`A request line with ${JSON.stringify(target)} is answered by 400 or by the table, and closed`, async () => {
        const answer = await site.exchange(
          Buffer.from(`GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`, 'latin1'),
        )
        expect(answer).to.match(/^HTTP\/1\.1 (?:400|200|404) /)
      })
    }

    it('OPTIONS * is answered', async () => {
      const answer = await site.exchange('OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
      expect(answer).to.match(/^HTTP\/1\.1 [234]\d\d /)
    })

    it('An absolute URL is answered', async () => {
      const answer = await site.exchange('GET http://a.b/c HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
      expect(answer).to.match(/^HTTP\/1\.1 200 /)
    })
  })

  describe('Raw requests', () => {
    const head = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n'
    for (const [what, sent, status] of [
      ['no header at all, HTTP/1.0', 'GET / HTTP/1.0\r\n\r\n', '200'],
      ['no Accept-Encoding', `${head}\r\n`, '200'],
      ['a header without a name', `${head}: a\r\n\r\n`, '400'],
      ['a header with a blank in its name', `${head}Acc ept: a\r\n\r\n`, '400'],
      ['a NUL in a header', `${head}Accept: a\0b\r\n\r\n`, '400'],
      ['a fold in a header', `${head}Accept: text/plain,\r\n application/json\r\n\r\n`, '[24]\\d\\d'],
      ['bytes above 127 in a header', `${head}Accept: \xff\xfe\r\n\r\n`, '406'],
      ['a method that is none', 'NONSENSE / HTTP/1.1\r\nHost: a\r\n\r\n', '400'],
      ['a method in lower case', 'get / HTTP/1.1\r\nHost: a\r\n\r\n', '400'],
      ['two lengths', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na', '400'],
      ['a length that is none', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\na', '400'],
      [
        'a chunk that is none',
        `POST / HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n`,
        '400',
      ],
      ['another protocol', 'SSH-2.0-OpenSSH\r\n\r\n', '400'],
    ] as const) {
      it(`${what}: ${status}`, async () => {
        const answer = await site.exchange(Buffer.from(sent, 'latin1'))
        expect(answer).to.match(new RegExp(`^HTTP/1\\.1 ${status} `))
      })
    }

    it('Headers of 16 KiB and more are 431', async () => {
      const answer = await site.exchange(`${head}Accept: ${'text/plain,'.repeat(2000)}\r\n\r\n`)
      expect(answer).to.match(/^HTTP\/1\.1 431 /)
    })

    it('Headers that the server lets through are answered, whatever their size', () =>
      withSite(new Site(everything, { options: { maxHeaderSize: 2 ** 20 } }), async (large) => {
        for (const name of fields) {
          const answer = await large.ask({
            method: name.startsWith('content') ? 'POST' : 'GET',
            headers: { [name]: 'a,;="\\'.repeat(2 ** 15) },
          })
          expect([...statuses], name).to.include(answer.status)
        }
        expect(large.errors).to.deep.equal([])
      }))

    it('A client that resets at any byte of its request does no harm', async () => {
      const sent = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello'
      const { connect } = await import('node:net')
      for (let length = 1; length <= sent.length; length += 3) {
        await new Promise<void>((resolve) => {
          const socket = connect(site.port, '127.0.0.1', () => {
            socket.write(sent.slice(0, length), () => socket.resetAndDestroy())
          })
          socket.once('close', () => resolve())
          socket.on('error', () => {})
        })
      }
      expect(await expectClean({})).to.equal(200)
    })
  })

  describe('Properties', () => {
    const text = (pieces: readonly string[]) =>
      fc.oneof(
        {
          weight: 3,
          arbitrary: fc.array(fc.constantFrom(...pieces), { maxLength: 8 }).map((all) => all.join('')),
        },
        {
          weight: 1,
          arbitrary: fc
            .string({
              unit: fc.integer({ min: 0x20, max: 0xff }).map((code) => String.fromCharCode(code)),
              maxLength: 40,
            })
            .map((each) => each.replaceAll('\x7f', '')),
        },
        {
          weight: 1,
          arbitrary: fc
            .constantFrom(...garbage.filter((each) => each.length < 100))
            .map((each) => Buffer.from(each).toString('latin1')),
        },
      )
    const separators = [',', ';', '=', ' ', '\t', '"', '*', '/', '-', 'q=', 'q=0', ';q=0.5']
    const date = [
      'Thu, 01 Jan 1970 00:00:00 GMT',
      'Mon, 01 Jan 2024 00:00:00 GMT',
      'Mon Jan  1 00:00:00 2024',
      'Thursday, 01-Jan-70 00:00:00 GMT',
    ]
    const etags = ['"a"', 'W/"a"', '"b"', '*', ',', ' ', '"', 'W/']
    const pieces: Readonly<Record<(typeof fields)[number], readonly string[]>> = {
      accept: [
        'text/plain',
        'application/json',
        'text/event-stream',
        'text/*',
        '*/*',
        'charset=utf-8',
        ...separators,
      ],
      'accept-language': ['en', 'de', 'de-CH', 'en-GB', ...separators],
      'accept-charset': ['utf-8', 'iso-8859-1', ...separators],
      'accept-encoding': ['gzip', 'identity', 'br', ...separators],
      'if-match': etags,
      'if-none-match': etags,
      'if-modified-since': date,
      'if-unmodified-since': date,
      'if-range': [...date, ...etags],
      range: ['bytes=', '0-', '1-2', '-3', '99-', '5-1', ',', ' ', '='],
      'content-type': ['text/plain', 'application/json', 'charset=utf-8', 'charset=x', ...separators],
      'content-encoding': ['gzip', 'identity', 'br', ','],
      'last-event-id': ['1', 'a', '\xe9'],
    }
    const headers = fc.record(Object.fromEntries(fields.map((name) => [name, text(pieces[name])])), {
      requiredKeys: [],
    })

    it('Whatever the headers: the status is one of the table, no stack, and the process is clean', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND'),
          headers,
          fc.string({ maxLength: 20 }),
          async (method, given, body) => {
            const hasBody = ['POST', 'PUT', 'PATCH'].includes(method)
            await expectClean({ method, headers: given as Record<string, string>, ...(hasBody && { body }) })
          },
        ),
        { numRuns: 1000 },
      )
    }).timeout(60_000)

    it('Whatever the headers: HEAD has the status of GET, and its type', async () => {
      await fc.assert(
        fc.asyncProperty(headers, async ({ range, ...given }) => {
          const asked = { headers: given as Record<string, string> }
          const [get, head] = [await site.ask(asked), await site.ask({ ...asked, method: 'HEAD' })]
          expect(head.status).to.equal(get.status)
          for (const name of [
            'content-type',
            'etag',
            'vary',
            'content-language',
            'content-encoding',
            'content-length',
          ])
            expect(head.headers[name], name).to.equal(get.headers[name])
        }),
        { numRuns: 200 },
      )
    }).timeout(30_000)

    it('Whatever the path of a table: it is answered', () =>
      withSite(new Site(tableOf({ '/a/:id': everything })), async (table) => {
        const segment = fc.array(
          fc.constantFrom('%', '%f', '%ff', '%2F', '%00', 'a', '/', '.', '%C3%A4', '?', '&'),
          { maxLength: 6 },
        )
        await fc.assert(
          fc.asyncProperty(segment, async (parts) => {
            const { status } = await table.ask({ url: `/a/${parts.join('')}` })
            expect([200, 400, 404]).to.include(status)
          }),
          { numRuns: 300 },
        )
        expect(table.errors).to.deep.equal([])
      }))
  })

  it('An app that is mounted anywhere does not show a stack of ours', async () => {
    const failing = resource({
      forbidden: () => {
        throw new Error('secret')
      },
    })
    await withSite(new Site(failing), async (own) => {
      const answer = await own.ask()
      expect(answer.text).to.equal('The app answers.')
    })
  })
})

describe('An Accept of any length is parsed in linear time', () => {
  /** Counts the characters that go through the functions that parsing is made of. */
  function work(run: () => void): number {
    let count = 0
    const undo: (() => void)[] = []
    const wrap = (prototype: object, name: string, cost: (self: unknown, given: unknown[]) => number) => {
      const own = (prototype as Record<string, (...given: unknown[]) => unknown>)[name]!
      Object.defineProperty(prototype, name, {
        configurable: true,
        writable: true,
        value(this: unknown, ...given: unknown[]) {
          count += cost(this, given)
          return own.apply(this, given)
        },
      })
      undo.push(() =>
        Object.defineProperty(prototype, name, { configurable: true, writable: true, value: own }),
      )
    }
    const length = (self: unknown) => String.prototype.valueOf.call(self).length
    for (const name of ['split', 'trim', 'toLowerCase', 'indexOf', 'includes', 'startsWith', 'endsWith'])
      wrap(String.prototype, name, length)
    wrap(String.prototype, 'slice', (self, [from, to]) => {
      const size = length(self)
      return Math.max(0, Number(to ?? size) - Number(from ?? 0)) % (size + 1)
    })
    wrap(RegExp.prototype, 'test', (_, [text]) => length(text as string))
    try {
      run()
    } finally {
      for (const each of undo) each()
    }
    return count
  }

  const provided = ['text/plain', 'application/json'].map((each) => parseMediaType(each)!)
  for (const piece of [
    'text/plain;q=0.5,',
    'a',
    ',',
    ';',
    '"',
    '"\\',
    'a/b;c="d,e";',
    '   ',
    '=',
    'a/b;c="',
    '*/*,',
  ]) {
    it(`Of ${JSON.stringify(piece)}: twice the length is twice the work`, () => {
      const measure = (size: number) => {
        const accept = piece.repeat(Math.ceil(size / piece.length)).slice(0, size)
        return work(() => void chooseMediaType(accept, provided))
      }
      const [some, more] = [measure(2 ** 13), measure(2 ** 14)]
      expect(some).to.be.above(2 ** 13)
      expect(more / some).to.be.below(2.3)
    })
  }
})
