import { createServer as createServer2 } from 'node:http2'
import { createServer as createSecureServer } from 'node:https'
import { createServer as createNetServer } from 'node:net'
import { mock } from 'node:test'
import { expect } from 'chai'
import express from 'express'
import { clock } from '../../lib/clock.js'
import {
  createHub,
  csv,
  event,
  jsonArray,
  jsonSeq,
  loop,
  multipart,
  ndjson,
  sse,
  stop,
} from '../../lib/index.js'
import { type Staged, stage } from '../../lib/testing.js'
import { turnsUntil } from '../support/stage.js'

/** A loop, and what a test does with its context. */
function held(options: object = {}, format: unknown = sse()) {
  const log: string[] = []
  // biome-ignore lint/suspicious/noExplicitAny: of any loop
  let context: any
  const app = loop({
    format,
    subscribe(given: unknown) {
      context = given
      return () => log.push('unsubscribe')
    },
    terminate: ({ kind }: { kind: string }) => void log.push(kind),
    ...options,
  } as never)
  return {
    app: app as Staged,
    log,
    get context() {
      return context
    },
  }
}

const fails = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.fail('It did not reject'),
    (error: Error) => error.message,
  )

describe('A stream that a stage has opened (docs/guide/testing.md)', () => {
  for (const [name, format, of] of [
    ['SSE', sse(), { type: 'tick', id: '7', data: { n: 1 } }],
    ['NDJSON', ndjson(), { type: 'message', data: { n: 1 } }],
    ['NDJSON in envelopes', ndjson({ envelope: true }), { type: 'tick', id: '7', data: { n: 1 } }],
    ['JSON text sequences', jsonSeq(), { type: 'message', data: { n: 1 } }],
    ['a JSON array', jsonArray(), { type: 'message', data: { n: 1 } }],
    ['multipart', multipart('application/json'), { type: 'message', data: { n: 1 } }],
    ['CSV', csv({ columns: ['n'] }), { type: 'message', data: { n: '1' } }],
  ] as const) {
    it(`is read by its Content-Type: ${name}`, async () => {
      const source = [event({ n: 1 }, { type: 'tick', id: '7' }), event({ n: 2 })]
      await using at = await stage(loop({ format, subscribe: () => source }))
      const stream = await at.open('/')
      expect(await stream.next()).to.deep.equal(of)
      expect(await stream.ended).to.deep.equal({ whole: true })
    })
  }

  it('sends what it is asked to: method, Accept, fields, Last-Event-ID, a body, and HTTP/1.0', async () => {
    const app = express().use(express.json(), (req, res) => {
      const { method, body, httpVersion, headers } = req
      const { accept, 'last-event-id': id, 'x-key': key } = headers
      res.json({ method, body, httpVersion, accept, id, key })
    })
    await using at = await stage(app)
    const asking = {
      accept: 'a/b',
      lastEventId: '7',
      headers: { 'X-Key': 'k' },
      body: { é: 1 },
      http: '1.0',
    } as const
    const answer = await at.request('/', { method: 'POST', ...asking })
    expect(answer.json()).to.deep.equal({
      method: 'POST',
      body: { é: 1 },
      httpVersion: '1.0',
      accept: 'a/b',
      id: '7',
      key: 'k',
    })
    expect(answer.headers['content-type']).to.equal('application/json; charset=utf-8')
  })

  it('HTTP/1.0 has no chunks: what comes is read all the same, and whole by the end of the connection', async () => {
    const play = held()
    await using at = await stage(play.app)
    const stream = await at.open('/', { http: '1.0' })
    expect(stream.headers).not.to.have.property('transfer-encoding')
    play.context.send('one')
    expect(await stream.next()).to.include({ data: 'one' })
    play.context.send(event('two'))
    play.context.stream.close()
    expect(await stream.ended).to.deep.include({ whole: true })
  })

  it('next passes over other types, take counts, until sees all; each begins where the last one ended', async () => {
    const play = held()
    await using at = await stage(play.app)
    const stream = await at.open('/')
    for (const n of [1, 2, 3, 4, 5, 6]) play.context.send(event(n, { type: n % 2 ? 'odd' : 'even' }))
    expect((await stream.next('even')).data).to.equal(2)
    expect((await stream.take(2)).map(({ data }) => data)).to.deep.equal([3, 4])
    expect((await stream.until(({ data }) => data === 6)).map(({ data }) => data)).to.deep.equal([5, 6])
  })

  it('next, take and until reject with what came instead: when the stream ends, and after a time', async () => {
    const play = held({ stream: { endEvent: true } })
    await using at = await stage(play.app, { within: 50 })
    const stream = await at.open('/')
    play.context.send(event(1, { type: 'odd' }))
    expect(await fails(stream.next('even'))).to.match(
      /^GET \/ \(200 text\/event-stream.*\): Expected an event of type 'even', and that did not come within 50 ms\. What came:\n {2}odd 1$/,
    )
    play.context.stream.close()
    await stream.ended
    expect(await fails(stream.take(3))).to.match(
      /Expected 3 events, and the stream .*\n {2}odd 1\n {2}reconnect /s,
    )
    // what a failed call has seen is not taken
    expect(await stream.next()).to.include({ data: 1 })
  })

  it('until rejects with what its predicate throws, at once or later, and goes no further', async () => {
    const play = held()
    await using at = await stage(play.app)
    const stream = await at.open('/')
    let calls = 0
    const boom = (): never => {
      calls += 1
      throw new Error(`boom ${calls}`)
    }
    const later = fails(stream.until(boom))
    play.context.send(1)
    expect(await later).to.equal('boom 1')
    expect(await fails(stream.until(boom))).to.equal('boom 2')
    play.context.send(2)
    await stream.until(({ data }) => data === 2)
    expect(calls).to.equal(2)
  })

  it('what no stream can do is a TypeError at once', async () => {
    const play = held()
    await using at = await stage(play.app)
    const stream = await at.open('/')
    play.context.send(1)
    expect(await fails(stream.until(async () => false))).to.match(/until.*not a promise/)
    for (const count of [-1, Number.NaN, 1.5])
      expect(await fails(stream.take(count))).to.match(/take.*number/)
    expect(() => stream.cutAfter(Number.NaN)).to.throw(TypeError, 'cutAfter(NaN)')
    for (const ms of [-1, Number.NaN, Infinity]) expect(await fails(at.clock.advance(ms))).to.match(/advance/)
    expect((await stream.next()).data).to.equal(1)
    // @ts-expect-error: another name
    expect(await fails(at.open('/', { lastEventID: '7' }))).to.match(/`lastEventID`.*lastEventId/)
    // @ts-expect-error: another name
    expect(await fails(stage(play.app, { onclose() {} }))).to.match(/`onclose`.*onClose/)
  })

  it('advances that overlap pass together, and time never goes back', async () => {
    const play = held()
    await using at = await stage(play.app)
    await at.open('/')
    const times: number[] = []
    const begin = clock.now()
    for (const ms of [100, 300, 600, 900])
      clock.after(ms, () => {
        times.push(clock.now() - begin)
        if (ms === 300) void at.clock.advance(400)
      })
    await Promise.all([at.clock.advance(1000), at.clock.advance(500)])
    expect(times).to.deep.equal([100, 300, 600, 900])
    expect(clock.now() - begin).to.equal(1000)
  })

  it('a client that is cut while it does not read holds nobody up', async () => {
    const channel = createHub().channel<string>('news')
    await using at = await stage(loop({ format: sse(), subscribe: channel }))
    const stream = await at.open('/')
    stream.pause()
    for (let n = 0; n < 60; n++) await channel.publish('.'.repeat(100_000))
    const begin = performance.now()
    await at.clock.advance(1)
    expect(channel.subscribers).to.equal(0)
    expect(performance.now() - begin).to.be.below(900)
    stream.resume()
    expect(await stream.ended).to.deep.equal({ whole: false })
  })

  it('a stage that is closed is not asked, and turns no clock', async () => {
    const at = await stage(held().app)
    await at.close()
    for (const ask of [at.open('/'), at.request('/'), at.clock.advance(1)])
      expect(await fails(ask)).to.match(/The stage is closed/)
  })

  it('an answer that is no stream is shown', async () => {
    await using at = await stage(loop({ format: sse(), subscribe: () => stop(503) }))
    const stream = await at.open('/')
    expect(stream.status).to.equal(503)
    expect(await fails(stream.next())).to.match(/The answer is 503 .*, and no stream that is read: /)
  })

  it('positions are no news: they are shown to whom asks for them', async () => {
    const channel = createHub().channel<number>('news', { history: 9 })
    await using at = await stage(loop({ format: sse(), subscribe: channel }))
    const [one, other] = [await at.open('/'), await at.open('/')]
    await channel.publish(1)
    expect((await one.next()).data).to.equal(1)
    const position = await other.next('position')
    expect(position).to.include({ notice: true, id: other.lastEventId })
    expect((await other.next()).data).to.equal(1)
    expect(other.lastEventId).to.equal(one.lastEventId)
    expect(other.lastEventId).not.to.equal(position.id)
  })

  it('idle turns the clock on: heartbeats are nothing, an event and an end are something', async () => {
    const play = held({ stream: { heartbeat: 1000 } })
    await using at = await stage(play.app)
    const stream = await at.open('/')
    const { length } = stream.bytes
    await stream.idle(10_500)
    expect(stream.bytes.length).to.be.above(length)
    play.context.send('news')
    expect(await fails(stream.idle(1))).to.match(/Expected no event for 1 ms.*news/s)
    await stream.next()
    await stream.idle(1)
    play.context.stream.close()
    expect(await fails(stream.idle(1))).to.match(/Expected the stream to be open for 1 ms/)
  })

  it('leave and reset: once they resolve, the app is unsubscribed', async () => {
    for (const how of ['leave', 'reset'] as const) {
      const play = held()
      await using at = await stage(play.app)
      const stream = await at.open('/')
      await stream[how]()
      expect(play.log).to.deep.equal(['unsubscribe', 'disconnect'])
      expect(await stream.ended).to.deep.equal({ whole: false })
    }
  })

  it('a client that half-closes has left, and reads what has come', async () => {
    const play = held()
    await using at = await stage(play.app)
    const stream = await at.open('/')
    play.context.send(1)
    await stream.halfClose()
    expect((await stream.next()).data).to.equal(1)
    expect(play.log).to.deep.equal(['unsubscribe', 'disconnect'])
  })

  it('a client that pauses is slow: the policy of the route is applied; it reads on when it resumes', async () => {
    const play = held({ stream: { overflow: 'close', maxQueuedBytes: 1000 } })
    await using at = await stage(play.app)
    const stream = await at.open('/')
    stream.pause()
    const flood = 'x'.repeat(2 ** 20)
    await turnsUntil(() => play.context.write(flood) === 'closed')
    expect(play.log).to.include('overflow')
    stream.resume()
    expect((await stream.ended).whole).to.equal(false)
  })

  it('cut anywhere, it has got what came before, and comes back for the rest', async () => {
    const channel = createHub().channel<number>('news', { history: 99 })
    for (const n of [1, 2, 3]) await channel.publish(n)
    await using at = await stage(loop({ format: sse(), subscribe: channel }))
    const whole = await at.open('/', { lastEventId: 'earliest' })
    await whole.take(3)
    const size = whole.bytes.length
    for (let bytes = 0; bytes <= size; bytes += 7) {
      const cut = await at.open('/', { lastEventId: 'earliest' })
      cut.cutAfter(bytes)
      expect(await cut.ended).to.deep.equal({ whole: false })
      expect(cut.bytes.length).to.equal(bytes)
      const got: unknown[] = []
      for (let isMore = true; isMore; ) {
        const next = await cut.next().catch(() => undefined)
        if (next) got.push(next.data)
        isMore = next !== undefined
      }
      const again = await at.open('/', { lastEventId: cut.lastEventId ?? 'earliest' })
      const rest = await again.take(3 - got.length)
      expect([...got, ...rest.map(({ data }) => data)]).to.deep.equal([1, 2, 3])
    }
  })

  it('chunks may come in any pieces: heads, sizes, data and line ends are put together', async () => {
    const body = `event: tick\nid: 7\ndata: "é"\n\n`
    const bytes = Buffer.from(body)
    const app = express().get('/', ({ socket }) => {
      const parts = [bytes.subarray(0, 11), bytes.subarray(11, 25), bytes.subarray(25)]
      const chunks = parts.map((part) =>
        Buffer.concat([Buffer.from(`${part.length.toString(16)};x=y\r\n`), part, Buffer.from('\r\n')]),
      )
      const head = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n'
      const all = Buffer.concat([
        Buffer.from(`HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${head}`),
        ...chunks,
        Buffer.from('0\r\n\r\n'),
      ])
      socket.setNoDelay(true)
      const write = (at: number) => {
        if (at === all.length) return
        socket.write(all.subarray(at, at + 1))
        setImmediate(write, at + 1)
      }
      write(0)
    })
    await using at = await stage(app)
    const stream = await at.open('/')
    expect(await stream.next()).to.deep.equal({ type: 'tick', id: '7', data: 'é' })
    expect(await stream.ended).to.deep.equal({ whole: true })
  })

  it('goes on under fake timers, the library with it', async () => {
    mock.timers.enable()
    try {
      const channel = createHub().channel<number>('news')
      await using at = await stage(loop({ format: sse(), subscribe: channel, stream: { heartbeat: 1000 } }))
      const stream = await at.open('/')
      await channel.publish(1)
      expect((await stream.next()).data).to.equal(1)
      await stream.idle(3000)
    } finally {
      mock.timers.reset()
    }
  })

  it('what cannot be staged is refused, with what can', async () => {
    for (const other of [createSecureServer(), createServer2(), createNetServer()])
      expect(await fails(stage(other as never))).to.match(/expected a server of node:http/)
    expect(await fails(stage(7 as never))).to.match(/stage\(7\): expected an app, an endpoint/)
    const listening = express().listen(0, '127.0.0.1')
    await turnsUntil(() => listening.listening)
    expect(await fails(stage(listening))).to.match(/does not listen yet/)
    listening.close()
  })
})
