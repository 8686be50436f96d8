import { Readable } from 'node:stream'
import { expect } from 'chai'
import fc from 'fast-check'
import { type CallbackName, callbacks } from '../../lib/declare/callbacks.js'
import { type Exit, first, graph, type Question } from '../../lib/graph/graph.js'
import { questions } from '../../lib/graph/questions.js'
import { sse, stop } from '../../lib/index.js'
import { type Asked, asText, type Spec, withSite } from '../support/http.js'
import { runs } from '../support/runs.js'
import { type Step, WalkSite, walked } from '../support/walked.js'

const all = Object.keys(graph) as Question[]
const statuses = new Set(
  Object.values(graph)
    .flat()
    .filter((exit) => typeof exit === 'number'),
)

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'QUERY', 'LOCK']
const then = new Date(Date.UTC(2024, 0, 1))
const before = 'Sun, 31 Dec 2023 00:00:00 GMT'

/** A resource whose every callback is a function, so that no question is settled when it is declared. */
const answers: Readonly<Record<CallbackName, unknown>> = {
  ...(Object.fromEntries(Object.entries(callbacks).map(([name, { fallback }]) => [name, fallback])) as Record<
    CallbackName,
    unknown
  >),
  knownMethods: methods,
  allowedMethods: methods,
  contentTypesProvided: { 'text/plain': () => 'hello' },
  languagesProvided: ['en'],
  charsetsProvided: ['utf-8'],
  encodingsProvided: ['identity'],
  rangesProvided: 'auto',
  generateEtag: '"a"',
  lastModified: then,
  contentTypesAccepted: { 'text/plain': () => true },
  deleteResource: true,
}

function full(some: Partial<Record<CallbackName, unknown>> = {}): Spec {
  const entries = Object.entries({ ...answers, ...some })
  return {
    ...Object.fromEntries(entries.map(([name, value]) => [name, () => value])),
    subscribe: () => [],
  } as Spec
}

const of = (method: string, headers: Record<string, string> = {}): Asked => ({ method, headers })
const gone = { resourceExists: false, previouslyExisted: true }

/** Each way through the graph: what differs from the resource above, the request, and what it comes to. */
const ways: readonly (readonly [Partial<Record<CallbackName, unknown>>, Asked, number | string])[] = [
  [{ serviceAvailable: false }, of('GET'), 503],
  [{ knownMethods: [] }, of('GET'), 501],
  [{ uriTooLong: true }, of('GET'), 414],
  [{ allowedMethods: [] }, of('GET'), 405],
  [{ malformedRequest: true }, of('GET'), 400],
  [{ isAuthorized: 'Basic' }, of('GET'), 401],
  [{ forbidden: true }, of('GET'), 403],
  [{ rateLimited: 0 }, of('GET'), 429],
  [{ validContentHeaders: false }, of('GET'), 501],
  [{ validEntityLength: false }, of('GET'), 413],
  [{}, of('OPTIONS'), 200],
  [{}, of('GET', { accept: 'image/png' }), 406],
  [{}, of('GET', { 'accept-language': 'fr' }), 406],
  [{}, of('GET', { 'accept-charset': 'koi8-r' }), 406],
  [{}, of('GET', { 'accept-encoding': '*;q=0' }), 406],
  [{}, of('GET'), 200],
  [{}, of('HEAD'), 200],
  [{ rangesProvided: 'none' }, of('GET'), 200],
  [{}, of('GET', { range: 'bytes=0-1' }), 206],
  [{}, of('GET', { range: 'bytes=9-' }), 416],
  [{ multipleChoices: true }, of('GET'), 300],
  [{}, of('LOCK'), 200],
  [{ multipleChoices: true }, of('LOCK'), 300],
  [{ contentTypesProvided: [sse()] }, of('GET'), 'loop'],
  [{ contentTypesProvided: { 'text/plain': () => sse() } }, of('GET'), 'loop'],
  [{ contentTypesProvided: { 'text/plain': () => stop() } }, of('GET'), 'stop'],
  [{}, of('GET', { 'if-match': 'a' }), 400],
  [{}, of('GET', { 'if-match': '"b"' }), 412],
  [{}, of('GET', { 'if-unmodified-since': before }), 412],
  [{}, of('GET', { 'if-none-match': 'a' }), 400],
  [{}, of('GET', { 'if-none-match': '"a"' }), 304],
  [{}, of('PUT', { 'if-none-match': '"a"' }), 412],
  [{}, of('GET', { 'if-modified-since': then.toUTCString() }), 304],
  [{ resourceExists: false }, of('GET'), 404],
  [gone, of('GET'), 410],
  [{ ...gone, movedPermanently: '/a' }, of('GET'), 301],
  [{ ...gone, movedTemporarily: '/a' }, of('GET'), 307],
  [gone, of('POST', asText), 204],
  [{ ...gone, allowMissingPost: false }, of('POST', asText), 410],
  [{ resourceExists: false }, of('POST', asText), 204],
  [{ resourceExists: false, allowMissingPost: false }, of('POST', asText), 404],
  [{ resourceExists: false }, of('POST', { ...asText, 'if-match': '*' }), 412],
  [{ resourceExists: false }, of('PUT', asText), 201],
  [{ resourceExists: false, movedPermanently: '/a' }, of('PUT', asText), 301],
  [{ resourceExists: false }, of('PUT', { ...asText, 'if-match': '*' }), 412],
  [{}, of('PUT', asText), 204],
  [{ isConflict: true }, of('PUT', asText), 409],
  [{}, of('PATCH'), 415],
  [{ contentTypesAccepted: { '*/*': () => false } }, of('POST', asText), 400],
  [{ contentTypesAccepted: { '*/*': () => ({ created: '/a' }) } }, of('POST', asText), 201],
  [{ contentTypesAccepted: { '*/*': () => ({ seeOther: '/a' }) } }, of('POST', asText), 303],
  [{ contentTypesAccepted: { '*/*': () => ({ body: '' }) } }, of('PATCH', asText), 200],
  [{ contentTypesAccepted: { '*/*': () => sse() } }, of('POST', asText), 'loop'],
  [{}, of('QUERY'), 400],
  [{}, of('QUERY', asText), 200],
  [{}, of('QUERY', { 'content-type': 'image/png' }), 415],
  [{}, of('QUERY', { ...asText, 'if-none-match': '"a"' }), 304],
  [{ resourceExists: false }, of('QUERY', asText), 404],
  [{ contentTypesAccepted: { '*/*': () => ({ seeOther: '/a' }) } }, of('QUERY', asText), 303],
  [{ contentTypesProvided: [sse()] }, of('QUERY', asText), 'loop'],
  [{}, of('DELETE'), 204],
  [{ deleteResource: { body: '' } }, of('DELETE'), 200],
  [{ deleteResource: false }, of('DELETE'), 500],
  [{ deleteCompleted: false }, of('DELETE'), 202],
]

/** Answers that no request can have: these questions only do something, and pass. */
const impossible: ReadonlySet<string> = new Set(['variances: no', 'provide: no'])
const label = ([question, answer]: Step) => `${question}: ${answer ? 'yes' : 'no'}`

describe('The graph', () => {
  describe('As a table', () => {
    it('Each exit is a question of the table or a status', () => {
      const exits: Exit[] = Object.values(graph).flat()
      for (const exit of exits) {
        if (typeof exit === 'number') expect(exit).to.be.within(200, 599)
        else expect(graph).to.have.property(exit)
      }
    })

    it('Each row has a question, and each question a row', () => {
      expect(Object.keys(questions)).to.have.members(all)
    })

    it('Has no cycle: each walk ends', () => {
      const done = new Set<Question>()
      const visit = (exit: Exit, above: readonly Question[]) => {
        if (typeof exit === 'number' || done.has(exit)) return
        expect(above, `cycle at ${exit}`).not.to.include(exit)
        for (const next of graph[exit]) visit(next, [...above, exit])
        done.add(exit)
      }
      visit(first, [])
      expect(done.size).to.equal(all.length)
    })

    it('Has the statuses of the semantics and no others', () => {
      expect([...statuses].sort()).to.deep.equal([
        200, 201, 202, 204, 206, 300, 301, 303, 304, 307, 400, 401, 403, 404, 405, 406, 409, 410, 412, 413,
        414, 415, 416, 429, 500, 501, 503,
      ])
    })

    it('Asks every callback that a question is named after, or says which one it asks', () => {
      const renamed = [
        'knownMethods',
        'allowedMethods',
        'contentTypesProvided',
        'languagesProvided',
        'charsetsProvided',
        'encodingsProvided',
        'generateEtag',
        'lastModified',
        'expires',
        'contentTypesAccepted',
        'options',
        'headers',
      ]
      expect(Object.keys(callbacks).filter((name) => !Object.hasOwn(graph, name))).to.have.members(renamed)
    })
  })

  describe('Walked', () => {
    const seen = new Set<string>()
    const ends = new Set<number | string>()

    for (const [some, asked, end] of ways) {
      const differs = Object.entries(some).map(
        ([name, value]) => `${name}: ${JSON.stringify(value) ?? value}`,
      )
      it(`${asked.method} ${JSON.stringify(asked.headers)} with ${differs.join(', ') || 'nothing special'} comes to ${end}`, async () => {
        const { steps, end: came, isAsync } = await walked(full(some), asked)
        expect(came).to.equal(end)
        expect(isAsync).to.equal(false)
        expect(steps[0]?.[0] ?? first).to.equal(first)
        // each step leads to the next by the table
        steps.forEach(([question, answer], index) => {
          const exit = graph[question][answer ? 0 : 1]
          const next = steps[index + 1]?.[0]
          if (next !== undefined) expect(exit, question).to.equal(next)
          else if (typeof came === 'number') expect(exit, question).to.equal(came)
        })
        for (const step of steps) seen.add(label(step))
        ends.add(came)
      })
    }

    it('Every question is asked, and answered with yes and with no', () => {
      const expected = all.flatMap((question) => [label([question, true]), label([question, false])])
      expect([...seen]).to.have.members(expected.filter((each) => !impossible.has(each)))
    })

    it('Every status of the table is produced, and every other outcome', () => {
      expect([...ends]).to.have.members([...statuses, 'loop', 'stop'])
    })

    it('A callback that has answered on its own is the end: nothing more is asked', async () => {
      const spec: Spec = {
        ...full(),
        forbidden: ({ res }) => {
          res.flushHeaders()
          return false
        },
      }
      const { steps, end } = await walked(spec)
      expect(end).to.equal('left')
      expect(steps.at(-1)).to.deep.equal(['isAuthorized', true])
    })
  })

  describe('Promises', () => {
    /** Callbacks that a GET of what exists does not ask. */
    const notByGet: readonly CallbackName[] = [
      'options',
      'deleteResource',
      'deleteCompleted',
      'isConflict',
      'contentTypesAccepted',
      'headers',
      'allowMissingPost',
      'previouslyExisted',
      'movedPermanently',
      'movedTemporarily',
    ]

    it('Are made only if a callback made one', async () => {
      for (const name of Object.keys(answers) as CallbackName[]) {
        const spec = { ...full(), [name]: async () => answers[name] } as Spec
        expect((await walked(spec)).isAsync, name).to.equal(!notByGet.includes(name))
      }
    })

    it('An async provider and an async accept callback make one, of the same outcome', async () => {
      const get = await walked(full({ contentTypesProvided: { 'text/plain': async () => '' } }))
      expect([get.isAsync, get.end]).to.deep.equal([true, 200])
      const accepted = full({ contentTypesAccepted: { '*/*': async () => true } })
      const post = await walked(accepted, of('POST', asText))
      expect([post.isAsync, post.end]).to.deep.equal([true, 204])
    })

    it('All callbacks async come to what all sync ones do, by the same steps', async () => {
      for (const [some, asked] of ways) {
        const sync = full(some)
        const async = Object.fromEntries(
          Object.entries(sync).map(([name, callback]) => [
            name,
            name === 'subscribe'
              ? callback
              : async (context: unknown) => (callback as (c: unknown) => unknown)(context),
          ]),
        ) as Spec
        const one = await walked(sync, asked)
        const other = await walked(async, asked)
        expect([other.end, other.steps]).to.deep.equal([one.end, one.steps])
      }
    })
  })

  describe('Constants are resolved when they are declared', () => {
    it('A resource without callbacks is asked nothing but what the request decides', async () => {
      const { steps } = await walked({}, of('GET'))
      const names = steps.map(([question]) => question)
      for (const name of Object.keys(callbacks)) expect(names).not.to.include(name)
      expect(names.length).to.be.below(20)
    })

    it('A constant that is not the default is asked', async () => {
      expect((await walked({ forbidden: true })).end).to.equal(403)
      expect((await walked({ serviceAvailable: 0 })).end).to.equal(503)
    })

    const others: Partial<Record<CallbackName, unknown>> = {
      isAuthorized: 'Basic',
      rateLimited: 0,
      movedPermanently: '/a',
      movedTemporarily: '/a',
    }

    it('Absent, constant, or a function: the same status (property)', async () => {
      const flags = Object.entries(callbacks).flatMap(([name, { fallback }]) =>
        typeof fallback === 'boolean' && name !== 'serviceAvailable' ? [name as CallbackName] : [],
      )
      const form = fc.constantFrom('absent', 'constant', 'function', 'async')
      const flag = fc.oneof(
        { weight: 6, arbitrary: fc.constant('default') },
        { weight: 1, arbitrary: fc.constant('other') },
      )
      const request = fc.record({
        method: fc.constantFrom(...methods),
        headers: fc.record(
          {
            'content-type': fc.constantFrom('text/plain', 'image/png'),
            'if-match': fc.constantFrom('*', '"a"', '"b"', 'a'),
            'if-none-match': fc.constantFrom('*', '"a"', '"b"', 'a'),
            'if-modified-since': fc.constantFrom(before, then.toUTCString(), 'a'),
            'if-unmodified-since': fc.constantFrom(before, then.toUTCString(), 'a'),
            accept: fc.constantFrom('*/*', 'image/png'),
            range: fc.constantFrom('bytes=0-1', 'bytes=9-', 'a'),
          },
          { requiredKeys: [] },
        ),
      })
      const choice = fc.record(Object.fromEntries(flags.map((name) => [name, fc.tuple(flag, form)])))
      let spec: Spec = {}
      await withSite(new WalkSite(() => spec), async (site) => {
        const walk = (each: Spec, asked: Asked) => {
          spec = each
          return (site as WalkSite).walk(asked)
        }
        await fc.assert(
          fc.asyncProperty(request, choice, async (asked, chosen) => {
            const functions: Record<string, unknown> = {}
            const mixed: Record<string, unknown> = {}
            for (const name of flags) {
              const [which, how] = chosen[name]!
              const fallback = callbacks[name].fallback as unknown
              const value = which === 'default' ? fallback : (others[name] ?? !fallback)
              functions[name] = () => value
              if (how === 'absent' && which === 'default') continue
              mixed[name] = how === 'function' ? () => value : how === 'async' ? async () => value : value
            }
            const { deleteResource: _, ...rest } = full()
            const base = Object.fromEntries(
              Object.entries(rest).filter(([name]) => !(flags as string[]).includes(name)),
            )
            const one = await walk({ ...base, ...functions } as Spec, asked as Asked)
            const other = await walk({ ...base, ...mixed } as Spec, asked as Asked)
            expect(other.end).to.equal(one.end)
          }),
          { numRuns: runs(300) },
        )
      })
    })
  })

  it('A stream as a body is walked like any other', async () => {
    const { end } = await walked(full({ contentTypesProvided: { 'text/plain': () => Readable.from(['a']) } }))
    expect(end).to.equal(200)
  })
})
