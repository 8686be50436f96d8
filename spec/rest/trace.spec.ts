import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { expect } from 'chai'
import { type Exit, graph, type Question } from '../../lib/graph/graph.js'
import {
  type Decisions,
  loop,
  ndjson,
  type ResourceSpec,
  resource,
  sse,
  stop,
  type Trace,
} from '../../lib/index.js'
import { type Asked, ask, hello, onBoth, type Spec, tableOf, writable } from '../support/http.js'
import { turns } from '../support/stage.js'

const channel = 'express-lariat:decisions'

/** What a listener of a resource is told of one request. */
async function decisionsOf(spec: Spec, asked: Asked = {}): Promise<Decisions> {
  const told: Decisions[] = []
  await ask({ ...spec, trace: (decisions) => told.push(decisions) }, asked)
  expect(told).to.have.length(1)
  return told[0] as Decisions
}

const named = (header: unknown) => String(header).split(', ')
const questionsOf = ({ steps }: Decisions) => steps.map(({ question }) => question)
const lastOf = ({ steps }: Decisions) => {
  const { ms, ...rest } = steps.at(-1)!
  return rest
}

/** Whether each question is where the answer before it leads, from the first on. */
function expectConnected({ steps, outcome }: Decisions): void {
  expect(steps[0]?.question).to.equal('serviceAvailable')
  for (const [index, { question, answer }] of steps.entries()) {
    const next = steps[index + 1]?.question
    if (typeof answer === 'boolean') {
      const exit: Exit = graph[question as Question][answer ? 0 : 1]
      expect(next ?? (outcome as { status?: number }).status, question).to.equal(exit)
    } else expect(next).to.equal(undefined)
  }
}

describe('trace (section 1 of the contract)', () => {
  describe('A function', () => {
    it('is told the method, the URL, each question in order, and what came of them', async () => {
      const told = await decisionsOf(hello, { url: '/p?q=1' })
      expect(told).to.include({ method: 'GET', url: '/p?q=1' })
      expect(told.outcome).to.deep.equal({ kind: 'status', status: 200 })
      expectConnected(told)
      expect(questionsOf(told).slice(0, 2)).to.deep.equal(['serviceAvailable', 'knownMethod'])
      expect(questionsOf(told).slice(-2)).to.deep.equal(['multipleChoices', 'isPartial'])
    })

    it('is told where a refused request ended', async () => {
      const told = await decisionsOf({ ...hello, forbidden: () => true })
      expect(lastOf(told)).to.deep.equal({ question: 'forbidden', answer: true, value: true })
      expect(told.outcome).to.deep.equal({ kind: 'status', status: 403 })
      expectConnected(told)
    })

    it('is told what each callback answered, of the negotiation what it chose, and nothing of defaults', async () => {
      const told = await decisionsOf(
        {
          isAuthorized: () => true,
          contentTypesProvided: { 'text/plain': () => 'hello', 'text/html': () => '<p>' },
          languagesProvided: ['en', 'de'],
          generateEtag: async () => '"a"',
        },
        { headers: { accept: 'text/html', 'accept-language': 'de', 'if-none-match': '"b"' } },
      )
      const values = told.steps.filter((step) => 'value' in step).map((step) => [step.question, step.value])
      expect(values).to.deep.equal([
        ['isAuthorized', true],
        ['acceptableMediaType', 'text/html'],
        ['acceptableLanguage', 'de'],
        ['ifNoneMatch', '"a"'],
        ['provide', '<p>'],
      ])
    })

    it('is told of a question what it was answered, and nothing of what else was looked up for it', async () => {
      const told = await decisionsOf(
        {
          ...hello,
          generateEtag: () => '"a"',
          lastModified: () => new Date(0),
          expires: () => new Date(1000),
        },
        { headers: { 'if-none-match': '"a"' } },
      )
      const values = told.steps.filter((step) => 'value' in step).map((step) => [step.question, step.value])
      expect(values).to.deep.equal([
        ['acceptableMediaType', 'text/plain'],
        ['ifNoneMatch', '"a"'],
      ])
      const failed = await decisionsOf({
        generateEtag: () => '"a"',
        contentTypesProvided: { 'text/plain': () => Promise.reject(new Error('no text')) },
      })
      expect(lastOf(failed)).to.deep.equal({ question: 'provide', answer: 'error' })
    })

    it('is told which type was accepted, and what came of it', async () => {
      const told = await decisionsOf(
        { ...writable, contentTypesAccepted: { 'text/*': () => ({ created: '/new' }) } },
        { method: 'POST', headers: { 'content-type': 'text/csv' }, body: 'x' },
      )
      const values = Object.fromEntries(told.steps.map(({ question, value }) => [question, value]))
      expect(values).to.deep.include({ contentTypeAccepted: 'text/*', accept: { created: '/new' } })
      expect(values).to.deep.include({ methodAllowed: writable.allowedMethods })
    })

    it('is told how long each question took, asynchronous ones included', async () => {
      const told = await decisionsOf({
        ...hello,
        forbidden: () => new Promise((resolve) => setTimeout(resolve, 20, false)),
      })
      const times = Object.fromEntries(told.steps.map(({ question, ms }) => [question, ms]))
      expect(times.forbidden).to.be.at.least(19)
      expect(Math.min(...Object.values(times))).to.be.at.least(0)
    })

    it('is told of a stop, and by which question', async () => {
      const told = await decisionsOf({ ...hello, resourceExists: () => stop(404, { detail: 'gone' }) })
      expect(lastOf(told)).to.deep.equal({ question: 'resourceExists', answer: 'stop' })
      expect(told.outcome).to.deep.equal({ kind: 'stop', status: 404 })
      expectConnected(told)
    })

    it('is told of the switch to a loop, and by which question', async () => {
      const told = await decisionsOf({ contentTypesProvided: [sse(), ndjson()], subscribe: () => [1] })
      expect(lastOf(told)).to.deep.equal({ question: 'provide', answer: 'loop' })
      expect(told.outcome).to.deep.equal({ kind: 'loop', status: 200, mediaType: 'text/event-stream' })
      expectConnected(told)
    })

    it('is told of a POST that a stream answers', async () => {
      const told = await decisionsOf(
        {
          allowedMethods: ['POST'],
          contentTypesProvided: [ndjson()],
          contentTypesAccepted: { 'text/plain': ({ negotiated }) => negotiated.format },
          subscribe: () => [1],
        },
        { method: 'POST', headers: { 'content-type': 'text/plain' }, body: 'x' },
      )
      expect(lastOf(told)).to.deep.include({ question: 'accept', answer: 'loop' })
      expectConnected(told)
    })

    it('is told what a callback threw, before the app is', async () => {
      const error = new Error('out of rope')
      const told = await decisionsOf({
        ...hello,
        generateEtag: () => {
          throw error
        },
      })
      expect(lastOf(told)).to.deep.equal({ question: 'provide', answer: 'error' })
      expect(told.outcome).to.deep.equal({ kind: 'error', error })
      expectConnected(told)
    })

    it('is told the status of a body that is refused', async () => {
      const told = await decisionsOf(
        {
          ...writable,
          bodyLimit: 1,
          contentTypesAccepted: { 'text/plain': async ({ text }) => Boolean(await text()) },
        },
        { method: 'POST', headers: { 'content-type': 'text/plain' }, body: 'too long' },
      )
      expect(lastOf(told)).to.deep.equal({ question: 'accept', answer: 'error' })
      expect(told.outcome).to.deep.equal({ kind: 'status', status: 413 })
    })

    it('is told that a callback has answered on its own', async () => {
      const told = await decisionsOf({
        ...hello,
        isAuthorized: ({ res }) => {
          res.end('mine')
          return true
        },
      })
      expect(lastOf(told)).to.deep.equal({ question: 'isAuthorized', answer: 'left' })
      expect(told.outcome).to.deep.equal({ kind: 'left' })
    })

    it('is told nothing of `init` but that it stopped, since that is no question', async () => {
      const told: Decisions[] = []
      const trace = (decisions: Decisions) => void told.push(decisions)
      const asked = { headers: { 'x-in': '1' } }
      const endpoint = resource({
        init: async ({ req }) => (req.get('x-in') ? { user: 'Ada' } : stop(403)),
        contentTypesProvided: { 'text/plain': ({ state }) => state.user },
        trace,
      })
      await ask(endpoint, asked)
      await ask(endpoint)
      const [inside, outside] = told as [Decisions, Decisions]
      expectConnected(inside)
      expect(inside.steps[0]).to.not.have.property('value')
      expect(outside).to.deep.include({ steps: [], outcome: { kind: 'stop', status: 403 } })
    })

    it('is told of a loop() the one question that it asks', async () => {
      const told: Decisions[] = []
      const endpoint = loop({
        format: sse(),
        subscribe: () => [1],
        trace: (decisions) => void told.push(decisions),
      })
      await ask(endpoint)
      await ask(endpoint, { method: 'POST' })
      expect(told.map(questionsOf)).to.deep.equal([['methodAllowed'], ['methodAllowed']])
      expect(told.map(({ outcome }) => outcome)).to.deep.equal([
        { kind: 'loop', status: 200, mediaType: 'text/event-stream' },
        { kind: 'status', status: 405 },
      ])
    })

    it('that throws or rejects is a process warning, and no matter of the request', async () => {
      const warnings: Error[] = []
      const warned = (warning: Error) => void warnings.push(warning)
      process.on('warning', warned)
      try {
        const throws = () => {
          throw new Error('a listener failed')
        }
        expect((await ask({ ...hello, trace: throws })).text).to.equal('hello')
        expect((await ask({ ...hello, trace: async () => throws() })).text).to.equal('hello')
        await turns()
        expect(warnings.map(({ message }) => message.split('\n')[0])).to.deep.equal([
          'The listener of a trace failed: Error: a listener failed',
          'The listener of a trace failed: Error: a listener failed',
        ])
      } finally {
        process.off('warning', warned)
      }
    })

    it('puts nothing into the answer', async () => {
      const answer = await ask({ ...hello, trace: () => {} })
      expect(answer.headers).to.not.have.property('decision-trace')
    })
  })

  describe('true', () => {
    const traced: Spec = { ...hello, trace: true }
    const answers: [what: string, spec: Spec, asked: Asked, status: number, last: string][] = [
      ['an answer', traced, {}, 200, 'isPartial'],
      ['a refusal', traced, { method: 'PUT' }, 405, 'methodAllowed'],
      ['HEAD', traced, { method: 'HEAD' }, 200, 'isPartial'],
      ['OPTIONS', traced, { method: 'OPTIONS' }, 200, 'isOptions'],
      [
        'a QUERY',
        { ...traced, allowedMethods: ['QUERY'], contentTypesAccepted: { '*/*': () => true } },
        { method: 'QUERY', headers: { 'content-type': 'text/plain' } },
        200,
        'isPartial',
      ],
      ['a stop', { ...traced, forbidden: () => stop(402) }, {}, 402, 'forbidden'],
      ['a stream', { contentTypesProvided: [sse()], subscribe: () => [1], trace: true }, {}, 200, 'provide'],
      [
        'what the app answers to an error',
        { ...traced, rateLimited: () => Promise.reject(new Error('none')) },
        {},
        500,
        'rateLimited',
      ],
    ]

    for (const [what, spec, asked, status, last] of answers) {
      it(`puts the questions that were asked into the Decision-Trace header of ${what}`, async () => {
        const answer = await ask(spec, asked)
        expect(answer.status).to.equal(status)
        const questions = named(answer.headers['decision-trace'])
        expect(questions).to.deep.equal(questionsOf(await decisionsOf({ ...spec }, asked)))
        expect(questions[0]).to.equal('serviceAvailable')
        expect(questions.at(-1)).to.equal(last)
      })
    }

    it('puts nothing there with NODE_ENV=production', async () => {
      const { NODE_ENV } = process.env
      process.env.NODE_ENV = 'production'
      try {
        expect((await ask(traced)).headers).to.not.have.property('decision-trace')
      } finally {
        if (NODE_ENV === undefined) delete process.env.NODE_ENV
        else process.env.NODE_ENV = NODE_ENV
      }
    })

    it('changes nothing else of any answer', async () => {
      const etag = { ...writable, generateEtag: () => '"a"', rangesProvided: 'auto' as const }
      const cases: [Spec, Asked][] = [
        [etag, {}],
        [etag, { headers: { 'if-none-match': '"a"' } }],
        [etag, { headers: { 'if-match': '"b"' } }],
        [etag, { headers: { range: 'bytes=1-2' } }],
        [etag, { headers: { accept: 'image/png' } }],
        [etag, { method: 'PROPFIND' }],
        [etag, { method: 'DELETE' }],
        [etag, { method: 'POST', headers: { 'content-type': 'text/plain' }, body: 'x' }],
        [{ ...etag, resourceExists: () => false, previouslyExisted: () => true }, {}],
      ]
      for (const [spec, asked] of cases) {
        const plain = await ask(spec, asked)
        const traced = await ask({ ...spec, trace: true }, asked)
        const { 'decision-trace': trace, date, ...headers } = traced.headers
        expect(trace).to.be.a('string')
        expect({ ...headers, date: plain.headers.date }).to.deep.equal(plain.headers)
        expect([traced.status, traced.text]).to.deep.equal([plain.status, plain.text])
      }
    })
  })

  onBoth('of a table', () => {
    it('is for all entries, and what an entry has of its own wins', async () => {
      const [table, own]: Decisions[][] = [[], []]
      const endpoint = tableOf(
        { '/a': hello, '/b': { ...hello, trace: (decisions) => own!.push(decisions) } },
        { trace: (decisions) => table!.push(decisions) },
      )
      await ask(endpoint, { url: '/a' })
      await ask(endpoint, { url: '/b' })
      expect([table!.map(({ url }) => url), own!.map(({ url }) => url)]).to.deep.equal([['/a'], ['/b']])
    })

    it('reaches the tables within it', async () => {
      const told: Decisions[] = []
      const trace: Trace = (decisions) => told.push(decisions)
      await ask(tableOf({ '/a': tableOf({ '/a': hello }) }, { trace }), { url: '/a' })
      expect(told).to.have.length(1)
    })
  })

  it(`is told on the diagnostics channel ${channel} too, of every resource, while somebody listens`, async () => {
    const told: unknown[] = []
    const listener = (decisions: unknown) => void told.push(decisions)
    subscribe(channel, listener)
    try {
      await ask(hello, { url: '/heard' })
    } finally {
      unsubscribe(channel, listener)
    }
    await ask(hello, { url: '/unheard' })
    expect(told).to.have.length(1)
    expect(told[0]).to.deep.include({ url: '/heard', outcome: { kind: 'status', status: 200 } })
  })

  for (const trace of [false, 'yes', 1, null, {}]) {
    it(`that is ${JSON.stringify(trace)} is a TypeError when it is declared`, () => {
      const declare = () =>
        resource({ ...hello, trace } as unknown as ResourceSpec<undefined, 1, 1, undefined>)
      expect(declare).to.throw(TypeError, '`trace` is')
      expect(declare).to.throw('expected true, or a function that gets the decisions')
      expect(() => tableOf({}, { trace } as never)).to.throw(TypeError, 'resources: defaults: `trace` is')
    })
  }
})
