import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import express from 'express'
import { loop, sse } from '../../lib/index.js'
import { failure } from '../../lib/testing/backends/expecting.js'
import { accept } from '../../lib/testing/backends/logs.js'
import { needs } from '../support/installed.js'
import { Client } from '../support/raw.js'
import { dispatched } from '../support/received.js'
import { type Process, Processes } from '../support/redis/processes.js'
import { RedisServer } from '../support/redis/server.js'
import { until } from '../support/redis/until.js'
import { turns } from '../support/stage.js'

describe('A Redis that is away', () => {
  needs('redis-server')
  const server = new RedisServer()
  beforeEach(() => server.start())
  after(() => server.close())
  const processes = new Processes(server)

  /** An app with the channel `news` as an event stream; resolves to its clients. */
  async function site({ hub }: Process, history = 100) {
    const app = express()
    app.set('env', 'test')
    const news = hub().channel<number>('news', { history })
    app.use(loop({ format: sse(), subscribe: news, stream: { heartbeat: 50 } }))
    const listening = createServer(app).listen(0, '127.0.0.1')
    await once(listening, 'listening')
    const clients: Client[] = []
    processes.after(() => {
      for (const client of clients) client.leave()
      listening.closeAllConnections()
      listening.close()
    })
    const { port } = listening.address() as AddressInfo
    return {
      news,
      get(lastEventId?: string) {
        const client = new Client(port)
        clients.push(client)
        return client.ask('/', { headers: lastEventId === undefined ? {} : { 'Last-Event-ID': lastEventId } })
      },
    }
  }

  /** The data of the events, and of each gap why. */
  const got = (client: Client) =>
    dispatched(client.body)
      .filter(({ type }) => type !== 'position')
      .map(({ type, data }) => (type === 'message' ? data : `${type} ${(data as { reason: string }).reason}`))

  it('when the app starts: it starts, answers 503 with Retry-After, and recovers by itself', async () => {
    await server.stop()
    const one = await processes.start()
    const { news, get } = await site(one)
    for (const id of [undefined, 'earliest', '0123456789-mx3grne2-5']) {
      const { status, headers } = await get(id).whole()
      expect(status).to.equal(503)
      expect(Number(headers['retry-after'])).to.be.within(1, 60)
    }
    expect(await failure(() => news.publish(1))).to.include({ code: 'LARIAT_DOWN' })
    await server.start()
    await until('it is back', () => one.told.at(-1) === 'up')
    const client = get()
    expect((await client.head()).status).to.equal(200)
    await news.publish(2)
    await client.until('data: 2\n\n')
    expect(got(client)).to.deep.equal([2])
    await turns()
    expect(processes.warnings).to.have.length(1)
  })

  it('and comes before the first question is given up: that is answered', async () => {
    server.freeze()
    const { news, get } = await site(await processes.start())
    const client = get()
    const publishing = news.publish(1)
    await turns()
    server.thaw()
    expect(await publishing).to.be.a('string')
    expect((await client.head()).status).to.equal(200)
    await turns()
    expect(processes.warnings).to.deep.equal([])
  })

  it('under a stream: it stays open with its heartbeats, and gets what it missed', async () => {
    const [here, there] = [await processes.start(), await processes.start()]
    const { news, get } = await site(here)
    const other = there.hub().channel<number>('news', { history: 100 })
    const client = get()
    await client.head()
    await news.publish(1)
    await client.until('data: 1\n\n')
    await here.passage.down()
    await until('it is away', () => here.told.at(-1) === 'down')
    for (const n of [2, 3]) await other.publish(n)
    const beats = () => client.body.split('\n').filter((line) => line.startsWith(':')).length
    const before = beats()
    await until('it beats', () => beats() > before + 1)
    // a new one is refused, or held and has all; it does not wait for ever
    const late = get(/id: (\S+)/.exec(client.body)![1])
    const { status } = await late.head()
    expect(status).to.be.oneOf([200, 503])
    await here.passage.up()
    await client.until('data: 3\n\n')
    expect(got(client)).to.deep.equal([1, 2, 3])
    if (status === 200) await late.until('data: 3\n\n')
    await news.publish(4)
    await client.until('data: 4\n\n')
    expect(got(client)).to.deep.equal([1, 2, 3, 4])
  })

  it('killed, and back from an older copy: the clients of all processes are told, and nothing comes twice', async () => {
    const [here, there] = [await processes.start(), await processes.start()]
    const [first, second] = [await site(here), await site(there)]
    await first.news.publish(1)
    await server.save()
    const clients = [first.get(), second.get()]
    for (const client of clients) await client.head()
    for (const n of [2, 3]) await first.news.publish(n)
    for (const client of clients) await client.until('data: 3\n\n')
    const lost = /.*id: (\S+)/s.exec(clients[0]!.body)![1]
    await server.stop()
    await until('it is away', () => [here, there].every(({ told }) => told.at(-1) === 'down'))
    await server.start()
    await until('it is back', () => [here, there].every(({ told }) => told.at(-1) === 'up'))
    // the numbers of those that were lost are given anew
    for (const n of [4, 5]) await second.news.publish(n)
    for (const client of clients) {
      await client.until('data: 5\n\n')
      expect(got(client)).to.deep.equal([2, 3, 'gap unknown', ...got(client).slice(3)])
      expect(got(client).slice(3)).to.be.deep.oneOf([
        [1, 4, 5],
        [4, 5],
      ])
    }
    // one that comes back with an id that was lost
    const back = second.get(lost)
    await back.until('data: 5\n\n')
    expect(got(back)).to.deep.equal(['gap unknown', 1, 4, 5])
    // and one that comes back after the gap has missed nothing
    const again = first.get(/.*id: (\S+)/s.exec(clients[1]!.body)![1])
    await again.head()
    await second.news.publish(6)
    await again.until('data: 6\n\n')
    expect(got(again)).to.deep.equal([6])
  })

  it('close resolves within the time that a publish may take, in each state, and leaves nothing that runs', async function () {
    this.timeout(90_000)
    const script = `
      const { once } = await import('node:events')
      const { createServer } = await import('node:net')
      const { createClient } = await import('@redis/client')
      const { createHub } = await import('${new URL('../../lib/index.ts', import.meta.url)}')
      const { redisStreams } = await import('${new URL('../../lib/redis.ts', import.meta.url)}')
      const [url, pid] = ${JSON.stringify([server.url, server.pid])}
      const make = (to = url) => createHub(redisStreams({ client: createClient({ url: to }), publishTimeout: 300 }))
      const states = {
        async connecting() {
          const hub = make()
          return [hub, []]
        },
        async 'up, and listens'() {
          const backend = redisStreams({ client: createClient({ url }), publishTimeout: 300 })
          const none = { history: 1, historyBytes: undefined, maxAge: undefined, idle: undefined }
          const log = backend.open('c', none, () => {})
          await log.listen({ event() {}, gap() {}, end() {} })
          return [createHub(backend), [log.publish(1, {}, () => {})]]
        },
        async 'away, between two attempts'() {
          // each attempt makes two connections, and after five there is a while until the next
          let connections = 0
          let tried = () => {}
          const fifth = new Promise((resolve) => (tried = resolve))
          const nobody = createServer((socket) => {
            socket.destroy()
            if (++connections === 10) socket.on('close', tried)
          }).listen(0, '127.0.0.1')
          await once(nobody, 'listening')
          const hub = make('redis://127.0.0.1:' + nobody.address().port)
          await fifth
          for (let turn = 0; turn < 100; turn++) await new Promise(setImmediate)
          nobody.close()
          return [hub, [hub.channel('c').publish(1)]]
        },
        async 'frozen, with publishes on their way'() {
          const hub = make()
          const channel = hub.channel('c')
          await channel.publish(0)
          process.kill(pid, 'SIGSTOP')
          return [hub, [channel.publish(1), channel.publish(2), channel.publish(3)]]
        },
        async 'connecting to what is frozen'() {
          const hub = make()
          return [hub, [hub.channel('c').publish(1)]]
        },
      }
      for (const [name, state] of Object.entries(states)) {
        const [hub, publishes] = await state()
        const settled = Promise.allSettled(publishes)
        const begun = performance.now()
        await hub.close()
        await settled
        const took = Math.round(performance.now() - begun)
        const left = () => process.getActiveResourcesInfo().filter((each) => /Timeout|TCP/.test(each)).length
        for (let turn = 0; turn < 1000 && left() > 0; turn++) await new Promise(setImmediate)
        console.log(name + ': ' + took + ' ms, left: ' + left())
      }`
    const child = spawn(process.execPath, ['--import=tsx', '--input-type=module', '--eval', script], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    processes.after(() => child.kill('SIGKILL'))
    let said = ''
    for (const output of [child.stdout, child.stderr]) output.on('data', (text) => (said += text))
    const [code] = await once(child, 'close')
    server.thaw()
    expect(code, said).to.equal(0)
    const lines = [...said.matchAll(/^(.*): (\d+) ms, left: (\d+)$/gm)]
    const states = lines.map(([, name, time, left]) => ({ name, time: Number(time), left: Number(left) }))
    expect(states.map(({ name }) => name)).to.deep.equal([
      'connecting',
      'up, and listens',
      'away, between two attempts',
      'frozen, with publishes on their way',
      'connecting to what is frozen',
    ])
    for (const { name, time, left } of states) {
      // an attempt to connect has five seconds
      expect(time, name).to.be.below(4000)
      expect(left, `timers and connections: ${name}`).to.equal(0)
    }
  })

  it('a publish after the close, and a question, are refused', async () => {
    const { log, backend } = await processes.start()
    const channel = log('c')
    await channel.publish(1, {}, accept)
    await backend.close()
    for (const call of [
      () => channel.publish(2, {}, accept),
      () => channel.read('earliest'),
      () => channel.listen({ event() {}, gap() {}, end() {} }),
    ])
      expect(await failure(call)).to.include({ code: 'LARIAT_DOWN' })
  })
})
