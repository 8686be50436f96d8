import { expect } from 'chai'
import type { FollowError } from '../../lib/client.js'
import { answering, clients, clientTime, loop } from './scene.js'

const failure = (error: unknown) => error as FollowError

describe('A client takes the end of a response for what the server means by it', () => {
  clients()

  it('Cut: it comes back with the last id, after a random part of half a second', async () => {
    const server = await answering()
    const loops = loop(server, { headers: { 'x-by': 'hand' } })
    const first = await server.next()
    expect(first.headers).to.include({ 'x-by': 'hand', 'cache-control': 'no-cache' })
    expect(first.headers).to.not.have.property('last-event-id')
    first.stream('id: a\ndata: 1\n\n')
    await loops.count(1)
    first.cut()
    clientTime.drawn = 0.3
    expect(await loops.retried()).to.equal(150)
    const second = await server.next()
    expect(second.headers['last-event-id']).to.equal('a')
    second.stream('id: b\ndata: 2\n\n')
    expect(await loops.count(2)).to.deep.equal([1, 2])
    expect(loops.states.map(([state]) => state)).to.deep.equal([
      'connecting',
      'open',
      'waiting',
      'connecting',
      'open',
    ])
  })

  it('Complete with the notice end: it is over', async () => {
    const server = await answering()
    const loops = loop(server)
    const request = await server.next()
    request.stream('data: 1\n\nevent: end\ndata: {"reason":"stop"}\n\n').end()
    expect(await loops.ended).to.equal(undefined)
    expect(loops.data).to.deep.equal([1])
    expect(loops.client.state).to.equal('over')
    await server.none()
  })

  for (const [name, notice, over] of [
    ['with the notice reconnect', 'event: reconnect\ndata: {"reason":"shutdown"}\n\n', 'complete'],
    ['without a notice', '', 'cut'],
  ] as const)
    it(`Complete ${name}: it comes back${over === 'complete' ? ", also with over: 'complete'" : ''}`, async () => {
      const server = await answering()
      const loops = loop(server, { over })
      const request = await server.next()
      request.stream(`id: a\ndata: 1\n\n${notice}`).end()
      await loops.retried()
      expect((await server.next()).headers['last-event-id']).to.equal('a')
    })

  it("Complete without a notice: it is over, if over: 'complete' says so; cut, it comes back all the same", async () => {
    const server = await answering()
    const loops = loop(server, { over: 'complete' })
    const request = await server.next()
    request.stream('data: 1\n\n')
    await loops.count(1)
    request.cut()
    await loops.retried()
    ;(await server.next()).stream('data: 2\n\n').end()
    expect(await loops.ended).to.equal(undefined)
    expect(loops.data).to.deep.equal([1, 2])
  })

  it('A notice of a response that was cut says nothing of the next one', async () => {
    const server = await answering()
    const loops = loop(server)
    ;(await server.next()).stream('event: end\ndata: {"reason":"stop"}\n\ndata: 1\n\n')
    await loops.count(1)
    server.requests[0]?.cut()
    await loops.retried()
    ;(await server.next()).stream('data: 2\n\n').end()
    await loops.retried()
    await server.next()
  })

  it('204: it is over', async () => {
    const server = await answering()
    const loops = loop(server)
    ;(await server.next()).answer(204)
    expect(await loops.ended).to.equal(undefined)
    expect(loops.client.state).to.equal('over')
  })

  it('Whole by its framing, and cut within a record: it comes back', async () => {
    const server = await answering()
    const loops = loop(server, { over: 'complete' })
    ;(await server.next()).stream('1\n{"cut":', { 'content-type': 'application/x-ndjson' }).end()
    await loops.retried()
    ;(await server.next()).stream('2', { 'content-type': 'application/json' }).end()
    expect(await loops.ended).to.equal(undefined)
    expect(loops.data).to.deep.equal([1, 2])
  })

  it('What is no record of its format fails for good, behind what came whole before it', async () => {
    const server = await answering()
    const loops = loop(server)
    ;(await server.next()).stream('1\n2\nno\n3\n', { 'content-type': 'application/x-ndjson' })
    expect(failure(await loops.ended).message).to.equal('Not JSON: no')
    expect(loops.data).to.deep.equal([1, 2])
    await server.none()
  })
})
