import { expect } from 'chai'
import { type Backend, backend, createHub, ndjson, resources, sse } from '../../lib/index.js'
import { asyncMemory } from '../../lib/testing.js'
import { onEach as onEachStore, redis } from '../support/hubs.js'
import { stage, staged, turns } from '../support/stage.js'
import { atEnd, onEach } from './kinds.js'

const none = resources({})

onEach('Metrics of channels (docs/operate/metrics.md)', (kind) => {
  staged()
  // on a time that stands still from the start
  beforeEach(() => void stage.now)

  it('published_total and publish_seconds: what became of publishes, by channel', async () => {
    const hub = createHub()
    // keys are remembered for a while
    atEnd(() => hub.close())
    const measured = kind.measure({ of: none, hub, channels: ['news'] })
    const news = hub.channel<unknown>('news', { history: 5 })
    await news.publish('one', { key: 'a' })
    await news.publish('one', { key: 'a' })
    await hub.channel<unknown>('rest').publish('two')
    await news.end()
    await news.publish('late').catch(() => {})
    await createHub().channel<unknown>('news').publish('of another hub')
    const now = await measured.read()
    const published = (channel: string, outcome: string) => now.value('published_total', { channel, outcome })
    expect(published('news', 'ok')).to.equal(2)
    expect(published('news', 'refused')).to.equal(1)
    expect(published('other', 'ok')).to.equal(1)
    expect(now.value('publish_seconds', { channel: 'news', outcome: 'ok' })).to.equal(2)
    expect(now.sum('publish_seconds', { channel: 'news', outcome: 'ok' })).to.equal(0)
  })

  it('delivery_seconds: from the append to the last stream', async () => {
    const hub = createHub()
    const channel = hub.channel<string>('news')
    const spec = { contentTypesProvided: [ndjson()], subscribe: channel, stream: { gather: 50 } }
    const endpoint = resources({ '/news': spec })
    const measured = kind.measure({ of: endpoint, hub, channels: ['news'] })
    const site = await stage.now.serve(endpoint)
    const clients = [site.get('/news'), site.get('/news')]
    for (const client of clients) await client.head()
    await channel.publish('one')
    stage.now.time.advance(50)
    for (const client of clients) await client.until('one')
    const now = await measured.read()
    expect(now.value('delivery_seconds', { channel: 'news' })).to.equal(1)
    expect(now.sum('delivery_seconds', { channel: 'news' })).to.equal(0.05)
  })

  it('channel_subscribers, retained_events and retained_bytes: how channels are now', async () => {
    const hub = createHub()
    const measured = kind.measure({ of: none, hub, channels: ['news'] })
    const news = hub.channel<string>('news', { history: 2, historyBytes: 10_000 })
    const rest = ['one', 'two'].map((name) => hub.channel<string>(name, { history: 5 }))
    for (const channel of [news, ...rest]) for (const data of ['a', 'b', 'c']) await channel.publish(data)
    const iterations = [news, ...rest, ...rest].map((channel) => channel[Symbol.asyncIterator]())
    const nexts = iterations.map((each) => each.next())
    const now = await measured.read()
    const of = (name: 'channel_subscribers' | 'retained_events' | 'retained_bytes', channel: string) =>
      now.value(name, { channel })
    expect(of('channel_subscribers', 'news')).to.equal(1)
    expect(of('channel_subscribers', 'other')).to.equal(4)
    expect(of('retained_events', 'news')).to.equal(2)
    expect(of('retained_events', 'other')).to.equal(6)
    expect(of('retained_bytes', 'news')).to.equal(2 * 481)
    await hub.close()
    await Promise.allSettled(nexts)
  })

  it('backend_up and backend_lost_total: whether the store is there', async () => {
    const store = asyncMemory()
    const hub = createHub(store)
    const measured = kind.measure({ of: none, hub: [hub, createHub()] })
    const read = async () => {
      const now = await measured.read()
      const names = ['backend_up', 'backend_lost_total'] as const
      return ['custom', 'memory'].map((backend) => names.map((name) => now.value(name, { backend })))
    }
    expect(await read()).to.deep.equal([
      [1, 0],
      [1, 0],
    ])
    store.lose()
    await turns()
    expect(await read()).to.deep.equal([
      [0, 1],
      [1, 0],
    ])
    store.restore()
    await turns()
    expect(await read()).to.deep.equal([
      [1, 1],
      [1, 0],
    ])
  })

  it('a function gives one label to many channels, at most a hundred; where it fails, all are `other`', async () => {
    const hub = createHub()
    const channels = (name: string) => {
      if (name === 'bad') throw new Error('of the app')
      return name.startsWith('user:') ? 'user' : name.startsWith('room-') ? name : undefined
    }
    const measured = kind.measure({ of: none, hub, channels })
    const publish = (name: string) => hub.channel<number>(name).publish(1)
    for (let number = 0; number < 110; number++) {
      await publish(`user:${number}`)
      await publish(`room-${number}`)
    }
    expect((await stage.now.warning()).message).to.include('label channel')
    await publish('bad')
    expect((await stage.now.warning()).message).to.include('of the app')
    const now = await measured.read()
    const published = (channel: string) => now.value('published_total', { channel, outcome: 'ok' })
    expect(published('user')).to.equal(110)
    expect(published('room-3')).to.equal(1)
    // the user is one of the hundred
    expect(published('other')).to.equal(11 + 1)
    expect(new Set(now.sets('published_total').map(({ channel }) => channel))).to.have.property('size', 101)
  })

  it('what a store does not say in time is left out, and all the rest is there', async () => {
    const hub = createHub(silent(asyncMemory()))
    const endpoint = resources({ '/news': { contentTypesProvided: [sse()], subscribe: () => {} } })
    const measured = kind.measure({ of: endpoint, hub, channels: ['news'] })
    await hub.channel<string>('news', { history: 5 }).publish('one')
    const reading = measured.read()
    await turns()
    stage.now.time.advance(2000)
    const now = await reading
    expect(now.value('streams_open', { route: '/news', format: 'text/event-stream' })).to.equal(0)
    expect(now.value('published_total', { channel: 'news', outcome: 'ok' })).to.equal(1)
    expect(now.sets('retained_events')).to.deep.equal([])
  })
})

onEachStore(
  'Metrics of channels on a store',
  (on) => {
    onEach('retained_events and retained_bytes', (kind) => {
      staged()

      it('are asked for channels that have a label, and for no others', async () => {
        const hub = on.hub()
        const measured = kind.measure({ of: none, hub, channels: ['news'] })
        for (const name of ['news', 'rest']) {
          const channel = hub.channel<string>(name, { history: 2 })
          for (const data of ['a', 'b', 'c']) await channel.publish(data)
        }
        const now = await measured.read()
        expect(now.sets('retained_events')).to.deep.equal([{ channel: 'news' }])
        expect(now.value('retained_events', { channel: 'news' })).to.equal(2)
        expect(now.value('backend_up', { backend: 'redis' })).to.equal(1)
        expect(now.value('published_total', { channel: 'other', outcome: 'ok' })).to.equal(3)
      })
    })
  },
  [redis],
)

/** A store that takes what is published, and never says what it retains. */
function silent(store: Backend): Backend {
  return backend({
    name: 'silent',
    open: (...given) => Object.assign(store.open(...given), { retained: () => new Promise<never>(() => {}) }),
    close: () => store.close(),
  })
}
