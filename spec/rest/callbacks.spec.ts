import { expect } from 'chai'
import { clock } from '../../lib/clock.js'
import { type CallbackName, callbacks } from '../../lib/declare/callbacks.js'
import { type Context, resource, sse, stop } from '../../lib/index.js'
import { useManualTime } from '../support/clock.js'
import {
  type Asked,
  ask,
  asText,
  expectError,
  expectStatus,
  hello,
  type Middleware,
  onBoth,
  Site,
  type Spec,
  tableOf,
  withSite,
  writable,
} from '../support/http.js'

/** A request that gets as far as each callback, and what the resource has to be like for that. */
const ways: Readonly<Record<CallbackName, { asked?: Asked; spec?: Spec }>> = {
  serviceAvailable: {},
  knownMethods: {},
  uriTooLong: {},
  allowedMethods: {},
  malformedRequest: {},
  isAuthorized: {},
  forbidden: {},
  rateLimited: {},
  validContentHeaders: {},
  validEntityLength: {},
  options: { asked: { method: 'OPTIONS' } },
  contentTypesProvided: {},
  languagesProvided: {},
  charsetsProvided: {},
  encodingsProvided: {},
  rangesProvided: {},
  variances: {},
  resourceExists: {},
  generateEtag: {},
  lastModified: {},
  expires: {},
  previouslyExisted: { spec: { resourceExists: false } },
  movedPermanently: { spec: { resourceExists: false, previouslyExisted: true } },
  movedTemporarily: { spec: { resourceExists: false, previouslyExisted: true } },
  headers: { spec: { contentTypesProvided: { 'text/plain': () => sse() }, subscribe: () => [] } },
  multipleChoices: {},
  contentTypesAccepted: { asked: { method: 'POST', headers: asText } },
  allowMissingPost: { asked: { method: 'POST', headers: asText }, spec: { resourceExists: false } },
  isConflict: { asked: { method: 'PUT', headers: asText } },
  deleteResource: { asked: { method: 'DELETE' } },
  deleteCompleted: { asked: { method: 'DELETE' } },
}
const names = Object.keys(ways) as CallbackName[]

const withCallback = (name: CallbackName, callback: unknown): Spec =>
  ({ ...writable, ...ways[name].spec, [name]: callback }) as Spec

/** Values that no callback may answer, and those that only some may not. */
const wrong: Readonly<Record<CallbackName, readonly unknown[]>> = {
  serviceAvailable: ['yes', -1, Number.NaN, Infinity, new Date(Number.NaN), []],
  knownMethods: ['GET', [1], true],
  uriTooLong: [1, 'yes'],
  allowedMethods: ['GET', [undefined], { GET: true }],
  malformedRequest: [1, 'yes'],
  isAuthorized: [false, '', [], [1], 1],
  forbidden: [0, 'no'],
  rateLimited: [true, -1, '7', Number.NaN, new Date(Number.NaN)],
  validContentHeaders: [1],
  validEntityLength: ['true'],
  options: ['Allow', ['Allow'], { Allow: true }],
  contentTypesProvided: ['text/plain', { 'text/plain': 'hello' }, [() => 'hello'], ['text/plain']],
  languagesProvided: ['en', [1], { en: 1 }],
  charsetsProvided: ['utf-8', [1]],
  encodingsProvided: ['gzip', ['zstd'], [1]],
  rangesProvided: ['bytes', true, false],
  variances: ['Cookie', [1]],
  resourceExists: [0, 'no', {}],
  generateEtag: ['a', '"a', 'w/"a"', '"a b"', '"a\n"', 1, false],
  lastModified: ['Thu, 01 Jan 1970 00:00:00 GMT', 0, new Date(Number.NaN)],
  expires: [0, new Date(Number.NaN), false],
  previouslyExisted: [1],
  movedPermanently: [true, '', 1],
  movedTemporarily: [true, '', 1],
  headers: [
    'X-A',
    { 'X-A': true },
    { 'X-A': [['b']] },
    { 'X-A': null },
    { 'X A': 'b' },
    { 'X-A': 'b\n' },
    { 'Content-Length': '1' },
  ],
  multipleChoices: [1],
  contentTypesAccepted: ['text/plain', { 'text/plain': true }, [() => true]],
  allowMissingPost: [1],
  isConflict: [1],
  deleteResource: ['yes', 1, {}, { body: undefined }, { body: () => {} }, { body: Promise.resolve() }],
  deleteCompleted: [1],
}
/** Where undefined is an answer: nothing is known, or nothing is negotiated. */
const mayBeUndefined: ReadonlySet<CallbackName> = new Set(['generateEtag', 'lastModified', 'expires'])

describe('Callbacks', () => {
  it('All of them are here', () => {
    expect(names).to.have.members(Object.keys(callbacks))
  })

  describe('Each gets the context, as its last argument', () => {
    for (const name of names) {
      it(name, async () => {
        const seen: unknown[][] = []
        const spec = withCallback(name, (...given: unknown[]) => {
          seen.push(given)
          return stop()
        })
        await expectStatus(spec, ways[name].asked ?? {}, 204)
        expect(seen).to.have.length(1)
        const context = seen[0]!.at(-1) as Context<undefined>
        expect(context.req.method).to.equal(ways[name].asked?.method ?? 'GET')
        expect(context.res.statusCode).to.be.a('number')
        expect(context.negotiated).to.be.an('object')
        expect(context.signal).to.be.an.instanceOf(AbortSignal)
        for (const reader of ['json', 'text', 'bytes'] as const) expect(context[reader]).to.be.a('function')
      })
    }
  })

  describe('stop() ends the request there', () => {
    const headers = { 'X-Stopped': 'yes' }
    for (const name of names) {
      it(`${name}, sync and async`, async () => {
        for (const callback of [() => stop(418, { headers }), async () => stop(418, { headers })]) {
          const answer = await expectStatus(withCallback(name, callback), ways[name].asked ?? {}, 418)
          expect(answer.headers['x-stopped']).to.equal('yes')
          expect(answer.errors).to.deep.equal([])
        }
      })
    }

    it('init', async () => {
      for (const init of [() => stop(418), async () => stop(418)]) {
        await expectStatus(resource({ ...hello, init }), {}, 418)
      }
    })

    it('Providers and accept callbacks', async () => {
      for (const callback of [() => stop(418), async () => stop(418)]) {
        await expectStatus({ contentTypesProvided: { 'text/plain': callback } }, {}, 418)
        const spec: Spec = { ...writable, contentTypesAccepted: { '*/*': callback } }
        await expectStatus(spec, { method: 'POST', headers: asText }, 418)
      }
    })

    it('Nothing is asked after it', async () => {
      const spec: Spec = {
        ...hello,
        forbidden: () => stop(),
        resourceExists: () => {
          throw new Error('asked')
        },
      }
      await expectStatus(spec, {}, 204)
    })
  })

  describe('The answer of stop()', () => {
    const stopping = (...given: Parameters<typeof stop>): Spec => ({
      ...hello,
      forbidden: () => stop(...given),
    })

    it('Is 204 by default, without type or length', async () => {
      const answer = await expectStatus(stopping(), {}, 204)
      expect(answer.headers).not.to.have.any.keys('content-type', 'content-length')
    })

    it('Is a status without a body', async () => {
      for (const status of [200, 202, 301, 303]) {
        const answer = await expectStatus(stopping(status), {}, status)
        expect(answer.headers).to.include({ 'content-length': '0' })
        expect(answer.headers).not.to.have.property('content-type')
      }
    })

    for (const [what, body, type, text] of [
      ['a string', 'hällo', 'text/plain; charset=utf-8', 'hällo'],
      ['an empty string', '', 'text/plain; charset=utf-8', ''],
      ['JSON', { a: 1 }, 'application/json', '{"a":1}'],
      ['0', 0, 'application/json', '0'],
      ['false', false, 'application/json', 'false'],
      ['null', null, 'application/json', 'null'],
      ['bytes', new Uint8Array([104, 105]), 'application/octet-stream', 'hi'],
      ['a Web stream', new Blob(['hi']).stream(), 'application/octet-stream', 'hi'],
    ] as const) {
      it(`Has a body of ${what} in the type of its value`, async () => {
        for (const status of typeof body === 'object' && body instanceof ReadableStream
          ? [200]
          : [200, 404]) {
          const answer = await expectStatus(stopping(status, { body }), {}, status)
          expect(answer.headers['content-type']).to.equal(type)
          expect(answer.text).to.equal(text)
        }
      })
    }

    it('A string is UTF-8, as its type says, whatever was negotiated', async () => {
      const spec: Spec = {
        ...hello,
        charsetsProvided: ['iso-8859-1'],
        encodingsProvided: ['gzip'],
        resourceExists: () => stop(200, { body: 'hällo' }),
      }
      const answer = await expectStatus(spec, { headers: { 'accept-encoding': 'gzip' } }, 200)
      expect(answer.text).to.equal('hällo')
      expect(answer.headers['content-type']).to.equal('text/plain; charset=utf-8')
      expect(answer.headers).not.to.have.property('content-encoding')
    })

    it('A Content-Type among its headers is the one', async () => {
      const answer = await expectStatus(
        stopping(200, { headers: { 'content-type': 'a/b' }, body: 'c' }),
        {},
        200,
      )
      expect(answer.headers['content-type']).to.equal('a/b')
    })

    for (const status of [204, 205, 304]) {
      it(`${status} has no body, whatever is given (RFC 9110 15.3.5, 15.3.6, 15.4.5)`, async () => {
        const answer = await expectStatus(stopping(status, { body: 'a' }), {}, status)
        expect(answer.body).to.have.length(0)
        expect(answer.headers).not.to.have.property('content-type')
        expect(answer.headers['content-length']).to.equal(status === 205 ? '0' : undefined)
      })
    }

    it('A Content-Type on purpose stays where there is no body, but in 204 and 304 (RFC 9110 8.3)', async () => {
      const headers = { 'content-type': 'application/pdf' }
      const before = [
        (_req, res, next) => {
          res.setHeader('Content-Type', 'application/pdf')
          next()
        },
      ] satisfies Middleware[]
      for (const [status, type] of [
        [200, 'application/pdf'],
        [302, 'application/pdf'],
        [204, undefined],
        [304, undefined],
      ] as const) {
        for (const method of ['GET', 'HEAD']) {
          for (const site of [
            stopping(status, { headers }),
            new Site(stopping(status, { headers }), { before }),
          ]) {
            const answer = await expectStatus(site, { method }, status)
            expect(answer.headers['content-type'], `${method} ${status}`).to.equal(type)
          }
        }
        // of other middleware, it describes nothing
        const answer = await ask(new Site(stopping(status, {}), { before }))
        expect(answer.headers).not.to.have.property('content-type')
      }
    })

    it('HEAD gets its head', async () => {
      const answer = await expectStatus(stopping(200, { body: 'hello' }), { method: 'HEAD' }, 200)
      expect(answer.headers['content-length']).to.equal('5')
      expect(answer.body).to.have.length(0)
    })

    it('Headers set so far stay: those of callbacks, and Vary', async () => {
      const spec: Spec = {
        ...hello,
        resourceExists: ({ res }) => {
          res.set('X-Own', 'yes')
          return stop(200)
        },
      }
      const answer = await expectStatus(spec, {}, 200)
      expect(answer.headers['x-own']).to.equal('yes')
      expect(answer.vary).to.deep.equal(['Accept'])
    })

    it('A body that cannot be sent is an error', () =>
      expectError(stopping(200, { body: { a: 1n } }), {}, /BigInt/))

    for (const status of [199, 600, 100, 200.5, '200', Number.NaN, null]) {
      it(`No answer has the status ${status}: TypeError`, () => {
        expect(() => stop(status as number)).to.throw(TypeError, /^stop\(.*\): expected a final status/)
      })
    }
  })

  describe('Each is asked at most once', () => {
    /** Requests that ask as much as possible. */
    const requests: readonly Asked[] = [
      {},
      { method: 'OPTIONS' },
      { headers: { 'if-none-match': '"a"' } },
      { headers: { 'if-match': '"a"', 'if-none-match': '"b"' } },
      {
        headers: {
          'if-unmodified-since': 'Thu, 01 Jan 2970 00:00:00 GMT',
          'if-modified-since': 'Thu, 01 Jan 1970 00:00:00 GMT',
        },
      },
      { headers: { 'if-modified-since': 'Thu, 01 Jan 2970 00:00:00 GMT' } },
      { headers: { range: 'bytes=0-1', 'if-range': '"a"' } },
      { method: 'POST', headers: { ...asText, 'if-match': '"a"', 'if-none-match': '"b"' } },
      { method: 'PUT', headers: asText },
      { method: 'DELETE', headers: { 'if-match': '"a"' } },
    ]
    const answers: Readonly<Record<string, unknown>> = {
      allowedMethods: writable.allowedMethods,
      contentTypesProvided: writable.contentTypesProvided,
      contentTypesAccepted: writable.contentTypesAccepted,
      deleteResource: true,
      generateEtag: '"a"',
      lastModified: new Date(Date.UTC(2000, 0)),
      expires: new Date(0),
      languagesProvided: ['en'],
      charsetsProvided: ['utf-8'],
      encodingsProvided: ['gzip'],
      rangesProvided: 'auto',
    }
    for (const request of requests) {
      for (const exists of [true, false]) {
        it(`${request.method ?? 'GET'} ${JSON.stringify(request.headers ?? {})} of ${exists ? 'what exists' : 'what does not'}`, async () => {
          const counts = new Map<string, number>()
          const count = (name: string, value: unknown) => () => {
            counts.set(name, (counts.get(name) ?? 0) + 1)
            return value
          }
          const spec = Object.fromEntries(
            names.map((name) => [
              name,
              count(name, name === 'resourceExists' ? exists : (answers[name] ?? callbacks[name].fallback)),
            ]),
          )
          const { errors } = await ask(spec as Spec, request)
          expect(errors).to.deep.equal([])
          expect([...counts].filter(([, times]) => times !== 1)).to.deep.equal([])
        })
      }
    }

    it('generateEtag, lastModified and expires are asked only if a decision needs them', async () => {
      const asked: string[] = []
      const note =
        <T>(name: string, value: T) =>
        () => {
          asked.push(name)
          return value
        }
      const spec: Spec = {
        ...writable,
        generateEtag: note('generateEtag', '"a"'),
        lastModified: note('lastModified', new Date(0)),
        expires: note('expires', new Date(0)),
      }
      const cases: readonly (readonly [Asked, readonly string[]])[] = [
        [{ method: 'DELETE' }, []],
        [{ method: 'POST', headers: asText }, []],
        [{ method: 'OPTIONS' }, []],
        [{ headers: { accept: 'image/png' } }, []],
        [{ method: 'DELETE', headers: { 'if-match': '*' } }, []],
        [{ method: 'DELETE', headers: { 'if-match': '"a"' } }, ['generateEtag']],
        [{ method: 'DELETE', headers: { 'if-none-match': '"b"' } }, ['generateEtag']],
        [
          { method: 'DELETE', headers: { 'if-unmodified-since': new Date().toUTCString() } },
          ['lastModified'],
        ],
        [{ method: 'DELETE', headers: { 'if-modified-since': new Date().toUTCString() } }, []],
        [{ method: 'DELETE', headers: { 'if-unmodified-since': 'garbage' } }, []],
        [{}, ['generateEtag', 'lastModified', 'expires']],
      ]
      for (const [request, expected] of cases) {
        asked.length = 0
        await ask(spec, request)
        expect(asked, JSON.stringify(request)).to.deep.equal(expected)
      }
    })
  })

  describe('A value of the wrong type is an error that names the callback, never a silent yes or no', () => {
    for (const name of names) {
      it(name, async () => {
        const values = [null, ...(mayBeUndefined.has(name) ? [] : [undefined]), ...wrong[name]]
        for (const value of values) {
          for (const callback of [() => value, async () => value]) {
            const answer = await expectError(
              withCallback(name, callback),
              ways[name].asked ?? {},
              new RegExp(`^${name} answered .*: expected .*, or stop\\(\\)$`, 's'),
            )
            expect(answer.status).to.equal(500)
            expect(answer.errors[0]).to.be.an.instanceOf(TypeError).that.includes({ code: 'LARIAT_ANSWER' })
          }
        }
      })
    }

    it('`isAuthorized: () => false` says what to return instead', () =>
      expectError(
        { ...hello, isAuthorized: () => false as never },
        {},
        /isAuthorized answered false: expected true or a WWW-Authenticate challenge/,
      ))

    it('A media type that is none, from a function', () =>
      expectError(
        { contentTypesProvided: () => ({ 'text/*': () => '' }) },
        {},
        /contentTypesProvided.*'text\/\*'.*expected a media type/,
      ))

    it('A range that is none, from a function', () =>
      expectError(
        { ...writable, contentTypesAccepted: () => ({ text: () => true }) },
        { method: 'POST', headers: asText },
        /contentTypesAccepted.*'text'.*expected a media type or a range/,
      ))
  })

  describe('An error of a callback goes to next(error)', () => {
    for (const name of [...names, 'init'] as const) {
      it(name, async () => {
        const error = new Error('own')
        const way = name === 'init' ? {} : ways[name]
        const throwing = () => {
          throw error
        }
        const rejecting = async () => {
          throw error
        }
        for (const callback of [throwing, rejecting]) {
          const spec = { ...writable, ...way.spec, [name]: callback } as Spec
          const answer = await expectError(spec, way.asked ?? {}, /^own$/)
          expect(answer.errors[0]).to.equal(error)
          expect(answer.status).to.equal(500)
          expect(answer.text).to.equal('The app answers.')
        }
      })
    }

    it('Providers and accept callbacks', async () => {
      const failing = async () => {
        throw new Error('own')
      }
      await expectError({ contentTypesProvided: { 'text/plain': failing } }, {}, /^own$/)
      const spec: Spec = { ...writable, contentTypesAccepted: { '*/*': failing } }
      await expectError(spec, { method: 'POST', headers: asText }, /^own$/)
    })
  })

  onBoth('A thrown value reaches the app’s error handlers', () => {
    it('An error with a status keeps it', async () => {
      const forbidden = () => {
        throw Object.assign(new Error('tea'), { status: 418 })
      }
      const answer = await expectError({ ...hello, forbidden }, {}, /^tea$/)
      expect(answer.status).to.equal(418)
    })

    it('An error with a status of 4xx is for the app too: no problem body', async () => {
      const forbidden = async () => {
        throw Object.assign(new Error('no'), { status: 404 })
      }
      expect((await expectError({ ...hello, forbidden }, {}, /^no$/)).status).to.equal(404)
    })

    for (const thrown of [undefined, null, 0, '', false, Number.NaN, 'route', 'router']) {
      it(`Thrown ${JSON.stringify(thrown)}, which Express takes for something else, is an error with a cause`, async () => {
        const callbacks = [
          () => {
            throw thrown
          },
          () => Promise.reject(thrown),
        ]
        for (const forbidden of callbacks) {
          const answer = await expectError(
            { ...hello, forbidden },
            {},
            /^A callback threw .*: throw an Error$/,
          )
          expect(answer.errors[0]).to.include({ code: 'LARIAT_THREW' })
          expect((answer.errors[0] as Error).cause).to.deep.equal(thrown)
        }
      })
    }

    for (const thrown of ['a string', 42, { status: 409 }, Symbol.for('a')]) {
      it(`Thrown ${String(thrown)} goes on as it is`, async () => {
        const forbidden = () => {
          throw thrown
        }
        const answer = await ask({ ...hello, forbidden })
        expect(answer.errors).to.deep.equal([thrown])
      })
    }

    it('A URIError of a callback in a table is its own, not that of the path', async () => {
      const contentTypesProvided = { 'text/plain': () => decodeURIComponent('%') }
      await expectError(tableOf({ '/': { contentTypesProvided } }), {}, /URI malformed/)
    })
  })

  describe('decisionTimeout', () => {
    const time = useManualTime()
    const never = () => new Promise<never>(() => {})

    /** Asks, and returns once a callback is waited for, or the request has been answered without. */
    async function asking(spec: object, asked: Asked = {}) {
      const open = clock.size
      const answer = ask(resource(spec as Spec), asked)
      let isAnswered = false
      const answered = () => {
        isAnswered = true
      }
      answer.then(answered, answered)
      while (clock.size === open && !isAnswered) await new Promise(setImmediate)
      return { answer }
    }

    /** Asks, and lets the time go on once the callback is waited for. */
    async function waiting(spec: object, milliseconds: number, asked: Asked = {}) {
      const { answer } = await asking(spec, asked)
      time.advance(milliseconds)
      return answer
    }

    for (const name of names) {
      it(`A ${name} that does not settle is 503 by a problem body, and no error of the app`, async () => {
        const answer = await waiting(withCallback(name, never), 30_000, ways[name].asked)
        expect(answer.status).to.equal(503)
        expect(answer.errors).to.deep.equal([])
        expect(answer.json).to.include({ status: 503, detail: 'The server did not decide in time.' })
        expect(answer.text).not.to.contain(name)
      })
    }

    it('Nor init, providers, accept callbacks and subscribe', async () => {
      const specs: readonly (readonly [object, Asked?])[] = [
        [{ ...hello, init: never }],
        [{ contentTypesProvided: { 'text/plain': never } }],
        [
          { ...writable, contentTypesAccepted: { '*/*': never } },
          { method: 'POST', headers: asText },
        ],
        [{ contentTypesProvided: [sse()], subscribe: never }],
      ]
      for (const [spec, asked] of specs) expect((await waiting(spec, 30_000, asked)).status).to.equal(503)
    })

    it('Is what the spec says', async () => {
      const spec: Spec = { ...hello, forbidden: never, decisionTimeout: 50 }
      expect((await waiting(spec, 50)).status).to.equal(503)
    })

    it('Is not over before its time', async () => {
      let settle: (value: boolean) => void = () => {}
      const forbidden = () =>
        new Promise<boolean>((resolve) => {
          settle = resolve
        })
      const open = clock.size
      const { answer } = await asking({ ...hello, forbidden, decisionTimeout: 50 })
      time.advance(49)
      settle(false)
      expect((await answer).status).to.equal(200)
      expect(clock.size).to.equal(open)
    })

    it('Is for each callback anew', async () => {
      const settles: ((value: boolean) => void)[] = []
      const slow = () => new Promise<boolean>((resolve) => settles.push(resolve))
      const answer = ask({ ...hello, malformedRequest: slow, forbidden: slow, decisionTimeout: 50 })
      for (let index = 0; index < 2; index++) {
        while (settles.length <= index) await new Promise(setImmediate)
        time.advance(40)
        settles[index]!(false)
      }
      expect((await answer).status).to.equal(200)
    })

    it('A late answer is ignored, be it a value or an error', async () => {
      for (const settle of ['resolve', 'reject'] as const) {
        let late = () => {}
        const forbidden = () =>
          new Promise<boolean>((resolve, reject) => {
            late = () => (settle === 'resolve' ? resolve(false) : reject(new Error('late')))
          })
        const answer = await waiting({ ...hello, forbidden }, 30_000)
        late()
        await new Promise(setImmediate)
        expect(answer.status).to.equal(503)
        expect(answer.errors).to.deep.equal([])
      }
    })

    it('HEAD gets the 503 without a body', async () => {
      const answer = await waiting({ ...hello, forbidden: never }, 30_000, { method: 'HEAD' })
      expect(answer.status).to.equal(503)
      expect(answer.body).to.have.length(0)
    })
  })

  onBoth('A callback that answers on its own is respected', () => {
    const endings: Readonly<Record<string, (context: Context<undefined>) => unknown>> = {
      'and returns nothing': ({ res }) => void res.status(202).send('own'),
      'and returns a value': ({ res }) => {
        res.status(202).send('own')
        return true
      },
      'and returns stop()': ({ res }) => {
        res.status(202).send('own')
        return stop(500)
      },
      'and is async': async ({ res }) => {
        await undefined
        res.status(202).send('own')
      },
    }
    for (const [how, callback] of Object.entries(endings)) {
      for (const name of ['serviceAvailable', 'isAuthorized', 'resourceExists', 'generateEtag'] as const) {
        it(`${name} ${how}`, async () => {
          const answer = await expectStatus(withCallback(name, callback), {}, 202)
          expect(answer.text).to.equal('own')
          expect(answer.errors).to.deep.equal([])
        })
      }

      it(`init ${how}`, async () => {
        const answer = await expectStatus(resource({ ...hello, init: callback } as Spec), {}, 202)
        expect(answer.errors).to.deep.equal([])
      })

      it(`A provider and an accept callback ${how}`, async () => {
        const provided = await ask({ contentTypesProvided: { 'text/plain': callback as () => '' } })
        const accepted = await ask(
          { ...writable, contentTypesAccepted: { '*/*': callback as () => true } },
          { method: 'POST', headers: asText },
        )
        for (const answer of [provided, accepted]) {
          expect([answer.status, answer.text]).to.deep.equal([202, 'own'])
          expect(answer.errors).to.deep.equal([])
        }
      })
    }

    it('Nothing is asked after it', async () => {
      const spec: Spec = {
        ...hello,
        forbidden: ({ res }) => {
          res.end()
          return false
        },
        resourceExists: () => {
          throw new Error('asked')
        },
      }
      expect((await ask(spec)).errors).to.deep.equal([])
    })

    it('One that has sent the head and writes on is left alone', async () => {
      const spec: Spec = {
        ...hello,
        forbidden: ({ res }) => {
          res.write('one ')
          setImmediate(() => res.end('two'))
          return true
        },
      }
      expect((await expectStatus(spec, {}, 200)).text).to.equal('one two')
    })

    it('An error after its head goes to next', async () => {
      const spec: Spec = {
        ...hello,
        forbidden: ({ res }) => {
          res.write('one ')
          throw new Error('own')
        },
      }
      const answer = await ask(spec)
      expect((answer.errors[0] as Error).message).to.equal('own')
      expect(answer.isCut).to.equal(true)
    })
  })

  onBoth('Middleware before it that has sent the head', () => {
    it('Is an error in next, and nothing is written', async () => {
      const endpoints = [resource(hello), tableOf({ '/': hello })]
      for (const endpoint of endpoints) {
        const site = new Site(endpoint, {
          before: [
            (_req, res, next) => {
              res.write('early ')
              setImmediate(() => next())
            },
          ],
        })
        await withSite(site, async () => {
          const answer = await site.ask()
          expect(answer.errors).to.have.length(1)
          expect(answer.errors[0]).to.include({ code: 'LARIAT_SENT' })
          expect(answer.text).to.equal('early ')
        })
      }
    })
  })

  describe('init', () => {
    it('Is asked first, and what it returns is the state', async () => {
      const asked: string[] = []
      const endpoint = resource({
        init: async ({ req }) => {
          asked.push('init')
          return { path: req.path, steps: [] as string[] }
        },
        serviceAvailable: ({ state }) => {
          asked.push('serviceAvailable')
          state.steps.push('one')
          return true
        },
        contentTypesProvided: { 'application/json': ({ state }) => state },
      })
      const answer = await expectStatus(endpoint, { url: '/a' }, 200)
      expect(asked).to.deep.equal(['init', 'serviceAvailable'])
      expect(answer.json).to.deep.equal({ path: '/a', steps: ['one'] })
    })

    it('Falsy states are states, and a state may be replaced', async () => {
      for (const state of [0, '', false, null, undefined]) {
        const seen: unknown[] = []
        await expectStatus(
          resource({
            init: () => state as unknown,
            forbidden: (context) => {
              seen.push(context.state)
              context.state = 'new'
              return false
            },
            resourceExists: ({ state }) => {
              seen.push(state)
              return true
            },
          }),
          {},
          200,
        )
        expect(seen).to.deep.equal([state, 'new'])
      }
    })

    it('Is of one request alone', () =>
      withSite(
        new Site(
          resource({
            init: () => ({ count: 0 }),
            contentTypesProvided: { 'application/json': ({ state }) => ++state.count },
          }),
        ),
        async (site) => {
          for (let times = 0; times < 3; times++) expect((await site.ask()).json).to.equal(1)
        },
      ))

    it('Without it the state is undefined', async () => {
      let seen: unknown = 'none'
      await expectStatus(
        {
          ...hello,
          forbidden: ({ state }) => {
            seen = state
            return false
          },
        },
        {},
        200,
      )
      expect(seen).to.equal(undefined)
    })
  })

  describe('signal', () => {
    it('Is aborted when the client leaves while a callback is waited for', async () => {
      let isAborted: (value: unknown) => void
      const aborted = new Promise((resolve) => {
        isAborted = resolve
      })
      let isAsked: (value: unknown) => void
      const asked = new Promise((resolve) => {
        isAsked = resolve
      })
      const spec: Spec = {
        ...hello,
        forbidden: ({ signal }) =>
          new Promise((resolve) => {
            signal.addEventListener('abort', () => {
              isAborted(true)
              resolve(false)
            })
            isAsked(true)
          }),
        resourceExists: () => {
          throw new Error('asked')
        },
      }
      await withSite(new Site(spec), async (site) => {
        const controller = new AbortController()
        const request = fetch(`http://127.0.0.1:${site.port}/`, { signal: controller.signal }).catch(() => {})
        await asked
        controller.abort()
        await aborted
        await request
        await new Promise(setImmediate)
        expect(site.errors).to.deep.equal([])
      })
    })

    it('Is not aborted by a whole answer', async () => {
      let signal: AbortSignal | undefined
      const spec: Spec = {
        ...hello,
        forbidden: (context) => {
          signal = context.signal
          return false
        },
      }
      await withSite(new Site(spec), async (site) => {
        await site.ask()
        await new Promise(setImmediate)
        expect(signal?.aborted).to.equal(false)
      })
    })
  })
})
