import { expect } from 'chai'
import type express from 'express'
import { createHub, loop, ndjson, type Refused, resource, resources, sse, stop } from '../../lib/index.js'
import { hidden } from '../../lib/values/inside.js'
import { stage, staged, turnsUntil } from '../support/stage.js'
import { listening } from '../support/told.js'

/** What a message says of how it came about. */
const why = ({ status, question }: Refused) => [status, question]

describe('The diagnostics channel refusal (docs/operate/diagnostics.md)', () => {
  staged()
  const told = listening()
  const refused = () => told.now.of('refusal')
  const usual = { contentTypesProvided: [ndjson()], subscribe: () => new Promise<never>(() => {}) }

  it('tells who was asked for what, and which question refused it', async () => {
    told.now.on('refusal')
    const endpoint = resource(usual)
    const site = await stage.now.serve(resources({ '/news/:day': endpoint }))
    const client = site.get('/news/monday?token=1', { headers: { Accept: 'image/png' } })
    await client.head()
    const [message] = refused()
    expect(message).to.deep.include({
      endpoint,
      route: '/news/:day',
      method: 'GET',
      url: '/news/monday?token=1',
      status: 406,
      question: 'acceptableMediaType',
    })
    expect(message!.headers).to.include({ accept: 'image/png' })
    expect(message).to.not.have.property('error')
  })

  const open = { subscribe: () => {} }
  const cases: readonly (readonly [string, object, number, string])[] = [
    ['a callback that says no', { isAuthorized: 'Basic' }, 401, 'isAuthorized'],
    ['a stop of a callback', { forbidden: () => stop(451, { body: 'no' }) }, 451, 'forbidden'],
    ['a stop of init', { init: () => stop(400) }, 400, 'init'],
    ['a stop before the head', { subscribe: () => stop(404) }, 404, 'subscribe'],
    ['a limit', { ...open, stream: { maxStreams: 1 } }, 503, 'maxStreams'],
    ['a limit for each client', { ...open, stream: { maxStreamsPerClient: 1 } }, 429, 'maxStreamsPerClient'],
  ]
  for (const [name, spec, status, question] of cases)
    it(`${name}: ${status}, by ${question}, once`, async () => {
      told.now.on('refusal')
      const endpoint = resource({ ...usual, ...spec } as never)
      const site = await stage.now.serve(endpoint)
      // a limit is one of those before it
      if ('stream' in spec) {
        site.get('/')
        await turnsUntil(() => [...endpoint.streams].length > 0)
      }
      const client = site.get('/')
      expect((await client.head()).status).to.equal(status)
      expect(refused().map(why)).to.deep.equal([[status, question]])
    })

  it('what a callback throws is told with the error, and the status that it has', async () => {
    told.now.on('refusal')
    const error = Object.assign(new Error('no'), { status: 418 })
    const site = await stage.now.serve(
      resource({
        ...usual,
        forbidden: () => {
          throw error
        },
      }),
    )
    await site.get('/').head()
    expect(refused().map(why)).to.deep.equal([[418, 'forbidden']])
    expect(refused()[0]).to.have.property('error', error)
  })

  it('an error that cannot be read is told as a 500, and answered: thrown or rejected', async () => {
    const hostile = {
      get status() {
        throw new Error('must not be read')
      },
    }
    for (const isListening of [false, true]) {
      if (isListening) told.now.on('refusal')
      for (const provide of [
        () => {
          throw hostile
        },
        () => Promise.reject(hostile),
      ]) {
        const app = resources({ '/': { contentTypesProvided: { 'text/plain': provide as never } } })
        const site = await stage.now.serve((req: never, res: express.Response) =>
          app(req, res, () => void res.status(500).end('the app answers')),
        )
        expect((await site.get('/').whole()).body).to.equal('the app answers')
      }
    }
    expect(refused().map(({ status, error }) => [status, error])).to.deep.equal([
      [500, hostile],
      [500, hostile],
    ])
  })

  it('endpoint.close() refuses what comes later', async () => {
    told.now.on('refusal')
    const endpoint = resource(usual)
    const site = await stage.now.serve(endpoint)
    await endpoint.close()
    await site.get('/').head()
    expect(refused().map(why)).to.deep.equal([[503, 'closing']])
  })

  it('a stream that was open is no refusal, however it ends, and an answer below 400 is none', async () => {
    told.now.on('refusal')
    const channel = createHub().channel('news')
    const site = await stage.now.serve(
      resources({
        '/news': loop({ format: sse(), subscribe: channel }),
        '/none': resource({
          contentTypesProvided: { 'text/plain': () => 'x' },
          resourceExists: () => stop(204),
        }),
      }),
    )
    const client = site.get('/news')
    await client.head()
    await channel.end()
    await client.whole()
    await site.get('/none').head()
    expect(refused()).to.deep.equal([])
  })

  it('an endpoint that is hidden is in no message', async () => {
    told.now.on('refusal').on('decisions').on('open').on('first').on('end').on('overflow').on('resume')
    const channel = createHub().channel('news', { history: 5 })
    const endpoint = resource(hidden({ contentTypesProvided: [ndjson()], subscribe: channel }))
    const site = await stage.now.serve(endpoint)
    await site.get('/', { headers: { Accept: 'image/png' } }).head()
    const client = site.get('/')
    await client.head()
    await channel.publish(1)
    await client.until('1')
    client.leave()
    await turnsUntil(() => [...endpoint.streams].length === 0)
    expect(told.now.names).to.deep.equal([])
  })
})
