import { expect } from 'chai'
import { createHub, type Endpoint, ndjson, resource, resources, sse } from '../../lib/index.js'
import { flood, stage, staged, turns, turnsUntil } from '../support/stage.js'
import { inspecting, type Json, pass, Scene } from './scene.js'

/** Two routes in two formats, and what sends to each stream. */
function table() {
  const sends = new Map<string, (data: unknown) => void>()
  const held = {
    contentTypesProvided: [ndjson(), sse()],
    stream: { maxQueuedBytes: 2 ** 26 },
    subscribe: ({ req, send }: { req: { path: string; originalUrl: string }; send(data: unknown): void }) => {
      sends.set(req.originalUrl, send)
    },
  }
  const endpoint = resources({ '/news/:topic': held, '/prices': held }) as Endpoint
  return { endpoint, send: (url: string, data: unknown = 'x') => sends.get(url)!(data) }
}

const asSse = { headers: { Accept: 'text/event-stream' } }

describe('The views of an inspector', () => {
  inspecting()
  staged()

  describe('all of them', () => {
    it('say which process they are of, and since when decisions are recorded', async () => {
      const scene = await Scene.of(table().endpoint)
      for (const view of ['overview', 'streams', 'ended', 'channels', 'decisions']) {
        const shown = await scene.view(`view=${view}`)
        expect(shown).to.include({ view, total: 0 + shown.total, page: 1, pages: 1 })
        expect(shown.about).to.include({
          pid: process.pid,
          processes: 'one',
          closing: false,
          version: 'source',
        })
        expect(shown.about).to.include({ actions: false, payloads: false })
        expect(shown.about.host).to.be.a('string')
        expect(shown.about.now - shown.about.recordingSince).to.be.within(-10, 1000)
      }
    })

    for (const [query, detail] of [
      ['view=secrets', 'view is "secrets": expected overview, streams, ended, channels, decisions'],
      ['view=streams&sort=-name', 'sort is "-name": expected age, rate, sent, '],
      ['view=ended&sort=age', 'sort is "age": this view has none'],
      ['view=streams&state=slow', 'state is "slow": expected behind, ok, dropped'],
      ['view=decisions&status=4', 'status is "4": expected a status, such as 406, or 4xx'],
      ['page=0', 'page is "0": expected a number, 1 or more'],
      ['page=1.5', 'page is "1.5": expected'],
      [`view=${'x'.repeat(500)}`, `view is "${'x'.repeat(59)}…": expected`],
    ] as const)
      it(`refuse ${query.slice(0, 40)} by 400, and say what is expected`, async () => {
        const scene = await Scene.of(table().endpoint)
        const { status, body } = await scene.ask(`feed?${query}`)
        expect(status).to.equal(400)
        expect(JSON.parse(body).detail.slice(0, detail.length)).to.equal(detail)
      })
  })

  describe('streams', () => {
    it('shows each with its labels and its counts', async () => {
      const { endpoint, send } = table()
      const scene = await Scene.of(endpoint)
      const client = await scene.stream('/news/rope?token=abc', asSse)
      send('/news/rope?token=abc', 'hello')
      send('/news/rope?token=abc', 'again')
      await client.until('again')
      stage.now.time.advance(2500)
      const [row, ...others] = await scene.rows('view=streams')
      expect(others).to.deep.equal([])
      const [stream] = endpoint.streams
      expect(row).to.include({
        id: stream!.id,
        path: '/news/rope',
        route: '/news/:topic',
        format: 'text/event-stream',
        client: '127.0.0.1',
        sent: 2,
        bytes: stream!.bytes,
        queued: 0,
        queuedBytes: 0,
        dropped: 0,
        isBehind: false,
      })
      expect(row.age % 1000).to.equal(0)
    })

    it('searches, filters and sorts on the server, in pages of 50', async () => {
      const { endpoint, send } = table()
      const scene = await Scene.of(endpoint)
      for (let at = 0; at < 60; at++) await scene.stream(`/news/n${at}`)
      await scene.stream('/prices', asSse)
      for (let times = 0; times < 3; times++) send('/news/n7')
      send('/news/n8')
      await turns()
      const paths = async (query: string) =>
        (await scene.rows(`view=streams&${query}`)).map(({ path }) => path)

      const first = await scene.view('view=streams&sort=-age')
      expect(first).to.include({ total: 61, matched: 61, page: 1, pages: 2 })
      expect(first.rows).to.have.length(50)
      expect(first.routes).to.deep.equal(['/news/:topic', '/prices'])
      expect(first.formats).to.deep.equal(['application/x-ndjson', 'text/event-stream'])
      expect(await paths('page=2')).to.have.length(11)
      // a page that is gone is the last
      expect(await scene.view('view=streams&page=99')).to.include({ page: 2 })

      expect((await paths('sort=-sent')).slice(0, 2)).to.deep.equal(['/news/n7', '/news/n8'])
      expect((await paths('sort=path')).slice(0, 3)).to.deep.equal(['/news/n0', '/news/n1', '/news/n10'])
      expect(await paths('q=N59')).to.deep.equal(['/news/n59'])
      expect(await paths('route=/prices')).to.deep.equal(['/prices'])
      expect(await paths('format=text/event-stream')).to.deep.equal(['/prices'])
      expect(await paths('q=127.0.0.1&route=/prices')).to.deep.equal(['/prices'])
      expect(await paths('q=none')).to.deep.equal([])
    })

    it('says which clients do not keep up, and what waits for them', async () => {
      const { endpoint, send } = table()
      const scene = await Scene.of(endpoint)
      await scene.stream('/news/fast')
      await scene.site.get('/news/slow', { reads: false })
      await turnsUntil(() => [...endpoint.streams].length === 2)
      send('/news/slow', flood.toString('latin1'))
      send('/news/slow', 'behind it')
      await turns()
      const [row, ...others] = await scene.rows('view=streams&state=behind')
      expect(others).to.deep.equal([])
      expect(row).to.include({ path: '/news/slow', isBehind: true })
      expect(row.queuedBytes).to.be.greaterThan(0)
      expect((await scene.rows('view=streams&state=ok')).map(({ path }) => path)).to.deep.equal([
        '/news/fast',
      ])
    })

    it('makes a row for those on the page alone, of however many there are', async () => {
      let asked = 0
      const streams = Array.from({ length: 10_000 }, (_, at) => ({
        id: String(at),
        route: '/news',
        format: 'text/event-stream',
        client: 'one',
        openedAt: new Date(),
        sent: at,
        bytes: 0,
        queued: 0,
        dropped: 0,
        get path() {
          asked += 1
          return '/news'
        },
        [Symbol.for('express-lariat.inside')]: { isBehind: false, queuedBytes: 0 },
      }))
      const fake = Object.assign(() => {}, {
        [Symbol.for('express-lariat.inside')]: () => [
          { endpoint: {}, streams, isClosing: false, mounts: [] },
        ],
      })
      const scene = await Scene.of(fake as never)
      const { total, rows } = await scene.view('view=streams&sort=-sent')
      expect([total, rows.length, rows[0].sent, asked]).to.deep.equal([10_000, 50, 9999, 50])
    })
  })

  describe('ended', () => {
    it('shows the last 200 that have ended, why, and how often', async () => {
      const { endpoint } = table()
      const scene = await Scene.of(endpoint)
      for (let at = 0; at < 210; at++) {
        const client = await scene.stream(`/news/n${at}`)
        if (at < 200) client.leave()
        else for (const stream of endpoint.streams) stream.close()
        await turnsUntil(() => [...endpoint.streams].length === 0)
      }
      const { rows, total, pages, reasons } = await scene.view('view=ended')
      expect({ total, pages, reasons }).to.deep.equal({
        total: 200,
        pages: 4,
        reasons: { revoked: 10, disconnect: 190 },
      })
      expect(rows[0]).to.include({
        path: '/news/n209',
        route: '/news/:topic',
        format: 'application/x-ndjson',
        client: '127.0.0.1',
        reason: 'revoked',
        error: null,
        msToFirst: null,
        sent: 0,
      })
      expect(await scene.rows('view=ended&state=disconnect&q=n199')).to.have.length(1)
    })

    it('shows what an error says, without its stack', async () => {
      const endpoint = resource({
        contentTypesProvided: [ndjson()],
        subscribe: ({ fail }) => fail(new RangeError('the source is dry')),
      })
      const scene = await Scene.of(resources({ '/dry': endpoint }))
      scene.site.get('/dry')
      await turnsUntil(() => stage.now !== undefined)
      await turns()
      const [row] = await scene.rows('view=ended')
      expect(row).to.include({ reason: 'error', error: 'RangeError: the source is dry' })
    })
  })

  describe('channels', () => {
    it('shows who follows each, what is retained, and from where it is fed', async () => {
      const hub = createHub()
      const news = hub.channel<string>('news', { history: 100 })
      const ticks = hub.channel<number>('ticks', { source: () => {} })
      const endpoint = resources({
        '/news': { contentTypesProvided: [sse()], subscribe: news },
        '/ticks': { contentTypesProvided: [sse()], subscribe: ticks },
      })
      const scene = await Scene.of(endpoint, { hub })
      const first = await news.publish('one')
      const last = await news.publish('two')
      await scene.stream('/news')
      await scene.stream('/news')
      const rows = await scene.rows('view=channels')
      expect(rows.map(({ name }: Json) => name)).to.deep.equal(['news', 'ticks'])
      expect(rows[0]).to.deep.include({
        subscribers: 2,
        first,
        last,
        source: 'none',
        hasEnded: false,
        backend: 'memory',
        isUp: true,
      })
      expect(rows[0].retained.events).to.equal(2)
      expect(rows[1]).to.include({ subscribers: 0, source: 'stopped' })
      expect(
        (await scene.rows('view=channels&sort=-subscribers&q=N')).map(({ name }: Json) => name),
      ).to.deep.equal(['news'])
    })

    it('measures how fast each goes while somebody looks', async () => {
      const hub = createHub()
      const news = hub.channel<number>('news', { history: 10 })
      const endpoint = resources({ '/news': { contentTypesProvided: [sse()], subscribe: news } })
      const scene = await Scene.of(endpoint, { hub })
      await scene.stream('/news')
      const watch = scene.watch('feed?view=channels')
      await watch.next(1)
      for (let at = 0; at < 30; at++) await news.publish(at)
      await pass(250)
      for (let times = 0; times < 8; times++) await pass(250)
      const rates = watch.told.map(({ rows: [row] }) => row.rate)
      expect(rates[0]).to.equal(null)
      expect(Math.max(...rates)).to.be.within(10, 30)
    })
  })
})
