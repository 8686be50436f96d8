import { expect } from 'chai'
import { backend } from '../../lib/hub/authoring.js'
import { memory } from '../../lib/hub/memory.js'
import { createHub, type Endpoint, ndjson, resource, resources, sse, stop } from '../../lib/index.js'
import { flood, stage, staged, turns, turnsUntil } from '../support/stage.js'
import { inspecting, type Json, Scene } from './scene.js'

const asSse = { headers: { Accept: 'text/event-stream' } }

describe('What an inspector says in plain words, so that it is found within a minute', () => {
  inspecting()
  staged()

  const alerts = async (scene: Scene): Promise<Json[]> => (await scene.view('view=overview')).alerts
  const only = async (scene: Scene): Promise<Json> => {
    const [first, ...others] = await alerts(scene)
    expect(others).to.deep.equal([])
    return first
  }

  it('nothing, where nothing is wrong', async () => {
    const scene = await Scene.of(
      resources({ '/news': { contentTypesProvided: [sse()], subscribe: () => {} } }),
    )
    await scene.stream('/news')
    expect(await alerts(scene)).to.deep.equal([])
  })

  it('the routes are there before anybody has come, and each says what happened in the last minute', async () => {
    const endpoint = resources(
      { '/news': { contentTypesProvided: [sse(), ndjson()], subscribe: () => {} } },
      { stream: { maxStreams: 10 } },
    )
    const scene = await Scene.of(endpoint)
    const none = {
      open: 0,
      limit: 10,
      behind: 0,
      queued: 0,
      queuedBytes: 0,
      dropped: 0,
      opened: 0,
      ended: {},
      refused: {},
      gaps: 0,
    }
    expect(await scene.rows('view=overview')).to.deep.equal([
      { route: '/news', format: 'text/event-stream', ...none },
      { route: '/news', format: 'application/x-ndjson', ...none },
    ])
    for (let at = 0; at < 3; at++) await scene.stream('/news', asSse)
    const gone = await scene.stream('/news', asSse)
    gone.leave()
    await scene.site.get('/news', { headers: { Accept: 'image/png' } }).whole()
    await turnsUntil(() => [...endpoint.streams].length === 3)
    const [row] = await scene.rows('view=overview')
    expect(row).to.deep.include({ open: 3, opened: 4, ended: { disconnect: 1 }, refused: { 406: 1 } })
    stage.now.time.advance(65_000)
    const [later] = await scene.rows('view=overview')
    expect(later).to.deep.include({ open: 3, opened: 0, ended: {}, refused: {} })
  })

  it('a slow client: how many of how many, how much waits, and for whom', async () => {
    let send = (_data: unknown) => {}
    const endpoint = resources({
      '/prices': {
        contentTypesProvided: [sse()],
        stream: { maxQueuedBytes: 2 ** 26 },
        subscribe: (context) => {
          send = context.send as never
        },
      },
    })
    const scene = await Scene.of(endpoint)
    await scene.stream('/prices')
    scene.site.get('/prices', { reads: false })
    await turnsUntil(() => [...endpoint.streams].length === 2)
    send(flood.toString('latin1'))
    send('behind it')
    await turns()
    const finding = await only(scene)
    expect(finding.level).to.equal('warn')
    expect(finding.text).to.match(
      /^1 of 2 clients of \/prices does not keep up: 1 events \([\d.]+ MiB\) wait for 127\.0\.0\.1\.$/,
    )
    const { rows } = await scene.view(finding.view)
    expect(rows.map(({ isBehind }: Json) => isBehind)).to.deep.equal([true])
  })

  it('clients that were cut since they were too slow, and events that were dropped', async () => {
    let send = (_data: unknown) => {}
    const spec = (overflow: 'close' | 'dropOldest') => ({
      contentTypesProvided: [sse()],
      stream: { maxQueued: 2, overflow },
      subscribe: (context: { send(data: unknown): void }) => {
        send = context.send
      },
    })
    const endpoint = resources({ '/cut': spec('close'), '/dropping': spec('dropOldest') }) as Endpoint
    const scene = await Scene.of(endpoint)
    for (const path of ['/cut', '/dropping']) {
      const before = [...endpoint.streams].length
      scene.site.get(path, { reads: false })
      await turnsUntil(() => [...endpoint.streams].length > before)
      for (let at = 0; at < 6; at++) {
        send(flood.toString('latin1', 0, 2 ** 22))
        await turns(1)
      }
      await turns()
    }
    const texts = (await alerts(scene)).map(({ text }) => text)
    expect(texts).to.include('1 stream of /cut ended in the last minute because the client was too slow.')
    expect(
      texts.some((text) => /^\d events? of \/dropping were dropped in the last minute/.test(text)),
    ).to.equal(true)
  })

  it('a reconnect storm: how many, how soon they end, why, and whether it is one client', async () => {
    const endpoint = resources({ '/news': { contentTypesProvided: [sse()], subscribe: () => {} } })
    const scene = await Scene.of(endpoint)
    for (let at = 0; at < 30; at++) (await scene.stream('/news')).leave()
    await turnsUntil(() => [...endpoint.streams].length === 0)
    const finding = await only(scene)
    expect(finding).to.deep.equal({
      level: 'warn',
      text: 'Reconnect storm: 30 streams of /news opened in the last minute, most of them of 127.0.0.1, and 30 ended within 10 seconds, most with reason "disconnect".',
      view: 'view=ended&route=%2Fnews',
    })
  })

  it('complete answers, however short and many, are no storm', async () => {
    const endpoint = resources({
      '/answers': { contentTypesProvided: [sse(), ndjson()], subscribe: () => ['yes'] },
    })
    const scene = await Scene.of(endpoint)
    for (let at = 0; at < 30; at++) await scene.site.get('/answers').whole()
    expect(await alerts(scene)).to.deep.equal([])
  })

  it('a stream that never had a head is no stream that ended', async () => {
    const endpoint = resources({
      '/news': { contentTypesProvided: [sse()], subscribe: () => stop(404) },
    })
    const scene = await Scene.of(endpoint)
    await scene.site.get('/news', asSse).whole()
    const [row] = await scene.rows('view=overview')
    expect(row).to.deep.include({ opened: 0, ended: {}, refused: { 404: 1 } })
  })

  it('clients that all came back after a deploy are no storm, and told', async () => {
    const hub = createHub()
    const news = hub.channel<number>('news', { history: 100 })
    const id = await news.publish(1)
    const scene = await Scene.of(resources({ '/news': { contentTypesProvided: [sse()], subscribe: news } }))
    for (let at = 0; at < 25; at++) await scene.stream('/news', { headers: { 'Last-Event-ID': id } })
    const { level, text } = await only(scene)
    expect(level).to.equal('info')
    expect(text).to.match(/^25 clients of \/news reconnected in the last minute/)
  })

  it('events that clients have missed', async () => {
    const news = createHub().channel<number>('news', { history: 1 })
    const id = await news.publish(1)
    for (const each of [2, 3, 4]) await news.publish(each)
    const scene = await Scene.of(resources({ '/news': { contentTypesProvided: [sse()], subscribe: news } }))
    await scene.stream('/news', { headers: { 'Last-Event-ID': id } })
    await scene.stream('/news', { headers: { 'Last-Event-ID': 'none-1' } })
    const { text } = await only(scene)
    expect(text).to.match(/^2 clients of \/news missed events in the last minute/)
    expect((await scene.rows('view=overview'))[0]).to.include({ gaps: 2 })
  })

  it('a store that is lost: since when, and what that means; and that it is back', async () => {
    const listeners = new Map<string, () => void>()
    const store = memory()
    const hub = createHub(
      backend({
        name: 'redis',
        open: (...given: Parameters<typeof store.open>) => store.open(...given),
        on: (name: 'down' | 'up', listener: () => void) => listeners.set(name, listener),
        close: () => store.close(),
      } as never),
    )
    const scene = await Scene.of(
      resources({ '/news': { contentTypesProvided: [sse()], subscribe: hub.channel('news') } }),
      { hub },
    )
    listeners.get('down')?.()
    stage.now.time.advance(12_000)
    const finding = await only(scene)
    expect(finding.level).to.equal('error')
    expect(finding.text).to.match(
      /^Redis is away since \d\d:\d\d:\d\d UTC \(12 seconds\): publishing is refused, and open streams get no events until it is back\.$/,
    )
    const { backends } = await scene.view('view=overview')
    expect(backends).to.have.length(1)
    expect(backends[0]).to.include({ backend: 'redis', isUp: false, channels: 1 })
    listeners.get('up')?.()
    expect((await only(scene)).text).to.match(/^Redis was away for 12 seconds, and is back since /)
    stage.now.time.advance(301_000)
    expect(await alerts(scene)).to.deep.equal([])
  })

  it('an endpoint that answers 406 to one client: which, with what, and at which question', async () => {
    const scene = await Scene.of(
      resources({ '/news': { contentTypesProvided: [sse()], subscribe: () => {} } }),
    )
    for (let times = 0; times < 3; times++)
      await scene.site
        .get('/news', { headers: { Accept: 'application/xml', 'User-Agent': 'old-app/1.2' } })
        .whole()
    const finding = await only(scene)
    expect(finding.level).to.equal('warn')
    expect(finding.text).to.match(
      /^\/news answered 406 at the question acceptableMediaType to 3 requests in the last 5 minutes\. The last was GET by 127\.0\.0\.1 \(old-app\/1\.2\), which accepts only application\/xml\.$/,
    )
    expect((await scene.rows(finding.view)).map(({ status }) => status)).to.deep.equal([406, 406, 406])
  })

  it('failures: of streams, and of requests, with what the error says', async () => {
    const endpoint = resources({
      '/dry': {
        contentTypesProvided: [sse()],
        subscribe: ({ fail }) => fail(new RangeError('the source is dry')),
      },
      '/broken': resource({
        contentTypesProvided: {
          'text/plain': () => {
            throw new Error('the disk is full')
          },
        },
      }),
    })
    const scene = await Scene.of(endpoint)
    await scene.site
      .get('/dry')
      .whole()
      .catch(() => {})
    await scene.site.get('/broken').whole()
    const texts = (await alerts(scene)).map(({ level, text }) => `${level} ${text}`)
    expect(texts).to.deep.include(
      'error 1 stream of /dry failed in the last minute: RangeError: the source is dry.',
    )
    expect(
      texts.some((text) =>
        text.startsWith(
          'error /broken answered 500 at the question provide to 1 request in the last 5 minutes (Error: the disk is full).',
        ),
      ),
    ).to.equal(true)
  })

  it('a cap that is near, and one that is reached', async () => {
    const endpoint = resources(
      { '/news': { contentTypesProvided: [sse()], subscribe: () => {} } },
      { stream: { maxStreams: 10 } },
    )
    const scene = await Scene.of(endpoint)
    for (let at = 0; at < 9; at++) await scene.stream('/news')
    expect(await only(scene)).to.deep.include({ level: 'warn', text: '/news has 9 of at most 10 streams.' })
    await scene.stream('/news')
    expect(await only(scene)).to.deep.include({
      level: 'error',
      text: '/news has 10 of at most 10 streams: one more is answered 503.',
    })
  })
})
