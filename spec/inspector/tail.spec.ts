import { expect } from 'chai'
import {
  createHub,
  csv,
  type Endpoint,
  event,
  type Format,
  jsonArray,
  jsonSeq,
  ndjson,
  resources,
  sse,
} from '../../lib/index.js'
import { stage, staged, turns, turnsUntil } from '../support/stage.js'
import { inspecting, type Json, pass, Scene, type Watch } from './scene.js'

/** An endpoint in a format, and what sends to its stream. */
function sending(format: Format) {
  const held = { send: (_data: unknown) => {} }
  const endpoint = resources({
    '/news': {
      contentTypesProvided: [format],
      subscribe: ({ send }) => {
        held.send = send as never
      },
    },
  }) as Endpoint
  return { endpoint, send: (data: unknown) => held.send(data) }
}

const itemsOf = (watch: Watch): Json[] => watch.told.flatMap(({ items }) => items)

describe('The tail of an inspector', () => {
  inspecting()
  staged()

  const tail = async (scene: Scene, query: string): Promise<Watch> => {
    const watch = scene.watch(`tail?${query}`)
    await watch.client.head()
    await turns()
    return watch
  }

  for (const [name, format] of [
    ['sse', sse()],
    ['ndjson', ndjson({ envelope: true })],
    ['jsonSeq', jsonSeq({ envelope: true })],
    ['jsonArray', jsonArray({ envelope: true })],
  ] as const)
    it(`shows what a stream writes in ${name}(): ids, types, sizes and heartbeats, but no data`, async () => {
      const { endpoint, send } = sending(format)
      const scene = await Scene.of(endpoint)
      const client = await scene.stream('/news')
      send(event({ secret: 'before' }, { id: '1' }))
      await client.until('before')
      const watch = await tail(scene, `stream=${[...endpoint.streams][0]!.id}`)
      send(event({ secret: 'loop' }, { id: '2', type: 'tick' }))
      await pass()
      stage.now.time.advance(15_000)
      await pass()
      const items = itemsOf(watch)
      expect(items.map(({ kind, id, type, size }) => ({ kind, id, type, size }))).to.deep.equal([
        { kind: 'event', id: '2', type: 'tick', size: 17 },
        { kind: 'heartbeat', id: null, type: null, size: 0 },
      ])
      expect(items[0].at).to.be.a('number')
      expect(watch.client.body).not.to.include('loop')
      // it has not changed what the client gets
      await client.until('loop')
    })

  it('shows of a format that cannot be read from its middle how many bytes are written', async () => {
    const { endpoint, send } = sending(csv({ columns: ['a'] }))
    const scene = await Scene.of(endpoint)
    await scene.stream('/news')
    const watch = await tail(scene, `stream=${[...endpoint.streams][0]!.id}`)
    send({ a: 'x' })
    await pass()
    expect(itemsOf(watch).map(({ kind, size }) => [kind, size])).to.deep.equal([['bytes', 3]])
  })

  it('shows data only with `payloads: true`, cut to a length', async () => {
    const { endpoint, send } = sending(sse())
    const scene = await Scene.of(endpoint, { payloads: true })
    await scene.stream('/news')
    const watch = await tail(scene, `stream=${[...endpoint.streams][0]!.id}`)
    send({ title: 'Loop' })
    send('x'.repeat(100_000))
    await pass()
    const [first, second] = itemsOf(watch)
    expect(first).to.include({ data: '{"title":"Loop"}', size: 16 })
    expect(second).to.include({ data: `${'x'.repeat(1999)}…`, size: 100_000 })
  })

  for (const format of [ndjson(), jsonSeq(), jsonArray()])
    it(`takes nothing of data in ${format.mediaType} for an id or a type, whatever its members are called`, async () => {
      const { endpoint, send } = sending(format)
      const scene = await Scene.of(endpoint)
      await scene.stream('/news')
      const watch = await tail(scene, `stream=${[...endpoint.streams][0]!.id}`)
      send({ id: 'S3CRET', type: 'S3CRET', data: 1 })
      send({ notice: 'gap', id: 'S3CRET', type: 'S3CRET' })
      await pass()
      expect(itemsOf(watch).map(({ kind, id, type }) => [kind, id, type])).to.deep.equal([
        ['event', null, null],
        ['event', null, null],
      ])
    })

  it('tells at most 50 in a message and four messages a second, and how many were skipped', async () => {
    const { endpoint, send } = sending(sse())
    const scene = await Scene.of(endpoint)
    const client = await scene.stream('/news')
    const watch = await tail(scene, `stream=${[...endpoint.streams][0]!.id}`)
    for (let at = 0; at < 120; at++) send(event('x', { id: `a${at}` }))
    await client.until('a119')
    await pass()
    const first = await watch.next(1)
    expect([first.items.length, first.skipped, first.items.at(-1).id]).to.deep.equal([50, 70, 'a119'])
    for (let at = 0; at < 20; at++) {
      send(event('x', { id: `b${at}` }))
      await turns(2)
      stage.now.time.advance(50)
      await turns(2)
    }
    expect(watch.told.length).to.be.within(4, 6)
    expect(watch.told.slice(1).every(({ skipped }) => skipped === 0)).to.equal(true)
  })

  it('tells why the stream has ended, and ends with it', async () => {
    const { endpoint } = sending(sse())
    const scene = await Scene.of(endpoint)
    await scene.stream('/news')
    const [stream] = endpoint.streams
    const watch = await tail(scene, `stream=${stream!.id}`)
    stream!.close()
    await watch.client.whole()
    expect(itemsOf(watch).at(-1)).to.include({ kind: 'end', type: 'revoked' })
  })

  it('shows what a channel delivers, its gaps and its end among them', async () => {
    const hub = createHub()
    const news = hub.channel<{ title: string }>('news/€ & more', { history: 10 })
    const scene = await Scene.of(resources({ '/news': { contentTypesProvided: [sse()], subscribe: news } }), {
      hub,
    })
    await scene.stream('/news')
    const watch = await tail(scene, `channel=${encodeURIComponent('news/€ & more')}`)
    const id = await news.publish({ title: 'Rope' }, { type: 'flash' })
    await pass()
    expect(itemsOf(watch)).to.have.length(1)
    expect(itemsOf(watch)[0]).to.include({ kind: 'event', id, type: 'flash', size: 16 })
    expect(watch.client.body).not.to.include('Rope')
  })

  it('costs nothing once nobody looks: the stream is back in the fast lane, and nothing listens', async () => {
    const { endpoint, send } = sending(sse())
    const scene = await Scene.of(endpoint)
    const client = await scene.stream('/news')
    const watch = await tail(scene, `stream=${[...endpoint.streams][0]!.id}`)
    send('one')
    watch.client.leave()
    await turns()
    send('two')
    await client.until('two')
    await pass(1000)
  })

  for (const [query, status] of [
    ['', 400],
    ['stream=1&channel=a', 400],
    ['stream=none', 404],
    ['channel=none', 404],
    ['stream=', 404],
    ['channel=__proto__', 404],
  ] as const)
    it(`of ${query || 'nothing'} is ${status}`, async () => {
      const scene = await Scene.of(sending(sse()).endpoint, { hub: createHub() })
      const { status: got } = await scene.ask(`tail?${query}`)
      expect(got).to.equal(status)
    })

  it('of a stream of another endpoint, or of its own, is 404', async () => {
    const [shown, other] = [sending(sse()).endpoint, sending(sse()).endpoint]
    const scene = await Scene.of(shown, {
      serve: {
        before: [
          (req, res, next) => {
            if (!req.url.startsWith('/other')) return next()
            req.url = '/news'
            other(req, res, next)
          },
        ],
      },
    })
    await scene.stream('/other')
    await turnsUntil(() => [...other.streams].length === 1)
    expect((await scene.ask(`tail?stream=${[...other.streams][0]!.id}`)).status).to.equal(404)
  })
})
