import { expect } from 'chai'
import {
  type Channel,
  createHub,
  type Event,
  type Feed,
  type Format,
  jsonArray,
  type LoopContext,
  loop,
  ndjson,
  type Reason,
  resources,
  sse,
  stop,
} from '../../lib/index.js'
import { asyncMemory, randomLag } from '../../lib/testing.js'
import { type Kept, memory, onEach, tableWithHeld } from '../support/hubs.js'
import type { Client } from '../support/raw.js'
import {
  dispatched,
  type Gap,
  gapOf,
  isPosition,
  newsIn,
  opened,
  type Received,
  recordsOf,
} from '../support/received.js'
import { flood, stage, staged, turns, turnsUntil } from '../support/stage.js'

/** What a client has got: ids of events, and gaps. Positions are no news. */
type Got = string | Gap

/** How a client sees ids and gaps in a format. */
interface Wire {
  format: () => Format
  /** What has come, event by event; undefined where the format carries no ids. */
  got?(body: string): Got[]
  /** The data that has come. */
  data(body: string): unknown[]
  /** How a number stands on the wire, and nothing else. */
  text(n: number): string
}

function arrayOf(body: string): object[] {
  return JSON.parse(body.endsWith(']') ? body : `${body}]`)
}

const gotOf = (list: Received[]): Got[] =>
  newsIn(list).map((each) => (each.type === 'gap' ? gapOf(each) : each.id!))

const dataOf = (list: Received[]) =>
  newsIn(list)
    .filter(({ type }) => type !== 'gap')
    .map(({ data }) => data)

/** How a client sees a format that carries ids. */
const seenBy = (read: (body: string) => Received[]) => ({
  got: (body: string) => gotOf(read(body)),
  data: (body: string) => dataOf(read(body)),
})

const wires: Record<string, Wire> = {
  'sse()': { format: sse, ...seenBy(dispatched), text: (n) => `data: ${n}\n\n` },
  'ndjson({ envelope })': {
    format: () => ndjson({ envelope: true }),
    ...seenBy((body) => opened(recordsOf(body))),
    text: (n) => `"data":${n}}\n`,
  },
  'jsonArray({ envelope })': {
    format: () => jsonArray({ envelope: true }),
    ...seenBy((body) => opened(arrayOf(body))),
    text: (n) => `"data":${n}}`,
  },
  'ndjson()': { format: ndjson, data: recordsOf, text: (n) => `${n}\n` },
  'jsonArray()': { format: jsonArray, data: arrayOf, text: (n) => `${n}` },
}

const [, envelope] = Object.values(wires) as [Wire, Wire]

function channelOn(on: Kept, options: { history?: number; maxAge?: number } = { history: 3 }) {
  const backend = asyncMemory()
  const hub = on.hub(backend)
  return { channel: hub.channel<number>('prices', options), backend, hub }
}

async function publish(channel: Channel<number>, ...list: number[]): Promise<string[]> {
  const ids: string[] = []
  for (const n of list) ids.push(await channel.publish(n))
  return ids
}

/** The place before an event. */
const placeBefore = (id: string) => id.replace(/\d+$/, (number) => String(Number(number) - 1))

/** What is told of a gap where something is retained. */
const gapFrom = (from: string, requested: string, reason: 'trimmed' | 'unknown'): Gap => ({
  requested,
  from,
  reason,
  id: placeBefore(from),
})

/** How a client says what it saw last: by the header, as EventSource does, or in the query. */
const asks: Record<string, (id: string) => { path: string; headers?: Record<string, string> }> = {
  'the header Last-Event-ID': (id) => ({ path: '/', headers: { 'Last-Event-ID': id } }),
  'the query parameter lastEventId': (id) => ({ path: `/?lastEventId=${encodeURIComponent(id)}` }),
}
const [byHeader, byQuery] = Object.values(asks) as [(typeof asks)[string], (typeof asks)[string]]

interface Serving {
  wire?: Wire
  more?: Partial<Parameters<typeof loop>[0]>
}

async function serve(subscribe: unknown, { wire = envelope, more = {} }: Serving = {}) {
  const reasons: Reason[] = []
  const site = await stage.now.serve(
    loop({
      format: wire.format(),
      subscribe: subscribe as Feed<unknown>,
      terminate: (reason) => void reasons.push(reason),
      ...more,
    }),
  )
  const come = (id: string, ask = byHeader) => {
    const { path, ...rest } = ask(id)
    return site.get(path, rest)
  }
  return { site, reasons, come }
}

/** Waits until a channel has so many subscribers. */
async function counts(channel: Feed<unknown>, subscribers: number): Promise<void> {
  await turnsUntil(() => channel.subscribers === subscribers)
}

const head = ({ message }: Client) => ({
  last: message.headers['last-event-id'],
  gap: message.headers['event-gap'],
})

describe('Resume: what was missed, then live (docs/guide/resume.md)', () => {
  staged()

  onEach(
    '',
    (on) => {
      for (const [name, wire] of Object.entries(wires)) {
        for (const [how, ask] of Object.entries(asks)) {
          describe(`${name}, ${how}`, () => {
            it('found: every later event once, in order, and the head says after which id', async () => {
              const { channel } = channelOn(on)
              const ids = await publish(channel, 1, 2, 3)
              const { come } = await serve(channel, { wire })
              const client = come(ids[0]!, ask)
              await client.until(wire.text(3))
              ids.push(...(await publish(channel, 4, 5)))
              await client.until(wire.text(5))
              expect(head(client)).to.deep.equal({ last: ids[0], gap: undefined })
              expect(wire.data(client.body)).to.deep.equal([2, 3, 4, 5])
              if (wire.got) expect(wire.got(client.body)).to.deep.equal(ids.slice(1))
            })

            it('found, and nothing missed: only what comes', async () => {
              const { channel } = channelOn(on)
              const ids = await publish(channel, 1, 2)
              const { come } = await serve(channel, { wire })
              const client = come(ids[1]!, ask)
              await client.head()
              await turns()
              ids.push(...(await publish(channel, 7)))
              await client.until(wire.text(7))
              expect(head(client)).to.deep.equal({ last: ids[1], gap: undefined })
              expect(wire.data(client.body)).to.deep.equal([7])
            })

            it('trimmed: from the oldest retained; the head and the first event say so', async () => {
              const { channel } = channelOn(on)
              const ids = await publish(channel, 1, 2, 3, 4, 5, 6)
              const { come } = await serve(channel, { wire })
              const client = come(ids[0]!, ask)
              await client.until(wire.text(6))
              ids.push(...(await publish(channel, 7)))
              await client.until(wire.text(7))
              expect(head(client)).to.deep.equal({ last: 'earliest', gap: 'trimmed' })
              expect(wire.data(client.body)).to.deep.equal([4, 5, 6, 7])
              if (wire.got) {
                const gap = gapFrom(ids[3]!, ids[0]!, 'trimmed')
                expect(wire.got(client.body)).to.deep.equal([gap, ...ids.slice(3)])
              }
            })

            it('unknown: from the oldest retained; the head and the first event say so', async () => {
              const { channel } = channelOn(on)
              const ids = await publish(channel, 1, 2, 3, 4)
              const { come } = await serve(channel, { wire })
              const client = come('of-another-life', ask)
              await client.until(wire.text(4))
              expect(head(client)).to.deep.equal({ last: 'earliest', gap: 'unknown' })
              expect(wire.data(client.body)).to.deep.equal([2, 3, 4])
              if (wire.got) {
                const gap = gapFrom(ids[1]!, 'of-another-life', 'unknown')
                expect(wire.got(client.body)).to.deep.equal([gap, ...ids.slice(1)])
              }
            })

            it('earliest: all that is retained, and no gap', async () => {
              const { channel } = channelOn(on)
              const ids = await publish(channel, 1, 2, 3, 4)
              const { come } = await serve(channel, { wire })
              const client = come('earliest', ask)
              await client.until(wire.text(4))
              expect(head(client)).to.deep.equal({ last: 'earliest', gap: undefined })
              if (wire.got) expect(wire.got(client.body)).to.deep.equal(ids.slice(1))
              expect(wire.data(client.body)).to.deep.equal([2, 3, 4])
            })
          })
        }
      }
    },
    tableWithHeld,
  )

  it('the bytes of a gap: an SSE event `gap` with JSON, and with an id, so that it is told once', async () => {
    const { channel } = channelOn(memory)
    const [id] = await publish(channel, 1)
    const place = placeBefore(id!)
    const { come } = await serve(channel, { wire: wires['sse()']! })
    const client = come('x')
    await client.until('data: 1\n\n')
    const gap = `event: gap\nid: ${place}\ndata: {"requested":"x","from":"${id}","reason":"unknown"}\n\n`
    expect(client.body).to.equal(`:\n${gap}id: ${id}\ndata: 1\n\n`)
    const again = come(place)
    await again.until('data: 1\n\n')
    expect(head(again)).to.deep.equal({ last: place, gap: undefined })
    expect(again.body).to.equal(`:\nid: ${id}\ndata: 1\n\n`)
  })

  it('the bytes of a gap: a record `{ notice: "gap", … }` of an envelope', async () => {
    const { channel } = channelOn(memory)
    const [id] = await publish(channel, 1)
    const place = placeBefore(id!)
    const { come } = await serve(channel)
    const client = come('x')
    await client.until('"data":1')
    expect(client.body).to.equal(
      `{"notice":"gap","requested":"x","from":"${id}","reason":"unknown","id":"${place}"}\n{"id":"${id}","data":1}\n`,
    )
  })

  it('who asks for nothing gets nothing of it, and is told after which id it begins, where one can come back', async () => {
    const { channel } = channelOn(memory)
    const [, two] = await publish(channel, 1, 2)
    const { site } = await serve(channel)
    const client = site.get()
    await client.head()
    expect(head(client)).to.deep.equal({ last: two, gap: undefined })
    await publish(channel, 3)
    await client.until('"data":3')
    expect(envelope.data(client.body)).to.deep.equal([3])
  })

  it('where nothing is retained the head of who asks for nothing says nothing', async () => {
    for (const options of [{}, { history: 0 }]) {
      const { channel } = channelOn(memory, options)
      await publish(channel, 1)
      const { site } = await serve(channel)
      const client = site.get()
      await client.head()
      expect(head(client)).to.deep.equal({ last: undefined, gap: undefined })
    }
  })

  it('what the head says can be come back with, also before the first event', async () => {
    const { channel } = channelOn(memory)
    const { site, come } = await serve(channel)
    const first = site.get()
    const { 'last-event-id': id } = (await first.head()).headers
    first.leave()
    const ids = await publish(channel, 1, 2)
    const again = come(id!)
    await again.until('"data":2')
    expect(envelope.got!(again.body)).to.deep.equal(ids)
    expect(head(again)).to.deep.equal({ last: id, gap: undefined })
  })

  it('a heartbeat that is due in the turn of an event tells no place beyond it', async () => {
    const { channel } = channelOn(memory)
    const { site } = await serve(channel.filter((n) => n % 2 === 0))
    const client = site.get()
    await client.head()
    await turns()
    void channel.publish(2)
    const odd = channel.publish(3)
    stage.now.time.advance(15_000)
    await client.until('"data":2')
    stage.now.time.advance(15_000)
    await client.until((await odd)!)
    expect(opened(recordsOf(client.body)).map(({ type, data }) => [type, data])).to.deep.equal([
      ['position', { heartbeat: 15_000 }],
      ['message', 2],
      ['position', { heartbeat: 15_000 }],
    ])
  })

  it('an empty id is none: live only, as EventSource has it before its first id', async () => {
    const { channel } = channelOn(memory)
    await publish(channel, 1, 2)
    const { come } = await serve(channel)
    for (const ask of [byHeader, byQuery]) {
      const client = come('', ask)
      await client.head()
      await publish(channel, 3)
      await client.until('"data":3')
      expect(envelope.got!(client.body)).to.have.length(1)
      expect(head(client).gap).to.equal(undefined)
    }
  })

  it('the header counts before the query, since a browser reconnects with its URL as it was', async () => {
    const { channel } = channelOn(memory, { history: 9 })
    const ids = await publish(channel, 1, 2, 3)
    const { site } = await serve(channel)
    const client = site.get(`/?lastEventId=${ids[0]}`, { headers: { 'Last-Event-ID': ids[1]! } })
    await client.until('"data":3')
    expect(envelope.got!(client.body)).to.deep.equal(ids.slice(2))
  })

  it('in a resource it is the same, and CORS or caches see an ordinary head', async () => {
    const { channel } = channelOn(memory)
    const ids = await publish(channel, 1, 2, 3, 4, 5)
    const site = await stage.now.serve(
      resources({ '/prices': { contentTypesProvided: [sse(), ndjson()], subscribe: channel } }),
    )
    const client = site.get('/prices', {
      headers: { Accept: 'application/x-ndjson', 'Last-Event-ID': ids[0]! },
    })
    await client.until('5\n')
    expect(client.message.status).to.equal(200)
    expect(head(client)).to.deep.equal({ last: 'earliest', gap: 'trimmed' })
    expect(client.message.headers['cache-control']).to.equal('no-store, no-transform')
    expect(client.body).to.equal('3\n4\n5\n')
  })

  onEach(
    '',
    (on) => {
      it(`an empty history: found where nothing came since, else a gap without events`, async () => {
        const { channel } = channelOn(on, {})
        const { come } = await serve(channel)
        const [one, two] = await publish(channel, 1, 2)
        const current = come(two!)
        await current.head()
        const behind = come(one!)
        await behind.until('gap')
        const unknown = come('x')
        await unknown.until('gap')
        const all = come('earliest')
        await all.head()
        const [three] = await publish(channel, 3)
        for (const client of [current, behind, unknown, all]) await client.until('"data":3')
        expect(head(current)).to.deep.equal({ last: two, gap: undefined })
        expect(head(behind)).to.deep.equal({ last: 'earliest', gap: 'trimmed' })
        expect(head(unknown)).to.deep.equal({ last: 'earliest', gap: 'unknown' })
        expect(head(all)).to.deep.equal({ last: 'earliest', gap: undefined })
        expect(envelope.got!(current.body)).to.deep.equal([three])
        expect(envelope.got!(all.body)).to.deep.equal([three])
        // from: the id after which all that comes will be there
        expect(envelope.got!(behind.body)).to.deep.equal([
          { requested: one, from: two, reason: 'trimmed', id: two },
          three,
        ])
        expect(envelope.got!(unknown.body)).to.deep.equal([
          { requested: 'x', from: two, reason: 'unknown', id: two },
          three,
        ])
      })

      it(`a channel where nothing came yet`, async () => {
        const { channel } = channelOn(on)
        const { come } = await serve(channel)
        const all = come('earliest')
        const unknown = come('x')
        await all.head()
        await unknown.until('gap')
        const [id] = await publish(channel, 1)
        await all.until('"data":1')
        await unknown.until('"data":1')
        expect(envelope.got!(all.body)).to.deep.equal([id])
        const [gap] = envelope.got!(unknown.body) as [Gap]
        expect(gap).to.include({ requested: 'x', reason: 'unknown' })
        // what the gap says can be come back with
        const again = come(gap.from)
        await again.until('"data":1')
        expect(envelope.got!(again.body)).to.deep.equal([id])
      })

      it(`events that are too old are trimmed, while nothing comes too`, async () => {
        const { channel } = channelOn(on, { maxAge: 1000 })
        const { come } = await serve(channel)
        const [one, two] = await publish(channel, 1, 2)
        stage.now.time.advance(1001)
        const behind = come(one!)
        await behind.until('gap')
        expect(head(behind)).to.deep.equal({ last: 'earliest', gap: 'trimmed' })
        const current = come(two!)
        await current.head()
        expect(head(current)).to.deep.equal({ last: two, gap: undefined })
      })

      it(`with info the missed events arrive in it as Events, before live ones`, async () => {
        const { channel } = channelOn(on, { history: 9 })
        const ids = await publish(channel, 1, 2, 3)
        const seen: Event[] = []
        const { come } = await serve(channel, {
          more: {
            async info(message, { write }) {
              seen.push(message as Event)
              await turns(1)
              write(message)
            },
          },
        })
        const client = come(ids[0]!)
        await client.head()
        ids.push(...(await publish(channel, 4, 5)))
        await client.until('"data":5')
        expect(envelope.got!(client.body)).to.deep.equal(ids.slice(1))
        expect(seen.map(({ id, data }) => [id, data])).to.deep.equal(
          ids.slice(1).map((id, at) => [id, at + 2]),
        )
      })

      it(`with info the gap goes to the client before the first event`, async () => {
        const { channel } = channelOn(on)
        const ids = await publish(channel, 1, 2, 3, 4, 5)
        const { come } = await serve(channel, {
          more: { info: (message, { write }) => void write(message) },
        })
        const client = come(ids[0]!)
        await client.until('"data":5')
        expect(envelope.got!(client.body)).to.deep.equal([
          gapFrom(ids[2]!, ids[0]!, 'trimmed'),
          ...ids.slice(2),
        ])
      })

      it(`a filtered client gets its part, and ids are compared with the whole channel`, async () => {
        const { channel } = channelOn(on)
        const even = channel.filter((n) => n % 2 === 0)
        const { come } = await serve(even)
        const ids = await publish(channel, 1, 2, 3, 4, 5, 6, 7)
        // retained are 5, 6, 7
        const found = come(ids[3]!)
        await found.until('"data":6')
        expect(envelope.got!(found.body)).to.deep.equal([ids[5]])
        const trimmed = come(ids[1]!)
        await trimmed.until('"data":6')
        expect(head(trimmed)).to.deep.equal({ last: 'earliest', gap: 'trimmed' })
        // told of events that it would not have got
        expect(envelope.got!(trimmed.body)).to.deep.equal([gapFrom(ids[4]!, ids[1]!, 'trimmed'), ids[5]])
        // an id that the filter leaves out is an id all the same
        const odd = come(ids[4]!)
        await odd.until('"data":6')
        expect(envelope.got!(odd.body)).to.deep.equal([ids[5]])
        const [, eight] = await publish(channel, 9, 8)
        for (const client of [found, trimmed, odd]) await client.until('"data":8')
        expect(envelope.got!(odd.body)).to.deep.equal([ids[5], eight])
      })

      it(`a mapped client keeps the ids, so that it can come back`, async () => {
        const { channel } = channelOn(on)
        const { come } = await serve(() => channel.map((n) => `n${n}`))
        const ids = await publish(channel, 1, 2, 3)
        const client = come(ids[0]!)
        await client.until('"n3"')
        expect(envelope.got!(client.body)).to.deep.equal(ids.slice(1))
        expect(envelope.data(client.body)).to.deep.equal(['n2', 'n3'])
      })

      it(`a channel that is resolved late loses nothing`, async () => {
        const { channel } = channelOn(on, { history: 9 })
        let release = () => {}
        const released = new Promise<void>((resolve) => {
          release = resolve
        })
        let isAsked = false
        const { come } = await serve(async () => {
          isAsked = true
          await released
          return channel
        })
        const ids = await publish(channel, 1, 2)
        const client = come(ids[0]!)
        while (!isAsked) await turns(1)
        ids.push(...(await publish(channel, 3)))
        release()
        await client.until('"data":3')
        ids.push(...(await publish(channel, 4)))
        await client.until('"data":4')
        expect(envelope.got!(client.body)).to.deep.equal(ids.slice(1))
      })

      it(`a slow client gets all of it once it reads, and the replay waits for it`, async () => {
        const backend = asyncMemory()
        const channel = on.hub(backend).channel<string>('a', {
          history: 200,
        })
        const big = '.'.repeat(2 ** 18)
        const ids: string[] = []
        for (let n = 0; n < 64; n++) ids.push(await channel.publish(`${n}${big}`))
        const { site } = await serve(channel)
        const client = site.get('/?lastEventId=earliest', { reads: false })
        await turns(50)
        ids.push(await channel.publish('live'))
        await turns(50)
        client.socket.resume()
        await client.taken(64 * big.length)
        await client.until('"live"')
        expect(envelope.got!(client.body)).to.deep.equal(ids)
      })

      it(`hub.close() during a replay that the client does not take: complete, with down`, async () => {
        const { channel, hub } = channelOn(on, { history: 3 })
        const ids = await publish(channel, 1, 2)
        const { come, reasons } = await serve(channel, { wire: wires['jsonArray({ envelope })']! })
        const client = come(ids[0]!)
        await client.until('"data":2')
        await hub.close()
        expect((await client.whole()).body).to.equal(`[{"id":"${ids[1]}","data":2}]`)
        expect(reasons).to.deep.equal([{ kind: 'down' }])
      })
    },
    tableWithHeld,
  )

  onEach(
    '',
    (on) => {
      it(`a stream that has caught up shares the bytes of the others: one chunk a turn`, async () => {
        const { channel } = channelOn(on, { history: 9 })
        const ids = await publish(channel, 1, 2)
        const { come } = await serve(channel, { wire: wires['ndjson()']! })
        const client = come(ids[0]!)
        await client.until('2\n')
        await publish(channel, 3)
        await client.until('3\n')
        const before = client.message.chunks.length
        for (const n of [4, 5, 6]) void channel.publish(n)
        await client.until('6\n')
        expect(client.message.chunks.slice(before)).to.deep.equal([6])
      })
    },
    tableWithHeld,
  )

  it('write beside a replay: the order is that of the calls for what has come', async () => {
    const { channel } = channelOn(memory, { history: 9 })
    const ids = await publish(channel, 1, 2)
    const { come } = await serve(
      ({ write }: LoopContext<undefined>) => {
        write('first')
        return channel
      },
      { wire: wires['ndjson()']! },
    )
    const client = come(ids[0]!)
    await publish(channel, 3)
    await client.until('3\n')
    expect(client.body).to.equal('"first"\n2\n3\n')
  })
})

describe('Ids that are none of this channel’s (docs/guide/resume.md)', () => {
  staged()

  it('of another life of the process, and of another channel: unknown', async () => {
    const { channel } = channelOn(memory)
    const { channel: former } = channelOn(memory)
    const other = createHub().channel<number>('other', { history: 9 })
    const [old] = await publish(former, 1)
    const [alien] = await publish(other, 1)
    const ids = await publish(channel, 1)
    const { come } = await serve(channel)
    for (const id of [old!, alien!]) {
      expect(ids).not.to.contain(id)
      const client = come(id)
      await client.until('"data":1')
      expect(head(client)).to.deep.equal({ last: 'earliest', gap: 'unknown' })
      expect(envelope.got!(client.body)).to.deep.equal([gapFrom(ids[0]!, id, 'unknown'), ...ids])
    }
  })

  it('of another process on the same store: found', async () => {
    const first = asyncMemory()
    const channels = [first, first.another()].map((backend) =>
      createHub(backend).channel<number>('a', { history: 9 }),
    ) as [Channel<number>, Channel<number>]
    const ids = [...(await publish(channels[0], 1)), ...(await publish(channels[1], 2))]
    const { come } = await serve(channels[1])
    const client = come(ids[0]!)
    await client.until('"data":2')
    ids.push(...(await publish(channels[0], 3)))
    await client.until('"data":3')
    expect(head(client)).to.deep.equal({ last: ids[0], gap: undefined })
    expect(envelope.got!(client.body)).to.deep.equal(ids.slice(1))
  })

  const hostile: Record<string, string> = {
    'very long': 'x'.repeat(7000),
    'a line break that would forge an event': 'x\n\nevent: forged\ndata: 1\n\n',
    'a carriage return and a header': 'x\r\nSet-Cookie: a=b',
    NUL: 'a\0b',
    unicode: 'zoë ✓ 🪢',
    'a lone surrogate': '\ufffd',
    __proto__: '__proto__',
    constructor: 'constructor',
    JSON: '{"id":1}',
    quotes: '"\\"',
    blank: ' ',
    'another case of earliest': 'Earliest',
    'a number': '-1',
    'a path': '../../etc',
    percent: '%00%0a%',
  }
  onEach(
    '',
    (on) => {
      for (const [name, id] of Object.entries(hostile)) {
        it(`${name}: unknown, and what comes cannot be forged by it`, async () => {
          const { channel } = channelOn(on)
          const start = await channel.position()
          const ids = await publish(channel, 1)
          for (const wire of [wires['sse()']!, envelope]) {
            const { come } = await serve(channel, { wire })
            const client = come(id, byQuery)
            await client.until(wire.text(1))
            expect(head(client)).to.deep.equal({ last: 'earliest', gap: 'unknown' })
            expect(client.message.headers).not.to.have.property('set-cookie')
            expect(wire.got!(client.body)).to.deep.equal([
              { ...gapFrom(ids[0]!, id, 'unknown'), id: start },
              ...ids,
            ])
          }
        })
      }

      it(`near an id: unknown, and never an error`, async () => {
        const { channel } = channelOn(on, { history: 99 })
        const ids = await publish(channel, 1, 2, 3)
        const { come } = await serve(channel)
        const id = ids[1]!
        const near = [
          `${id}0`,
          `${id}.0`,
          `0${id}`,
          id.slice(0, -1),
          id.slice(1),
          `${id},${id}`,
          id.toUpperCase(),
        ]
        for (const each of near.filter((one) => !ids.includes(one))) {
          const client = come(each, byQuery)
          await client.until('"data":3')
          expect(head(client), each).to.deep.equal({ last: 'earliest', gap: 'unknown' })
        }
      })
    },
    tableWithHeld,
  )
})

describe('onGap: in the place of the notice (docs/guide/resume.md)', () => {
  staged()

  onEach(
    '',
    (on) => {
      it(`it gets the gap and the context, and nothing but its own is written`, async () => {
        const { channel } = channelOn(on)
        const ids = await publish(channel, 1, 2, 3, 4, 5)
        const gaps: Gap[] = []
        const { come } = await serve(channel, {
          more: {
            onGap(gap, { write, lastEventId }) {
              gaps.push(gap)
              write({ snapshot: lastEventId })
            },
          },
        })
        const client = come(ids[0]!)
        await client.until('"data":5')
        expect(gaps).to.deep.equal([gapFrom(ids[2]!, ids[0]!, 'trimmed')])
        expect(recordsOf(client.body)).to.deep.equal([
          { data: { snapshot: ids[0] } },
          { notice: 'position', id: ids[1], heartbeat: 15_000 },
          ...ids.slice(2).map((id, at) => ({ id, data: at + 3 })),
        ])
        expect(head(client)).to.deep.equal({ last: 'earliest', gap: 'trimmed' })
      })

      it(`asynchronous: what was missed and what comes wait for it`, async () => {
        const { channel } = channelOn(on, { history: 9 })
        const ids = await publish(channel, 1, 2, 3, 4, 5)
        let release = () => {}
        let isAsked = false
        const released = new Promise<void>((resolve) => {
          release = resolve
        })
        const { come } = await serve(channel, {
          more: {
            async onGap(_gap, { write }) {
              isAsked = true
              await released
              write('snapshot')
            },
          },
        })
        const client = come('x')
        while (!isAsked) await turns(1)
        ids.push(...(await publish(channel, 6)))
        await turns()
        expect(client.body).to.equal('')
        release()
        await client.until('"data":6')
        expect(recordsOf(client.body).filter((each) => !isPosition(each))).to.deep.equal([
          { data: 'snapshot' },
          ...ids.map((id, at) => ({ id, data: at + 1 })),
        ])
      })

      it(`what is trimmed while it takes its time is a gap as well`, async () => {
        const { channel } = channelOn(on, { history: 2 })
        const ids = await publish(channel, 1, 2)
        const gaps: Gap[] = []
        let release = () => {}
        const released = new Promise<void>((resolve) => {
          release = resolve
        })
        const { come } = await serve(channel, {
          more: {
            async onGap(gap) {
              if (gaps.push(gap) === 1) await released
            },
          },
        })
        const client = come('x')
        while (gaps.length === 0) await turns(1)
        ids.push(...(await publish(channel, 3, 4, 5)))
        await turns()
        release()
        await client.until('"data":5')
        const [first, ...more] = envelope.got!(client.body) as string[]
        const at = ids.indexOf(first!)
        expect([first, ...more]).to.deep.equal(ids.slice(at))
        // what is not there was told
        if (at > 0) expect(gaps[1]).to.include({ from: first, reason: 'trimmed' })
        else expect(gaps).to.have.length(1)
      })

      for (const isAsync of [false, true]) {
        it(`stop()${isAsync ? ', resolved,' : ''} ends the stream complete, without the replay`, async () => {
          const { channel } = channelOn(on)
          await publish(channel, 1, 2)
          const { come, reasons } = await serve(channel, {
            wire: wires['jsonArray()']!,
            more: { onGap: () => (isAsync ? turns(1).then(() => stop()) : stop()) },
          })
          const client = come('x')
          expect((await client.whole()).body).to.equal('[]')
          expect(reasons).to.deep.equal([{ kind: 'stop' }])
          expect(channel.subscribers).to.equal(0)
        })

        it(`one that ${isAsync ? 'rejects' : 'throws'} ends the stream, cut, with error`, async () => {
          const { channel } = channelOn(on)
          await publish(channel, 1, 2)
          const broken = new Error('broken')
          const { come, reasons } = await serve(channel, {
            wire: wires['jsonArray()']!,
            more: {
              onGap() {
                if (isAsync) return Promise.reject(broken)
                throw broken
              },
            },
          })
          const client = come('x')
          expect((await client.closed()).isWhole).to.equal(false)
          expect(client.body).to.equal('[')
          expect(reasons).to.deep.equal([{ kind: 'error', error: broken }])
          expect(channel.subscribers).to.equal(0)
        })
      }

      it(`it is not called where nothing is missing`, async () => {
        const { channel } = channelOn(on)
        const ids = await publish(channel, 1, 2)
        const { site, come } = await serve(channel, {
          more: {
            onGap() {
              throw new Error('called')
            },
          },
        })
        const clients = [come(ids[0]!), come(ids[1]!), come('earliest'), site.get()]
        for (const client of clients) await client.head()
        await publish(channel, 3)
        for (const client of clients) await client.until('"data":3')
      })
    },
    tableWithHeld,
  )

  it('with info, which gets the events and not the gap', async () => {
    const { channel } = channelOn(memory)
    await publish(channel, 1, 2)
    const calls: unknown[] = []
    const { come } = await serve(channel, {
      more: {
        onGap: (gap) => void calls.push(gap.reason),
        info(message, { write }) {
          calls.push((message as Event).data)
          write(message)
        },
      },
    })
    const client = come('x')
    await client.until('"data":2')
    expect(calls).to.deep.equal(['unknown', 1, 2])
    expect(envelope.got!(client.body)).to.have.length(2)
  })
})

describe('A store that takes its time: live first, then the replay, then live (docs/guide/resume.md)', () => {
  staged()

  function stored(history = 99) {
    const backend = asyncMemory()
    const elsewhere = backend.another()
    const [channel, other] = [backend, elsewhere].map((each) =>
      createHub(each).channel<number>('a', { history }),
    ) as [Channel<number>, Channel<number>]
    return { backend, elsewhere, channel, other }
  }

  it('the listener is there before the replay is read', async () => {
    const { backend, channel, other } = stored()
    const ids = await publish(other, 1, 2)
    backend.hold('listen')
    backend.hold('read')
    const { come } = await serve(channel)
    const client = come(ids[0]!)
    await backend.held('listen')
    let isReading = false
    void backend.held('read').then(() => {
      isReading = true
    })
    await turns()
    expect(isReading).to.equal(false)
    backend.release('listen')
    await backend.held('read')
    ids.push(...(await publish(other, 3)))
    backend.release('read')
    await client.until('"data":3')
    ids.push(...(await publish(other, 4)))
    await client.until('"data":4')
    await turns()
    expect(envelope.got!(client.body)).to.deep.equal(ids.slice(1))
  })

  for (const id of ['none', 'now', '\u20ac', 'two\nlines', '\0', '\ud83d\ude00']) {
    it(`a head that goes out before that says no place: the client asked for ${JSON.stringify(id)}`, async () => {
      const { backend, channel, other } = stored(2)
      await publish(other, 1)
      backend.hold('read')
      const site = await stage.now.serve(
        loop({
          format: sse(),
          subscribe({ write }) {
            setImmediate(() => setImmediate(() => write('early')))
            return channel
          },
        }),
      )
      const client = site.get(`/?lastEventId=${encodeURIComponent(id)}`)
      await client.until('early')
      const { status, headers } = await client.head()
      expect([status, headers['last-event-id']]).to.deep.equal([200, undefined])
      backend.release('read')
      await client.until(id === 'now' ? 'event: position' : '"reason":"unknown"')
    })
  }

  it('the head waits until it is known what was missed', async () => {
    const { backend, channel, other } = stored(2)
    const ids = await publish(other, 1, 2, 3, 4)
    backend.hold('read')
    const { come } = await serve(channel)
    const client = come(ids[0]!)
    await backend.held('read')
    await turns()
    expect(client.size).to.equal(0)
    backend.release('read')
    await client.until('"data":4')
    expect(head(client)).to.deep.equal({ last: 'earliest', gap: 'trimmed' })
  })

  for (const [name, format] of Object.entries(wires).filter(([, { got }]) => got)) {
    it(`${name}: what is published while the replay is read comes once, after it`, async () => {
      const { backend, channel, other } = stored()
      const ids = await publish(other, 1, 2, 3)
      backend.hold('event')
      const { come } = await serve(channel, { wire: format })
      const client = come(ids[0]!)
      await backend.step('event')
      ids.push(...(await publish(other, 4)), ...(await publish(channel, 5)))
      await backend.delivered()
      await backend.step('event')
      ids.push(...(await publish(other, 6)))
      backend.release('event')
      ids.push(...(await publish(channel, 7)))
      await client.until(format.text(7))
      await backend.delivered()
      await turns()
      expect(format.got!(client.body)).to.deep.equal(ids.slice(1))
    })
  }

  it('a listener that lags behind the replay does not double', async () => {
    const { backend, channel, other } = stored()
    const ids = await publish(other, 1)
    const { site, come } = await serve(channel)
    const first = site.get()
    await first.head()
    await turns()
    backend.hold('delivery')
    ids.push(...(await publish(other, 2, 3)))
    // it has read 2 and 3 from the store, and then the listener gets them too
    const client = come(ids[0]!)
    await client.until('"data":3')
    await turns()
    backend.release('delivery')
    ids.push(...(await publish(other, 4)))
    await client.until('"data":4')
    await first.until('"data":4')
    expect(envelope.got!(client.body)).to.deep.equal(ids.slice(1))
    expect(envelope.got!(first.body)).to.deep.equal(ids.slice(1))
  })

  it('a listener that lags behind what the client had already seen does not double', async () => {
    const { backend, channel, other } = stored()
    const ids = await publish(other, 1)
    const { site, come } = await serve(channel)
    const first = site.get()
    await first.head()
    await turns()
    backend.hold('delivery')
    ids.push(...(await publish(other, 2, 3)))
    // at another process it has seen all of it
    const client = come(ids[2]!)
    await client.head()
    await turns()
    backend.release('delivery')
    ids.push(...(await publish(other, 4)))
    await client.until('"data":4')
    await first.until('"data":4')
    expect(envelope.got!(client.body)).to.deep.equal(ids.slice(3))
  })

  it('the same with info, and for a part of the channel', async () => {
    const { backend, channel, other } = stored()
    const ids = await publish(other, 1)
    const followers = [
      await serve(channel, { more: { info: (message, { write }) => void write(message) } }),
      await serve(() => channel.filter(() => true)),
      await serve(channel.map((n) => n)),
    ]
    const first = followers[0]!.site.get()
    await first.head()
    await turns()
    backend.hold('delivery')
    ids.push(...(await publish(other, 2, 3)))
    const clients = followers.flatMap(({ come }) => [come(ids[0]!), come(ids[2]!)])
    for (const client of clients) await client.head()
    await turns()
    backend.release('delivery')
    ids.push(...(await publish(other, 4)))
    for (const client of clients) await client.until('"data":4')
    const seen = clients.map(({ body }) => envelope.got!(body))
    expect(seen).to.deep.equal(followers.flatMap(() => [ids.slice(1), ids.slice(3)]))
  })

  it('a filter that leaves out the end of the replay does not let it come twice, or be lost', async () => {
    const { backend, channel, other } = stored()
    const ids = await publish(other, 0)
    const even = channel.filter((n) => n % 2 === 0)
    const { site, come } = await serve(even)
    const first = site.get()
    await first.head()
    await turns()
    backend.hold('delivery')
    ids.push(...(await publish(other, 1, 2, 3)))
    const client = come(ids[0]!)
    await client.until('"data":2')
    await turns()
    backend.release('delivery')
    ids.push(...(await publish(other, 5, 4)))
    await client.until('"data":4')
    expect(envelope.got!(client.body)).to.deep.equal([ids[2], ids[5]])
  })

  it('with a gap: what comes while the replay is read is after it, and nothing twice', async () => {
    const { backend, channel, other } = stored(2)
    const ids = await publish(other, 1, 2, 3, 4)
    backend.hold('event')
    const { come } = await serve(channel)
    const client = come(ids[0]!)
    await backend.step('event')
    ids.push(...(await publish(other, 5, 6, 7)))
    await backend.delivered()
    backend.release('event')
    await client.until('"data":7')
    await turns()
    expect(envelope.got!(client.body)).to.deep.equal([
      gapFrom(ids[2]!, ids[0]!, 'trimmed'),
      ids[2],
      // what was trimmed while it was read
      gapFrom(ids[5]!, ids[2]!, 'trimmed'),
      ...ids.slice(5),
    ])
  })

  it('a gap that comes after the head, in a format that cannot say so: cut, not silent', async () => {
    for (const name of ['ndjson()', 'jsonArray()']) {
      const { backend, channel, other } = stored(2)
      const ids = await publish(other, 1, 2)
      const { site, come, reasons } = await serve(channel, { wire: wires[name]! })
      const live = site.get()
      await live.head()
      await turns()
      backend.hold('event')
      const client = come(ids[0]!)
      await client.head()
      ids.push(...(await publish(other, 3, 4, 5)))
      await backend.delivered()
      backend.release('event')
      expect((await client.closed()).isWhole).to.equal(false)
      expect(wires[name]!.data(client.body)).to.deep.equal([])
      backend.lose()
      await publish(other, 6, 7, 8)
      backend.restore()
      expect((await live.closed()).isWhole).to.equal(false)
      expect(wires[name]!.data(live.body)).to.deep.equal([3, 4, 5])
      expect(reasons).to.have.length(2)
      // it comes back, and its head says so
      const again = come(ids[0]!)
      await again.head()
      expect(head(again)).to.deep.equal({ last: 'earliest', gap: 'trimmed' })
    }
  })

  for (const moment of ['listen', 'read', 'event'] as const) {
    it(`a client that leaves at \`${moment}\` leaves nothing, and the others go on`, async () => {
      const { backend, channel, other } = stored()
      const ids = await publish(other, 1, 2, 3)
      const { come, reasons } = await serve(channel)
      backend.hold(moment)
      const client = come(ids[0]!)
      await backend.held(moment)
      client.leave()
      await client.ended
      await counts(channel, 0)
      backend.release(moment)
      await turns()
      expect(reasons.map(({ kind }) => kind)).to.deep.equal(['disconnect'])
      const again = come(ids[0]!)
      await again.until('"data":3')
      ids.push(...(await publish(other, 4)))
      await again.until('"data":4')
      expect(envelope.got!(again.body)).to.deep.equal(ids.slice(1))
      expect(channel.subscribers).to.equal(1)
    })
  }

  it('a replay that is read to its end, or left at whatever moment, is closed in the store', async () => {
    const { backend, channel, other } = stored()
    const ids = await publish(other, 1, 2, 3)
    const { come } = await serve(channel)
    const whole = come(ids[0]!)
    await whole.until('"data":3')
    await turns()
    expect(backend.readings).to.equal(0)
    whole.leave()
    await counts(channel, 0)

    backend.hold('event')
    const middle = come(ids[0]!)
    await backend.step('event')
    await middle.until('"data":2')
    expect(backend.readings).to.equal(1)
    middle.leave()
    await counts(channel, 0)
    await turns()
    expect(backend.readings).to.equal(0)
    backend.release('event')

    backend.hold('read')
    const early = come(ids[0]!)
    await backend.held('read')
    early.leave()
    await counts(channel, 0)
    backend.release('read')
    await turns()
    expect(backend.readings).to.equal(0)
  })

  it('a store that is lost while a client comes back: an error before the head, and nothing is left', async () => {
    const { backend, channel, other } = stored()
    const ids = await publish(other, 1, 2)
    const { come, reasons } = await serve(channel)
    backend.hold('read')
    const client = come(ids[0]!)
    await backend.held('read')
    backend.lose()
    backend.release('read')
    expect((await client.whole()).status).to.equal(503)
    expect(reasons).to.have.length(1)
    expect(channel.subscribers).to.equal(0)
    backend.restore()
    const again = come(ids[0]!)
    await again.until('"data":2')
  })

  it('a store that is lost and comes back while the replay is read: each event once', async () => {
    const { backend, channel, other } = stored()
    const ids = await publish(other, 1, 2, 3)
    const { come } = await serve(channel)
    backend.hold('event')
    const client = come(ids[0]!)
    await backend.step('event')
    backend.lose()
    ids.push(...(await publish(other, 4)))
    backend.restore()
    ids.push(...(await publish(other, 5)))
    await backend.delivered()
    backend.release('event')
    await client.until('"data":5')
    await turns()
    expect(envelope.got!(client.body)).to.deep.equal(ids.slice(1))
  })

  it('a loss while the replay is read, of what is not retained: told once, where it is', async () => {
    const { backend, channel, other } = stored(3)
    const ids = await publish(other, 1, 2, 3)
    const { come } = await serve(channel)
    backend.hold('event')
    const client = come(ids[0]!)
    await backend.step('event')
    await client.until('"data":2')
    backend.lose()
    ids.push(...(await publish(other, 4, 5, 6, 7)))
    backend.restore()
    await backend.delivered()
    await turns()
    expect(envelope.got!(client.body)).to.deep.equal([ids[1]])
    backend.release('event')
    await client.until('"data":7')
    ids.push(...(await publish(other, 8)))
    await client.until('"data":8')
    expect(envelope.got!(client.body)).to.deep.equal([
      ids[1],
      gapFrom(ids[4]!, ids[1]!, 'trimmed'),
      ...ids.slice(4),
    ])
  })

  it('many come back at once, however the store answers: all get the same', async () => {
    const first = asyncMemory({ lag: randomLag(1) })
    const channels = [first, first.another({ lag: randomLag(2) })].map((backend) =>
      createHub(backend).channel<number>('a', { history: 99 }),
    ) as [Channel<number>, Channel<number>]
    const ids = await publish(channels[0], 1, 2)
    const { come } = await serve(channels[1])
    const clients: Client[] = []
    for (let n = 3; n < 30; n++) {
      clients.push(come(ids[0]!))
      ids.push(...(await publish(channels[n % 2]!, n)))
    }
    ids.push(...(await publish(channels[0], 30)))
    for (const client of clients) await client.until('"data":30}')
    for (const client of clients) expect(envelope.got!(client.body)).to.deep.equal(ids.slice(1))
  })

  it('live events that wait for a replay count against the limits: overflow, and nothing is left', async () => {
    const { backend, channel, other } = stored()
    const ids = await publish(other, 1, 2)
    const { come, reasons } = await serve(channel, { more: { stream: { maxQueued: 5 } } })
    backend.hold('event')
    const client = come(ids[0]!)
    await backend.held('event')
    for (let n = 3; n < 20; n++) await other.publish(n)
    await client.closed()
    expect(reasons.map(({ kind }) => kind)).to.deep.equal(['overflow'])
    expect(channel.subscribers).to.equal(0)
    backend.release('event')
  })

  it('a flood in the history does not pile up for a client that does not read', async () => {
    const channel = createHub().channel<string>('a', { history: 9 })
    for (let n = 0; n < 3; n++) await channel.publish(flood.toString())
    let stream: { queued: number } | undefined
    const { site } = await serve((context: LoopContext<undefined>) => {
      stream = context.stream
      return channel
    })
    const client = site.get('/?lastEventId=earliest', { reads: false })
    await turns(50)
    expect(stream?.queued).to.be.at.most(1)
    client.leave()
    await counts(channel, 0)
  })
})
