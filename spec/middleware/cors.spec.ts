import { expect } from 'chai'
import cors from 'cors'
import { createHub, type Endpoint, resource, sse } from '../../lib/index.js'
import { onBoth } from '../support/http.js'
import { Log } from '../support/log.js'
import { stage, staged } from '../support/stage.js'

const Origin = 'https://page.example'
const dynamic = cors({
  origin: (origin, answer) =>
    origin === 'https://evil.example' ? answer(null, false) : answer(null, [Origin]),
  credentials: true,
  exposedHeaders: ['Last-Event-ID', 'Event-Gap'],
})

const allowed = {
  'access-control-allow-origin': Origin,
  'access-control-allow-credentials': 'true',
  'access-control-expose-headers': 'Last-Event-ID,Event-Gap',
}

const preflight = {
  method: 'OPTIONS',
  headers: {
    Origin,
    'Access-Control-Request-Method': 'GET',
    'Access-Control-Request-Headers': 'authorization',
  },
}

/** Wants a cookie, and says what it was asked. */
function guarded(log = new Log()): Endpoint {
  return resource({
    isAuthorized: ({ req }) => {
      log.add(`isAuthorized ${req.method}`)
      return req.get('cookie') === 'sid=1' || 'Session realm="news"'
    },
    contentTypesProvided: { 'text/event-stream': sse(), 'text/plain': () => 'hello' },
    generateEtag: ({ negotiated }) => (negotiated.mediaType === 'text/plain' ? '"1"' : undefined),
    subscribe: () => [1],
  })
}

onBoth('Behind cors() (docs/guide/existing-app.md)', () => {
  staged()

  const Cookie = 'sid=1'

  it('every answer may be read by the page, refusals too, and Vary names Origin beside Accept (Fetch 3.2)', async () => {
    const site = await stage.now.serve(guarded(), { before: [dynamic] })
    for (const [status, headers, vary] of [
      [200, { Cookie, Accept: 'text/event-stream' }, 'Origin, Accept'],
      [200, { Cookie, Accept: 'text/plain' }, 'Origin, Accept'],
      [304, { Cookie, Accept: 'text/plain', 'If-None-Match': '"1"' }, 'Origin, Accept'],
      [401, {}, 'Origin'],
      [406, { Cookie, Accept: 'image/png' }, 'Origin, Accept'],
    ] as const) {
      const message = await site.get('/', { headers: { Origin, ...headers } }).whole()
      expect(message.status).to.equal(status)
      expect(message.headers, String(status)).to.include({ ...allowed, vary })
    }
  })

  it('so is the 503 of an endpoint that closes, and what the app answers to an error', async () => {
    const failing = resource({
      contentTypesProvided: [sse()],
      subscribe: () => {
        throw new Error('no source')
      },
      terminate() {},
    })
    const site = await stage.now.serve(failing, { before: [dynamic] })
    const failed = await site.get('/', { headers: { Origin } }).whole()
    expect(failed.status).to.equal(500)
    expect(failed.headers).to.include(allowed)
    await failing.close()
    const message = await site.get('/', { headers: { Origin } }).whole()
    expect(message.status).to.equal(503)
    expect(message.headers).to.include({ ...allowed, vary: 'Origin' })
  })

  it('an EventSource with credentials is let in, and comes back with its Last-Event-ID', async () => {
    const news = createHub().channel<string>('news', { history: 10 })
    const id = await news.publish('first')
    await news.publish('second')
    const site = await stage.now.serve(
      resource({
        isAuthorized: ({ req }) => req.get('cookie') === Cookie || 'Session realm="news"',
        contentTypesProvided: [sse()],
        subscribe: news,
      }),
      { before: [dynamic] },
    )
    const headers = { Origin, Cookie, Accept: 'text/event-stream', 'Last-Event-ID': id }
    const client = site.get('/', { headers })
    await client.until('data: second')
    expect(client.body).not.to.include('first')
    expect(client.message.headers).to.include({ ...allowed, vary: 'Origin, Accept' })
  })

  it('an origin that is not allowed is served without a permission, and Vary says so', async () => {
    const site = await stage.now.serve(guarded(), { before: [dynamic] })
    const message = await site.get('/', { headers: { Origin: 'https://evil.example', Cookie } }).whole()
    expect(message.status).to.equal(200)
    expect(message.headers).not.to.have.property('access-control-allow-origin')
  })

  it('an origin that cors() refuses by an error is for the app’s error handler, and nobody is asked', async () => {
    const log = new Log()
    const refusing = cors({ origin: (_origin, answer) => answer(new Error('not from there')) })
    const site = await stage.now.serve(guarded(log), { before: [refusing] })
    expect(await site.get('/', { headers: { Origin } }).whole()).to.include({ status: 500 })
    expect(stage.now.errors.map(String)).to.deep.equal(['Error: not from there'])
    expect(log.entries).to.deep.equal([])
  })

  it('a preflight is answered by cors(): the endpoint, and its `isAuthorized`, are not asked', async () => {
    const log = new Log()
    const site = await stage.now.serve(guarded(log), { before: [dynamic] })
    const message = await site.get('/', preflight).whole()
    expect(message.status).to.equal(204)
    expect(message.headers).to.include({
      'access-control-allow-origin': Origin,
      'access-control-allow-headers': 'authorization',
    })
    expect(log.entries).to.deep.equal([])
  })

  it('with `preflightContinue` the endpoint answers it: 200 with Allow, beside the headers of cors()', async () => {
    const open = resource({ contentTypesProvided: [sse()], subscribe: () => [1] })
    const site = await stage.now.serve(open, { before: [cors({ origin: Origin, preflightContinue: true })] })
    const message = await site.get('/', preflight).whole()
    expect(message.status).to.equal(200)
    expect(message.headers).to.include({
      allow: 'GET, HEAD, OPTIONS',
      'access-control-allow-origin': Origin,
      'access-control-allow-headers': 'authorization',
      vary: 'Origin, Access-Control-Request-Headers',
    })
  })

  it('and asks `isAuthorized`, which has to let OPTIONS pass: a preflight has no credentials (Fetch 3.2.2)', async () => {
    const before = [cors({ origin: Origin, preflightContinue: true })]
    const log = new Log()
    const site = await stage.now.serve(guarded(log), { before })
    expect((await site.get('/', preflight).whole()).status).to.equal(401)
    expect(log.entries).to.deep.equal(['isAuthorized OPTIONS'])
    const passing = resource({
      isAuthorized: ({ req }) => req.method === 'OPTIONS' || 'Session realm="news"',
      contentTypesProvided: [sse()],
      subscribe: () => [1],
    })
    const other = await stage.now.serve(passing, { before })
    expect((await other.get('/', preflight).whole()).status).to.equal(200)
    expect((await other.get('/').whole()).status).to.equal(401)
  })

  it('without cors() a resource answers a preflight by its `options`', async () => {
    const site = await stage.now.serve(
      resource({
        options: {
          'Access-Control-Allow-Origin': Origin,
          'Access-Control-Allow-Methods': 'GET',
          Vary: 'Origin',
        },
        contentTypesProvided: [sse()],
        subscribe: () => [1],
      }),
    )
    expect((await site.get('/', preflight).whole()).headers).to.include({
      'access-control-allow-origin': Origin,
      'access-control-allow-methods': 'GET',
      vary: 'Origin',
    })
  })
})
