import { expect } from 'chai'
import { time } from '../../lib/client/time.js'
import { stage, staged, turns, turnsUntil } from '../support/stage.js'
import { answering, clients, clientTime, loop } from './scene.js'

describe('A client waits between attempts', () => {
  clients()

  it('Up to twice as long each time that nothing came, and half a minute at most', async () => {
    const server = await answering()
    const loops = loop(server)
    const delays: number[] = []
    for (let round = 0; round < 9; round++) {
      ;(await server.next()).cut()
      delays.push(await loops.retried())
    }
    expect(delays).to.deep.equal([500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000])
  })

  it('A random part of that, as retry says', async () => {
    const server = await answering()
    const loops = loop(server, { retry: { first: 10, most: 25 } })
    clientTime.drawn = 0.5
    for (const delay of [5, 10, 12.5, 12.5]) {
      ;(await server.next()).cut()
      expect(await loops.retried()).to.equal(delay)
    }
  })

  it('Not at all, where that is what retry says', async () => {
    const server = await answering()
    const loops = loop(server, { retry: { first: 0 } })
    for (let round = 0; round < 3; round++) (await server.next()).cut()
    expect(loops.states.filter(([, { delay }]) => delay === 0).length).to.be.above(1)
  })

  it('As the server says, however many attempts have brought nothing at no delay', async () => {
    let count = 0
    const fetch = async () => {
      if (count++ < 1100) throw new TypeError('no server')
      return new Response(null, { status: 503, headers: { 'retry-after': '60' } })
    }
    const loops = loop({ url: 'http://127.0.0.1/' }, { fetch, retry: { first: 0 } })
    await turnsUntil(() => loops.states.at(-1)?.[1].status === 503)
    expect(loops.states.at(-1)?.[1].delay).to.equal(60_000)
    await turns()
    expect(count).to.equal(1101)
  })

  it('Longer and longer where streams open and close at once, which is no progress', async () => {
    const server = await answering()
    const loops = loop(server)
    for (const delay of [500, 1000, 2000, 4000]) {
      ;(await server.next()).stream(':\nretry: 0\n: hello\n\nid: a\n\n').end()
      expect(await loops.retried()).to.equal(delay)
    }
  })

  it('As at first after an event', async () => {
    const server = await answering()
    const loops = loop(server)
    for (const [body, delay] of [
      ['', 500],
      ['', 1000],
      ['data\n\n', 500],
      ['', 1000],
    ] as const) {
      ;(await server.next()).stream(body).end()
      expect(await loops.retried()).to.equal(delay)
    }
  })

  for (const [open, delay] of [
    [10_000, 500],
    [9999, 2000],
  ] as const)
    it(`${delay === 500 ? 'As at first' : 'Longer'} after a stream without events that was open for ${open} ms`, async () => {
      const server = await answering()
      const loops = loop(server)
      for (let round = 0; round < 2; round++) {
        ;(await server.next()).cut()
        await loops.retried()
      }
      const request = await server.next()
      request.stream()
      await loops.becomes('open')
      clientTime.advance(open)
      request.cut()
      expect(await loops.retried()).to.equal(delay)
    })

  it("At least as long as SSE's retry has told", async () => {
    const server = await answering()
    const loops = loop(server)
    ;(await server.next()).stream('retry: 3000\nretry: 3x\nretry\ndata: 1\n\n').end()
    expect(await loops.retried()).to.equal(3500)
    ;(await server.next()).answer(503, { 'retry-after': '1' })
    expect(await loops.retried()).to.equal(4000)
  })

  it('For ever, until there is a server', async () => {
    const server = await answering()
    let count = 0
    const lost = () => Promise.reject(new TypeError('no server'))
    const loops = loop(server, { fetch: (...request) => (count++ < 50 ? lost() : fetch(...request)) })
    for (let round = 0; round < 50; round++) await loops.retried()
    ;(await server.next()).stream('data: 1\n\n')
    await loops.count(1)
  })
})

describe("The clients' time", () => {
  staged()

  it('Takes what is more than a timer can be for all that it can', async () => {
    const { warnings } = stage.now
    time.after(1e12, () => {})()
    await turns()
    expect(warnings).to.deep.equal([])
  })
})

describe('A client watches for silence', () => {
  clients()

  it('Of bytes: each byte of a heartbeat begins it anew, and 45 s without one are a lost connection', async () => {
    const server = await answering()
    const loops = loop(server)
    const request = await server.next()
    request.stream()
    await loops.becomes('open')
    for (let round = 0; round < 5; round++) {
      await turns()
      clientTime.advance(44_999)
      request.write(':')
      await turns()
    }
    expect(loops.client.state).to.equal('open')
    clientTime.advance(44_999)
    expect(loops.client.state).to.equal('open')
    clientTime.advance(1)
    const { error } = await loops.becomes('waiting')
    expect((error as Error).message).to.equal('Nothing came for 45000 ms')
    await turns()
    expect(request.isGone).to.equal(true)
    await loops.retried()
    await server.next()
  })

  it('By the heartbeat that the server tells: 2.5 times that', async () => {
    const server = await answering()
    const loops = loop(server)
    ;(await server.next()).stream('event: position\nid: a\ndata: {"heartbeat":1000}\n\n')
    await turns()
    expect(clientTime.set.at(-1)).to.equal(2500)
    clientTime.advance(2500)
    await loops.retried()
    expect((await server.next()).headers['last-event-id']).to.equal('a')
  })

  for (const heartbeat of [0, -1, '"none"', null])
    it(`As before, where the server tells a heartbeat that is none: ${heartbeat}`, async () => {
      const server = await answering()
      loop(server)
      ;(await server.next()).stream(`event: position\nid: a\ndata: {"heartbeat":${heartbeat}}\n\n`)
      await turns()
      expect(clientTime.set.slice(-2)).to.deep.equal([45_000, 45_000])
      expect(clientTime.size).to.equal(1)
    })

  it('As the option says, whatever the server tells', async () => {
    const server = await answering()
    const loops = loop(server, { silence: 70 })
    ;(await server.next()).stream('event: position\nid: a\ndata: {"heartbeat":1000}\n\n')
    await turns()
    clientTime.advance(69)
    await turns()
    expect(loops.client.state).to.equal('open')
    clientTime.advance(1)
    await loops.becomes('waiting')
  })

  it('Not at all with 0', async () => {
    const server = await answering()
    loop(server, { silence: 0 })
    ;(await server.next()).stream('event: position\nid: a\ndata: {"heartbeat":1000}\n\n')
    await turns()
    expect(clientTime.set).to.deep.equal([])
  })

  it('Before the head, too, and while headers() has no answer', async () => {
    const server = await answering()
    const loops = loop(server, { silence: 100 })
    await server.next()
    clientTime.advance(100)
    await loops.becomes('waiting')
    let count = 0
    const waiting = loop(server, { silence: 100, headers: () => (count++ ? {} : new Promise(() => {})) })
    await turns()
    clientTime.advance(100)
    await waiting.retried()
    await turns()
    expect(count).to.equal(2)
  })

  it('Not while the loop body has a message: what came meanwhile is read first', async () => {
    const server = await answering()
    let go = () => {}
    const loops = loop(
      server,
      {},
      () =>
        new Promise<void>((resolve) => {
          go = resolve
        }),
    )
    ;(await server.next()).stream('data: 1\n\n')
    await loops.count(1)
    clientTime.advance(100_000)
    await turns()
    expect(loops.client.state).to.equal('open')
    server.requests[0]?.write('data: 2\n\n')
    await turns()
    go()
    await loops.count(2)
    expect(loops.states.length).to.equal(2)
    go()
  })
})
