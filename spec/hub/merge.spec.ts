import { expect } from 'chai'
import {
  type Channel,
  createHub,
  csv,
  type Event,
  type Feed,
  format,
  jsonArray,
  jsonSeq,
  merge,
  multipart,
  ndjson,
  type OpenStream,
  type Reason,
  resource,
  sse,
  text,
} from '../../lib/index.js'
import { type AsyncMemory, asyncMemory } from '../../lib/testing.js'
import { cases } from '../support/cases.js'
import { onEach, tableWithHeld } from '../support/hubs.js'
import type { Client } from '../support/raw.js'
import { type Site, stage, staged, turns, turnsUntil } from '../support/stage.js'

/** A channel with what its type may not have yet. */
type Whole = Channel<string> & { position(): Promise<string>; end(): Promise<void> }

/** A channel of texts. */
const textsOf = (hub: ReturnType<typeof createHub>, name: string, history = 3) =>
  hub.channel<string>(name, { history }) as Whole

/** A frame of SSE; data that is an object is parsed. */
interface Frame {
  readonly type: string | undefined
  readonly id: string | undefined
  readonly data: unknown
}

function framesOf(body: string): Frame[] {
  return body
    .replace(/^:.*\n/gm, '')
    .split('\n\n')
    .slice(0, -1)
    .map((block) => {
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1]
      const data = field('data')!
      return { type: field('event'), id: field('id'), data: data.startsWith('{') ? JSON.parse(data) : data }
    })
}

const framesTo = (client: Client) => framesOf(client.body)
/** Data of events; notices are left out. */
const dataOf = (frames: readonly Frame[]) =>
  frames.filter(({ type }) => type !== 'position' && type !== 'gap').map(({ data }) => data)
const gapsOf = (frames: readonly Frame[]) => frames.filter(({ type }) => type === 'gap')

/** A site that serves whatever feed it is by then. */
class Served {
  readonly reasons: Reason[] = []
  feed: Feed<unknown>
  site!: Site

  constructor(feed: Feed<unknown>) {
    this.feed = feed
  }

  static async of(feed: Feed<unknown>, spec: object = {}): Promise<Served> {
    const served = new Served(feed)
    served.site = await stage.now.serve(
      resource({
        contentTypesProvided: [sse(), ndjson()],
        subscribe: () => served.feed,
        terminate: (reason: Reason) => served.reasons.push(reason),
        stream: { heartbeat: 1000 },
        ...spec,
      } as never),
    )
    return served
  }

  async come(id?: string, headers: Record<string, string> = {}): Promise<Client> {
    const asked: Record<string, string> = id === undefined ? {} : { 'Last-Event-ID': id }
    const client = this.site.get('/', { headers: { ...asked, ...headers } })
    await client.head()
    await turns()
    return client
  }

  /** What a client gets that comes with an id; it leaves again. */
  async visit(id?: string, headers?: Record<string, string>): Promise<Frame[]> {
    const client = await this.come(id, headers)
    const frames = framesTo(client)
    client.leave()
    await turns()
    return frames
  }
}

const lastId = (frames: readonly Frame[]) => frames.findLast(({ id }) => id !== undefined)!.id!

onEach(
  'merge (docs/guide/channels.md)',
  (on) => {
    staged()

    let hub: ReturnType<typeof createHub>
    let a: Whole
    let b: Whole

    beforeEach(() => {
      hub = on.hub()
      a = textsOf(hub, 'a')
      b = textsOf(hub, 'b')
    })

    it('the events of all parts come on one stream; who is cut anywhere gets the rest of each, once', async () => {
      const served = await Served.of(merge(a, b))
      const client = await served.come()
      for (const [channel, data] of [
        [a, 'a1'],
        [b, 'b1'],
        [b, 'b2'],
        [a, 'a2'],
      ] as const) {
        await channel.publish(data)
        await turns()
      }
      const frames = framesTo(client)
      expect(dataOf(frames)).to.deep.equal(['a1', 'b1', 'b2', 'a2'])
      expect(frames[0]).to.include({ type: 'position', id: client.message.headers['last-event-id'] })
      client.leave()
      const all = ['a1', 'b1', 'b2', 'a2']
      for (const [at, { id }] of frames.entries()) {
        const rest = dataOf(await served.visit(id))
        expect([...rest].sort(), `after ${id}`).to.deep.equal(all.slice(at).sort())
        // and again from the midst of that
        const again = await served.visit(id)
        for (const [cut, frame] of again.entries()) {
          expect(dataOf(await served.visit(frame.id)), frame.id).to.deep.equal(dataOf(again.slice(cut + 1)))
        }
      }
    })

    it('each part keeps its own order; envelopes and `info` have the same ids', async () => {
      const envelope = ndjson({ envelope: true })
      const served = await Served.of(merge(a, b), {
        contentTypesProvided: [envelope],
        info: async (message: unknown, { write }: { write(data: unknown): unknown }) => {
          await undefined
          write(message)
        },
      })
      const client = await served.come()
      await Promise.all([a.publish('a1'), b.publish('b1'), a.publish('a2')])
      await turns()
      const records = client.body
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
      const data = records.flatMap((record) => record.data ?? [])
      expect(data.filter((each: string) => each.startsWith('a'))).to.deep.equal(['a1', 'a2'])
      client.leave()
      const first = records.find((record) => record.data === 'a1')
      const back = await served.come(first.id)
      expect(back.body).to.include('"a2"').and.not.to.include('"a1"')
    })

    it('a part that was taken away is ignored, one that was added begins where its `from` says', async () => {
      const c = hub.channel<string>('c', { history: 3 })
      for (const [channel, data] of [
        [a, 'a1'],
        [b, 'b1'],
        [c, 'c1'],
        [c, 'c2'],
      ] as const) {
        await channel.publish(data)
      }
      const served = await Served.of(merge(a, b))
      const id = lastId(await served.visit())
      await a.publish('a2')
      await b.publish('b2')
      served.feed = merge(c.from('earliest'), a)
      expect(dataOf(await served.visit(id))).to.deep.equal(['c1', 'c2', 'a2'])
      served.feed = merge(a, c.from({ last: 1 }))
      expect(dataOf(await served.visit(id))).to.deep.equal(['a2', 'c2'])
      served.feed = merge(a, c)
      const frames = await served.visit(id)
      expect(dataOf(frames)).to.deep.equal(['a2'])
      // with the id that it had, what comes to the part now would be missed
      await c.publish('c3')
      expect(dataOf(await served.visit(lastId(frames)))).to.deep.equal(['c3'])
    })

    it('who comes with an id of other parts is told the place at once: it may be cut before any event', async () => {
      const served = await Served.of(merge(a))
      await a.publish('a1')
      const id = lastId(await served.visit())
      served.feed = merge(a, b)
      const frames = await served.visit(id)
      expect(frames).to.have.length(1)
      expect(frames[0]).to.include({ type: 'position' })
      await b.publish('b1')
      expect(dataOf(await served.visit(frames[0]!.id))).to.deep.equal(['b1'])
      // an id of the same parts is its own place
      expect(await served.visit(lastId(await served.visit(frames[0]!.id)))).to.deep.equal([])
    })

    it('a gap says which channel; the head begins where the stream does; who comes back is told of it no more', async () => {
      const served = await Served.of(merge(a, b))
      await a.publish('a0')
      await b.publish('b0')
      const id = lastId(await served.visit())
      const place = await a.position()
      for (let n = 1; n <= 5; n++) await a.publish(`a${n}`)
      await b.publish('b1')
      const client = await served.come(id)
      const frames = framesTo(client)
      expect(gapsOf(frames)).to.have.length(1)
      expect(frames[0]!.data).to.include({ requested: place, reason: 'trimmed', channel: 'a' })
      expect(frames[0]!.data).not.to.have.property('id')
      expect(dataOf(frames)).to.deep.equal(['a3', 'a4', 'a5', 'b1'])
      expect(client.message.headers).to.include({ 'event-gap': 'trimmed', 'last-event-id': frames[0]!.id! })
      client.leave()
      expect(await served.visit(frames[0]!.id)).to.deep.equal(frames.slice(1))
    })

    it('who is cut between the gaps of two parts is told of the second, and gets what comes after both', async () => {
      const served = await Served.of(merge(a, b))
      const id = lastId(await served.visit())
      for (let n = 1; n <= 5; n++) {
        await a.publish(`a${n}`)
        await b.publish(`b${n}`)
      }
      const frames = await served.visit(id)
      expect(gapsOf(frames).map(({ data }) => (data as { channel: string }).channel)).to.deep.equal([
        'a',
        'b',
      ])
      expect(frames.slice(2).map(({ data }) => data)).to.deep.equal(['a3', 'a4', 'a5', 'b3', 'b4', 'b5'])
      for (const [at, frame] of frames.entries()) {
        expect(await served.visit(frame.id), frame.id).to.deep.equal(frames.slice(at + 1))
      }
    })

    it('an id that is none is a gap in each part, told once; the head tells all that a format without notices cannot', async () => {
      await a.publish('a1')
      await b.publish('b1')
      const served = await Served.of(merge(a, b))
      // an id of one of the channels is no id of all
      for (const id of ['of-yesterday', await a.position(), `of-yesterday-${'x'.repeat(5000)}`]) {
        const frames = await served.visit(id)
        expect(gapsOf(frames).map(({ data }) => data)).to.deep.equal([
          { requested: id, from: await a.position(), reason: 'unknown', channel: 'a' },
          { requested: id, from: await b.position(), reason: 'unknown', channel: 'b' },
        ])
        const [, second, ...events] = frames
        expect(dataOf(events)).to.deep.equal(['a1', 'b1'])
        expect(await served.visit(second!.id)).to.deep.equal(events)
        const [again, ...rest] = await served.visit(frames[0]!.id)
        expect(again!.data).to.include({ reason: 'unknown', channel: 'b' })
        expect(again!.id).to.equal(second!.id)
        expect(rest).to.deep.equal(events)
        const plain = await served.come(id, { Accept: 'application/x-ndjson' })
        expect(plain.message.headers).to.include({ 'event-gap': 'unknown', 'last-event-id': second!.id! })
        expect(plain.body).to.equal('"a1"\n"b1"\n')
        expect(plain.message.isWhole).to.equal(false)
      }
    })

    it('`onGap` gets each with its channel and its place, and the place is told after it', async () => {
      const gaps: unknown[] = []
      const served = await Served.of(merge(a, b), { onGap: (gap: unknown) => void gaps.push(gap) })
      await a.publish('a1')
      await b.publish('b1')
      const frames = await served.visit('of-yesterday')
      expect(gaps).to.have.length(2)
      expect(gaps[0]).to.include({ channel: 'a', id: frames[0]!.id })
      expect(gaps[1]).to.include({ channel: 'b', id: frames[1]!.id })
      expect(frames.map(({ type }) => type)).to.deep.equal(['position', 'position', undefined, undefined])
      expect(dataOf(await served.visit(frames[1]!.id))).to.deep.equal(['a1', 'b1'])
    })

    it('a gap in one part is one snapshot for all, at the place in all', async () => {
      let count = 0
      const served = await Served.of(merge(a, b), { snapshot: () => [`whole ${++count}`] })
      const first = await served.visit()
      expect(first.map(({ data }) => data)).to.deep.equal(['whole 1'])
      for (let n = 1; n <= 5; n++) await a.publish(`a${n}`)
      await b.publish('b1')
      const client = await served.come(lastId(first))
      const again = framesTo(client)
      expect(again.map(({ data }) => data)).to.deep.equal(['whole 2'])
      expect(client.message.headers).to.include({ 'event-gap': 'trimmed', 'last-event-id': again[0]!.id! })
      client.leave()
      await b.publish('b2')
      expect(dataOf(await served.visit(again[0]!.id))).to.deep.equal(['b2'])
      expect(count).to.equal(2)
    })

    it('clients without an id begin where each part says, or where the whole says', async () => {
      for (let n = 1; n <= 3; n++) {
        await a.publish(`a${n}`)
        await b.publish(`b${n}`)
      }
      const begins = async (feed: Feed<unknown>) => {
        const served = await Served.of(feed)
        return dataOf(await served.visit())
      }
      expect(await begins(merge(a, b))).to.deep.equal([])
      expect(await begins(merge(a.from({ last: 1 }), b))).to.deep.equal(['a3'])
      expect(await begins(merge(a.from('now'), b.from('earliest')))).to.deep.equal(['b1', 'b2', 'b3'])
      expect(await begins(merge(a, b).from({ last: 2 }))).to.deep.equal(['a2', 'a3', 'b2', 'b3'])
      expect(
        await begins(
          merge(a, b)
            .from('earliest')
            .filter((data) => data !== 'a2'),
        ),
      ).to.have.length(5)
      const odd = (data: string) => data !== 'a3' && data !== 'b2'
      expect(await begins(merge(a, b).filter(odd).from({ last: 2 }))).to.deep.equal(['a1', 'a2', 'b1', 'b3'])
      expect(await begins(merge(a.filter(odd).from({ last: 2 }), b).filter(odd))).to.deep.equal(['a1', 'a2'])
      const [, , place] = await collect(merge(a, b).replay('earliest'))
      expect(await begins(merge(a, b).from(place!.id!))).to.deep.equal(['b1', 'b2', 'b3'])
      // merged into another, the place is that of each part
      expect(await begins(merge(b, merge(a).from(place!.id!)))).to.deep.equal([])
      const nested = merge(
        merge(a, b)
          .from({ last: 1 })
          .map((data) => `${data}!`),
        hub.channel('c'),
      )
      expect(await begins(nested)).to.deep.equal(['a3!', 'b3!'])
      expect(await begins(merge(merge(a, b.from('earliest')), hub.channel('c')))).to.have.length(3)
    })

    it('`replay` and `for await` give the events of all, with ids to come back with', async () => {
      await a.publish('a1')
      const merged = merge(
        a,
        b.map((data) => ({ data })),
      )
      const seen: Event<unknown>[] = []
      const reading = (async () => {
        for await (const each of merged) if (seen.push(each) === 2) break
      })()
      await turns()
      expect([a.subscribers, b.subscribers, merged.subscribers]).to.deep.equal([1, 1, 1])
      await b.publish('b1')
      await a.publish('a2')
      await reading
      expect(seen.map(({ data }) => data)).to.deep.include.members(['a2', { data: 'b1' }])
      expect([a.subscribers, b.subscribers]).to.deep.equal([0, 0])
      const all = await collect(merged.replay('earliest'))
      expect(all.map(({ data }) => data)).to.deep.equal(['a1', 'a2', { data: 'b1' }])
      expect((await collect(merged.replay(all[0]!.id!))).map(({ data }) => data)).to.deep.equal([
        'a2',
        { data: 'b1' },
      ])
      const [gap] = await collect(merged.replay('?'))
      expect(gap).to.deep.include({ type: 'gap' })
      expect(gap!.data).to.include({ requested: '?', reason: 'unknown', channel: 'a' })
      const from: unknown[] = []
      for await (const { data } of merged.from({ last: 1 })) if (from.push(data) === 2) break
      expect(from).to.deep.equal(['a2', { data: 'b1' }])
    })

    it('a part that has ended is passed over; the stream ends with the last part; then there is nothing to come for', async () => {
      await a.publish('a1')
      await a.end()
      const served = await Served.of(merge(a, b))
      const client = await served.come()
      await b.publish('b1')
      await client.until('data: b1')
      const id = lastId(framesTo(client))
      await b.end()
      await client.whole()
      expect(served.reasons).to.deep.equal([{ kind: 'end' }])
      // late readers get what is retained, then the end
      const late = served.site.get('/')
      await late.whole()
      expect(dataOf(framesTo(late))).to.deep.equal(['a1', 'b1'])
      const back = served.site.get('/', { headers: { 'Last-Event-ID': id } })
      expect((await back.whole()).status).to.equal(204)
      expect(served.reasons.map(({ kind }) => kind)).to.deep.equal(['end', 'end', 'end'])
    })

    it('a part that is down takes the stream with it, and leaves nothing behind', async () => {
      const served = await Served.of(merge(a, b))
      const client = await served.come()
      const other = on.hub()
      served.feed = merge(a, other.channel<string>('c'))
      const second = await served.come()
      await other.close()
      await second.whole()
      expect(served.reasons.map(({ kind }) => kind)).to.deep.equal(['down'])
      await turns()
      expect([a.subscribers, b.subscribers]).to.deep.equal([1, 1])
      client.leave()
      await turnsUntil(() => a.subscribers === 0 && b.subscribers === 0)
    })

    it('`join` and `leave` are told at each channel', async () => {
      const told: string[] = []
      for (const [name, channel] of Object.entries({ a, b })) {
        for (const turn of ['join', 'leave'] as const) {
          channel.on(turn, ({ state }: OpenStream<{ user: string }>) =>
            told.push(`${name} ${turn} ${state.user}`),
          )
        }
      }
      const served = await Served.of(
        merge(
          a,
          b.filter(() => true),
        ),
        { init: () => ({ user: 'Ada' }) },
      )
      const client = await served.come()
      expect(told).to.deep.equal(['a join Ada', 'b join Ada'])
      client.leave()
      await turnsUntil(() => told.length === 4)
      expect(told.slice(2)).to.deep.equal(['a leave Ada', 'b leave Ada'])
    })

    it('a quiet client is told the place beyond what its filters keep away, and of no gap then', async () => {
      const served = await Served.of(
        merge(
          a.filter(() => false),
          b,
        ).filter(() => false),
      )
      const client = await served.come()
      for (let n = 1; n <= 5; n++) {
        await a.publish(`a${n}`)
        await b.publish(`b${n}`)
      }
      await turns()
      stage.now.time.advance(1000)
      await turns()
      const frames = framesTo(client)
      expect(frames.map(({ type }) => type)).to.deep.equal(['position', 'position'])
      client.leave()
      expect(await served.visit(lastId(frames))).to.deep.equal([])
    })
  },
  tableWithHeld,
)

async function collect<Data>(list: AsyncIterable<Event<Data>>): Promise<Event<Data>[]> {
  const all: Event<Data>[] = []
  for await (const each of list) all.push(each)
  return all
}

describe('merge: what is shared, and what is refused (docs/guide/channels.md)', () => {
  staged()

  const names = {
    'a space, = and &': 'a b=c&d=e',
    'a percent': '100%=%26',
    Unicode: 'Größe 尺寸 🤠',
    'half a character': 'x\ud800',
    'half of another': 'x\ud801',
    'a line break': 'a\r\nid: 1\r\n\r\n',
    'a colon': ':abc',
    '10 kB': 'n'.repeat(10_000),
    '10 kB and one': 'n'.repeat(10_001),
    '10 kB of Unicode': '尺'.repeat(10_000),
    'a word of the protocol': 'earliest',
  }

  it('channels of any names share one id, which a header can carry', async () => {
    const hub = createHub()
    const channels = Object.values(names).map((name) => hub.channel<string>(name, { history: 9 }))
    const served = await Served.of(merge(...channels))
    const client = await served.come()
    for (const channel of channels) await channel.publish('1')
    await turns()
    const id = lastId(framesTo(client))
    expect(id).to.match(/^[\x21-\x7e]{100,1500}$/)
    client.leave()
    for (const [at, channel] of channels.entries()) await channel.publish(`again ${at}`)
    const frames = await served.visit(id)
    expect(dataOf(frames)).to.deep.equal(channels.map((_, at) => `again ${at}`))
    const query = served.site.get(`/?lastEventId=${encodeURIComponent(frames[0]!.id!)}`)
    await query.head()
    await turns()
    expect(dataOf(framesTo(query))).to.deep.equal(dataOf(frames).slice(1))
  })

  const hostile = [
    'a',
    'a=',
    '=a',
    'a=1&a=2',
    'a=1&&b=2',
    'a=%',
    'a=%ff',
    'a=earliest',
    'a=now',
    'a==1',
    '&',
    '__proto__=1&constructor',
    '\u20ac=1',
    `${'a=1&'.repeat(2000)}b=1`,
    'x'.repeat(12_000),
  ]

  cases(
    'a hostile id is a gap in each part, and breaks nothing',
    hostile,
    (id) => id.slice(0, 30),
    async (id) => {
      const hub = createHub()
      const [a, b] = [textsOf(hub, 'a'), textsOf(hub, 'b')]
      await a.publish('a1')
      const served = await Served.of(merge(a, b))
      const frames = await served.visit(id)
      expect(gapsOf(frames).map(({ data }) => data)).to.deep.equal([
        { requested: id, from: await a.position(), reason: 'unknown', channel: 'a' },
        { requested: id, from: await b.position(), reason: 'unknown', channel: 'b' },
      ])
      for (const frame of frames) expect(frame.id!.length).to.be.below(200)
      expect(dataOf(await served.visit(frames[1]!.id))).to.deep.equal(['a1'])
    },
  )

  it('a part whose id is unknown is told alone, and names of no part are ignored, also those of Object', async () => {
    const hub = createHub()
    const a = hub.channel<string>('a', { history: 3 })
    const served = await Served.of(merge(a, hub.channel<string>('b', { history: 3 })))
    const frames = await served.visit('a=of-yesterday&__proto__=1&toString=2')
    expect(frames.map(({ type, data }) => [type, (data as { channel?: string }).channel])).to.deep.equal([
      ['gap', 'a'],
    ])
  })

  it('a channel named as a member of Object is a channel', async () => {
    const hub = createHub()
    const odd = hub.channel<string>('__proto__', { history: 3 })
    const served = await Served.of(merge(odd, hub.channel<string>('constructor', { history: 3 })))
    const id = lastId(await served.visit())
    await odd.publish('1')
    expect(dataOf(await served.visit(id))).to.deep.equal(['1'])
  })

  /** Data that counts how often it is written. */
  class Counted {
    static written = 0
    toJSON() {
      Counted.written += 1
      return { n: 1 }
    }
  }

  it('an event is encoded once for all merged feeds in a format that writes no ids, with the channel’s own streams', async () => {
    const shared = {
      ndjson: ndjson(),
      jsonSeq: jsonSeq(),
      jsonArray: jsonArray(),
      multipart: multipart('application/json'),
    }
    for (const [name, each] of Object.entries(shared)) {
      const hub = createHub()
      const all = hub.channel<unknown>('all', { history: 3 })
      const served = await Served.of(all, { contentTypesProvided: [each] })
      const clients = [await served.come()]
      for (const user of ['Ada', 'Bob', 'Cleo']) {
        served.feed = merge(hub.channel<unknown>(user), all)
        clients.push(await served.come(), await served.come())
      }
      Counted.written = 0
      await all.publish(new Counted())
      for (const client of clients) await client.until('{"n":1}')
      expect(Counted.written, name).to.equal(1)
      for (const client of clients) client.leave()
    }
  })

  it('formats that write ids, or let a user see them, encode once for each merged feed and its streams', async () => {
    const seen: (string | undefined)[] = []
    const note = (id: string | undefined) => {
      seen.push(id)
      return '1'
    }
    const own = {
      format: format({ mediaType: 'text/x-a', encode: ({ id }) => note(id) }),
      ndjson: ndjson({ serialize: (_, { id }) => note(id) }),
      text: text({ serialize: (_, { id }) => note(id) }),
      csv: csv({ columns: ['a'], serialize: (_, { id }) => note(id) }),
      multipart: multipart('text/plain', { serialize: (_, { id }) => note(id) }),
      envelope: ndjson({ envelope: true, serialize: (_, { id }) => note(id) }),
      sse: sse({ serialize: (_, { id }) => note(id) }),
    }
    for (const [name, each] of Object.entries(own)) {
      const hub = createHub()
      const all = hub.channel<unknown>('all', { history: 3 })
      const merged = ['Ada', 'Bob'].map((user) => merge(hub.channel<unknown>(user), all))
      const served = await Served.of(all, { contentTypesProvided: [each] })
      const clients: Client[] = []
      for (const feed of merged) {
        served.feed = feed
        clients.push(await served.come(), await served.come())
      }
      seen.length = 0
      const id = await all.publish(1)
      await turns()
      // the channel checks what is published, by its own id; then each merged feed writes it, by the place in both channels
      expect(
        seen.map((each) => each === id),
        name,
      ).to.deep.equal([true, false, false])
      for (const client of clients) client.leave()
    }
  })

  it('data that only the format of a merged feed can write may be published', async () => {
    const upper = format({ mediaType: 'text/plain', encode: ({ data }) => [...(data as Set<string>)].join() })
    const sets = createHub().channel<Set<string>>('sets')
    const served = await Served.of(merge(sets), { contentTypesProvided: [upper] })
    const client = await served.come()
    await sets.publish(new Set(['a', 'b']))
    expect(await client.until('b')).to.equal('a,b')
  })

  it('one filter or map that throws ends the merged streams, and no other', async () => {
    const hub = createHub()
    const a = hub.channel<string>('a')
    const throws = a.filter(() => {
      throw new Error('no')
    })
    const served = await Served.of(a)
    const plain = await served.come()
    served.feed = merge(throws, hub.channel('b'))
    const merged = await served.come()
    await a.publish('1')
    await merged.closed()
    expect(served.reasons.map(({ kind }) => kind)).to.deep.equal(['error'])
    await plain.until('1')
  })

  it('what it cannot merge it refuses, and says what to write', () => {
    const hub = createHub()
    const a = hub.channel<string>('a')
    const wrong = (...values: unknown[]) => values as unknown as readonly [Feed<unknown>]
    expect(() => merge()).to.throw(TypeError, 'merge(): expected a feed')
    expect(() => merge(...wrong([a]))).to.throw(TypeError, 'write merge(...feeds)')
    expect(() => merge(...wrong(a, { a: 1 }))).to.throw(TypeError, 'merge({ a: 1 }): expected channels')
    expect(() => merge(...wrong(undefined))).to.throw(TypeError, 'merge(undefined)')
    expect(() =>
      merge(
        a,
        a.filter(() => true),
      ),
    ).to.throw(TypeError, /channel 'a'.*`filter`/)
    expect(() => merge(merge(a), a.from('now'))).to.throw(TypeError, /channel 'a'.*`filter`/)
    expect(() => merge(a, createHub().channel('a'))).to.throw(
      TypeError,
      /channels named 'a'.*different names/,
    )
    for (const refused of [() => merge(), () => merge(a, a)]) {
      expect(refused).to.throw().with.property('code', 'LARIAT_SPEC')
    }
  })
})

describe('merge in the midst of a delivery (docs/guide/channels.md)', () => {
  staged()

  let a: Channel<string>
  let b: Channel<string>

  beforeEach(() => {
    const hub = createHub()
    a = hub.channel<string>('a', { history: 9 })
    b = hub.channel<string>('b', { history: 9 })
  })

  /** Each id that a client has got names just what it had got by then. */
  async function checkEach(served: Served, frames: readonly Frame[], all: readonly string[]): Promise<void> {
    for (const [at, { id }] of frames.entries()) {
      const got = dataOf(frames.slice(0, at + 1))
      expect([...got, ...dataOf(await served.visit(id))].sort(), id).to.deep.equal([...all].sort())
    }
  }

  it('an event that causes one in another part comes first, for every sink, and no id says what was not delivered', async () => {
    for (const causing of [
      (feed: Feed<string>) => feed,
      (feed: Feed<string>) => feed.map((data) => data),
      () => a,
      () => a.filter(() => true),
    ]) {
      const hub = createHub()
      a = hub.channel<string>('a', { history: 9 })
      b = hub.channel<string>('b', { history: 9 })
      const merged = merge(a, b)
      const served = await Served.of(merged)
      const before = await served.come()
      const iterator = causing(merged)
        .filter((data) => {
          if (data === 'a1') void b.publish('b1')
          if (data === 'a2') void Promise.all([b.publish('b2'), a.publish('a3'), b.publish('b3')])
          return true
        })
        [Symbol.asyncIterator]()
      const next = iterator.next()
      await turns()
      const after = await served.come()
      await a.publish('a1')
      await a.publish('a2')
      await turns()
      for (const client of [before, after]) {
        const frames = framesTo(client)
        const data = dataOf(frames) as string[]
        expect(data.filter((each) => each.startsWith('a'))).to.deep.equal(['a1', 'a2', 'a3'])
        expect(data.filter((each) => each.startsWith('b'))).to.deep.equal(['b1', 'b2', 'b3'])
        client.leave()
        await checkEach(served, frames, data)
      }
      await next
      await iterator.return?.()
      await turns()
    }
  })

  it('who subscribes during a delivery has a place, and gets what comes after it', async () => {
    const merged = merge(a, b)
    const seen: (string | undefined)[] = []
    const inner: AsyncIterator<Event<string>>[] = []
    const outer = a
      .filter((data) => {
        if (data !== 'a1') return true
        void b.publish('b1')
        const iterator = merged[Symbol.asyncIterator]()
        inner.push(iterator)
        void iterator.next().then(({ value }) => seen.push(value.data, value.id))
        void b.publish('b2')
        return true
      })
      [Symbol.asyncIterator]()
    const first = outer.next()
    await turns()
    await a.publish('a1')
    await first
    await turns()
    await a.publish('a2')
    await turns()
    expect(seen[0]).to.equal('a2')
    expect((await collect(merged.replay(seen[1]!))).map(({ data }) => data)).to.deep.equal([])
    await Promise.all([...inner, outer].map((each) => each.return?.()))
  })

  it('a stream that opens during a delivery is told a place after which nothing is lost', async () => {
    let open: (() => void) | undefined
    const site = await stage.now.serve(
      resource({ contentTypesProvided: [sse()], subscribe: () => merge(a, b) }),
      {
        before: [
          (_req, _res, next) => {
            open = next
          },
        ],
      },
    )
    const causing = a.filter((data) => {
      if (data !== 'a1') return true
      open?.()
      void b.publish('b1')
      return true
    })
    const iterators = [merge(a, b), causing].map((feed) => feed[Symbol.asyncIterator]())
    for (const iterator of iterators) void iterator.next()
    const client = site.get()
    await turnsUntil(() => open !== undefined)
    await a.publish('a1')
    await client.head()
    await turns()
    await a.publish('a2')
    await turns()
    const frames = framesTo(client)
    expect(frames[0]!.id).to.equal(client.message.headers['last-event-id'])
    const missed = await collect(merge(a, b).replay(frames[0]!.id!))
    expect(dataOf(frames)).to.deep.equal(missed.map(({ data }) => data))
    for (const iterator of iterators) await iterator.return?.()
  })

  it('a source that publishes to another part at once reaches who has started it', async () => {
    const hub = createHub()
    const log: string[] = []
    const other = hub.channel<string>('other', { history: 9, source: () => void log.push('other') })
    const feeding = hub.channel<string>('feeding', {
      history: 9,
      source: (own) => {
        log.push('feeding')
        void own.publish('1')
        void other.publish('2')
        return () => log.push('stopped')
      },
    })
    const served = await Served.of(merge(feeding, other))
    const client = await served.come()
    expect(log).to.deep.equal(['feeding', 'other'])
    const frames = framesTo(client)
    expect(dataOf(frames)).to.deep.equal(['1', '2'])
    expect(frames[0]!.type).to.equal('position')
    client.leave()
    await turnsUntil(() => log.includes('stopped'))
    expect(dataOf(await served.visit(frames[1]!.id))).to.include('2')
  })

  it('who is told that a part is down may subscribe anew, and is not told again', async () => {
    const hub = createHub()
    let fails: (() => void) | undefined
    const fed = hub.channel<string>('fed', {
      source: () =>
        new Promise<void>((_, reject) => {
          fails = () => reject(new Error('died'))
        }),
    })
    const merged = merge(fed, a)
    const anew: Promise<IteratorResult<Event<string>>>[] = []
    const subscribe = () => anew.push(merged[Symbol.asyncIterator]().next())
    const served = await Served.of(fed, { terminate: subscribe })
    const clients = [await served.come()]
    served.feed = merged
    clients.push(await served.come(), await served.come())
    fails!()
    for (const client of clients) await client.closed()
    await turns()
    expect(anew).to.have.length(3)
    await a.publish('a1')
    for (const next of anew) expect((await next).value.data).to.equal('a1')
    await hub.close()
  })
})

describe('merge of stores that lag apart (docs/guide/channels.md)', () => {
  staged()

  let stores: readonly [AsyncMemory, AsyncMemory]
  let a: Channel<string>
  let b: Channel<string>

  beforeEach(() => {
    stores = [asyncMemory(), asyncMemory()]
    a = createHub(stores[0]).channel<string>('a', { history: 9 })
    b = createHub(stores[1]).channel<string>('b', { history: 9 })
  })

  it('what one delivers late, after the place that it gave, comes once or not at all', async () => {
    const [, late] = stores
    const served = await Served.of(merge(a, b))
    late.hold('delivery')
    late.hold('read')
    const client = served.site.get('/')
    await late.held('read')
    // the stream begins after it
    await b.publish('b1')
    late.release('read')
    await client.head()
    await a.publish('a1')
    await client.until('data: a1')
    const other = await served.come('a=of-yesterday')
    late.release('delivery')
    await b.publish('b2')
    await client.until('data: b2')
    expect(dataOf(framesTo(client))).to.deep.equal(['a1', 'b2'])
    await other.until('data: b2')
    expect(dataOf(framesTo(other))).to.deep.equal(['a1', 'b2'])
  })

  it('if one cannot be read the others are closed, and the client is refused', async () => {
    const served = await Served.of(merge(a, b))
    await a.publish('a1')
    const other = await served.come()
    stores[1].hold('read')
    const client = served.site.get('/', { headers: { 'Last-Event-ID': lastId(framesTo(other)) } })
    await stores[1].held('read')
    await turns()
    expect(stores.map(({ readings }) => readings)).to.deep.equal([1, 0])
    stores[1].lose()
    stores[1].release('read')
    expect((await client.whole()).status).to.equal(503)
    await turns()
    expect(stores.map(({ readings }) => readings)).to.deep.equal([0, 0])
    expect([a.subscribers, b.subscribers]).to.deep.equal([1, 1])
  })

  it('gaps in all parts while a snapshot is taken are one more snapshot', async () => {
    const taken: ((whole: string) => void)[] = []
    const served = await Served.of(merge(a, b), {
      snapshot: () => new Promise((resolve) => taken.push(resolve)),
    })
    const client = served.site.get('/')
    await turnsUntil(() => taken.length === 1)
    for (const store of stores) store.empty()
    await turns()
    taken[0]!('before')
    await turnsUntil(() => taken.length === 2)
    taken[1]!('after')
    await client.until('data: after')
    await turns()
    expect(taken).to.have.length(2)
    await a.publish('a1')
    await client.until('data: a1')
    expect(dataOf(framesTo(client))).to.deep.equal(['before', 'after', 'a1'])
  })

  it('who leaves in the midst of reading leaves no reading open', async () => {
    const served = await Served.of(merge(a, b))
    const id = lastId(await served.visit())
    await a.publish('a1')
    await b.publish('b1')
    stores[0].hold('event')
    const client = await served.come(id)
    await stores[0].held('event')
    expect(stores.map(({ readings }) => readings)).to.deep.equal([1, 1])
    client.leave()
    await turnsUntil(() => a.subscribers === 0)
    expect(stores.map(({ readings }) => readings)).to.deep.equal([0, 0])
    stores[0].release('event')
  })
})
