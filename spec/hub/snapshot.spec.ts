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
  jsonArray,
  jsonSeq,
  loop,
  multipart,
  ndjson,
  raw,
  resource,
  sse,
  stop,
  text,
} from '../../lib/index.js'
import { AsyncBackend, Store } from '../support/async-backend.js'
import type { Context, Loop } from '../support/held.js'
import { Log } from '../support/log.js'
import type { Client, Message } from '../support/raw.js'
import { flood, stage, staged, turns, turnsUntil } from '../support/stage.js'

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

/** What a spec does with a feed, and what its callbacks were told. */
async function serve(feed: Feed<unknown>, spec: Loop, more: { isAsync?: boolean } = {}) {
  const log = new Log()
  const reasons: { kind: string; error?: unknown }[] = []
  const { snapshot } = spec
  const endpoint = loop({
    format: sse(),
    subscribe: more.isAsync ? async () => feed : () => feed,
    terminate(reason) {
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

type Backing = 'memory' | 'a store'
const backings: readonly Backing[] = ['memory', 'a store']

/** The list of a page: the state at the source, and a channel of its changes. */
class List {
  readonly items: string[] = []
  readonly backend: AsyncBackend
  readonly channel: Channel<string>
  /** A channel of another process, on the same store. */
  readonly elsewhere: Channel<string>

  constructor(backing: Backing = 'memory', options: object = { history: 100 }) {
    const store = new Store()
    this.backend = new AsyncBackend(store)
    this.channel = createHub(backing === 'memory' ? undefined : this.backend).channel('list', options)
    this.elsewhere =
      backing === 'memory'
        ? this.channel
        : createHub(new AsyncBackend(store)).channel<string>('list', options)
  }

  /** Changes the state, then publishes. */
  async add(...items: string[]): Promise<string[]> {
    const ids: string[] = []
    for (const item of items) {
      this.items.push(item)
      ids.push(await this.elsewhere.publish(item))
    }
    await this.backend.deliver()
    return ids
  }

  /** What was added meanwhile is lost to this process: the history is too short for it. */
  async lose(...items: string[]): Promise<void> {
    this.backend.down()
    await this.add(...items)
    this.backend.up()
    await this.backend.deliver()
  }

  readonly snapshot = () => [...this.items].map((item) => event(item, { type: 'item' }))
  readonly whole = () => ({ items: [...this.items] })
}

describe('Snapshot, then live (docs/guide/snapshots.md)', () => {
  staged()

  for (const backing of backings) {
    describe(`where it is taken, ${backing}`, () => {
      it('at the first connection: the whole with the place, then what comes after it', async () => {
        const list = new List(backing)
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
          last: backing === 'memory' ? place : place,
          gap: undefined,
        })
        expect(log.entries).to.deep.equal(['snapshot'])
      })

      it('not for a client that brings an id with nothing lost after it, nor for `earliest`', async () => {
        const list = new List(backing)
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
        const list = new List(backing)
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
        const list = new List(backing, { history: 1 })
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
        const list = new List(backing, { history: 1 })
        const [first] = await list.add('a', 'b', 'c')
        const { come } = await serve(list.channel.from(first!), { snapshot: list.whole })
        const client = come()
        await client.until('\n\n')
        expect(framesOf(client.body)).to.have.length(1)
        expect(headOf(client.message).gap).to.equal('trimmed')
      })

      it('of a filtered and mapped feed: the place is the channel’s', async () => {
        const list = new List(backing)
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
        const list = new List(backing, {})
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
        const list = new List(backing)
        const [place] = await list.add('a')
        await list.elsewhere.end()
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
          const list = new List(backing)
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
    })
  }

  describe('a gap in mid-stream', () => {
    for (const kind of ['in a shared group', 'of a stream that follows alone', 'beside `info`'] as const) {
      it(`${kind}: the whole again, then live`, async () => {
        const list = new List('a store', { history: 1 })
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
      const list = new List('a store', { history: 1 })
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
      const list = new List('a store', { history: 3 })
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
      const list = new List('a store', { history: 1 })
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
        const list = new List('a store', { history: 1 })
        let count = 0
        const snapshot = () => (count++ === 0 ? 'first' : answer())
        const { come, reasons } = await serve(list.channel, { snapshot })
        const client = come()
        await client.until('first')
        await list.lose('a', 'b')
        await turnsUntil(() => reasons.length > 0)
        await client.ended.then(undefined, () => {})
        expect(reasons.map((reason) => reason.kind)).to.deep.equal([kind])
        expect(client.message.isWhole, kind).to.equal(end === 'whole')
        expect(list.channel.subscribers).to.equal(0)
      }
    })

    it('one that never settles: the stream is cut at the decisionTimeout, and lives until then', async () => {
      const list = new List('a store', { history: 1 })
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
      expect(client.body).to.include(':hello').and.to.include('retry: 7').and.not.to.include('mine')
      expect(framesOf(client.body.replace(/^retry.*\n/m, ''))[0]).to.deep.equal({
        type: 'all',
        id: place,
        data: { a: 1 },
      })
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
      nothing: () => undefined,
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
      'multipart()': [multipart('application/json'), /\{"name":1\}\r\n--[^]*\{"name":2\}\r\n--[^]*"live"/],
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
        [() => 1, /function/],
        [sse(), /format|object/i],
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
      for (const item of [1n, [Promise.resolve(1)], [stop()]]) {
        const list = new List()
        const { come, reasons } = await serve(list.channel, { snapshot: () => item })
        await come().ended
        expect(reasons.map(({ kind }) => kind)).to.deep.equal(['error'])
        expect(reasons[0]!.error).to.be.instanceOf(TypeError)
      }
    })
  })
})
