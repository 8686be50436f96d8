import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { expect } from 'chai'
import { atEnd } from '../support/at-end.js'
import { bundledCode } from '../support/bundled.js'
import { needs } from '../support/installed.js'
import { Client } from '../support/raw.js'
import { Place } from '../support/redis/place.js'
import { parsed } from './kinds.js'
import { Prometheus } from './prometheus.js'

/** A process with two endpoints: as many events as its number are published to a channel. */
const app = (number: string, maxStreams: number) => `
  const hub = createHub()
  const news = hub.channel('news', { history: 100 })
  const endpoint = resources({
    '/news': { contentTypesProvided: [ndjson()], subscribe: news, stream: { maxStreams: ${maxStreams} } },
    '/list': { contentTypesProvided: [ndjson()], subscribe: () => [1, 2, 3] },
  })
  for (let number = 0; number < ${number}; number++) await news.publish(number)
  const measured = metrics({ of: endpoint, hub, channels: ['news'] })
`
const imports = `
  import cluster from 'node:cluster'
  import express from 'express'
  import { AggregatorRegistry } from 'prom-client'
  import { createHub, ndjson, resources } from './lib/index.js'
  import { metrics } from './lib/metrics.js'
`

/** One process, whose number and port are its arguments. */
const single = `${imports}
  ${app('Number(process.argv[2])', 2)}
  express().use('/metrics', measured).use(endpoint).listen(Number(process.argv[3]), '127.0.0.1', () => process.send('listens'))
  process.on('disconnect', () => process.exit())
`

/** A primary that gathers, and four workers that share a port. */
const clustered = `${imports}
  const all = new AggregatorRegistry()
  if (cluster.isPrimary) {
    const workers = [1, 2, 3, 4].map(() => cluster.fork())
    let port
    await Promise.all(workers.map((worker) => new Promise((resolve) => worker.once('listening', (at) => {
      port = at.port
      resolve()
    }))))
    const server = express()
      .get('/metrics', async (_req, res) => res.set('Content-Type', all.contentType).end(await all.clusterMetrics()))
      .listen(0, '127.0.0.1', () => process.send([port, server.address().port]))
    process.on('disconnect', () => process.exit())
  } else {
    ${app('cluster.worker.id', 50)}
    express().use(endpoint).listen(0, '127.0.0.1')
  }
`

describe('Metrics of several processes (docs/operate/metrics.md)', function () {
  this.timeout(60_000)
  const children: ChildProcess[] = []
  const clients: Client[] = []

  async function start<Said>(code: string, ...given: string[]): Promise<Said> {
    const child = fork(await bundledCode(code), given, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    const undo = atEnd(() => child.kill('SIGKILL'))
    child.once('exit', undo)
    children.push(child)
    const [said] = await once(child, 'message')
    return said as Said
  }

  function get(port: number, path: string, headers: Record<string, string> = {}): Client {
    const client = new Client(port)
    clients.push(client)
    return client.ask(path, { headers })
  }

  afterEach(async () => {
    for (const client of clients.splice(0)) client.leave()
    await Promise.all(
      children.splice(0).map(async (child) => {
        // a primary that is killed would leave its workers behind
        const exited = once(child, 'exit')
        child.disconnect()
        await exited
      }),
    )
  })

  it('a cluster of four: the primary adds up what the workers count', async () => {
    const [port, at] = await start<[number, number]>(clustered)
    const held = Array.from({ length: 8 }, () => get(port, '/news'))
    for (const client of held) expect((await client.head()).status).to.equal(200)
    for (let number = 0; number < 2; number++) await get(port, '/news', { Accept: 'image/png' }).whole()
    for (let number = 0; number < 6; number++) await get(port, '/list').whole()
    const now = parsed((await get(at, '/metrics').whole()).body)
    const news = { route: '/news', format: 'application/x-ndjson' }
    const list = { ...news, route: '/list' }
    expect(now.value('streams_open', news)).to.equal(8)
    expect(now.value('streams_limit', { route: '/news' })).to.equal(200)
    expect(now.value('streams_opened_total', news)).to.equal(8)
    expect(now.value('streams_opened_total', list)).to.equal(6)
    expect(now.value('streams_ended_total', { ...list, reason: 'end' })).to.equal(6)
    expect(now.value('events_sent_total', list)).to.equal(18)
    expect(now.value('head_seconds', list)).to.equal(6)
    expect(
      now.value('refused_total', { route: '/news', status: '406', question: 'acceptableMediaType' }),
    ).to.equal(2)
    expect(now.value('channel_subscribers', { channel: 'news' })).to.equal(8)
    // not added up: what a store tells each of them, and whether it is there
    expect(now.value('retained_events', { channel: 'news' })).to.equal(4)
    expect(now.value('backend_up', { backend: 'memory' })).to.equal(1)
  })

  describe('that a Prometheus scrapes', () => {
    needs('prometheus')
    let prometheus: Prometheus | undefined
    const places: Place[] = []

    afterEach(async () => {
      await prometheus?.close()
      for (const place of places.splice(0)) place.release()
    })

    it('it has the values of all four, and evaluates the rules', async () => {
      for (let number = 1; number <= 4; number++) places.push(new Place())
      const ports = places.map(({ port }) => port)
      // it looks for its targets for five seconds, in which they come to listen
      prometheus = new Prometheus(ports.map((port) => `127.0.0.1:${port}`))
      await Promise.all(ports.map((port, at) => start<string>(single, String(at + 1), String(port))))
      for (const port of ports) {
        await get(port, '/news').head()
        await get(port, '/list').whole()
      }
      await prometheus.until('sum(lariat_streams_open{route="/news"})', 4)
      await prometheus.until('count(count by (instance) (lariat_streams_open))', 4)
      await prometheus.until('sum by (route) (lariat_events_sent_total{route="/list"})', 12)
      await prometheus.until('max(lariat_retained_events{channel="news"})', 4)
      await prometheus.until('sum(lariat_streams_ended_total{reason="end"})', 4)
      expect(new Set(Object.values(await prometheus.rules()))).to.deep.equal(new Set(['ok']))
      // from here on one of them is at its limit
      await get(ports[0]!, '/news').head()
      await prometheus.until('count(ALERTS{alertname="LariatNearLimit"})', 1)
    })
  })
})
