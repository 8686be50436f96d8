import { expect } from 'chai'
import { clock, type Time } from '../../lib/clock.js'
import { createHub, jsonArray, loop, ndjson, resource, sse } from '../../lib/index.js'
import { hold } from '../support/held.js'
import type { Client } from '../support/raw.js'
import { flood, stage, staged, turns } from '../support/stage.js'

describe('maxDuration ends a stream in time (docs/operate/operating.md)', () => {
  staged()

  it('expired, complete: with the tail and the end event', async () => {
    for (const [format, tail] of [
      [jsonArray(), '[1]'],
      [sse(), ':\ndata: 1\n\nevent: reconnect\ndata: {"reason":"expired"}\n\n'],
    ] as const) {
      const { client, context, reasons } = await hold({
        format,
        stream: { maxDuration: 60_000, heartbeat: false, endEvent: true },
      })
      context.write(1)
      stage.now.time.advance(60_000)
      expect((await client.whole()).body).to.equal(tail)
      expect(reasons).to.deep.equal([{ kind: 'expired' }])
    }
  })

  it('never later than it says, and up to a tenth earlier: streams that came together part', async () => {
    const count = 200
    const ended: number[] = []
    const began = stage.now.time.now()
    const endpoint = loop({
      format: ndjson(),
      stream: { maxDuration: 10_000, heartbeat: false },
      subscribe: () => {},
      terminate: ({ kind }) => {
        expect(kind).to.equal('expired')
        ended.push(stage.now.time.now() - began)
      },
    })
    const site = await stage.now.serve(endpoint)
    const clients = Array.from({ length: count }, () => site.get())
    for (const client of clients) await client.head()
    stage.now.time.advance(8_999)
    expect(ended).to.deep.equal([])
    stage.now.time.advance(1001)
    expect(ended).to.have.length(count)
    expect(Math.min(...ended)).to.be.within(9000, 9200)
    expect(Math.max(...ended)).to.be.within(9800, 10_000)
    const early = ended.filter((time) => time < 9500).length
    expect(early, 'in the first half').to.be.within(count / 5, (count * 4) / 5)
    for (const client of clients) await client.whole()
  })

  it('may be a function of the context: asked once, before the head', async () => {
    const asked: unknown[] = []
    const endpoint = resource({
      init: ({ req }) => ({ lasts: Number(req.query.lasts) }),
      contentTypesProvided: [ndjson()],
      stream: {
        maxDuration: ({ state, res }) => {
          asked.push(res.headersSent)
          return state.lasts || undefined
        },
      },
      subscribe: () => {},
    })
    const site = await stage.now.serve(endpoint)
    const clients = ['1000', '2000', '-1', ''].map((lasts) => site.get(`/?lasts=${lasts}`))
    const [short, long, over, ever] = clients as [Client, Client, Client, Client]
    await Promise.all(clients.map((client) => client.head()))
    stage.now.time.advance(0)
    await over.whole()
    stage.now.time.advance(1000)
    await short.whole()
    expect([...endpoint.streams]).to.have.length(2)
    stage.now.time.advance(1000)
    await long.whole()
    stage.now.time.advance(10_000)
    expect([...endpoint.streams]).to.have.length(1)
    ever.leave()
    expect(asked).to.deep.equal([false, false, false, false])
  })

  it('a function that throws, or answers what is no time, is an ordinary error', async () => {
    for (const answer of ['1000', Number.NaN, Promise.resolve(1), null]) {
      const { client } = await hold({ stream: { maxDuration: () => answer as number } })
      expect((await client.whole()).status).to.equal(500)
      expect(stage.now.errors.splice(0)[0])
        .to.be.instanceOf(TypeError)
        .with.property('message')
        .that.matches(/^maxDuration answered .*: expected milliseconds/)
    }
    const error = Object.assign(new Error('no token'), { status: 401 })
    const { client } = await hold({
      stream: {
        maxDuration: () => {
          throw error
        },
      },
    })
    expect((await client.whole()).status).to.equal(401)
    expect(stage.now.errors.splice(0)).to.deep.equal([error])
  })

  it('counts from the head on, however long `subscribe` took', async () => {
    let resolve = () => {}
    const { client, log } = await hold({
      stream: { maxDuration: 10_000 },
      subscribe: () =>
        new Promise<void>((done) => {
          resolve = done
        }),
    })
    stage.now.time.advance(20_000)
    resolve()
    await client.head()
    stage.now.time.advance(8000)
    expect(log.entries).to.deep.equal(['subscribe'])
    stage.now.time.advance(2000)
    await log.until('expired')
  })

  it('of a stream that is busy, of a channel, and of one that is pulled, which is cut: it has not reached its end', async () => {
    const channel = createHub().channel<number>('busy')
    const pulled = async function* () {
      for (;;) {
        yield 1
        await turns(1)
      }
    }
    for (const subscribe of [channel, () => channel, pulled]) {
      const endpoint = loop({
        format: ndjson(),
        stream: { maxDuration: 1000 },
        subscribe: subscribe as () => void,
      })
      const site = await stage.now.serve(endpoint)
      const client = site.get()
      await client.head()
      for (let time = 0; time < 10; time++) {
        await channel.publish(time)
        stage.now.time.advance(100)
        await turns(2)
      }
      const isWhole = subscribe !== pulled
      expect((await (isWhole ? client.whole() : client.closed())).isWhole).to.equal(isWhole)
    }
    expect(channel.subscribers).to.equal(0)
  })

  it('of one whose client is behind: what waits is still to be had', async () => {
    const { client, context, log } = await hold(
      {
        format: sse(),
        stream: { maxDuration: 1000, maxQueuedBytes: 2 ** 26, endEvent: true, writeTimeout: 10 ** 6 },
      },
      { reads: false },
    )
    context.write(flood.toString())
    context.write('waiting')
    stage.now.time.advance(1000)
    await log.until('expired')
    client.socket.resume()
    await client.taken(flood.length)
    expect((await client.whole()).body).to.match(
      /data: waiting\n\nevent: reconnect\ndata: \{"reason":"expired"\}\n\n$/,
    )
  })

  it('without it a stream has no end of its own', async () => {
    const { client, log, context } = await hold({ stream: { heartbeat: false } })
    for (let day = 0; day < 30; day++) stage.now.time.advance(24 * 3600 * 1000)
    context.write('still here')
    await client.until('still here')
    expect(log.entries).to.deep.equal(['subscribe'])
  })

  it('longer than a timer can be told is not at once', async () => {
    const { client, log } = await hold({ stream: { maxDuration: 2 ** 40, heartbeat: false } })
    await client.head()
    stage.now.time.advance(2 ** 32)
    await turns()
    expect(log.entries).to.deep.equal(['subscribe'])
  })

  it('of Infinity is never', async () => {
    const { client, log } = await hold({ stream: { maxDuration: Infinity, heartbeat: false } })
    await client.head()
    stage.now.time.advance(2 ** 45)
    await turns()
    expect(log.entries).to.deep.equal(['subscribe'])
  })
})

/** A time that tells how often it is asked to wake, and how many of those are open. */
class CountingTime implements Time {
  #now = Math.ceil(clock.now())
  asked = 0
  open = new Set<() => void>()
  most = 0

  now(): number {
    return this.#now
  }

  wake(callback: () => void, milliseconds: number): () => void {
    this.asked += 1
    const due = this.#now + milliseconds
    const ring = () => {
      if (this.#now < due) return
      this.open.delete(ring)
      callback()
    }
    this.open.add(ring)
    this.most = Math.max(this.most, this.open.size)
    return () => this.open.delete(ring)
  }

  advance(milliseconds: number): void {
    this.#now += milliseconds
    for (const ring of [...this.open]) ring()
  }
}

describe('All heartbeats and deadlines share one timer (docs/operate/operating.md)', () => {
  staged()

  const stream = { heartbeat: 15_000, maxDuration: 3_600_000, reauthorize: 60_000, writeTimeout: 30_000 }

  it('thousands of deadlines are one wake-up at a time', async () => {
    const time = new CountingTime()
    void stage.now
    const restore = clock.use(time)
    try {
      const rung: number[] = []
      const deadlines = Array.from({ length: 5000 }, (_, at) => clock.after(1000 + at, () => rung.push(at)))
      expect(time.most).to.equal(1)
      expect(time.asked, 'asked for the first, which none was before').to.be.at.most(2)
      for (const deadline of deadlines.slice(2500)) deadline.cancel()
      expect(time.asked).to.be.at.most(2)
      time.advance(10_000)
      expect(rung).to.have.length(2500)
      expect(time.most).to.equal(1)
      expect(time.asked).to.be.at.most(3)
    } finally {
      restore()
    }
  })

  it('streams take one timer, however many they are and whatever they wait for', async () => {
    const time = new CountingTime()
    void stage.now
    const restore = clock.use(time)
    try {
      const endpoint = resource({
        contentTypesProvided: [sse()],
        isAuthorized: () => true,
        stream,
        subscribe: () => {},
      })
      const site = await stage.now.serve(endpoint)
      const clients = Array.from({ length: 300 }, () => site.get())
      for (const client of clients) await client.head()
      expect(clock.size, 'deadlines').to.be.at.least(900)
      expect(time.most, 'timers at once').to.equal(1)
      expect(time.asked, 'timers that were made').to.be.at.most(10)
      time.advance(15_000)
      for (const client of clients) await client.until(':\n:\n')
      expect(time.asked, 'timers that were made, for 300 heartbeats').to.be.at.most(20)
      for (const open of [...endpoint.streams]) open.close()
      for (const client of clients) await client.whole()
      await turns()
      expect(clock.size).to.equal(0)
    } finally {
      restore()
    }
  })

  it('no timer of the process is made for a stream', async () => {
    const made: number[] = []
    const { setTimeout: own } = globalThis
    const endpoint = loop({ format: sse(), stream: { maxDuration: 1000 }, subscribe: () => {} })
    const site = await stage.now.serve(endpoint)
    const connections = Array.from({ length: 50 }, () => site.connect())
    await turns()
    globalThis.setTimeout = ((call: () => void, milliseconds: number) => {
      made.push(milliseconds)
      return own(call, milliseconds)
    }) as typeof setTimeout
    try {
      for (const client of connections) client.ask('/')
      for (const client of connections) await client.head()
    } finally {
      globalThis.setTimeout = own
    }
    expect(made).to.deep.equal([])
  })

  for (const [name, end] of [
    ['was left', 'leave'],
    ['was revoked', 'close'],
    ['has expired', 'expire'],
  ] as const) {
    it(`nothing of a stream is left on the clock once it ${name}`, async () => {
      const before = clock.size
      const { client, context, log } = await hold({ stream: { ...stream, reauthorize: undefined as never } })
      await client.head()
      expect(clock.size).to.be.above(before)
      if (end === 'leave') client.leave()
      else if (end === 'close') context.stream.close()
      else stage.now.time.advance(stream.maxDuration)
      await log.until('unsubscribe')
      if (end !== 'leave') await client.whole()
      await turns()
      expect(clock.size).to.equal(before)
    })
  }
})
