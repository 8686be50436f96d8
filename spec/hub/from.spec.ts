import { expect } from 'chai'
import { clock } from '../../lib/clock.js'
import {
  type Channel,
  type ChannelOptions,
  type Event,
  type Feed,
  type From,
  loop,
  ndjson,
  sse,
} from '../../lib/index.js'
import { asyncMemory } from '../../lib/testing.js'
import { type Kept, memory, onEach, promised, tableWithHeld } from '../support/hubs.js'
import type { Client } from '../support/raw.js'
import { stage, staged, turns, turnsUntil } from '../support/stage.js'

function channelOn(on: Kept, options: ChannelOptions<number> = { history: 5 }) {
  const backend = asyncMemory()
  const hub = on.hub(backend)
  return { channel: hub.channel<number>('numbers', options), backend, hub }
}

async function publish(channel: Channel<number>, ...list: number[]): Promise<string[]> {
  const ids: string[] = []
  for (const each of list) ids.push(await channel.publish(each))
  return ids
}

async function serve(subscribe: unknown, more: Partial<Parameters<typeof loop>[0]> = {}) {
  const site = await stage.now.serve(loop({ format: sse(), subscribe: subscribe as Feed<number>, ...more }))
  return { site, back: (id: string) => site.get('/', { headers: { 'Last-Event-ID': id } }) }
}

interface Got {
  readonly type: string
  readonly id: string | undefined
  readonly data: unknown
}

/** The events of an event stream. */
function gotOf({ body }: Client): Got[] {
  return body
    .replace(/^:.*\n/gm, '')
    .split('\n\n')
    .slice(0, -1)
    .map((block) => ({
      type: /^event: (.*)$/m.exec(block)?.[1] ?? 'message',
      id: /^id: (.*)$/m.exec(block)?.[1],
      data: JSON.parse(/^data: (.*)$/m.exec(block)![1]!),
    }))
}

const dataOf = (client: Client) =>
  gotOf(client)
    .filter(({ type }) => type === 'message')
    .map(({ data }) => data as number)

const head = ({ message }: Client) => ({
  last: message.headers['last-event-id'],
  gap: message.headers['event-gap'],
})

/** Publishes one more, and what the client has got by then. */
async function untilNext(channel: Channel<number>, client: Client, next = 100): Promise<number[]> {
  await client.head()
  await turnsUntil(() => channel.subscribers > 0)
  await turns()
  await channel.publish(next)
  await client.until(`data: ${next}\n\n`)
  expect(dataOf(client).at(-1)).to.equal(next)
  return dataOf(client).slice(0, -1)
}

/** What an iteration gives, up to the event of this data. */
async function take(feed: Feed<number>, last: number): Promise<number[]> {
  const all: number[] = []
  for await (const { data } of feed) {
    all.push(data)
    if (data === last) break
  }
  return all
}

const isEven = (n: number) => n % 2 === 0

describe('feed.from(): where a client begins that brings no id (docs/guide/resume.md)', () => {
  staged()

  onEach(
    '',
    (on) => {
      interface Case {
        readonly where: (ids: readonly string[]) => From
        readonly gets: readonly number[]
        /** The number of the event behind which it begins. */
        readonly after: number
      }
      // seven events, of which the last five are retained
      const words: Record<string, Case> = {
        "'now'": { where: () => 'now', gets: [], after: 7 },
        "'earliest'": { where: () => 'earliest', gets: [3, 4, 5, 6, 7], after: 2 },
        'an id': { where: (ids) => ids[4]!, gets: [6, 7], after: 5 },
        'the id of the latest': { where: (ids) => ids[6]!, gets: [], after: 7 },
        '{ last: 2 }': { where: () => ({ last: 2 }), gets: [6, 7], after: 5 },
        '{ last: 5 }': { where: () => ({ last: 5 }), gets: [3, 4, 5, 6, 7], after: 2 },
        '{ last: 6 }, more than there are': { where: () => ({ last: 6 }), gets: [3, 4, 5, 6, 7], after: 2 },
        '{ last: 1e9 }': { where: () => ({ last: 1e9 }), gets: [3, 4, 5, 6, 7], after: 2 },
        '{ last: 0 }': { where: () => ({ last: 0 }), gets: [], after: 7 },
      }
      for (const [name, { where, gets, after }] of Object.entries(words)) {
        it(`${name}: what is retained from there, then live; the head and a notice tell the place`, async () => {
          const { channel } = channelOn(on)
          const ids = await publish(channel, 1, 2, 3, 4, 5, 6, 7)
          const { site } = await serve(channel.from(where(ids)))
          const client = site.get()
          expect(await untilNext(channel, client)).to.deep.equal(gets)
          expect(head(client)).to.deep.equal({ last: ids[after - 1], gap: undefined })
          const told = gotOf(client).filter(({ type }) => type !== 'message')
          expect(told).to.deep.equal([{ type: 'position', id: ids[after - 1], data: { heartbeat: 15_000 } }])
        })

        it(`${name}: an iteration begins there too`, async () => {
          const { channel } = channelOn(on)
          const ids = await publish(channel, 1, 2, 3, 4, 5, 6, 7)
          const taking = take(channel.from(where(ids)), 100)
          await turnsUntil(() => channel.subscribers === 1)
          await turns()
          await publish(channel, 100)
          expect(await taking).to.deep.equal([...gets, 100])
          expect(channel.subscribers).to.equal(0)
        })
      }

      it('{ since }: what was published at that time or later; the clock of who published counts', async () => {
        const { channel } = channelOn(on, { history: 10 })
        const time = stage.now.time
        time.advance(1000)
        await publish(channel, 1)
        time.advance(60_000)
        await publish(channel, 2)
        time.advance(60_000)
        await publish(channel, 3)
        const at = (ms: number) => channel.from({ since: new Date(clock.date() - ms) })
        // the date goes on while the clock stands still
        const cases: [number, number[]][] = [
          [-30_000, []],
          [30_000, [3]],
          [90_000, [2, 3]],
          [1e9, [1, 2, 3]],
        ]
        for (const [ms, gets] of cases) {
          const taking = take(at(ms), 100)
          await turnsUntil(() => channel.subscribers === 1)
          await turns()
          await publish(channel, 100)
          const all = (await taking).filter((n) => n < 100)
          expect(all, `${ms} ms ago`).to.deep.equal(gets)
        }
      })

      it('of a channel without events it is where the first will come, whatever is said', async () => {
        for (const where of ['earliest', 'now', { last: 3 }, { since: new Date(0) }] as const) {
          const { channel } = channelOn(on)
          const { site } = await serve(channel.from(where))
          const client = site.get()
          const position = await channel.position()
          expect(await untilNext(channel, client)).to.deep.equal([])
          expect(head(client)).to.deep.equal({ last: position, gap: undefined })
        }
      })

      it('where nothing is retained it is from now on, and a place that is still the latest is found', async () => {
        const { channel } = channelOn(on, {})
        await publish(channel, 1)
        const position = await channel.position()
        for (const where of ['earliest', position, { last: 3 }]) {
          const { site } = await serve(channel.from(where as From))
          const client = site.get()
          await client.head()
          await turns()
          expect(gotOf(client).filter(({ type }) => type === 'gap')).to.deep.equal([])
          client.leave()
          await turnsUntil(() => channel.subscribers === 0)
        }
      })

      it('the client’s own word comes first: an id, or `earliest`', async () => {
        const { channel } = channelOn(on)
        const ids = await publish(channel, 1, 2, 3)
        const { back } = await serve(channel.from({ last: 1 }))
        const one = back(ids[0]!)
        expect(await untilNext(channel, one)).to.deep.equal([2, 3])
        expect(head(one).last).to.equal(ids[0])
        const all = back('earliest')
        expect(await untilNext(channel, all, 101)).to.deep.equal([1, 2, 3, 100])
      })

      it('an empty id is none', async () => {
        const { channel } = channelOn(on)
        await publish(channel, 1, 2, 3)
        const { site } = await serve(channel.from({ last: 1 }))
        const client = site.get('/?lastEventId=')
        expect(await untilNext(channel, client)).to.deep.equal([3])
      })

      it('filter and map keep it; a later from replaces it, and so does the last of several', async () => {
        const { channel } = channelOn(on)
        const [one] = await publish(channel, 1, 2, 3, 4)
        const text = (n: number) => n * 10
        const feeds: [Feed<number>, number[]][] = [
          [channel.from('earliest').filter(isEven), [2, 4]],
          [channel.filter(isEven).from('earliest'), [2, 4]],
          [channel.from('earliest').filter(isEven).map(text), [20, 40]],
          [channel.from('earliest').map(text).from({ last: 1 }), [40]],
          [channel.from('earliest').from(one!).from('now').from(one!), [2, 3, 4]],
          [channel.from('earliest').from('now'), []],
        ]
        for (const [feed, gets] of feeds) {
          const taking = take(feed, gets.length > 0 ? gets.at(-1)! : 100)
          await turnsUntil(() => channel.subscribers === 1)
          await turns()
          if (gets.length === 0) await publish(channel, 100)
          expect((await taking).filter((n) => n !== 100)).to.deep.equal(gets)
        }
      })

      it('{ last: n } of a part: the last n that it lets through, as it changes them', async () => {
        const { channel } = channelOn(on, { history: 100 })
        const ids = await publish(channel, 1, 2, 3, 4, 5, 6, 7)
        const even = channel.filter(isEven).map((n) => n * 10)
        for (const [last, gets, after] of [
          [0, [], 7],
          [1, [60], 4],
          [2, [40, 60], 2],
          [3, [20, 40, 60], 0],
          [9, [20, 40, 60], 0],
        ] as const) {
          const { site } = await serve(even.from({ last }))
          const client = site.get()
          await turnsUntil(() => channel.subscribers === 1)
          await turns()
          expect(dataOf(client)).to.deep.equal(gets)
          // it may begin anywhere behind the event before, as far as the part is concerned
          if (after > 0) expect(head(client).last).to.equal(ids[last === 0 ? 6 : after - 1])
          client.leave()
          await turnsUntil(() => channel.subscribers === 0)
        }
      })

      it('an id that is trimmed, or none of the channel: the gap is told once, in the head and in-band, and its place is come back to without another', async () => {
        const { channel } = channelOn(on, { history: 2 })
        const ids = await publish(channel, 1, 2, 3, 4)
        for (const [where, reason] of [
          [ids[0]!, 'trimmed'],
          ['x', 'unknown'],
        ] as const) {
          const { site, back } = await serve(channel.from(where))
          const client = site.get()
          await client.until('data: 4\n\n')
          expect(head(client)).to.deep.equal({ last: 'earliest', gap: reason })
          const [gap, ...events] = gotOf(client)
          expect(gap).to.deep.equal({
            type: 'gap',
            id: ids[1],
            data: { requested: where, from: ids[2], reason },
          })
          expect(events.map(({ data }) => data)).to.deep.equal([3, 4])
          const again = back(gap!.id!)
          await again.until('data: 4\n\n')
          expect(head(again)).to.deep.equal({ last: ids[1], gap: undefined })
          expect(gotOf(again).map(({ data }) => data)).to.deep.equal([3, 4])
          for (const each of [client, again]) each.leave()
          await turnsUntil(() => channel.subscribers === 0)
        }
      })

      it('a spec with an info gets what is retained as events with ids, and what comes behind it', async () => {
        const { channel } = channelOn(on)
        const ids = await publish(channel, 1, 2)
        const seen: Event[] = []
        const { site } = await serve(channel.from('earliest'), {
          info: async (message, { write }) => {
            await turns(1)
            seen.push(message as Event)
            write(message)
          },
        })
        const client = site.get()
        await client.until('data: 1\n\n')
        ids.push(...(await publish(channel, 3)))
        await client.until('data: 3\n\n')
        expect(seen.map(({ id }) => id)).to.deep.equal(ids)
      })

      it('a format without ids: what is retained, then live', async () => {
        const { channel } = channelOn(on)
        await publish(channel, 1, 2)
        const { site } = await serve(channel.from({ last: 1 }), { format: ndjson() })
        const client = site.get()
        await client.until('2\n')
        await publish(channel, 3)
        expect(await client.until('3\n')).to.equal('2\n3\n')
      })

      it('what begins elsewhere shares the bytes of all once it has caught up', async () => {
        const { channel } = channelOn(on, { history: 100 })
        await publish(channel, 1, 2, 3)
        let encoded = 0
        const format = sse({
          serialize: (data) => {
            encoded += 1
            return JSON.stringify(data)
          },
        })
        const feeds = [channel, channel.from('earliest'), channel.from({ last: 1 }), channel.from('now')]
        const { site } = await serve(({ req }: { req: { url: string } }) => feeds[Number(req.url.slice(1))], {
          format,
        })
        const clients = [0, 1, 2, 3, 1, 2].map((n) => site.get(`/${n}`))
        await turnsUntil(() => channel.subscribers === clients.length)
        for (const client of clients) await client.head()
        await turns(50)
        await publish(channel, 4)
        for (const client of clients) await client.until('data: 4\n\n')
        const before = encoded
        await publish(channel, 5)
        for (const client of clients) await client.until('data: 5\n\n')
        // a store gives each process an event of its own: one is checked, one delivered
        expect(encoded - before).to.equal(on === memory ? 1 : 2)
        expect(clients.map(dataOf)).to.deep.equal([
          [4, 5],
          [1, 2, 3, 4, 5],
          [3, 4, 5],
          [4, 5],
          [1, 2, 3, 4, 5],
          [3, 4, 5],
        ])
      })

      it('position() first, then a database, then from(position): nothing between the two is missed', async () => {
        const { channel } = channelOn(on, { history: 100 })
        const database: number[] = []
        const set = async (n: number) => {
          database.push(n)
          await channel.publish(n)
        }
        await set(1)
        const position = await channel.position()
        await set(2)
        const state = [...database]
        await set(3)
        const { site } = await serve(channel.from(position))
        const client = site.get()
        await client.until('data: 3\n\n')
        expect(state).to.deep.equal([1, 2])
        expect(dataOf(client)).to.deep.equal([2, 3])
      })

      it('position(): of the latest, also if it is not retained; before the first, where it will come; in a delivery, of what was published by then', async () => {
        for (const options of [{ history: 3 }, {}]) {
          const { channel } = channelOn(on, options)
          const first = await channel.position()
          const taking = take(channel.from(first), 1)
          await turnsUntil(() => channel.subscribers === 1)
          await turns()
          const [one] = await publish(channel, 1)
          expect(await taking).to.deep.equal([1])
          expect(await channel.position()).to.equal(one)
          let within: Promise<string> | undefined
          const watching = take(
            channel.filter(() => {
              within = channel.position()
              return true
            }),
            2,
          )
          await turnsUntil(() => channel.subscribers === 1)
          await turns()
          const [two] = await publish(channel, 2)
          await watching
          expect(await within).to.equal(two)
        }
      })
    },
    tableWithHeld,
  )

  describe('what is no place', () => {
    const wrong: Record<string, unknown> = {
      nothing: undefined,
      null: null,
      'an empty text': '',
      'a number': 3,
      'a date, which belongs into { since }': new Date(),
      'an object without either': {},
      'a misspelt key': { lst: 3 },
      'a key too many': { last: 3, lats: 4 },
      'both keys': { last: 3, since: new Date() },
      'a negative number': { last: -1 },
      'a part of an event': { last: 1.5 },
      'no number': { last: Number.NaN },
      'all of them, which are `earliest`': { last: Infinity },
      'a number as text': { last: '3' },
      milliseconds: { since: 1_700_000_000_000 },
      'a date as text': { since: '2026-01-01' },
      'a date that is none': { since: new Date('x') },
      'a list': ['earliest'],
      'a function': () => 'earliest',
    }
    for (const [name, where] of Object.entries(wrong)) {
      it(`${name}: a TypeError that says what to write`, () => {
        const { channel } = channelOn(memory)
        for (const feed of [channel, channel.filter(isEven), channel.from('earliest')]) {
          expect(() => feed.from(where as From)).to.throw(
            TypeError,
            /^from\(.*\): expected an event's id, 'earliest', 'now', \{ last: n \} or \{ since: Date \}$/,
          )
        }
      })
    }
  })
})

describe('for await from a place (docs/guide/channels.md)', () => {
  staged()

  onEach(
    '',
    (on) => {
      it('reads no faster than it is asked, and leaves nothing open where it is left in the middle', async () => {
        const { channel, backend } = channelOn(on, { history: 5000 })
        await publish(channel, ...Array.from({ length: 3000 }, (_, n) => n))
        let asked = 0
        const feed = channel
          .map((n) => {
            asked += 1
            return n
          })
          .from('earliest')
        const iterator = feed[Symbol.asyncIterator]()
        for (let n = 0; n < 3; n++) expect((await iterator.next()).value.data).to.equal(n)
        await turns()
        expect(asked).to.equal(3)
        expect(channel.subscribers).to.equal(1)
        expect(await iterator.return!()).to.deep.equal({ done: true, value: undefined })
        expect(await iterator.next()).to.deep.equal({ done: true, value: undefined })
        await turns()
        expect(channel.subscribers).to.equal(0)
        expect(backend.readings).to.equal(0)
      })

      it('a return while an event is asked for: that is answered by the end, and nothing is kept', async () => {
        const { channel, backend } = channelOn(on)
        await publish(channel, 1, 2)
        if (on === promised) backend.hold('event')
        const iterator = channel.from('earliest')[Symbol.asyncIterator]()
        const nexts = on === promised ? [iterator.next(), iterator.next()] : []
        if (on === promised) await backend.held('event')
        await iterator.return!()
        for (const next of nexts) expect(await next).to.deep.equal({ done: true, value: undefined })
        if (on === promised) backend.release('event')
        await turns()
        expect(await iterator.next()).to.deep.equal({ done: true, value: undefined })
        expect(channel.subscribers).to.equal(0)
        expect(backend.readings).to.equal(0)
      })

      it('several calls of next() at once are answered in order, from what is retained into what is live', async () => {
        const { channel } = channelOn(on)
        await publish(channel, 1, 2)
        const iterator = channel.from('earliest')[Symbol.asyncIterator]()
        const nexts = Array.from({ length: 5 }, () => iterator.next())
        await turns()
        await publish(channel, 3, 4)
        await channel.end()
        const answers = await Promise.all(nexts)
        expect(answers.map(({ value, done }) => (done ? 'done' : value.data))).to.deep.equal([
          1,
          2,
          3,
          4,
          'done',
        ])
      })

      it('a gap is an event of type `gap`, with its place as id; then what is retained', async () => {
        const { channel } = channelOn(on, { history: 2 })
        const ids = await publish(channel, 1, 2, 3, 4)
        const iterator = channel.from(ids[0]!)[Symbol.asyncIterator]()
        const { value: gap } = await iterator.next()
        expect({ ...gap }).to.include({ type: 'gap', id: ids[1] })
        expect(gap.data).to.deep.equal({ requested: ids[0], from: ids[2], reason: 'trimmed' })
        expect((await iterator.next()).value).to.include({ id: ids[2], data: 3 })
        await iterator.return!()
        const [again] = await Promise.all([take(channel.from(gap.id), 4)])
        expect(again).to.deep.equal([3, 4])
      })

      it('what is trimmed while it is read slowly is told in its place', async () => {
        const { channel } = channelOn(on, { history: 3 })
        await publish(channel, 1, 2, 3)
        const iterator = channel.from('earliest')[Symbol.asyncIterator]()
        const first = (await iterator.next()).value as Event
        const came: Event[] = [first]
        await publish(channel, 4, 5, 6, 7)
        await channel.end()
        for (let step = await iterator.next(); !step.done; step = await iterator.next()) came.push(step.value)
        let place = first.id!
        const numbers: (number | string)[] = []
        for (const { id, type, data } of came) {
          numbers.push(type === 'gap' ? 'gap' : (data as number))
          if (type === 'gap') expect(data).to.have.property('requested', place)
          place = id!
        }
        // in memory a page is held, so that nothing of it is lost
        const whole = [1, 2, 3, 4, 5, 6, 7]
        expect(numbers).to.be.deep.oneOf([whole, [1, 'gap', 5, 6, 7]])
      })

      it('the end comes behind what is retained and what came meanwhile', async () => {
        const { channel } = channelOn(on)
        await publish(channel, 1, 2)
        const iterator = channel.from('earliest')[Symbol.asyncIterator]()
        const came = [(await iterator.next()).value.data]
        await publish(channel, 3)
        await channel.end()
        await turns()
        for (let step = await iterator.next(); !step.done; step = await iterator.next())
          came.push(step.value.data)
        expect(came).to.deep.equal([1, 2, 3])
      })

      it('more than 10,000 live events that wait for it, while it reads what is retained, are too many: LARIAT_OVERFLOW', async () => {
        const { channel } = channelOn(on, { history: 3 })
        await publish(channel, 1, 2)
        const iterator = channel.from('earliest')[Symbol.asyncIterator]()
        await iterator.next()
        for (let n = 0; n < 10_001; n++) void channel.publish(n)
        await turnsUntil(() => channel.subscribers === 0)
        const failed = await iterator.next().then(
          () => undefined,
          (error) => error,
        )
        expect(failed).to.include({ code: 'LARIAT_OVERFLOW' })
        expect(await iterator.next()).to.deep.equal({ done: true, value: undefined })
      })

      it('a filter or map that throws ends it with that error', async () => {
        const { channel } = channelOn(on)
        await publish(channel, 1, 2)
        const failing = channel.map((n) => {
          if (n === 2) throw new Error('two')
          return n
        })
        const iterator = failing.from('earliest')[Symbol.asyncIterator]()
        expect((await iterator.next()).value.data).to.equal(1)
        const failed = await iterator.next().then(undefined, (error) => error)
        expect(failed).to.have.property('message', 'two')
        expect(channel.subscribers).to.equal(0)
      })

      it('is left without a next(): nothing was opened', async () => {
        const { channel, backend } = channelOn(on)
        await publish(channel, 1)
        const iterator = channel.from('earliest')[Symbol.asyncIterator]()
        await iterator.return!()
        expect(await iterator.next()).to.deep.equal({ done: true, value: undefined })
        expect([channel.subscribers, backend.readings]).to.deep.equal([0, 0])
      })
    },
    tableWithHeld,
  )

  it('a store that fails while it is read ends it with that error, and nothing stays open', async () => {
    const { channel, backend } = channelOn(promised)
    await publish(channel, 1, 2, 3)
    for (const at of ['listen', 'read'] as const) {
      backend.hold(at)
      const iterator = channel.from('earliest')[Symbol.asyncIterator]()
      const next = iterator.next().then(undefined, (error) => error)
      await backend.held(at)
      backend.lose()
      backend.release(at)
      expect(await next, at).to.include({ code: 'LARIAT_DOWN' })
      expect(await iterator.next()).to.deep.equal({ done: true, value: undefined })
      await turns()
      expect([channel.subscribers, backend.readings]).to.deep.equal([0, 0])
      backend.restore()
    }
  })
})
