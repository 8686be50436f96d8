import { EventEmitter } from 'node:events'
import { expect } from 'chai'
import { createHub, jsonArray, ndjson, resource, sse, stop } from '../../lib/index.js'
import { hold } from '../support/held.js'
import { stage, staged, turns } from '../support/stage.js'

const broken = (status = 502) => Object.assign(new Error('broken'), { status })
const first = { stream: { head: 'first' } } as const

describe('The head may wait for the first event: `head: first` (docs/guide/loop.md)', () => {
  staged()

  it('nothing is sent before the first event, by whichever way it comes', async () => {
    const channel = createHub().channel<number>('events')
    const ways: Record<string, [subscribe: unknown, push: (send: (data: unknown) => void) => unknown]> = {
      send: [() => {}, (send) => send(1)],
      'a channel that is returned': [() => channel, () => channel.publish(1)],
      'an Observable': [
        () => ({
          '@@observable': () => ({
            subscribe({ next }: { next(data: unknown): void }) {
              emitter.on('data', next)
              return () => emitter.off('data', next)
            },
          }),
        }),
        () => emitter.emit('data', 1),
      ],
      'a generator': [
        async function* () {
          await new Promise((resolve) => emitter.once('data', resolve))
          yield 1
          await new Promise(() => {})
        },
        () => emitter.emit('data', 1),
      ],
    }
    const emitter = new EventEmitter()
    for (const [name, [subscribe, push]] of Object.entries(ways)) {
      const { client, context, contexts } = await hold({ ...first, subscribe: subscribe as () => undefined })
      await turns()
      expect(client.size, name).to.equal(0)
      expect(contexts).to.have.length(1)
      push(context.send)
      expect(await client.until('1\n'), name).to.equal('1\n')
      client.leave()
      await turns()
    }
    expect(channel.subscribers).to.equal(0)
  })

  it('a bare channel: later events are shared again', async () => {
    const channel = createHub().channel<number>('events')
    const site = await stage.now.serve(
      resource({ contentTypesProvided: [ndjson()], subscribe: channel, ...first }),
    )
    const clients = [site.get(), site.get()]
    await turns()
    expect(clients.map(({ size }) => size)).to.deep.equal([0, 0])
    for (const event of [1, 2, 3]) await channel.publish(event)
    for (const client of clients) expect(await client.until('3\n')).to.equal('1\n2\n3\n')
  })

  it('what fails before it is an ordinary error with its own status', async () => {
    const target = new EventEmitter()
    const failures: Record<string, [subscribe: (context: never) => unknown, status: number]> = {
      'a source': [
        async function* () {
          await turns(1)
          yield* [] as number[]
          throw broken()
        },
        502,
      ],
      'fail()': [({ fail }: { fail(error: unknown): void }) => void turns(1).then(() => fail(broken())), 502],
      'a target that dies': [
        ({ monitor }: { monitor(target: unknown): void }) => {
          monitor(target)
          void turns(5).then(() => target.emit('error', broken()))
        },
        503,
      ],
    }
    for (const [name, [subscribe, status]] of Object.entries(failures)) {
      const { client, log } = await hold({ ...first, subscribe: subscribe as () => undefined })
      expect((await client.whole()).status, name).to.equal(status)
      await log.until(name === 'a target that dies' ? 'down' : 'error')
    }
    expect(stage.now.errors.splice(0)).to.have.length(2)
  })

  it('stop() before it is the answer', async () => {
    const { client, context } = await hold({ ...first, info: () => stop(404) })
    context.send(1)
    expect((await client.whole()).status).to.equal(404)
  })

  it('a source that ends before it is an empty stream', async () => {
    const { client } = await hold({ ...first, format: jsonArray(), subscribe: () => [] })
    expect(await client.whole()).to.include({ status: 200, body: '[]' })
  })

  it('no event within decisionTimeout is a 503', async () => {
    const { client, log } = await hold({ ...first, decisionTimeout: 1000 })
    await turns()
    stage.now.time.advance(999)
    await turns()
    expect(client.size).to.equal(0)
    stage.now.time.advance(1)
    expect((await client.whole()).status).to.equal(503)
    expect(log.entries).to.deep.equal(['subscribe', 'unsubscribe', 'error'])
  })

  it('an event in time: the deadline is over', async () => {
    const { client, context, log } = await hold({ ...first, decisionTimeout: 1000 })
    await turns()
    context.send(1)
    await client.until('1\n')
    stage.now.time.advance(5000)
    await turns()
    expect(log.entries).to.deep.equal(['subscribe'])
  })

  it('in a format without notices the head goes out for a gap, and tells it: a client with a stale id is not refused for ever', async () => {
    const channel = createHub().channel<number>('events', { history: 10 })
    await channel.publish(1)
    const site = await stage.now.serve(
      resource({ contentTypesProvided: [ndjson()], subscribe: channel, ...first }),
    )
    const client = site.get('/', { headers: { 'Last-Event-ID': 'of-yesterday' } })
    const { status, headers } = await client.head()
    expect(status).to.equal(200)
    expect(headers).to.have.property('event-gap', 'unknown')
    expect(await client.until('1\n')).to.equal('1\n')
  })

  it('a client that leaves before it is gone, and a gap is an event', async () => {
    const { client, log } = await hold(first)
    client.leave()
    await log.until('disconnect')
    const channel = createHub().channel<number>('events', { history: 10 })
    const site = await stage.now.serve(
      resource({ contentTypesProvided: [sse()], subscribe: channel, ...first }),
    )
    await site.get('/', { headers: { 'Last-Event-ID': 'of-yesterday' } }).until('event: gap')
  })
})

describe('once() waits for its first item (docs/guide/formats.md)', () => {
  staged()

  /** A resource that answers a list. */
  const listing = (list: () => Iterable<unknown> | AsyncIterable<unknown>) =>
    stage.now.serve(
      resource({ contentTypesProvided: { 'application/json': () => jsonArray().once(list()) } }),
    )

  it('a list that fails at once is an ordinary error with its own status', async () => {
    const lists = {
      function: function* () {
        yield* [] as number[]
        throw broken(502)
      },
      async: async function* () {
        await turns(2)
        yield* [] as number[]
        throw broken(502)
      },
    }
    for (const list of Object.values(lists)) {
      const message = await (await listing(list)).get().whole()
      expect([message.status, message.body]).to.deep.equal([502, 'the app failed'])
      expect(message.headers['content-type']).not.to.equal('application/json')
    }
    expect(stage.now.errors.splice(0)).to.have.length(2)
  })

  it('one that fails later is cut', async () => {
    const list = async function* () {
      yield 1
      throw broken()
    }
    expect(await (await listing(list)).get().closed()).to.include({ status: 200, body: '[1', isWhole: false })
    await stage.now.warning()
  })

  it('an empty one is whole, and HEAD pulls nothing', async () => {
    let pulled = 0
    const site = await listing(function* () {
      pulled += 1
      yield* []
    })
    expect(await site.get().whole()).to.include({ status: 200, body: '[]' })
    expect((await site.get('/', { method: 'HEAD' }).head()).status).to.equal(200)
    expect(pulled).to.equal(1)
  })

  it('one without a first item within decisionTimeout is a 503', async () => {
    const site = await listing(async function* () {
      await new Promise(() => {})
      yield 1
    })
    const client = site.get()
    while (client.size === 0) {
      await turns(5)
      stage.now.time.advance(10_000)
    }
    expect((await client.whole()).status).to.equal(503)
  })
})
