import { expect } from 'chai'
import type { Express } from 'express'
import { createHub, ndjson, resource, resources, sse } from '../../lib/index.js'
import { onBoth } from '../support/http.js'
import { stage, staged, turns } from '../support/stage.js'

onBoth('Settings of the app (docs/guide/existing-app.md)', () => {
  staged()

  const forwarded = (client: string) => ({ headers: { 'X-Forwarded-For': client } })

  /** One stream for each client. */
  async function oneEach(set: (app: Express) => unknown) {
    const endpoint = resource({
      contentTypesProvided: [sse()],
      subscribe: () => {},
      stream: { maxStreamsPerClient: 1 },
    })
    return { endpoint, site: await stage.now.serve(endpoint, { set }) }
  }

  it('`trust proxy`: a client is whom X-Forwarded-For names, each with streams of its own', async () => {
    const { endpoint, site } = await oneEach((app) => app.set('trust proxy', 1))
    for (const client of ['192.0.2.1', '192.0.2.2'])
      expect((await site.get('/', forwarded(client)).head()).status).to.equal(200)
    expect((await site.get('/', forwarded('192.0.2.1')).head()).status).to.equal(429)
    expect([...endpoint.streams].map(({ client }) => client)).to.deep.equal(['192.0.2.1', '192.0.2.2'])
  })

  it('without it a client is the proxy, and none can name itself another', async () => {
    const { endpoint, site } = await oneEach(() => {})
    expect((await site.get('/', forwarded('192.0.2.1')).head()).status).to.equal(200)
    expect((await site.get('/', forwarded('192.0.2.2')).head()).status).to.equal(429)
    expect([...endpoint.streams].map(({ client }) => client)).to.deep.equal(['127.0.0.1'])
    // the process is told of it once, by whichever test comes first
    await turns()
    stage.now.warnings.splice(0)
  })

  it('`x-powered-by` off is off for a stream and a refusal, too', async () => {
    const site = await stage.now.serve(resource({ contentTypesProvided: [sse()], subscribe: () => [1] }), {
      set: (app) => app.disable('x-powered-by'),
    })
    for (const Accept of ['text/event-stream', 'image/png'])
      expect((await site.get('/', { headers: { Accept } }).whole()).headers).not.to.have.property(
        'x-powered-by',
      )
  })

  for (const etag of [false, 'weak', 'strong'] as const) {
    it(`\`etag\` ${etag} makes none for an endpoint, and leaves that of generateEtag`, async () => {
      const site = await stage.now.serve(
        resources({
          '/none': { contentTypesProvided: { 'text/plain': () => 'hello' } },
          '/own': { contentTypesProvided: { 'text/plain': () => 'hello' }, generateEtag: '"own"' },
          '/stream': { contentTypesProvided: [sse()], subscribe: () => [1] },
        }),
        { set: (app) => app.set('etag', etag) },
      )
      for (const [path, expected] of [
        ['/none', undefined],
        ['/own', '"own"'],
        ['/stream', undefined],
      ] as const) {
        expect((await site.get(path).whole()).headers.etag, path).to.equal(expected)
      }
    })
  }

  for (const parser of ['extended', 'simple', false, () => ({ parsed: 'otherwise' })]) {
    it(`\`query parser\` ${parser}: a client comes back by lastEventId in the query all the same`, async () => {
      const news = createHub().channel<string>('news', { history: 10 })
      const id = await news.publish('first')
      await news.publish('second')
      const site = await stage.now.serve(resource({ contentTypesProvided: [ndjson()], subscribe: news }), {
        set: (app) => app.set('query parser', parser),
      })
      const client = site.get(`/?lastEventId=${encodeURIComponent(id)}&a[b]=c`)
      expect(await client.until('second')).to.equal('"second"\n')
    })
  }

  it('`strict routing` and `case sensitive routing` are for the app’s own paths: a table has those of a new router', async () => {
    const text = { contentTypesProvided: { 'text/plain': () => 'hello' } }
    const site = await stage.now.serve(resources({ '/table': text }), {
      set(app) {
        app.enable('strict routing').enable('case sensitive routing')
        app.all('/app', resource(text))
      },
    })
    for (const [path, status] of [
      ['/app', 200],
      ['/app/', 404],
      ['/APP', 404],
      ['/table', 200],
      ['/table/', 200],
      ['/TABLE', 200],
    ] as const) {
      expect((await site.get(path).whole()).status, path).to.equal(status)
    }
  })
})
