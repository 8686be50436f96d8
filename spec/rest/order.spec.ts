import { expect } from 'chai'
import fc from 'fast-check'
import type { CallbackName } from '../../lib/declare/callbacks.js'
import { plan } from '../../lib/declare/plan.js'
import { graph, type Question } from '../../lib/graph/graph.js'
import { shorten } from '../../lib/graph/shorten.js'
import { walk } from '../../lib/graph/walk.js'
import { sse, stop } from '../../lib/index.js'
import type { Awaitable } from '../../lib/promise.js'
import { Exchange } from '../../lib/request/exchange.js'
import type { Outcome } from '../../lib/request/outcome.js'
import { type Asked, asText } from '../support/http.js'
import { runs } from '../support/runs.js'
import { type Step, toSteps } from '../support/walked.js'

const epoch = 'Thu, 01 Jan 1970 00:00:00 GMT'
const day = 'Fri, 02 Jan 1970 00:00:00 GMT'
const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'QUERY', 'LINK']

type Callbacks = Partial<Record<CallbackName, () => unknown>>

/** A resource that answers every question itself, so that none of them is settled when it is declared. */
const full: Required<Callbacks> = {
  serviceAvailable: () => true,
  knownMethods: () => methods,
  uriTooLong: () => false,
  allowedMethods: () => methods,
  malformedRequest: () => false,
  isAuthorized: () => true,
  forbidden: () => false,
  rateLimited: () => false,
  validContentHeaders: () => true,
  validEntityLength: () => true,
  options: () => ({}),
  contentTypesProvided: () => ({ 'text/plain': () => 'hello' }),
  languagesProvided: () => ['en'],
  charsetsProvided: () => ['utf-8'],
  encodingsProvided: () => ['identity'],
  rangesProvided: () => 'auto',
  variances: () => ['Cookie'],
  resourceExists: () => true,
  generateEtag: () => '"a"',
  lastModified: () => new Date(0),
  expires: () => undefined,
  previouslyExisted: () => false,
  movedPermanently: () => false,
  movedTemporarily: () => false,
  headers: () => ({}),
  multipleChoices: () => false,
  contentTypesAccepted: () => ({ 'text/plain': () => true }),
  allowMissingPost: () => true,
  isConflict: () => false,
  deleteResource: () => true,
  deleteCompleted: () => true,
}

/** Walks without a server: what the graph reads of a request and a response is little. */
function walked(callbacks: Callbacks, { method = 'GET', headers = {} }: Asked = {}) {
  const steps: Step[] = []
  const req = { method, headers, url: '/', httpVersion: '1.1', socket: {} }
  const res = { headersSent: false, hasHeader: () => false, getHeader: () => undefined, once: () => res }
  const spec = { ...callbacks, subscribe: () => {} } as never
  const exchange = new Exchange(plan(spec), req as never, res as never)
  const outcome: Awaitable<Outcome> = walk(exchange, shorten(spec), toSteps(steps))
  return { steps, outcome }
}

const order = (callbacks: Callbacks, asked?: Asked) =>
  walked({ ...full, ...callbacks }, asked).steps.map(([question]) => question)

const missing: Callbacks = { resourceExists: () => false }
const gone: Callbacks = { ...missing, previouslyExisted: () => true }
const post: Asked = { method: 'POST', headers: asText }
const put: Asked = { method: 'PUT', headers: asText }

const access: readonly Question[] = [
  'serviceAvailable',
  'knownMethod',
  'uriTooLong',
  'methodAllowed',
  'malformedRequest',
  'isAuthorized',
  'forbidden',
  'rateLimited',
  'validContentHeaders',
  'validEntityLength',
  'isOptions',
]
const negotiation: readonly Question[] = [
  'acceptableMediaType',
  'acceptableLanguage',
  'acceptableCharset',
  'acceptableEncoding',
  'variances',
  'rangesProvided',
  'resourceExists',
]
const preconditions: readonly Question[] = [
  'ifMatchParses',
  'ifMatch',
  'ifUnmodifiedSince',
  'ifNoneMatchParses',
  'ifNoneMatch',
  'ifModifiedSince',
]
const accepting: readonly Question[] = ['contentTypeAccepted', 'accept', 'isElsewhere', 'isCreated']

describe('The order of the questions', () => {
  it('GET of what is there', () => {
    expect(order({})).to.deep.equal([
      ...access,
      ...negotiation,
      ...preconditions,
      'isDelete',
      'isReplacement',
      'isAccepting',
      'isReading',
      'provide',
      'multipleChoices',
      'isPartial',
    ])
  })

  it('OPTIONS is answered before anything is negotiated', () => {
    expect(order({}, { method: 'OPTIONS' })).to.deep.equal(access)
  })

  it('DELETE of what is there', () => {
    expect(order({}, { method: 'DELETE' })).to.deep.equal([
      ...access,
      ...negotiation,
      ...preconditions,
      'isDelete',
      'deleteResource',
      'deleteCompleted',
      'hasBody',
      'isQuery',
    ])
  })

  it('PUT of what is there: the conflict, then the body', () => {
    expect(order({}, put)).to.deep.equal([
      ...access,
      ...negotiation,
      ...preconditions,
      'isDelete',
      'isReplacement',
      'isConflict',
      ...accepting,
      'hasBody',
      'isQuery',
    ])
  })

  it('PUT of what is missing: moved, then If-Match, then the conflict', () => {
    expect(order(missing, put)).to.deep.equal([
      ...access,
      ...negotiation,
      'isPut',
      'movedPermanently',
      'isPutToMissing',
      'ifMatchAbsent',
      'isReplacement',
      'isConflict',
      ...accepting,
    ])
  })

  it('POST to what is gone: moved, then allowed, then If-Match', () => {
    expect(order(gone, post)).to.deep.equal([
      ...access,
      ...negotiation,
      'isPut',
      'previouslyExisted',
      'movedPermanently',
      'isPutToMissing',
      'movedTemporarily',
      'isPost',
      'allowMissingPost',
      'ifMatchAbsent',
      'isReplacement',
      'isAccepting',
      'isUntypedQuery',
      ...accepting,
      'hasBody',
      'isQuery',
    ])
  })

  it('QUERY of what is there: as GET up to the preconditions, then the query, then the provider', () => {
    expect(order({}, { method: 'QUERY', headers: asText })).to.deep.equal([
      ...access,
      ...negotiation,
      ...preconditions,
      'isDelete',
      'isReplacement',
      'isAccepting',
      'isUntypedQuery',
      ...accepting,
      'hasBody',
      'isQuery',
      'provide',
      'multipleChoices',
      'isPartial',
    ])
  })

  describe('The first that fails answers', () => {
    /** What fails each of the questions that a GET passes. */
    const failures: readonly (readonly [Question, Callbacks, headers?: Record<string, string>])[] = [
      ['serviceAvailable', { serviceAvailable: () => false }],
      ['knownMethod', { knownMethods: () => [] }],
      ['uriTooLong', { uriTooLong: () => true }],
      ['methodAllowed', { allowedMethods: () => [] }],
      ['malformedRequest', { malformedRequest: () => true }],
      ['isAuthorized', { isAuthorized: () => 'Basic' }],
      ['forbidden', { forbidden: () => true }],
      ['rateLimited', { rateLimited: () => 1 }],
      ['validContentHeaders', { validContentHeaders: () => false }],
      ['validEntityLength', { validEntityLength: () => false }],
      ['acceptableMediaType', {}, { accept: 'a/b' }],
      ['acceptableLanguage', {}, { 'accept-language': 'de' }],
      ['acceptableCharset', {}, { 'accept-charset': 'koi8-r' }],
      ['acceptableEncoding', {}, { 'accept-encoding': 'identity;q=0' }],
      ['ifMatchParses', {}, { 'if-match': 'garbage' }],
      ['ifNoneMatchParses', {}, { 'if-none-match': 'garbage' }],
      ['provide', { contentTypesProvided: () => ({ 'text/plain': () => stop(299) }) }],
    ]
    failures.forEach(([question], index) => {
      it(`${question}, before all that follow`, () => {
        const following = failures.slice(index)
        const callbacks: Callbacks = Object.assign({ ...full }, ...following.map(([, each]) => each))
        const headers = Object.assign({}, ...following.map(([, , each]) => each))
        const { steps, outcome } = walked(callbacks, { headers })
        if (question === 'provide') expect(outcome).to.include({ kind: 'stop' })
        else expect(steps.at(-1)?.[0]).to.equal(question)
      })
    })

    it('If-Match before If-Unmodified-Since before If-None-Match before If-Modified-Since', () => {
      const last = (headers: Record<string, string>) => {
        const { steps } = walked({ ...full, lastModified: () => new Date(day) }, { headers })
        return steps.findLast(([question, answer]) => question.startsWith('if') && !answer)?.[0]
      }
      const modified = { 'if-unmodified-since': epoch, 'if-none-match': '"a"', 'if-modified-since': day }
      expect(last({ 'if-match': '"b"', ...modified })).to.equal('ifMatch')
      expect(last(modified)).to.equal('ifUnmodifiedSince')
      expect(last({ ...modified, 'if-unmodified-since': day })).to.equal('ifNoneMatch')
      expect(last({ 'if-modified-since': day })).to.equal('ifModifiedSince')
    })
  })
})

describe('Any walk', () => {
  const oneOf = (...values: readonly unknown[]) => fc.constantFrom(...values)
  const creating = { 'text/plain': () => ({ created: '/b' }) }
  const bodies = [true, false, { seeOther: '/b' }, { body: 'done' }, sse()]
  const answers: Readonly<Partial<Record<CallbackName, fc.Arbitrary<unknown>>>> = {
    resourceExists: oneOf(true, false),
    previouslyExisted: oneOf(true, false),
    movedPermanently: oneOf(false, '/b'),
    movedTemporarily: oneOf(false, '/b'),
    allowMissingPost: oneOf(true, false),
    isConflict: oneOf(false, true),
    deleteResource: oneOf(true, false, { body: 'gone' }),
    deleteCompleted: oneOf(true, false),
    multipleChoices: oneOf(false, true),
    generateEtag: oneOf(undefined, '"a"', 'W/"a"'),
    lastModified: oneOf(undefined, new Date(0), new Date(day)),
    rangesProvided: oneOf('auto', 'none'),
    encodingsProvided: oneOf(['identity'], ['gzip'], []),
    contentTypesProvided: oneOf([sse()], { 'text/plain': () => 'hello', 'text/event-stream': sse() }),
    contentTypesAccepted: oneOf(creating, ...bodies.map((value) => ({ 'text/plain': () => value }))),
  }
  const given = fc.record(answers as Record<string, fc.Arbitrary<unknown>>)
  const asked = fc.record({
    method: fc.constantFrom(...methods, 'UNLINK'),
    headers: fc.record(
      {
        accept: fc.constantFrom('text/event-stream', 'text/plain', '*/*', 'a/b'),
        'accept-encoding': fc.constantFrom('gzip', 'identity;q=0', '*;q=0'),
        'content-type': fc.constantFrom('text/plain', 'a/b'),
        'if-match': fc.constantFrom('*', '"a"', '"b"', 'garbage'),
        'if-none-match': fc.constantFrom('*', 'W/"a"', '"b"', 'garbage'),
        'if-modified-since': fc.constantFrom(epoch, day, 'garbage'),
        'if-unmodified-since': fc.constantFrom(epoch, day, 'garbage'),
        range: fc.constantFrom('bytes=0-1', 'bytes=9-', 'garbage'),
      },
      { requiredKeys: [] },
    ) as fc.Arbitrary<Record<string, string>>,
  })
  /** A QUERY creates nothing: that one would is an error. */
  const isSafe = (answer: Record<string, unknown>, method: string) =>
    method !== 'QUERY' || answer.contentTypesAccepted !== creating
  const asynchronous = fc.uniqueArray(fc.constantFrom(...Object.keys(full)))

  it('Follows the table, asks each callback at most once, and is the same with promises', () =>
    fc.assert(
      fc.asyncProperty(given, asked, asynchronous, async (answer, request, promised) => {
        fc.pre(isSafe(answer, request.method))
        const asks: string[] = []
        const make = (names: readonly string[]): Callbacks =>
          Object.fromEntries(
            Object.entries(full).map(([name, callback]) => [
              name,
              () => {
                asks.push(name)
                const value = name in answer ? answer[name] : callback()
                return names.includes(name) ? Promise.resolve(value) : value
              },
            ]),
          )
        const expectOnce = () => expect(new Set(asks).size).to.equal(asks.splice(0).length)

        const { steps, outcome: settled } = walked(make([]), request)
        const outcome = settled as Outcome
        expectOnce()
        expect(outcome.kind).to.be.oneOf(['status', 'loop'])
        steps.forEach(([question, yes], index) => {
          const exit = graph[question][yes ? 0 : 1]
          const next = steps[index + 1]?.[0]
          if (next !== undefined) expect(exit).to.equal(next)
          else if (outcome.kind === 'status') expect(exit).to.equal(outcome.status)
        })

        const mixed = walked(make(promised), request)
        expect((await mixed.outcome).kind).to.equal(outcome.kind)
        expect(mixed.steps).to.deep.equal(steps)
        expectOnce()
      }),
      { numRuns: runs(1000) },
    ))
})
