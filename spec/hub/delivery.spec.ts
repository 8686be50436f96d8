import { expect } from 'chai'
import { createHub, type Feed, ndjson, resource, resources, sse } from '../../lib/index.js'
import { inside, type WithHub, type WithStream } from '../../lib/values/inside.js'
import { stage, staged } from '../support/stage.js'
import { listening } from '../support/told.js'

const look = (hub: object) => (hub as WithHub)[inside]

describe('The diagnostics channel delivery (docs/operate/diagnostics.md)', () => {
  staged()
  const told = listening()
  const bare = () => told.now.of('delivery').map(({ hub: _, ...rest }) => rest)
  const serve = (feed: Feed<unknown>, stream = {}) =>
    stage.now.serve(
      resources(
        {
          '/': { contentTypesProvided: [ndjson(), sse()], subscribe: feed },
          '/alone': resource({ contentTypesProvided: [ndjson()], subscribe: feed, info: () => {} }),
        },
        { stream },
      ),
    )

  it('is told once for each write that streams share: how many streams, events and milliseconds', async () => {
    told.now.on('delivery')
    const hub = createHub()
    const channel = hub.channel<unknown>('news')
    const site = await serve(channel)
    const clients = [
      site.get('/'),
      site.get('/'),
      site.get('/', { headers: { Accept: 'text/event-stream' } }),
    ]
    for (const client of clients) await client.head()
    void channel.publish('a')
    void channel.publish('b')
    for (const client of clients) await client.until('"b"'.slice(1, 2))
    expect(bare()).to.have.deep.members([
      { channel: 'news', streams: 2, events: 2, ms: 0 },
      { channel: 'news', streams: 1, events: 2, ms: 0 },
    ])
    expect(told.now.of('delivery')[0]!.hub).to.equal(hub)
  })

  it('counts the time for which events are gathered', async () => {
    told.now.on('delivery')
    const channel = createHub().channel<unknown>('news')
    const site = await serve(channel, { gather: 50 })
    const client = site.get('/')
    await client.head()
    await channel.publish('a')
    stage.now.time.advance(50)
    await client.until('a')
    expect(bare()).to.deep.equal([{ channel: 'news', streams: 1, events: 1, ms: 50 }])
  })

  it('of streams that share nothing, it is told once their mailboxes have it', async () => {
    told.now.on('delivery')
    const channel = createHub().channel<unknown>('news')
    const site = await serve(channel)
    await site.get('/alone').head()
    await channel.publish('a')
    expect(bare()).to.deep.equal([{ channel: 'news', streams: 1, events: 1, ms: 0 }])
  })

  it('is not told without subscribers', async () => {
    told.now.on('delivery')
    await createHub().channel<unknown>('news', { history: 5 }).publish('a')
    expect(bare()).to.deep.equal([])
  })
})

describe('What is inside a hub and a stream, for the tools that observe', () => {
  staged()

  it('a channel shows what it retains, its subscribers, and the state of its source', async () => {
    const hub = createHub()
    const channel = hub.channel<unknown>('news', { history: 2, source: () => {}, linger: 100 })
    expect(look(hub)).to.include({ backend: 'memory', isUp: true })
    const shown = look(hub).channel('news')!
    expect(shown.source).to.equal('stopped')
    expect(await shown.retained()).to.deep.include({
      events: 0,
      bytes: 0,
      first: undefined,
      since: undefined,
    })
    const ids: string[] = []
    for (const data of ['a', 'b', 'c']) ids.push(await channel.publish(data))
    const retained = await shown.retained()
    expect(retained).to.include({ events: 2, bytes: 2 * 481, first: ids[1], last: ids[2] })
    const all = channel[Symbol.asyncIterator]()
    const next = all.next()
    expect(shown).to.include({ subscribers: 1, source: 'running', hasEnded: false })
    await channel.publish('d')
    await next
    await all.return?.()
    expect(shown).to.include({ subscribers: 0, source: 'lingering' })
    stage.now.time.advance(100)
    expect(shown.source).to.equal('stopped')
    await channel.end()
    expect(shown.hasEnded).to.equal(true)
    expect([...look(hub).channels].map(({ name }) => name)).to.deep.equal(['news'])
    expect(look(hub).channel('other')).to.equal(undefined)
  })

  it('a look at a channel is no subscriber, and sees what subscribers get', async () => {
    const hub = createHub()
    const channel = hub.channel<unknown>('news')
    const seen: unknown[] = []
    const stop = look(hub)
      .channel('news')!
      .tap((item) => seen.push(item))
    await channel.publish('nobody')
    expect(channel.subscribers).to.equal(0)
    const all = channel[Symbol.asyncIterator]()
    const next = all.next()
    const id = await channel.publish('a', { type: 'tick' })
    await next
    stop()
    await channel.publish('b')
    await all.return?.()
    expect(seen).to.deep.equal([{ id, data: 'a', type: 'tick' }])
  })

  it('a look at a stream gets its bytes from then on, the tail too, while others share their writes', async () => {
    const channel = createHub().channel<unknown>('news')
    const endpoint = resources({ '/': { contentTypesProvided: [sse()], subscribe: channel } })
    const site = await stage.now.serve(endpoint)
    const [one, other] = [site.get('/'), site.get('/')]
    await one.head()
    await other.head()
    await channel.publish('before')
    await one.until('before')
    await other.until('before')
    const [looked] = [...endpoint.streams]
    const within = (looked as unknown as WithStream)[inside]
    let seen = ''
    const stop = within.tap((bytes) => {
      seen += Buffer.from(bytes).toString()
    })
    expect(within).to.include({ isBehind: false, queuedBytes: 0 })
    const sent = looked!.sent
    for (const data of ['one', 'two']) {
      await channel.publish(data)
      await one.until(data)
      await other.until(data)
    }
    expect(seen.replace(/^id: .*\n/gm, '')).to.equal('data: one\n\ndata: two\n\n')
    expect(looked!.sent).to.equal(sent + 2)
    stop()
    await channel.publish('after')
    await one.until('after')
    expect(seen).to.not.include('after')
  })
})
