import { expect } from 'chai'
import express from 'express'
import { createHub, event, loop, ndjson, resource, resources, sse, stop } from '../../lib/index.js'
import { flood, stage, staged, turns, turnsUntil } from '../support/stage.js'
import { onEach } from './kinds.js'

const json = 'application/x-ndjson'
const events = 'text/event-stream'
const labels = { route: '/news', format: json }

onEach('Metrics of streams (docs/operate/metrics.md)', (kind) => {
  staged()

  it('streams_open, streams_opened_total and streams_ended_total: how many there are, were, and why not any more', async () => {
    const channel = createHub().channel<string>('news')
    const endpoint = resources({ '/news': { contentTypesProvided: [ndjson(), sse()], subscribe: channel } })
    const measured = kind.measure({ of: endpoint })
    const site = await stage.now.serve(endpoint)
    const [one, two] = [site.get('/news'), site.get('/news')]
    const three = site.get('/news', { headers: { Accept: events } })
    for (const client of [one, two, three]) await client.head()
    const held = await measured.read()
    expect(held.value('streams_open', labels)).to.equal(2)
    expect(held.value('streams_open', { route: '/news', format: events })).to.equal(1)
    one.leave()
    await turnsUntil(() => [...endpoint.streams].length === 2)
    for (const stream of endpoint.streams) stream.close()
    await two.whole()
    const left = await measured.read()
    expect(left.value('streams_open', labels)).to.equal(0)
    expect(left.value('streams_opened_total', labels)).to.equal(2)
    const ended = (format: string, reason: string) =>
      left.value('streams_ended_total', { route: '/news', format, reason })
    expect([ended(json, 'disconnect'), ended(json, 'revoked'), ended(events, 'revoked')]).to.deep.equal([
      1, 1, 1,
    ])
    expect(ended(json, 'overflow')).to.equal(0)
  })

  it('queued_events, queued_bytes and slow_streams: what waits for a client that does not read', async () => {
    const channel = createHub().channel<Buffer>('news')
    const endpoint = resources({
      '/news': { contentTypesProvided: [ndjson()], subscribe: channel, stream: { maxQueuedBytes: 2 ** 30 } },
    })
    const measured = kind.measure({ of: endpoint })
    const site = await stage.now.serve(endpoint)
    const [slow, quick] = [site.get('/news', { reads: false }), site.get('/news')]
    await quick.head()
    await turnsUntil(() => [...endpoint.streams].length === 2)
    await channel.publish(flood.toString() as never)
    await channel.publish('after' as never)
    await quick.until('after')
    const behind = await measured.read()
    expect(behind.value('slow_streams', labels)).to.equal(1)
    expect(behind.value('queued_events', labels)).to.be.within(1, 2)
    expect(behind.value('queued_bytes', labels)).to.be.above(7)
    slow.leave()
    await turnsUntil(() => [...endpoint.streams].length === 1)
    const after = await measured.read()
    expect(after.value('slow_streams', labels)).to.equal(0)
    expect(after.value('queued_events', labels)).to.equal(0)
    expect(after.value('queued_bytes', labels)).to.equal(0)
  })

  it('events_sent_total and bytes_sent_total: of streams that are open and of those that have ended; they never fall', async () => {
    const channel = createHub().channel<string>('news')
    const endpoint = resources({ '/news': { contentTypesProvided: [ndjson()], subscribe: channel } })
    const measured = kind.measure({ of: endpoint })
    const site = await stage.now.serve(endpoint)
    const clients = [site.get('/news'), site.get('/news')]
    for (const client of clients) await client.head()
    await channel.publish('one')
    for (const client of clients) await client.until('one')
    const values = async () => {
      const now = await measured.read()
      return [now.value('events_sent_total', labels), now.value('bytes_sent_total', labels)]
    }
    expect(await values()).to.deep.equal([2, 12])
    clients[0]!.leave()
    await turnsUntil(() => [...endpoint.streams].length === 1)
    expect(await values()).to.deep.equal([2, 12])
    await channel.publish('two')
    await clients[1]!.until('two')
    expect(await values()).to.deep.equal([3, 18])
    for (const stream of endpoint.streams) stream.close()
    expect(await values()).to.deep.equal([3, 18])
  })

  it('dropped_total: events that slow clients have not got', async () => {
    const channel = createHub().channel<string>('news')
    const endpoint = resources({
      '/news': {
        contentTypesProvided: [ndjson()],
        subscribe: channel,
        stream: { overflow: 'dropNewest', maxQueued: 1, maxQueuedBytes: 2 ** 30 },
      },
    })
    const measured = kind.measure({ of: endpoint })
    const site = await stage.now.serve(endpoint)
    site.get('/news', { reads: false })
    await turnsUntil(() => [...endpoint.streams].length === 1)
    await channel.publish(flood.toString())
    await turns()
    for (let number = 0; number < 5; number++) await channel.publish('more')
    await turns()
    const [stream] = [...endpoint.streams]
    expect(stream!.dropped).to.be.above(2)
    expect((await measured.read()).value('dropped_total', labels)).to.equal(stream!.dropped)
    const { dropped } = stream!
    stream!.close()
    await turns()
    expect((await measured.read()).value('dropped_total', labels)).to.be.at.least(dropped)
  })

  it('head_seconds, first_event_seconds and stream_life_seconds: each time by itself', async () => {
    let answer = () => {}
    const asked = new Promise<void>((resolve) => {
      answer = resolve
    })
    let send: (data: string) => unknown = () => {}
    const endpoint = resources({
      '/news': loop({
        format: ndjson(),
        subscribe: (context) => {
          send = context.send
          return asked
        },
      }),
    })
    const measured = kind.measure({ of: endpoint })
    const site = await stage.now.serve(endpoint)
    const client = site.get('/news')
    await turnsUntil(() => [...endpoint.streams].length === 1)
    stage.now.time.advance(40)
    answer()
    await client.head()
    stage.now.time.advance(200)
    send('first')
    await client.until('first')
    stage.now.time.advance(60_000)
    for (const stream of endpoint.streams) stream.close()
    await client.whole()
    const now = await measured.read()
    const of = (name: 'head_seconds' | 'first_event_seconds' | 'stream_life_seconds') => [
      now.value(name, labels),
      now.sum(name, labels),
    ]
    expect(of('head_seconds')).to.deep.equal([1, 0.04])
    expect(of('first_event_seconds')).to.deep.equal([1, 0.24])
    expect(of('stream_life_seconds')).to.deep.equal([1, 60.24])
  })

  it('a stream that never had a head is refused, and was not opened, and has not ended', async () => {
    const endpoint = resources({ '/news': { contentTypesProvided: [ndjson()], subscribe: () => stop(404) } })
    const measured = kind.measure({ of: endpoint })
    const site = await stage.now.serve(endpoint)
    await site.get('/news').whole()
    const now = await measured.read()
    expect(now.value('refused_total', { route: '/news', status: '404', question: 'subscribe' })).to.equal(1)
    expect(now.value('streams_opened_total', labels)).to.equal(0)
    expect(now.value('streams_ended_total', { ...labels, reason: 'stop' })).to.equal(0)
    expect(now.value('stream_life_seconds', labels) ?? 0).to.equal(0)
  })

  it('refused_total and streams_limit: who is turned away, by what, and how many may come', async () => {
    const endpoint = resources({
      '/news/:day': {
        contentTypesProvided: [ndjson()],
        subscribe: () => {},
        stream: { maxStreams: 1, maxStreamsPerClient: 5 },
      },
      '/free': { contentTypesProvided: [ndjson()], subscribe: () => {} },
    })
    const measured = kind.measure({ of: endpoint })
    const site = await stage.now.serve(endpoint)
    const refused = async (status: string, question: string) =>
      (await measured.read()).value('refused_total', { route: '/news/:day', status, question })
    expect(await refused('503', 'maxStreams')).to.equal(0)
    expect(await refused('429', 'maxStreamsPerClient')).to.equal(0)
    await site.get('/news/monday').head()
    expect((await site.get('/news/tuesday').whole()).status).to.equal(503)
    for (const accept of ['image/png', 'text/html'])
      expect((await site.get('/news/monday', { headers: { Accept: accept } }).whole()).status).to.equal(406)
    expect(await refused('503', 'maxStreams')).to.equal(1)
    expect(await refused('406', 'acceptableMediaType')).to.equal(2)
    const now = await measured.read()
    expect(now.sets('streams_limit')).to.deep.equal([{ route: '/news/:day' }])
    expect(now.value('streams_limit', { route: '/news/:day' })).to.equal(1)
  })

  it('resumed_total: whether clients got what they missed, also those who lose their place in mid-stream', async () => {
    const channel = createHub().channel<string>('news', { history: 1 })
    const endpoint = resources({ '/news': { contentTypesProvided: [sse()], subscribe: channel } })
    const measured = kind.measure({ of: endpoint })
    const site = await stage.now.serve(endpoint)
    const old = await channel.publish('one')
    await channel.publish('two')
    const last = await channel.publish('three')
    for (const id of [undefined, 'earliest', last, old, 'nonsense'])
      await site.get('/news', id === undefined ? {} : { headers: { 'Last-Event-ID': id } }).head()
    await turns()
    const now = await measured.read()
    const of = (outcome: string) => now.value('resumed_total', { route: '/news', outcome })
    expect(['live', 'found', 'trimmed', 'unknown'].map(of)).to.deep.equal([1, 2, 1, 1])
    expect(of('earliest')).to.equal(undefined)
  })

  it('only the endpoints that it is given are counted, those of a table among them', async () => {
    const spec = { contentTypesProvided: [ndjson()], subscribe: () => {} }
    const inTable = resource(spec)
    const alone = loop({ format: ndjson(), subscribe: () => {} })
    const table = resources({ '/a': inTable, '/b': resources({ '/b': spec }) })
    const stranger = resources({ '/c': spec })
    const measured = kind.measure({ of: [table, alone] })
    const app = express().use(table).use(stranger).use('/d/:id', alone)
    const site = await stage.now.serve(app)
    for (const path of ['/a', '/b', '/c', '/d/17']) await site.get(path).head()
    await site.get('/c', { headers: { Accept: 'image/png' } }).whole()
    const now = await measured.read()
    expect(now.sets('streams_open').map(({ route }) => route)).to.have.members(['/a', '/b', '/d/:id'])
    for (const route of ['/a', '/b', '/d/:id'])
      expect(now.value('streams_open', { route, format: json }), route).to.equal(1)
    expect(now.sets('refused_total').filter(({ status }) => status === '406')).to.deep.equal([])
  })

  it('sets of labels that are known are there at 0 before anything happens', async () => {
    const endpoint = resources({ '/news': { contentTypesProvided: [ndjson(), sse()], subscribe: () => {} } })
    const now = await kind.measure({ of: endpoint, hub: createHub(), channels: ['news'] }).read()
    const both = [labels, { route: '/news', format: events }]
    for (const name of [
      'streams_open',
      'slow_streams',
      'streams_opened_total',
      'bytes_sent_total',
    ] as const) {
      expect(now.sets(name), name).to.deep.equal(both)
      for (const each of both) expect(now.value(name, each)).to.equal(0)
    }
    expect(now.sets('streams_ended_total')).to.have.length(2 * 9)
    expect(now.sets('resumed_total')).to.have.length(4)
    expect(now.value('published_total', { channel: 'news', outcome: 'refused' })).to.equal(0)
    expect(now.value('backend_lost_total', { backend: 'memory' })).to.equal(0)
  })

  it('a route is never one of many paths: of a mount without a pattern a hundred are shown', async () => {
    const endpoint = loop({ format: ndjson(), subscribe: () => [event('one')] })
    const measured = kind.measure({ of: endpoint })
    const site = await stage.now.serve(express().use(/\/room-.*/, endpoint))
    for (let room = 0; room < 120; room++) await site.get(`/room-${room}`).whole()
    expect((await stage.now.warning()).message).to.include('label route')
    const now = await measured.read()
    const routes = now.sets('streams_opened_total').map(({ route }) => route)
    expect(routes).to.have.length.within(100, 102)
    expect(now.value('streams_opened_total', { route: 'other', format: json })).to.equal(20)
  })
})
