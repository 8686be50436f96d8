import { Readable } from 'node:stream'
import { expect } from 'chai'
import {
  type Channel,
  createHub,
  csv,
  type Event,
  event,
  type Feed,
  type Format,
  format,
  type Hub,
  jsonArray,
  jsonSeq,
  loop,
  merge,
  multipart,
  ndjson,
  raw,
  resource,
  sse,
  stop,
  text,
} from '../../lib/index.js'
import { type AsyncMemory, asyncMemory } from '../../lib/testing.js'
import type { Context, Loop } from '../support/held.js'
import { memory, onEach, promised, tableWithHeld } from '../support/hubs.js'
import { Log } from '../support/log.js'
import type { Client, Message } from '../support/raw.js'
import { flood, settled, stage, staged, turns, turnsUntil } from '../support/stage.js'

/** A frame of an event stream. */
interface Frame {
  type: string
  id?: string
  data: unknown
}

/** The frames of an event stream that have come whole. */
function framesOf(body: string): Frame[] {
  return body
    .replace(/^(?::|retry:).*\n/gm, '')
    .split('\n\n')
    .slice(0, -1)
    .map((block) => {
      const fields = new Map(block.split('\n').map((line) => line.split(/: (.*)/s, 2) as [string, string]))
      const data = fields.get('data')
      return {
        type: fields.get('event') ?? 'message',
        ...(fields.has('id') && { id: fields.get('id')! }),
        data: data === undefined ? undefined : parsed(data),
      }
    })
}

/** JSON, or text as it is. */
function parsed(data: string): unknown {
  try {
    return JSON.parse(data)
  } catch {
    return data
  }
}

const headOf = ({ headers, status }: Message) => ({
  status,
  last: headers['last-event-id'],
  gap: headers['event-gap'],
})

/** A spec, with a `snapshot` that may give anything. */
type Given = Omit<Loop, 'snapshot'> & { snapshot?: (context: Context) => unknown }

/** What a spec does with a feed, and what its callbacks were told. */
async function serve(feed: Feed<unknown>, spec: Given, more: { isAsync?: boolean } = {}) {
  const log = new Log()
  const reasons: { kind: string; error?: unknown }[] = []
  const { snapshot } = spec
  const endpoint = loop({
    format: sse(),
    subscribe: more.isAsync ? async () => feed : () => feed,
    terminate(reason: { kind: string; error?: unknown }) {
      reasons.push(reason)
      log.add(reason.kind)
    },
    stream: { heartbeat: false, ...spec.stream },
    ...spec,
    ...(snapshot && {
      snapshot(context: Context) {
        log.add('snapshot')
        return snapshot(context)
      },
    }),
  } as never)
  const site = await stage.now.serve(endpoint)
  const come = (id?: string) => site.get('/', id === undefined ? {} : { headers: { 'Last-Event-ID': id } })
  return { site, endpoint, log, reasons, come }
}

interface Ending {
  end(): Promise<void>
}

/** The list of a page: the state at the source, and a channel of its changes. */
class List {
  readonly items: string[] = []
  readonly backend: AsyncMemory
  readonly hub: Hub
  readonly channel: Channel<string>
  /** A channel of another process, on the same store. */
  readonly elsewhere: Channel<string>

  constructor(on = memory, options: object = { history: 100 }) {
    this.backend = asyncMemory()
    this.hub = on.hub(this.backend)
    this.channel = this.hub.channel('list', options)
    this.elsewhere =
      on === promised ? createHub(this.backend.another()).channel<string>('list', options) : this.channel
  }

  /** Changes the state, then publishes. */
  async add(...items: string[]): Promise<string[]> {
    const ids: string[] = []
    for (const item of items) {
      this.items.push(item)
      ids.push(await this.elsewhere.publish(item))
    }
    await this.backend.delivered()
    await settled()
    return ids
  }

  /** What was added meanwhile is lost to this process: the history is too short for it. */
  async lose(...items: string[]): Promise<void> {
    this.backend.lose()
    await this.add(...items)
    this.backend.restore()
    await this.backend.delivered()
  }

  readonly snapshot = () => [...this.items].map((item) => event(item, { type: 'item' }))
  readonly whole = () => ({ items: [...this.items] })
}

describe('Snapshot, then live (docs/guide/snapshots.md)', () => {
  staged()

  onEach(
    'where it is taken',
    (on) => {
      it('at the first connection: the whole with the place, then what comes after it', async () => {
        const list = new List(on)
        const [, place] = await list.add('a', 'b')
        const { come, log } = await serve(list.channel, { snapshot: list.whole })
        const client = come()
        await client.until('\n\n')
        const [id] = await list.add('c')
        await client.until('data: c\n')
        expect(framesOf(client.body)).to.deep.equal([
          { type: 'snapshot', id: place, data: { items: ['a', 'b'] } },
          { type: 'message', id, data: 'c' },
        ])
        expect(headOf(client.message)).to.deep.equal({
          status: 200,
          last: place,
          gap: undefined,
        })
        expect(log.entries).to.deep.equal(['snapshot'])
      })

      it('not for a client that brings an id with nothing lost after it, nor for `earliest`', async () => {
        const list = new List(on)
        const ids = await list.add('a', 'b')
        const { site, come, log } = await serve(list.channel, { snapshot: list.whole })
        const back = come(ids[0])
        await back.until('data: b\n')
        const all = site.get('/?lastEventId=earliest')
        await all.until('data: b\n')
        expect(framesOf(back.body).map(({ data }) => data)).to.deep.equal(['b'])
        expect(framesOf(all.body).map(({ data }) => data)).to.deep.equal(['a', 'b'])
        expect(log.count('snapshot')).to.equal(0)
      })

      it('not where the feed says itself where to begin; after `from("now")` it is', async () => {
        const list = new List(on)
        const ids = await list.add('a', 'b')
        for (const from of ['earliest', ids[0]!, { last: 1 }, { since: new Date(0) }] as const) {
          const { come, log } = await serve(list.channel.from(from), { snapshot: list.whole })
          const client = come()
          await client.until('data: b\n')
          expect(log.count('snapshot'), JSON.stringify(from)).to.equal(0)
        }
        const { come, log } = await serve(list.channel.from('now'), { snapshot: list.whole })
        await come().until('snapshot')
        expect(log.count('snapshot')).to.equal(1)
      })

      it('instead of a gap: the head tells why and where it begins, and nothing of it is told in-band', async () => {
        const list = new List(on, { history: 1 })
        const [first, , place] = await list.add('a', 'b', 'c')
        for (const [asked, reason] of [
          [first, 'trimmed'],
          ['of-another-life', 'unknown'],
        ] as const) {
          const { come } = await serve(list.channel, { snapshot: list.whole })
          const client = come(asked)
          await client.until('\n\n')
          expect(headOf(client.message)).to.deep.equal({ status: 200, last: place, gap: reason })
          expect(framesOf(client.body)).to.deep.equal([
            { type: 'snapshot', id: place, data: { items: ['a', 'b', 'c'] } },
          ])
          client.leave()
        }
      })

      it('where a feed says to begin after an id that is lost: instead of the gap', async () => {
        const list = new List(on, { history: 1 })
        const [first] = await list.add('a', 'b', 'c')
        const { come } = await serve(list.channel.from(first!), { snapshot: list.whole })
        const client = come()
        await client.until('\n\n')
        expect(framesOf(client.body)).to.have.length(1)
        expect(headOf(client.message).gap).to.equal('trimmed')
      })

      it('of a filtered and mapped feed: the place is the channel’s', async () => {
        const list = new List(on)
        const [, place] = await list.add('a', 'b')
        const feed = list.channel.filter((item) => item > 'm').map((item) => item.toUpperCase())
        const { come } = await serve(feed, { snapshot: list.whole })
        const client = come()
        await client.until('\n\n')
        await list.add('c', 'x')
        await client.until('data: X\n')
        const [whole, ...rest] = framesOf(client.body)
        expect(whole).to.include({ type: 'snapshot', id: place })
        expect(rest.map(({ data }) => data)).to.deep.equal(['X'])
      })

      it('of a channel that retains nothing: every client that comes back gets the whole again, or nothing is missing', async () => {
        const list = new List(on, {})
        const [, place] = await list.add('a', 'b')
        const { come, log } = await serve(list.channel, { snapshot: list.whole })
        const first = come()
        await first.until('\n\n')
        expect(framesOf(first.body)[0]).to.include({ id: place })
        first.leave()
        // nothing has come since
        const second = come(place)
        await second.head()
        await turns()
        expect(framesOf(second.body)).to.deep.equal([])
        second.leave()
        await list.add('c')
        const third = come(place)
        await third.until('\n\n')
        expect(framesOf(third.body)[0]!.data).to.deep.equal({ items: ['a', 'b', 'c'] })
        expect(log.count('snapshot')).to.equal(2)
      })

      it('of a channel that has ended: the whole, then the end', async () => {
        const list = new List(on)
        const [place] = await list.add('a')
        await (list.elsewhere as unknown as Ending).end()
        const { come, reasons } = await serve(list.channel, { snapshot: list.whole })
        const client = come()
        await client.whole()
        expect(framesOf(client.body)).to.deep.equal([{ type: 'snapshot', id: place, data: { items: ['a'] } }])
        expect(reasons).to.deep.equal([{ kind: 'end' }])
        const again = come(place)
        expect((await again.head()).status).to.equal(204)
      })

      for (const isAsync of [false, true]) {
        it(`while it is being taken, live events wait${isAsync ? ', also of an asynchronous subscribe' : ''}`, async () => {
          const list = new List(on)
          const [place] = await list.add('a')
          let tell = (_: unknown) => {}
          const snapshot = () => new Promise((resolve) => (tell = resolve))
          const { come, log } = await serve(list.channel, { snapshot }, { isAsync })
          const client = come()
          await log.until('snapshot')
          const ids = await list.add('b', 'c')
          expect(client.size, 'no head yet').to.equal(0)
          // as a database answers that was asked before
          tell('a')
          await client.until('data: c\n')
          expect(framesOf(client.body)).to.deep.equal([
            { type: 'snapshot', id: place, data: 'a' },
            { type: 'message', id: ids[0], data: 'b' },
            { type: 'message', id: ids[1], data: 'c' },
          ])
        })
      }
    },
    tableWithHeld,
  )

  describe('a gap in mid-stream', () => {
    for (const kind of ['in a shared group', 'of a stream that follows alone', 'beside `info`'] as const) {
      it(`${kind}: the whole again, then live`, async () => {
        const list = new List(promised, { history: 1 })
        const info = (message: unknown, { write }: Context) => write(message)
        const { come, log } = await serve(list.channel, {
          snapshot: list.whole,
          ...(kind === 'beside `info`' && { info: info as never }),
        })
        const clients = [come(), come()]
        for (const client of clients) await client.until('\n\n')
        if (kind !== 'of a stream that follows alone') {
          await list.add('shared')
          for (const client of clients) await client.until('data: shared\n')
        }
        const before = clients.map(({ body }) => framesOf(body).length)
        await list.lose('b', 'c')
        for (const [at, client] of clients.entries()) {
          await turnsUntil(() => framesOf(client.body).length > before[at]!)
        }
        const [id] = await list.add('d')
        for (const client of clients) await client.until('data: d\n')
        for (const [at, client] of clients.entries()) {
          const [whole, live, ...more] = framesOf(client.body).slice(before[at])
          expect(whole!.type).to.equal('snapshot')
          expect((whole!.data as { items: string[] }).items.slice(-2)).to.deep.equal(['b', 'c'])
          expect(whole!.id).to.be.a('string')
          expect(live).to.deep.equal({ type: 'message', id, data: 'd' })
          expect(more).to.deep.equal([])
          expect(client.body).not.to.include('event: gap')
        }
        expect(log.count('snapshot')).to.equal(4)
        // the place is one that can be come back to
        const back = come(framesOf(clients[0]!.body).at(-2)!.id)
        await back.until('data: d\n')
        expect(headOf(back.message).gap).to.equal(undefined)
      })
    }

    it('while a snapshot is being taken: it is taken again', async () => {
      const list = new List(promised, { history: 1 })
      await list.add('a')
      const telling: (() => void)[] = []
      const snapshot = () =>
        new Promise((resolve) => {
          const taken = [...list.items]
          telling.push(() => resolve({ taken }))
        })
      const { come } = await serve(list.channel, { snapshot })
      const client = come()
      await turnsUntil(() => telling.length === 1)
      await list.lose('b', 'c')
      telling[0]!()
      await turnsUntil(() => telling.length === 2)
      const [id] = await list.add('d')
      telling[1]!()
      await client.until('data: d\n')
      expect(framesOf(client.body).map(({ data }) => data)).to.deep.equal([
        { taken: ['a'] },
        { taken: ['a', 'b', 'c'] },
        'd',
      ])
      expect(framesOf(client.body).at(-1)!.id).to.equal(id)
    })

    it('while what was missed is still being read: the whole in place of the rest', async () => {
      const list = new List(promised, { history: 3 })
      const [first] = await list.add('a', 'b', 'c')
      const { come } = await serve(list.channel, { snapshot: list.whole })
      list.backend.hold('event')
      const client = come(first)
      await list.backend.held('event')
      await list.backend.step('event')
      await client.until('data: b\n')
      const ids = await list.add('d', 'e', 'f', 'g')
      list.backend.release('event')
      await client.until('"g"')
      const [id] = await list.add('h')
      await client.until('data: h\n')
      const frames = framesOf(client.body)
      expect(frames.map(({ data }) => data)).to.deep.equal([
        'b',
        { items: ['a', 'b', 'c', 'd', 'e', 'f', 'g'] },
        'h',
      ])
      expect(frames.map(({ id }) => id).slice(1)).to.deep.equal([ids.at(-1), id])
      expect(list.backend.readings).to.equal(0)
    })

    it('in a format without notices: the whole again, and the stream is not cut', async () => {
      const list = new List(promised, { history: 1 })
      const { come } = await serve(list.channel, { format: ndjson(), snapshot: list.whole })
      const client = come()
      await client.until('\n')
      await list.lose('a', 'b')
      await client.until('"b"')
      await list.add('c')
      expect(await client.until('"c"\n')).to.equal('{"items":[]}\n{"items":["a","b"]}\n"c"\n')
    })

    it('stop() ends the stream, complete; a failure cuts it', async () => {
      for (const [answer, kind, end] of [
        [() => stop(), 'stop', 'whole'],
        [() => Promise.resolve(stop(410, { body: 'gone' })), 'stop', 'whole'],
        [
          () => {
            throw new Error('broken')
          },
          'error',
          'cut',
        ],
        [() => Promise.reject(new Error('broken')), 'error', 'cut'],
      ] as const) {
        const list = new List(promised, { history: 1 })
        let count = 0
        const snapshot = () => (count++ === 0 ? 'first' : answer())
        const { come, reasons } = await serve(list.channel, { snapshot })
        const client = come()
        await client.until('first')
        await list.lose('a', 'b')
        await (end === 'whole' ? client.whole() : client.ended)
        expect(reasons.map((reason) => reason.kind)).to.deep.equal([kind])
        expect(client.message.isWhole, kind).to.equal(end === 'whole')
        expect(list.channel.subscribers).to.equal(0)
      }
    })

    it('one that never settles: the stream is cut at the decisionTimeout, and lives until then', async () => {
      const list = new List(promised, { history: 1 })
      let count = 0
      const snapshot = () => (count++ === 0 ? 'first' : new Promise(() => {}))
      const { come, reasons } = await serve(list.channel, { snapshot, decisionTimeout: 1000 })
      const client = come()
      await client.until('first')
      await list.lose('a', 'b')
      await turnsUntil(() => count === 2)
      stage.now.time.advance(999)
      await turns()
      expect(reasons).to.deep.equal([])
      stage.now.time.advance(1)
      await client.ended
      expect(reasons.map(({ kind }) => kind)).to.deep.equal(['error'])
      expect((reasons[0]!.error as Error).message).to.match(/^snapshot did not settle within 1000 ms/)
    })
  })

  describe('where deliveries lag', () => {
    it('the place is that of the latest event, delivered or not: what the state has already is not applied again', async () => {
      const list = new List(promised)
      const { come } = await serve(list.channel, { snapshot: list.whole })
      const first = come()
      await first.until('\n\n')
      await list.add('a')
      await first.until('data: a\n')
      list.backend.hold('delivery')
      let place = ''
      for (const item of ['b', 'c']) {
        list.items.push(item)
        place = await list.elsewhere.publish(item)
      }
      const second = come()
      await second.until('\n\n')
      list.backend.release('delivery')
      const [id] = await list.add('d')
      await second.until('data: d\n')
      expect(framesOf(second.body)).to.deep.equal([
        { type: 'snapshot', id: place, data: { items: ['a', 'b', 'c'] } },
        { type: 'message', id, data: 'd' },
      ])
    })

    it('a client is not told of a place before its own', async () => {
      const list = new List(promised)
      const stream = { heartbeat: 1000 }
      const { come } = await serve(list.channel, { snapshot: list.whole, stream })
      const first = come()
      await first.until('\n\n')
      await list.add('a')
      await first.until('data: a\n')
      list.backend.hold('delivery')
      await list.elsewhere.publish('b')
      const second = come()
      await second.until('\n\n')
      stage.now.time.advance(1000)
      await second.until('\n:\n')
      expect(framesOf(second.body)).to.have.length(1)
      list.backend.release('delivery')
    })

    it('a store that is lost while a newcomer asks for the place: the place that was delivered', async () => {
      const list = new List(promised)
      const { come } = await serve(list.channel, { snapshot: list.whole })
      const first = come()
      await first.until('\n\n')
      const [id] = await list.add('a')
      await first.until('data: a\n')
      list.backend.lose()
      const second = come()
      await second.until('\n\n')
      expect(framesOf(second.body)).to.deep.equal([{ type: 'snapshot', id, data: { items: ['a'] } }])
      list.backend.restore()
      const [, next] = await list.add('b', 'c')
      await second.until('data: c\n')
      expect(framesOf(second.body).at(-1)!.id).to.equal(next)
    })
  })

  describe('what it returns', () => {
    /** The frames that a client gets of an answer, at once. */
    async function framesFor(answer: unknown, format: Format = sse()): Promise<Frame[]> {
      const { client } = await clientFor(answer, format)
      return framesOf(client.body)
    }

    async function clientFor(answer: unknown, format: Format = sse()) {
      const list = new List()
      const [place] = await list.add('a')
      const { come, reasons } = await serve(list.channel, { format, snapshot: () => answer })
      const client = come()
      await client.head()
      await turns(50)
      const id = await list.elsewhere.publish('live')
      await client.until('live')
      return { client, place: place!, id, reasons }
    }

    const types = (frames: Frame[]) => frames.map(({ type, data }) => [type, data])
    const live = ['message', 'live']

    it('data: an event of type snapshot', async () => {
      for (const data of [{ a: 1 }, 'text', 7, 0, false, null, '']) {
        expect(types(await framesFor(data)), JSON.stringify(data)).to.deep.equal([['snapshot', data], live])
      }
    })

    it('an event: with its own type, comment and retry; its id is not the client’s place', async () => {
      const { client, place } = await clientFor(
        event({ a: 1 }, { type: 'all', comment: 'hello', retry: 7, id: 'mine' }),
      )
      expect(client.body).to.include(': hello').and.to.include('retry: 7').and.not.to.include('mine')
      expect(framesOf(client.body.replace(/^retry.*\n/m, ''))[0]).to.deep.equal({
        type: 'all',
        id: place,
        data: { a: 1 },
      })
    })

    it('an event of type null: one without a type', async () => {
      const { client, place } = await clientFor(event('whole', { type: null }))
      expect(client.body).to.include(`\nid: ${place}\ndata: whole\n\n`).and.not.to.include('event: ')
    })

    const iterables: Record<string, () => unknown> = {
      'an array': () => [1, event(2, { type: 'two' }), 3],
      'a Set': () => new Set([1, event(2, { type: 'two' }), 3]),
      'a generator': function* () {
        yield* [1, event(2, { type: 'two' }), 3]
      },
      'an asynchronous generator': async function* () {
        yield 1
        await turns(2)
        yield event(2, { type: 'two', id: 'mine' })
        yield 3
      },
      'a Node stream': () => Readable.from([1, event(2, { type: 'two' }), 3]),
      'a Web stream': () => ReadableStream.from([1, event(2, { type: 'two' }), 3]),
      'a promise of an array': async () => [1, event(2, { type: 'two' }), 3],
    }
    for (const [name, make] of Object.entries(iterables)) {
      it(`${name}: an event each, the last one with the place`, async () => {
        const { client, place, id } = await clientFor(make())
        expect(framesOf(client.body)).to.deep.equal([
          { type: 'snapshot', data: 1 },
          { type: 'two', data: 2 },
          { type: 'snapshot', id: place, data: 3 },
          { type: 'message', id, data: 'live' },
        ])
      })
    }

    it('events of the channel itself, as `replay` gives them', async () => {
      const list = new List()
      const ids = await list.add('a', 'b')
      const { come } = await serve(list.channel, { snapshot: () => list.channel.replay('earliest') })
      const client = come()
      await client.until('data: b\n')
      expect(framesOf(client.body)).to.deep.equal([
        { type: 'snapshot', data: 'a' },
        { type: 'snapshot', id: ids[1], data: 'b' },
      ])
    })

    for (const [name, make] of Object.entries({
      nothing: (): unknown => undefined,
      'an empty array': () => [],
      'an empty generator': async function* () {},
      'an empty Node stream': () => Readable.from([]),
    })) {
      it(`${name}: the notice of the place alone`, async () => {
        const { client, place, id } = await clientFor(make())
        expect(framesOf(client.body)).to.deep.equal([
          { type: 'position', id: place, data: {} },
          { type: 'message', id, data: 'live' },
        ])
      })
    }

    it('text and bytes: data, not a list of characters or bytes', async () => {
      for (const bytes of [
        Buffer.from('whole'),
        new Uint8Array(Buffer.from('whole')),
        new Uint16Array(new Uint8Array(Buffer.from('wholes')).buffer),
        new DataView(new Uint8Array(Buffer.from('whole')).buffer),
        new Uint8Array(Buffer.from('whole')).buffer,
        new Blob(['whole']),
      ]) {
        const { client } = await clientFor(bytes, raw('application/octet-stream'))
        expect(client.body, bytes.constructor.name).to.match(/^wholes?live$/)
      }
      const { client } = await clientFor('whole', text())
      expect(client.body).to.equal('wholelive')
    })

    const written: Record<string, [Format, RegExp]> = {
      'sse()': [
        sse(),
        /^:\nevent: snapshot\ndata: \{"name":1\}\n\nevent: snapshot\nid: \S+\ndata: \{"name":2\}\n\nid: \S+\ndata: live\n\n$/,
      ],
      'ndjson()': [ndjson(), /^\{"name":1\}\n\{"name":2\}\n"live"\n$/],
      'ndjson({ envelope })': [
        ndjson({ envelope: true }),
        /^\{"type":"snapshot","data":\{"name":1\}\}\n\{"id":"\S+","type":"snapshot","data":\{"name":2\}\}\n\{"id":"\S+","data":"live"\}\n$/,
      ],
      'jsonSeq()': [jsonSeq(), /^\x1e\{"name":1\}\n\x1e\{"name":2\}\n\x1e"live"\n$/],
      'jsonArray()': [jsonArray(), /^\[\s*\{"name":1\},\s*\{"name":2\},\s*"live"$/],
      'csv()': [csv({ columns: ['name'] }), /^name\r\n1\r\n2\r\n/],
      'multipart()': [
        multipart('application/json'),
        /\{"name":1\}\r\n--[\s\S]*\{"name":2\}\r\n--[\s\S]*"live"/,
      ],
      'a format of the user’s own': [
        format({
          mediaType: 'text/x-own',
          encode: ({ data, type = '-', id }) => `${type} ${id !== undefined} ${JSON.stringify(data)};`,
        }),
        /^snapshot false \{"name":1\};snapshot true \{"name":2\};- true "live";$/,
      ],
    }
    for (const [name, [each, expected]] of Object.entries(written)) {
      it(`in ${name}`, async () => {
        const list = new List()
        const { come } = await serve(list.channel, {
          format: each,
          snapshot: () => [{ name: 1 }, { name: 2 }],
        })
        const client = come()
        await client.until('2')
        await turns()
        if (name === 'csv()') return expect(client.body).to.match(expected)
        await list.elsewhere.publish('live')
        await client.until('live')
        expect(client.body).to.match(expected)
      })
    }

    it('an endless or foreign thing: an error that says what was expected, before the head', async () => {
      for (const [answer, named] of [
        [createHub().channel('other'), /channel|feed/i],
        [() => 1, /Function/],
        [sse(), /./],
        [ndjson().once([1]), /./],
        [{ '@@observable': () => ({ subscribe() {} }) }, /./],
      ] as const) {
        const list = new List()
        const { come, reasons } = await serve(list.channel, { snapshot: () => answer })
        const { status } = await come().whole()
        expect(status).to.equal(500)
        const [error] = stage.now.errors.splice(0) as Error[]
        expect(error).to.be.instanceOf(TypeError).and.to.include({ code: 'LARIAT_ANSWER' })
        expect(error!.message).to.match(/^snapshot answered .*: expected data, an event\(\), or an iterable/)
        expect(error!.message).to.match(named)
        expect(reasons).to.have.length(1)
      }
    })

    it('what a format cannot write ends the stream, and names it', async () => {
      for (const item of [1n, [Promise.resolve(1)], [0, stop()]]) {
        const list = new List()
        const { come, reasons } = await serve(list.channel, { snapshot: () => item })
        await come().ended
        expect(reasons.map(({ kind }) => kind)).to.deep.equal(['error'])
        expect(reasons[0]!.error).to.be.instanceOf(TypeError)
      }
    })
  })

  describe('before the head', () => {
    const broken = (status: number) => Object.assign(new Error('broken'), { status })

    const failing: Record<string, () => unknown> = {
      throws: () => {
        throw broken(502)
      },
      rejects: async () => {
        await turns(1)
        throw broken(502)
      },
      'gives a generator that fails at once': function* () {
        yield* []
        throw broken(502)
      },
      'gives an asynchronous generator that fails at once': async function* () {
        await turns(1)
        yield* []
        throw broken(502)
      },
      'gives a Node stream that fails at once': () =>
        new Readable({
          objectMode: true,
          read() {
            this.destroy(broken(502))
          },
        }),
    }
    onEach(
      '',
      (on) => {
        for (const [how, snapshot] of Object.entries(failing)) {
          it(`one that ${how}: an ordinary error with its own status`, async () => {
            for (const subscribe of ['is a feed', 'returns one', 'resolves to one'] as const) {
              const list = new List(on)
              const { channel: feed } = list
              const { come, reasons } = await serve(feed, {
                snapshot,
                ...(subscribe === 'is a feed' && { subscribe: feed as never }),
                ...(subscribe === 'resolves to one' && { subscribe: async () => feed }),
              })
              const { status, headers } = await come().whole()
              expect(status).to.equal(502)
              expect(headers).not.to.have.any.keys('last-event-id', 'event-gap', 'x-accel-buffering')
              expect(stage.now.errors.splice(0)).to.have.length(1)
              expect(reasons.map(({ kind }) => kind)).to.deep.equal(['error'])
              expect(list.channel.subscribers).to.equal(0)
            }
          })
        }

        for (const [how, wait] of Object.entries({
          'never settles': (): unknown => new Promise(() => {}),
          'gives a generator that never yields': async function* (): AsyncGenerator<number> {
            await new Promise(() => {})
            yield 1
          },
        })) {
          it(`one that ${how}: 503 at the decisionTimeout, which is its own`, async () => {
            for (const isAsync of [false, true]) {
              const list = new List(on)
              let tell = () => {}
              const { come, log, reasons } = await serve(list.channel, {
                snapshot: wait,
                decisionTimeout: 1000,
                ...(isAsync && {
                  async subscribe() {
                    await new Promise<void>((resolve) => (tell = resolve))
                    return list.channel
                  },
                }),
              })
              const client = come()
              if (isAsync) {
                await turns()
                stage.now.time.advance(900)
                tell()
              }
              await log.until('snapshot')
              await turns()
              stage.now.time.advance(999)
              await turns()
              expect(client.size).to.equal(0)
              stage.now.time.advance(1)
              expect((await client.whole()).status).to.equal(503)
              expect((reasons[0]!.error as Error).message).to.match(/^snapshot did not settle within 1000 ms/)
              expect(list.channel.subscribers).to.equal(0)
            }
          })
        }

        it(`stop() is the answer`, async () => {
          for (const answer of [() => stop(404, { body: 'none' }), async () => stop(404, { body: 'none' })]) {
            const list = new List(on)
            const { come, reasons } = await serve(list.channel, { snapshot: answer })
            const { status, body } = await come().whole()
            expect([status, body]).to.deep.equal([404, 'none'])
            expect(reasons).to.deep.equal([{ kind: 'stop' }])
            expect(list.channel.subscribers).to.equal(0)
          }
        })
      },
      tableWithHeld,
    )

    it('HEAD calls neither `subscribe` nor `snapshot`', async () => {
      const list = new List()
      const { site, log } = await serve(list.channel, { snapshot: list.whole })
      const client = site.get('/', { method: 'HEAD' })
      expect((await client.head()).status).to.equal(200)
      expect(log.entries).to.deep.equal([])
    })

    it('what `subscribe` has written comes first; then it is an end, as for any stream', async () => {
      const list = new List()
      await list.add('a')
      const subscribe = ({ write }: Context) => {
        write('hello')
        return list.channel
      }
      const { come } = await serve(list.channel, { subscribe: subscribe as never, snapshot: list.whole })
      const client = come()
      await client.until('"a"')
      expect(framesOf(client.body).map(({ type, data }) => [type, data])).to.deep.equal([
        ['message', 'hello'],
        ['snapshot', { items: ['a'] }],
      ])
      const cut = await serve(list.channel, {
        subscribe: subscribe as never,
        snapshot: () => Promise.reject(new Error('broken')),
      })
      const other = cut.come()
      await other.ended
      expect(framesOf(other.body)).to.have.length(1)
      expect(other.message.isWhole).to.equal(false)
    })

    it('a `subscribe` without a feed: an error that says so, and what it gave is closed', async () => {
      const closed: string[] = []
      const answers = [
        undefined,
        () => closed.push('unsubscribe'),
        Readable.from([1]).on('close', () => closed.push('Node stream')),
        (function* () {
          yield 1
        })(),
      ]
      for (const answer of answers) {
        const list = new List()
        const { come, log } = await serve(list.channel, {
          subscribe: (() => answer) as never,
          snapshot: list.whole,
        })
        expect((await come().whole()).status).to.equal(500)
        const [error] = stage.now.errors.splice(0) as Error[]
        expect(error).to.be.instanceOf(TypeError)
        expect(error!.message).to.match(/^subscribe answered .*: expected a channel, or a part of one, since/)
        expect(log.count('snapshot')).to.equal(0)
      }
      await turns()
      expect(closed).to.deep.equal(['unsubscribe', 'Node stream'])
      const list = new List()
      const { come, reasons } = await serve(list.channel, {
        subscribe: () => stop(409),
        snapshot: list.whole,
      })
      expect((await come().whole()).status).to.equal(409)
      expect(reasons).to.deep.equal([{ kind: 'stop' }])
    })

    it('`head: first`: what fails in its first event is an ordinary error; its first event sends the head', async () => {
      const list = new List()
      const [place] = await list.add('a')
      const stream = { head: 'first' } as const
      const failing = await serve(list.channel, { snapshot: () => [1n], stream })
      expect((await failing.come().whole()).status).to.equal(500)
      expect(stage.now.errors.splice(0)).to.have.length(1)
      const { come } = await serve(list.channel, { snapshot: list.whole, stream })
      const client = come()
      await client.until('\n\n')
      expect(headOf(client.message)).to.deep.equal({ status: 200, last: place, gap: undefined })
      expect(framesOf(client.body)).to.have.length(1)
      // an empty one sends no head: there is no event
      const empty = await serve(list.channel, { snapshot: () => [], stream })
      const waiting = empty.come()
      await turns(50)
      expect(waiting.size).to.equal(0)
      const [id] = await list.add('b')
      await waiting.until('data: b\n')
      expect(framesOf(waiting.body).at(-1)).to.deep.equal({ type: 'message', id, data: 'b' })
    })
  })

  describe('in mid-stream', () => {
    it('a source that fails cuts the stream, in every format', async () => {
      for (const each of [sse(), jsonArray(), ndjson()]) {
        const list = new List()
        const { come, reasons } = await serve(list.channel, {
          format: each,
          *snapshot() {
            yield 1
            yield 2
            throw new Error('broken')
          },
        })
        const client = come()
        await client.ended
        expect(client.message.isWhole).to.equal(false)
        expect(client.body).to.include('1').and.not.to.include('3')
        expect(reasons.map(({ kind }) => kind)).to.deep.equal(['error'])
        expect(list.channel.subscribers).to.equal(0)
      }
    })

    it('it is read no faster than the client reads; a client that leaves closes it', async () => {
      const list = new List()
      let given = 0
      const log = new Log()
      const { site, reasons } = await serve(list.channel, {
        format: raw('application/octet-stream'),
        *snapshot() {
          try {
            for (; given < 1000; given++) yield flood.subarray(0, 2 ** 20)
          } finally {
            log.add('closed')
          }
        },
      })
      const client = site.get('/', { reads: false })
      await turnsUntil(() => given > 0)
      await turns(100)
      expect(given).to.be.below(50)
      const before = given
      client.socket.resume()
      await turnsUntil(() => given > before + 20)
      client.leave()
      await log.until('closed')
      expect(reasons).to.deep.equal([{ kind: 'disconnect' }])
      expect(list.channel.subscribers).to.equal(0)
    })

    for (const [name, source] of Object.entries({
      'a generator that waits': (closed: () => void) =>
        (async function* () {
          try {
            yield 'first'
            yield 'second'
            await new Promise((resolve) => setImmediate(resolve))
            for (;;) {
              await turns(1)
              yield 'more'
            }
          } finally {
            closed()
          }
        })(),
      'a Node stream': (closed: () => void) =>
        new Readable({ objectMode: true, read() {} }).on('close', closed).setEncoding?.('utf8'),
      'a Web stream': (closed: () => void) => new ReadableStream({ cancel: closed }),
      'an iterator that never answers': (closed: () => void) => ({
        [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}), return: closed }),
      }),
    })) {
      it(`a client that leaves closes ${name}, and terminate is called once`, async () => {
        const list = new List()
        const log = new Log()
        const {
          come,
          reasons,
          log: calls,
        } = await serve(list.channel, {
          snapshot: () => source(() => log.add('closed')) as never,
        })
        const client = come()
        await calls.until('snapshot')
        await turns()
        client.leave()
        await log.until('closed')
        await turns()
        stage.now.time.advance(30_000)
        await turnsUntil(() => reasons.length > 0)
        expect(reasons.map(({ kind }) => kind)).to.deep.equal(['disconnect'])
        expect(log.entries).to.deep.equal(['closed'])
        expect(list.channel.subscribers).to.equal(0)
      })
    }

    it('a client that leaves before it has answered: what it gives then is closed', async () => {
      for (const fails of [false, true]) {
        const list = new List()
        const log = new Log()
        let tell = (_: unknown) => {}
        const {
          come,
          reasons,
          log: calls,
        } = await serve(list.channel, {
          snapshot: ({ signal }) => {
            signal.addEventListener('abort', () => log.add('aborted'))
            return new Promise((resolve) => (tell = resolve))
          },
        })
        const client = come()
        await calls.until('snapshot')
        client.leave()
        await log.until('aborted')
        expect(list.channel.subscribers).to.equal(0)
        if (fails) tell(Promise.reject(new Error('too late')))
        else {
          tell(Readable.from([1]).on('close', () => log.add('closed')))
          await log.until('closed')
        }
        await calls.until('disconnect')
        await turns()
        expect(reasons).to.have.length(1)
      }
    })

    it('a client that leaves while the store is asked for the place: it is not called', async () => {
      const list = new List(promised)
      list.backend.hold('read')
      const { come, log } = await serve(list.channel, { snapshot: list.whole })
      const client = come()
      await list.backend.held('read')
      client.leave()
      await turns()
      list.backend.release('read')
      await log.until('disconnect')
      expect(log.count('snapshot')).to.equal(0)
    })

    it('`maxDuration`, `stream.close()`, the end of the endpoint and of the hub do not wait for it, and cut what is not whole', async () => {
      const kinds = {
        maxDuration: 'expired',
        'close()': 'revoked',
        'hub.close()': 'down',
        'endpoint.close()': 'shutdown',
      }
      for (const end of Object.keys(kinds) as (keyof typeof kinds)[]) {
        const list = new List()
        const log = new Log()
        const { come, reasons, endpoint } = await serve(list.channel, {
          async *snapshot() {
            try {
              yield 'first'
              yield 'second'
              await new Promise((resolve) => log.until('go').then(resolve))
              yield 'third'
            } finally {
              log.add('closed')
            }
          },
          stream: { maxDuration: 1000 },
        })
        const client = come()
        await client.until('first')
        if (end === 'maxDuration') stage.now.time.advance(1000)
        else if (end === 'close()') for (const stream of endpoint.streams) stream.close()
        else if (end === 'hub.close()') void list.hub.close()
        else void endpoint.close()
        await client.ended
        expect(client.message.isWhole).to.equal(false)
        log.add('go')
        await log.until('closed')
        expect(reasons.map(({ kind }) => kind)).to.deep.equal([kinds[end]])
      }
    })
  })

  describe('beside other parts of a spec', () => {
    it('`info`: the snapshot goes past it, live events go through it', async () => {
      const list = new List()
      await list.add('a')
      const heard: unknown[] = []
      const { come } = await serve(list.channel, {
        snapshot: list.snapshot,
        info: (message, { write }) => {
          heard.push((message as Event).data)
          return write(event(`told ${(message as Event).data}`))
        },
      })
      const client = come()
      await client.until('data: a\n')
      await list.add('b')
      await client.until('told b')
      expect(heard).to.deep.equal(['b'])
      expect(framesOf(client.body).map(({ type, data }) => [type, data])).to.deep.equal([
        ['item', 'a'],
        ['message', 'told b'],
      ])
    })

    it('`init` and the context: it knows the state, what was negotiated, and the request', async () => {
      const list = new List()
      await list.add('a', 'b')
      const site = await stage.now.serve(
        resource({
          init: ({ req }) => ({ only: String(req.query.only) }),
          contentTypesProvided: [sse(), ndjson()],
          subscribe: ({ state }) => list.channel.filter((item) => item === state.only),
          snapshot: ({ state, negotiated }) => [
            negotiated.mediaType,
            ...list.items.filter((item) => item === state.only),
          ],
        }),
      )
      const client = site.get('/?only=b', { headers: { Accept: 'application/x-ndjson' } })
      expect(await client.until('"b"\n')).to.equal('"application/x-ndjson"\n"b"\n')
    })

    it('a POST that is answered by a stream', async () => {
      const list = new List()
      const [place] = await list.add('a')
      const site = await stage.now.serve(
        resource({
          init: () => ({ body: '' }),
          allowedMethods: ['POST'],
          contentTypesProvided: [sse()],
          contentTypesAccepted: {
            'text/plain': async (context) => {
              context.state.body = await context.text()
              return context.negotiated.format
            },
          },
          subscribe: () => list.channel,
          snapshot: ({ state }) => ({ asked: state.body, items: list.items }),
        }),
      )
      const client = site.get('/', {
        method: 'POST',
        body: 'mine',
        headers: { 'Content-Type': 'text/plain' },
      })
      await client.until('\n\n')
      expect(framesOf(client.body)).to.deep.equal([
        { type: 'snapshot', id: place, data: { asked: 'mine', items: ['a'] } },
      ])
    })

    it('a list of `once()` and a body take no part in it', async () => {
      let count = 0
      const list = new List()
      const site = await stage.now.serve(
        resource({
          contentTypesProvided: {
            'application/json': () => ndjson().once([1]),
            'text/plain': () => 'body',
            'text/event-stream': sse(),
          },
          subscribe: list.channel,
          snapshot: () => {
            count += 1
          },
        }),
      )
      for (const Accept of ['application/json', 'text/plain']) {
        expect((await site.get('/', { headers: { Accept } }).whole()).status).to.equal(200)
      }
      expect(count).to.equal(0)
    })

    it('`reauthorize` asks meanwhile: who may no longer read gets no more of it', async () => {
      const list = new List()
      let isAllowed = true
      const log = new Log()
      const site = await stage.now.serve(
        resource({
          contentTypesProvided: [sse()],
          isAuthorized: () => isAllowed || 'Bearer',
          subscribe: () => list.channel,
          async *snapshot() {
            yield 'first'
            yield 'second'
            await log.until('go')
            yield 'third'
          },
          stream: { reauthorize: 1000, heartbeat: false },
          terminate: ({ kind }) => log.add(kind),
        }),
      )
      const client = site.get()
      await client.until('first')
      isAllowed = false
      stage.now.time.advance(1000)
      await log.until('revoked')
      log.add('go')
      await client.ended
      expect(client.message.isWhole).to.equal(false)
      expect(client.body).not.to.include('third')
    })

    it('streams share again after it: an event is encoded once for all of them', async () => {
      const list = new List()
      let encoded = 0
      const own = format({
        mediaType: 'text/x-own',
        encode: ({ data }) => {
          if (data === 'live') encoded += 1
          return `${data};`
        },
      })
      const { come } = await serve(list.channel, { format: own, snapshot: () => ['a', 'b'] })
      const clients = [come(), come(), come()]
      for (const client of clients) await client.until('b;')
      await list.add('live')
      for (const client of clients) expect(await client.until('live;')).to.equal('a;b;live;')
      expect(encoded).to.equal(1)
    })

    it('a subscriber is counted and told of once, whatever gaps there are', async () => {
      const list = new List(promised, { history: 1 })
      const told: string[] = []
      list.channel.on('join', () => told.push('join')).on('leave', () => told.push('leave'))
      const { come, log } = await serve(list.channel, { snapshot: list.whole })
      const client = come()
      await client.until('\n\n')
      await list.add('a')
      await list.lose('b', 'c')
      await client.until('"c"')
      expect(list.channel.subscribers).to.equal(1)
      client.leave()
      await log.until('disconnect')
      expect(told).to.deep.equal(['join', 'leave'])
    })
  })

  describe('of several channels on one stream', () => {
    onEach(
      '',
      (on) => {
        it(`the place is that of all of them; a gap in one of them is the whole again`, async () => {
          const own = new List(on, { history: 1 })
          const backend = asyncMemory()
          const team = on.hub(backend).channel<string>('team', {
            history: 100,
          })
          await own.add('a')
          await team.publish('t')
          const both = merge(own.channel, team)
          const { come, log } = await serve(both, { snapshot: own.whole })
          const first = come()
          await first.until('\n\n')
          await team.publish('u')
          await first.until('data: u\n')
          const [whole, live] = framesOf(first.body)
          expect(whole).to.deep.include({ type: 'snapshot', data: { items: ['a'] } })
          first.leave()
          const found = come(whole!.id)
          await found.until('data: u\n')
          expect(framesOf(found.body).map(({ data }) => data)).to.deep.equal(['u'])
          found.leave()
          await own.add('b', 'c')
          const lost = come(live!.id)
          await lost.until('"c"')
          expect(headOf(lost.message).gap).to.equal('trimmed')
          await team.publish('v')
          await lost.until('data: v\n')
          expect(framesOf(lost.body).map(({ data }) => data)).to.deep.equal([{ items: ['a', 'b', 'c'] }, 'v'])
          expect(log.count('snapshot')).to.equal(2)
        })

        it(`a heartbeat meanwhile tells no place before its own, beside \`info\` too`, async () => {
          for (const info of [undefined, (message: unknown, { write }: Context) => write(message)]) {
            const own = new List(on)
            const team = createHub(asyncMemory()).channel<string>('team', { history: 100 })
            await own.add('a')
            const { come, reasons } = await serve(
              merge(
                own.channel,
                team.filter(() => false),
              ),
              {
                snapshot: own.whole,
                stream: { heartbeat: 1000 },
                ...(info && { info: info as never }),
              },
            )
            const client = come()
            await client.until('\n\n')
            stage.now.time.advance(1000)
            await turns(50)
            await team.publish('unheard')
            await turns(50)
            stage.now.time.advance(1000)
            await client.until('position')
            expect(reasons).to.deep.equal([])
            expect(framesOf(client.body).map(({ type }) => type)).to.deep.equal(['snapshot', 'position'])
          }
        })
      },
      tableWithHeld,
    )

    onEach(
      '',
      (on) => {
        it(`one that was added since its last visit: the whole again, unless it says where to begin`, async () => {
          const own = new List(on)
          const team = on.hub().channel<string>('team', {
            history: 100,
          })
          await own.add('a')
          await team.publish('t')
          const before = await serve(merge(own.channel), { snapshot: own.whole })
          const first = before.come()
          const { id } = framesOf(await first.until('\n\n'))[0]!
          first.leave()
          await own.add('b')
          const { come } = await serve(merge(own.channel, team), { snapshot: own.whole })
          const back = come(id)
          await back.until('"b"')
          await team.publish('u')
          await back.until('data: u\n')
          const frames = framesOf(back.body)
          expect(frames.map(({ data }) => data)).to.deep.equal([{ items: ['a', 'b'] }, 'u'])
          expect(headOf(back.message)).to.deep.include({ gap: undefined, last: frames[0]!.id })
          const placed = await serve(merge(own.channel, team.from('earliest')), { snapshot: own.whole })
          const missed = placed.come(id)
          await missed.until('data: u\n')
          const events = framesOf(missed.body).filter(({ type }) => type !== 'position')
          expect(events.map(({ data }) => data)).to.deep.equal(['b', 't', 'u'])
        })
      },
      tableWithHeld,
    )

    it('a gap in mid-stream of one of them: the whole again', async () => {
      const own = new List(promised, { history: 1 })
      const team = createHub().channel<string>('team', { history: 100 })
      const { come } = await serve(merge(own.channel, team), { snapshot: own.whole })
      const client = come()
      await client.until('\n\n')
      await own.lose('b', 'c')
      await turns(100)
      await client.until('"c"')
      await team.publish('u')
      await own.add('d')
      await client.until('data: d\n')
      await client.until('data: u\n')
      expect(framesOf(client.body).map(({ data }) => data)).to.deep.equal([
        { items: [] },
        { items: ['b', 'c'] },
        'u',
        'd',
      ])
    })
  })

  describe('live events that wait for it, past the limits', () => {
    async function flooded(overflow: unknown) {
      const list = new List()
      let tell = (_: unknown) => {}
      const served = await serve(list.channel, {
        snapshot: () => new Promise((resolve) => (tell = resolve)),
        stream: { maxQueued: 3, overflow: overflow as never, heartbeat: false },
      })
      const client = served.come()
      await served.log.until('snapshot')
      const items = ['a1', 'b1', 'a2', 'c1', 'a3', 'a4']
      await list.add(...items)
      return { ...served, list, client, tell: () => tell('whole') }
    }
    const dataOf = (client: Client) => framesOf(client.body).map(({ data }) => data)

    it('close: 503, since nothing has gone out; the snapshot is closed', async () => {
      const { client, reasons, list } = await flooded('close')
      expect((await client.whole()).status).to.equal(503)
      // `terminate` comes when it has settled, or is late
      stage.now.time.advance(30_000)
      await turns()
      expect(reasons.map(({ kind }) => kind)).to.deep.equal(['overflow'])
      expect(list.channel.subscribers).to.equal(0)
    })

    for (const [name, overflow, left] of [
      ['dropOldest', 'dropOldest', ['c1', 'a3', 'a4']],
      ['dropNewest', 'dropNewest', ['a1', 'b1', 'a2']],
      ['conflate', { conflate: (item: string) => item[0] }, ['b1', 'c1', 'a4']],
    ] as const) {
      it(`${name}: the snapshot is whole, what is left follows it, and the rest is told`, async () => {
        const { client, tell, endpoint } = await flooded(overflow)
        tell()
        await client.until(`data: ${left.at(-1)}\n`)
        expect(client.body).to.match(/^:\n: .*3.*\n/)
        expect(dataOf(client)).to.deep.equal(['whole', ...left])
        expect([...endpoint.streams].map(({ dropped }) => dropped)).to.deep.equal([3])
      })
    }

    it('a policy drops nothing of the snapshot itself, whatever is sent meanwhile', async () => {
      for (const overflow of ['dropOldest', 'dropNewest', { conflate: () => 'one' }] as const) {
        const list = new List()
        const { site, endpoint } = await serve(list.channel, {
          format: ndjson(),
          subscribe: (({ send }: Context) => {
            setImmediate(function more() {
              for (const each of ['x', 'y', 'z']) send(each)
              if (list.channel.subscribers > 0) setImmediate(more)
            })
            return list.channel
          }) as never,
          snapshot: () => Array.from({ length: 5000 }, (_, n) => n),
          stream: { maxQueued: 2, overflow: overflow as never, heartbeat: false },
        })
        const client = site.get()
        await client.until('4999\n')
        const numbers = client.body
          .split('\n')
          .filter((line) => /^\d+$/.test(line))
          .map(Number)
        expect(numbers).to.deep.equal(Array.from({ length: 5000 }, (_, n) => n))
        client.leave()
        await turnsUntil(() => [...endpoint.streams].length === 0)
      }
    })
  })
})
