import { expect } from 'chai'
import { turns, turnsUntil } from '../support/stage.js'
import { answering, clients, loop } from './scene.js'

/** A store in memory, and all that it was told. */
function kept(first: string | null | undefined) {
  const told: string[] = []
  return { told, get: async () => first, set: async (id: string) => void told.push(id) }
}

describe('A client keeps its place', () => {
  clients()

  it('By the messages that the loop body has finished with: one that is lost in it comes again', async () => {
    const server = await answering()
    const store = kept(null)
    let go = () => {}
    const body = () =>
      new Promise<void>((resolve) => {
        go = resolve
      })
    const loops = loop(server, { store }, body)
    const request = await server.next()
    request.stream('id: a\ndata: 1\n\nid: b\ndata: 2\n\n')
    await loops.count(1)
    await turns()
    expect(loops.client.lastEventId).to.equal(undefined)
    expect(store.told).to.deep.equal([])
    go()
    await loops.count(2)
    expect(loops.client.lastEventId).to.equal('a')
    expect(store.told).to.deep.equal(['a'])
    request.cut()
    await turns()
    go()
    await loops.retried()
    expect((await server.next()).headers['last-event-id']).to.equal('b')
    expect(store.told).to.deep.equal(['a', 'b'])
  })

  it('A place that is told between messages counts once those before it are done with', async () => {
    const server = await answering()
    let go = () => {}
    const body = () =>
      new Promise<void>((resolve) => {
        go = resolve
      })
    const loops = loop(server, {}, body)
    ;(await server.next()).stream('id: a\ndata: 1\n\nid: b\nevent: position\ndata: {}\n\nid: c\n\n')
    await loops.count(1)
    await turns()
    expect(loops.client.lastEventId).to.equal(undefined)
    go()
    await turnsUntil(() => loops.client.lastEventId === 'c')
    expect(loops.data).to.deep.equal([1])
  })

  it('Messages without an id leave it where it is, and an empty id is none to come back with', async () => {
    const server = await answering()
    const store = kept(null)
    const loops = loop(server, { store })
    ;(await server.next()).stream('id: a\ndata: 1\n\ndata: 2\n\n').end()
    await loops.retried()
    const second = await server.next()
    expect(second.headers['last-event-id']).to.equal('a')
    second.stream('id\ndata: 3\n\n').end()
    await loops.retried()
    expect((await server.next()).headers).to.not.have.property('last-event-id')
    expect(loops.messages.map(({ id }) => id)).to.deep.equal(['a', undefined, ''])
    expect(store.told).to.deep.equal(['a', ''])
  })

  for (const [stored, sent] of [
    ['x', 'x'],
    [null, 'earliest'],
    [undefined, 'earliest'],
    ['', 'earliest'],
  ] as const)
    it(`Begins with what is stored, else with lastEventId: ${JSON.stringify(stored)} makes it ${sent}`, async () => {
      const server = await answering()
      loop(server, { lastEventId: 'earliest', store: kept(stored) })
      expect((await server.next()).headers['last-event-id']).to.equal(sent)
    })

  for (const method of ['get', 'set'] as const)
    for (const how of ['throws', 'rejects'] as const)
      it(`Ends with what store.${method}() fails with, when it ${how}`, async () => {
        const server = await answering()
        const failure = new Error(`${method} failed`)
        const fail = () => {
          if (how === 'throws') throw failure
          return Promise.reject(failure)
        }
        const loops = loop(server, { store: { ...kept(null), [method]: fail } })
        if (method === 'set') (await server.next()).stream('id: a\ndata: 1\n\nid: b\ndata: 2\n\n')
        expect(await loops.ended).to.equal(failure)
        expect(loops.data).to.deep.equal(method === 'set' ? [1] : [])
        expect(loops.states.at(-1)).to.deep.equal(['over', { error: failure }])
        await turnsUntil(() => server.requests.every(({ isGone }) => isGone))
      })
})

describe('A client tells a gap once, before the data behind it', () => {
  clients()

  const gap = { requested: 'old', from: 'b', reason: 'trimmed' }
  const inBand = {
    'text/event-stream': [
      `:\nretry: 9\nid: a\nevent: gap\ndata: ${JSON.stringify(gap)}\n\n`,
      'id: b\ndata: 1\n\nid: c\ndata: 2\n\n',
    ],
    'application/x-ndjson': [
      `${JSON.stringify({ notice: 'gap', ...gap, id: 'a' })}\n`,
      '{"id":"b","data":1}\n{"id":"c","data":2}\n',
    ],
  } as const

  for (const [type, [notice, data]] of Object.entries(inBand))
    for (const envelope of [undefined, true])
      it(`Told in the head and in-band, in ${type}${envelope ? ' with envelope: true' : ''}`, async () => {
        const server = await answering()
        const told: unknown[] = []
        const counts: number[] = []
        const loops = loop(server, {
          lastEventId: 'old',
          ...(envelope && { envelope }),
          onGap: (of) => {
            told.push(of)
            counts.push(loops.messages.length)
          },
        })
        const request = await server.next()
        request.stream('', { 'content-type': type, 'event-gap': 'trimmed' })
        await loops.becomes('open')
        for (const character of notice + data) {
          request.write(character)
          await turns(1)
        }
        await loops.count(2)
        expect(told).to.deep.equal([gap])
        expect(counts).to.deep.equal([0])
        expect(loops.messages.map((message) => message.gap)).to.deep.equal([gap, undefined])
        request.cut()
        await loops.retried()
        expect((await server.next()).headers['last-event-id']).to.equal('c')
      })

  it('Told in the head alone of a format that has no notices: when a record comes', async () => {
    const server = await answering()
    const told: unknown[] = []
    const loops = loop(server, { lastEventId: 'old', onGap: (of) => told.push(of) })
    const request = await server.next()
    request.stream('', { 'content-type': 'text/csv', 'event-gap': 'unknown' })
    request.write('a\r\n1\r\n2\r\n')
    await loops.count(2)
    expect(told).to.deep.equal([{ requested: 'old', reason: 'unknown' }])
    expect(loops.messages.map((message) => message.gap?.reason)).to.deep.equal(['unknown', undefined])
  })

  for (const [name, next] of [
    ['an event', 'data: 1\n\n'],
    ['a position', 'event: position\nid: a\ndata: {"heartbeat":9}\n\n'],
  ] as const)
    it(`Told in the head alone of SSE: when ${name} comes instead`, async () => {
      const server = await answering()
      const told: unknown[] = []
      const loops = loop(server, { onGap: (of) => told.push(of) })
      const request = await server.next()
      request.stream(':\nretry: 1\n\n', { 'event-gap': 'unknown' })
      await loops.becomes('open')
      await turns()
      expect(told).to.deep.equal([])
      request.write(next)
      await turnsUntil(() => told.length > 0)
      expect(told).to.deep.equal([{ reason: 'unknown' }])
      request.write('data: 2\n\n')
      await turnsUntil(() => loops.data.at(-1) === 2)
      expect(told.length).to.equal(1)
      expect(loops.messages.filter((message) => message.gap).length).to.equal(1)
    })

  it('Each of several channels, and those in mid-stream, where they are', async () => {
    const server = await answering()
    const told: unknown[] = []
    const loops = loop(server, { onGap: ({ channel }) => told.push([channel, loops.messages.length]) })
    const notice = (channel: string) => `event: gap\ndata: ${JSON.stringify({ ...gap, channel })}\n\n`
    ;(await server.next()).stream(`${notice('a')}${notice('b')}data: 1\n\ndata: 2\n\n${notice('c')}`, {
      'event-gap': 'trimmed',
    })
    await turnsUntil(() => told.length === 3)
    expect(told).to.deep.equal([
      ['a', 0],
      ['b', 0],
      ['c', 2],
    ])
  })

  it('Of what was dropped: how many, besides a gap of the head', async () => {
    for (const [type, text] of [
      ['text/event-stream', ': dropped 17\ndata: 1\n\ndata: 2\n\n'],
      ['application/json', '[{"notice":"dropped","count":17},{"data":1},{"data":2}'],
    ] as const) {
      const server = await answering()
      const told: unknown[] = []
      const loops = loop(server, { onGap: (of) => told.push(of) })
      ;(await server.next()).stream(text, { 'content-type': type, 'event-gap': 'trimmed' })
      await loops.count(2)
      const dropped = { reason: 'dropped', count: 17 }
      expect(told).to.deep.equal([{ reason: 'trimmed' }, dropped])
      expect(loops.messages.map((message) => message.gap)).to.deep.equal([dropped, undefined])
    }
  })
})
