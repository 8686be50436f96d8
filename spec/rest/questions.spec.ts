import { expect } from 'chai'
import { type CallbackName, callbacks } from '../../lib/declare/callbacks.js'
import { plan } from '../../lib/declare/plan.js'
import type { AnySpec } from '../../lib/declare/spec.js'
import { graph, holding, type Question } from '../../lib/graph/graph.js'
import type { Resolver } from '../../lib/graph/question.js'
import { questions } from '../../lib/graph/questions.js'
import { checkReach } from '../../lib/graph/reach.js'
import { shorten, whole } from '../../lib/graph/shorten.js'
import type { Step } from '../../lib/graph/step.js'
import { walk } from '../../lib/graph/walk.js'
import { sse } from '../../lib/index.js'
import { Exchange } from '../../lib/request/exchange.js'
import { type Asked, asText } from '../support/http.js'

const all = Object.entries(questions) as [Question, Resolver][]
const names = Object.keys(callbacks) as CallbackName[]
const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'QUERY', 'LINK']

const namedBy = ({ asks, also = [], describes = [] }: Resolver): readonly CallbackName[] => [
  ...(asks ? [asks] : []),
  ...also,
  ...describes,
]

/** A request that no server got: the graph reads little of it. */
function exchangeOf(spec: AnySpec, { method = 'GET', headers = {} }: Asked = {}): Exchange {
  const req = { method, headers, url: '/', httpVersion: '1.1', socket: {} }
  const res = { headersSent: false, hasHeader: () => false, getHeader: () => undefined }
  return new Exchange(plan(spec), req as never, res as never)
}

/** The questions that a walk can come to. */
function questionsIn(first: Step): ReadonlySet<string> {
  const found = new Set<string>()
  const visit = (step: Step['yes']): void => {
    if ('kind' in step || found.has(step.question)) return
    found.add(step.question)
    visit(step.yes)
    visit(step.no)
  }
  visit(first)
  return found
}

describe('A question names the callbacks that it asks', () => {
  it('Every callback is named by a question, and no question names another', () => {
    expect([...new Set(all.flatMap(([, each]) => namedBy(each)))]).to.have.members(names)
  })

  const date = new Date(0)
  const spec = {
    knownMethods: methods,
    allowedMethods: methods,
    contentTypesProvided: { 'text/plain': () => 'hello' },
    languagesProvided: ['en'],
    charsetsProvided: ['utf-8'],
    encodingsProvided: ['identity'],
    rangesProvided: 'auto',
    generateEtag: '"a"',
    lastModified: date,
    expires: date,
    deleteResource: true,
    contentTypesAccepted: { 'text/plain': () => true },
  }
  const asked: readonly Asked[] = [
    ...methods.map((method) => ({ method, headers: asText })),
    { headers: { 'if-match': '"a"' } },
    { headers: { 'if-none-match': '"a"' } },
    { headers: { 'if-modified-since': date.toUTCString() } },
    { headers: { 'if-unmodified-since': date.toUTCString() } },
  ]
  const ways: readonly AnySpec[] = [
    spec,
    { ...spec, contentTypesProvided: { 'text/event-stream': sse() } },
    { ...spec, resourceExists: false },
    { ...spec, resourceExists: false, previouslyExisted: true },
  ]

  it('It asks those and no others', () => {
    const heard = new Set<CallbackName>()
    for (const way of ways) {
      for (const request of asked) {
        const x = exchangeOf({ ...Object.fromEntries(defaults()), ...way }, request)
        let current: Step | undefined
        x.onAnswer = (name) => {
          if (!(name in callbacks)) return
          heard.add(name as CallbackName)
          expect(namedBy(current!.resolver), current!.question).to.include(name)
        }
        const asking = (step: Step) => {
          current = step
        }
        void walk(x, whole, { asking, answered() {} })
      }
    }
    expect([...heard]).to.have.members(names)
  })

  /** Every default as a constant, so that it is told to who listens. */
  function defaults(): [string, unknown][] {
    return names.map((name) => [name, callbacks[name].fallback])
  }

  it('Its answer by default is what it answers when the callback is absent', () => {
    for (const method of methods) {
      for (const [question, { asks, answer, byDefault }] of all) {
        if (byDefault === undefined) continue
        expect(asks, question).to.be.a('string')
        expect(answer(exchangeOf({}, { method })), `${question} for ${method}`).to.equal(byDefault)
      }
    }
  })

  it('One that is for some methods alone has an answer for the others, and asks nothing', () => {
    for (const [question, { answer, onlyFor, otherwise = false }] of all) {
      for (const method of methods.filter((each) => onlyFor && !onlyFor(each))) {
        const x = exchangeOf(spec, { method })
        x.onAnswer = (name) => expect.fail(`${question} asked ${name} for ${method}`)
        expect(answer(x), `${question} for ${method}`).to.equal(otherwise)
      }
    }
  })

  it('One that is always passed leads to one place, unless the method decides', () => {
    for (const [question, { isPassed, onlyFor }] of all) {
      const [yes, no] = graph[question]
      if (isPassed && !onlyFor) expect(yes, question).to.equal(no)
    }
  })
})

describe('The graph of a spec', () => {
  it('As a whole it has every question', () => {
    expect([...questionsIn(whole)]).to.have.members(Object.keys(graph))
  })

  it('Without callbacks it is without the questions that a callback alone decides', () => {
    const left = questionsIn(shorten({}))
    const settled = all.filter(([, { byDefault }]) => byDefault !== undefined)
    for (const [question] of settled) expect(left, question).not.to.include(question)
  })

  it('With each callback as a function it has every question', () => {
    const given = Object.fromEntries(names.map((name) => [name, () => callbacks[name].fallback]))
    expect([...questionsIn(shorten(given))]).to.have.members(Object.keys(graph))
  })
})

describe('What `allowedMethods` can never reach', () => {
  const body = { contentTypesAccepted: { '*/*': () => true } }
  const unreachable: readonly (readonly [CallbackName, allowedMethods: readonly string[], AnySpec?])[] = [
    ['options', ['GET']],
    ['expires', ['PUT'], body],
    ['deleteResource', ['GET']],
    ['deleteCompleted', ['GET']],
    ['isConflict', ['POST'], body],
    ['allowMissingPost', ['PUT'], body],
    ['contentTypesProvided', ['OPTIONS']],
    ['contentTypesAccepted', ['GET']],
    ['contentTypesAccepted', ['GET', 'OPTIONS']],
    ['rangesProvided', ['QUERY'], body],
    ['isAuthorized', []],
  ]
  for (const [name, allowedMethods, rest] of unreachable) {
    it(`${name}, where it is ${allowedMethods.join(', ') || 'empty'}`, () => {
      const spec = { ...rest, allowedMethods, [name]: () => undefined }
      expect(() => checkReach('resource', spec)).to.throw(TypeError, `\`${name}\` can never be reached`)
    })
  }

  it('A method that none of them is can still be refused: the questions before that are reached', () => {
    const early = { serviceAvailable: true, knownMethods: ['GET'], uriTooLong: false, allowedMethods: [] }
    expect(() => checkReach('resource', early)).not.to.throw()
  })

  it('`subscribe` is reached where a provider or an accept callback is', () => {
    expect(holding).to.have.members(['provide', 'accept'])
    const subscribe = () => {}
    expect(() => checkReach('resource', { allowedMethods: ['OPTIONS'], subscribe })).to.throw('`subscribe`')
    expect(() => checkReach('resource', { ...body, allowedMethods: ['POST'], subscribe })).not.to.throw()
    expect(() => checkReach('resource', { contentTypesProvided: [sse()], subscribe })).not.to.throw()
  })
})
