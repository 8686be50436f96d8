import { expect } from 'chai'
import {
  type Channel,
  type ChannelOptions,
  createHub,
  type Event,
  type Feed,
  type From,
  type LoopContext,
  loop,
  ndjson,
  type OpenStream,
  type Reason,
  resource,
  sse,
  text,
} from '../../lib/index.js'
import { asyncMemory } from '../../lib/testing.js'
import { type Kept, memory, onEach, redis, tableWithHeld } from '../support/hubs.js'
import type { Client, Message } from '../support/raw.js'
import { flood, stage, staged, turns, turnsUntil } from '../support/stage.js'

function channelOn(on: Kept, options: ChannelOptions<unknown> = { history: 100 }) {
  const backend = asyncMemory()
  const hub = on.hub(backend)
  return { channel: hub.channel<unknown>('run', options), backend, hub }
}

async function publish(channel: Channel<unknown>, ...list: unknown[]): Promise<string[]> {
  const ids: string[] = []
  for (const each of list) ids.push(await channel.publish(each))
  return ids
}

/** Serves a feed, and keeps the reasons of the ends. */
async function serve(subscribe: unknown, more: Partial<Parameters<typeof loop>[0]> = {}) {
  const reasons: Reason[] = []
  const site = await stage.now.serve(
    loop({
      format: sse(),
      subscribe: subscribe as Feed<unknown>,
      terminate: (reason) => void reasons.push(reason),
      ...more,
    }),
  )
  const back = (id: string) => site.get('/', { headers: { 'Last-Event-ID': id } })
  return { site, reasons, back }
}

/** The data of the events that have come, as an event stream or as lines; and the types of others, in brackets. */
function cameOf({ body }: Pick<Message, 'body'>): unknown[] {
  if (body.startsWith('{') || !body.includes(':'))
    return body
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line))
  return body
    .replace(/^: (dropped .*)\n/gm, 'event: $1\n\n')
    .replace(/^:.*\n/gm, '')
    .split('\n\n')
    .slice(0, -1)
    .map((block) => {
      const type = /^event: (.*)$/m.exec(block)?.[1]
      return type === undefined ? JSON.parse(/^data: (.*)$/m.exec(block)![1]!) : `(${type})`
    })
    .map((data) => (data?.pad ? 'big' : data))
}

/** More than a kernel takes from a client that does not read. */
const big = { pad: flood.toString('latin1') }

const without = (type: string, list: unknown[]) => list.filter((each) => each !== `(${type})`)

async function arrived(channel: Feed<unknown>, subscribers: number): Promise<void> {
  await turnsUntil(() => channel.subscribers === subscribers)
}

const head = ({ message }: Client) => ({
  status: message.status,
  last: message.headers['last-event-id'],
  gap: message.headers['event-gap'],
})

const ofEnd: Reason = { kind: 'end' }

describe('channel.end(): no more, ever (docs/guide/channels.md)', () => {
  staged()

  onEach(
    '',
    (on) => {
      const kinds: Record<string, (channel: Channel<unknown>) => [unknown, object?]> = {
        'that share bytes': (channel) => [channel],
        'that share bytes, and gather events': (channel) => [channel, { stream: { gather: 50 } }],
        'of a feed that is filtered': (channel) => [channel.filter(() => true)],
        'each with a filter of its own': (channel) => [() => channel.filter(() => true)],
        'with a subscribe that takes its time': (channel) => [
          async () => {
            await turns(2)
            return channel
          },
        ],
        'with an info': (channel) => [
          channel,
          { info: (message: unknown, { write }: LoopContext<unknown>) => write(message) },
        ],
        'with an info that takes its time': (channel) => [
          channel,
          {
            info: async (message: unknown, { write }: LoopContext<unknown>) => {
              await turns(3)
              write(message)
            },
          },
        ],
        'in a format without ids': (channel) => [channel, { format: ndjson() }],
      }
      for (const [name, make] of Object.entries(kinds)) {
        it(`streams ${name}: all that was published, then a complete end, with reason end`, async () => {
          const { channel } = channelOn(on)
          const [subscribe, more = {}] = make(channel)
          const { site, reasons } = await serve(subscribe, more)
          const clients = [site.get(), site.get()]
          await arrived(channel, 2)
          for (const n of [1, 2, 3]) void channel.publish(n)
          await channel.end()
          for (const client of clients) {
            const message = await client.whole()
            expect(without('position', cameOf(message))).to.deep.equal([1, 2, 3])
          }
          await turnsUntil(() => reasons.length === 2)
          expect(reasons).to.deep.equal([ofEnd, ofEnd])
          expect(channel.subscribers).to.equal(0)
        })
      }

      it('with endEvent the end is told: an event `end`, behind the last', async () => {
        const { channel } = channelOn(on)
        const { site } = await serve(channel, { stream: { endEvent: true } })
        const client = site.get()
        await arrived(channel, 1)
        void channel.publish(1)
        await channel.end()
        expect((await client.whole()).body).to.match(/\ndata: 1\n\nevent: end\ndata: {"reason":"end"}\n\n$/)
      })

      it('a client of HTTP/1.0 gets the same, ended by the close of the connection', async () => {
        const { channel } = channelOn(on)
        const { site } = await serve(channel)
        const client = site.get('/', { version: '1.0' })
        await arrived(channel, 1)
        void channel.publish(1)
        await channel.end()
        expect(await client.ended).to.equal('fin')
        expect(without('position', cameOf(client.message))).to.deep.equal([1])
      })

      it('publish rejects from then on with LARIAT_ENDED, whatever is published; position() is still told', async () => {
        const { channel } = channelOn(on)
        const [id] = await publish(channel, 1)
        await channel.end()
        const refused = [channel.publish(2), channel.publish(undefined, { type: 'tick' })]
        for (const each of await Promise.allSettled(refused))
          expect(each).to.have.nested.include({ status: 'rejected', 'reason.code': 'LARIAT_ENDED' })
        expect(await channel.position()).to.equal(id)
      })

      it('publish with a key of before returns the id of its event, with a new key it rejects', async () => {
        const { channel } = channelOn(on)
        const id = await channel.publish(1, { key: 'a' })
        await channel.end()
        expect(await channel.publish(1, { key: 'a' })).to.equal(id)
        const [refused] = await Promise.allSettled([channel.publish(2, { key: 'b' })])
        expect(refused).to.have.nested.include({ status: 'rejected', 'reason.code': 'LARIAT_ENDED' })
      })

      it('a second end changes nothing, nor do two at once', async () => {
        const { channel } = channelOn(on)
        const { site, reasons } = await serve(channel)
        const client = site.get()
        await arrived(channel, 1)
        await Promise.all([channel.end(), channel.end()])
        await channel.end()
        await client.whole()
        expect(reasons).to.deep.equal([ofEnd])
      })

      it('of a hub that is closed no channel can be ended, nor asked where it stands', async () => {
        const { channel, hub } = channelOn(on)
        await hub.close()
        for (const each of await Promise.allSettled([channel.end(), channel.position()]))
          expect(each).to.have.nested.include({ status: 'rejected', 'reason.code': 'LARIAT_DOWN' })
      })

      it('a stream that catches up when the end comes gets all that it missed, then what came, then the end', async () => {
        const { channel } = channelOn(on)
        const [first] = await publish(channel, 1, big, 3)
        const { site, reasons } = await serve(channel)
        const client = site.get('/', { reads: false, headers: { 'Last-Event-ID': first! } })
        await arrived(channel, 1)
        await turns(50)
        void channel.publish(4)
        await channel.end()
        await turns(50)
        expect(reasons).to.deep.equal([])
        client.socket.resume()
        expect(cameOf(await client.whole())).to.deep.equal(['big', 3, 4])
        expect(reasons).to.deep.equal([ofEnd])
      })

      const policies = {
        close: { overflow: 'close', came: [1, 2, 3, 4] },
        dropOldest: { overflow: 'dropOldest', came: ['(dropped 2)', 3, 4] },
        dropNewest: { overflow: 'dropNewest', came: ['(dropped 2)', 1, 2] },
        conflate: { overflow: { conflate: () => 'all' }, came: ['(dropped 3)', 4] },
      } as const
      for (const [name, { overflow, came }] of Object.entries(policies)) {
        // so much takes seconds on its way through Redis
        if (on === redis) continue
        it(`a client that is behind gets what its policy has left, how many it lost, and the end: ${name}`, async () => {
          const { channel } = channelOn(on)
          const { site, reasons } = await serve(channel, {
            stream: {
              overflow: overflow as 'close',
              maxQueued: name === 'close' ? 10 : 2,
              maxQueuedBytes: 2 * flood.length,
            },
          })
          const client = site.get('/', { reads: false })
          await arrived(channel, 1)
          await channel.publish(big)
          await turns(50)
          for (const n of [1, 2, 3, 4]) {
            await channel.publish(n)
            await turns()
          }
          await channel.end()
          await turns(50)
          client.socket.resume()
          const all = without('position', cameOf(await client.whole()))
          expect(all).to.deep.equal(['big', ...came])
          await turnsUntil(() => reasons.length === 1)
          expect(reasons).to.deep.equal([ofEnd])
        })
      }

      it('an end in the middle of a delivery comes behind what was published by then; nothing can be published behind it', async () => {
        const { channel } = channelOn(on)
        const refused: unknown[] = []
        let asked = false
        const ending = channel.filter((data) => {
          if (data === 1 && !asked) {
            asked = true
            void channel.publish(2)
            void channel.publish(3)
            void channel.end()
            channel.publish(4).catch((error) => refused.push(error.code))
          }
          return true
        })
        const { site } = await serve(({ req }: { req: { url: string } }) =>
          req.url === '/all' ? channel : ending,
        )
        const clients = [site.get('/all'), site.get('/'), site.get('/all')]
        await arrived(channel, 3)
        await channel.publish(1)
        for (const client of clients)
          expect(without('position', cameOf(await client.whole()))).to.deep.equal([1, 2, 3])
        await turnsUntil(() => refused.length === 1)
        expect(refused).to.deep.equal(['LARIAT_ENDED'])
      })

      on.immediately(
        'a stream that comes in the delivery which ends the channel is a late one: what is retained, then the end',
        async () => {
          const { channel } = channelOn(on)
          let late: Client | undefined
          const { site } = await serve(channel)
          const first = site.get()
          await arrived(channel, 1)
          const iterator = channel
            .filter(() => {
              void channel.end()
              late ??= site.get()
              return true
            })
            [Symbol.asyncIterator]()
          const next = iterator.next()
          await arrived(channel, 2)
          await channel.publish(1)
          await next
          expect(without('position', cameOf(await first.whole()))).to.deep.equal([1])
          expect(without('position', cameOf(await late!.whole()))).to.deep.equal([1])
          expect(await iterator.next()).to.deep.equal({ done: true, value: undefined })
        },
      )

      it('iterations are done behind what was published', async () => {
        const { channel } = channelOn(on)
        const took: unknown[] = []
        const iterating = (async () => {
          for await (const { data } of channel) {
            await turns(3)
            took.push(data)
          }
        })()
        await arrived(channel, 1)
        await turns()
        for (const n of [1, 2, 3]) void channel.publish(n)
        await channel.end()
        await iterating
        expect(took).to.deep.equal([1, 2, 3])
        expect(channel.subscribers).to.equal(0)
      })

      describe('who comes later', () => {
        /** Three events, of which the last two are retained, and an end. */
        async function ended(options: ChannelOptions<unknown> = { history: 2 }) {
          const { channel, ...others } = channelOn(on, options)
          const ids = await publish(channel, 1, 2, 3)
          await channel.end()
          return { channel, ids, ...others }
        }

        it('without an id: what is retained, then the end', async () => {
          const { channel } = await ended()
          const { site, reasons } = await serve(channel)
          const message = await site.get().whole()
          expect(message.status).to.equal(200)
          expect(without('position', cameOf(message))).to.deep.equal([2, 3])
          expect(reasons).to.deep.equal([ofEnd])
        })

        it('of a part: what of it is retained, as that part has it', async () => {
          const { channel } = await ended()
          const part = channel.filter((data) => data === 3).map((data) => [data])
          const { site } = await serve(part)
          expect(without('position', cameOf(await site.get().whole()))).to.deep.equal([[3]])
        })

        it('with an info: the same, each in it', async () => {
          const { channel } = await ended()
          const seen: unknown[] = []
          const { site } = await serve(channel, {
            info: (message, { write }) => {
              seen.push((message as Event).data)
              write(message)
            },
          })
          await site.get().whole()
          expect(seen).to.deep.equal([2, 3])
        })

        const places: Record<string, [(ids: string[]) => From, unknown[]]> = {
          "from('now'), which is said and not assumed: the end alone": [() => 'now', []],
          "from('earliest'): what is retained": [() => 'earliest', [2, 3]],
          'from an id: what came after': [(ids) => ids[1]!, [3]],
          'from the last id: the end alone, and no 204, since it does not come back': [(ids) => ids[2]!, []],
          'from({ last: 1 }): the last': [() => ({ last: 1 }), [3]],
          'from an id that is none of it: a gap, then what is retained': [() => 'x', ['(gap)', 2, 3]],
        }
        for (const [name, [where, came]] of Object.entries(places)) {
          it(name, async () => {
            const { channel, ids } = await ended()
            const { site, reasons } = await serve(channel.from(where(ids)))
            const message = await site.get().whole()
            expect(message.status).to.equal(200)
            expect(without('position', cameOf(message))).to.deep.equal(came)
            expect(reasons).to.deep.equal([ofEnd])
          })
        }

        it('`earliest` is the client’s word for all that is retained, also where nothing is: never a 204', async () => {
          const { channel } = await ended({})
          const { back } = await serve(channel)
          const message = await back('earliest').whole()
          expect([message.status, cameOf(message)]).to.deep.equal([200, []])
        })

        it('with an id: what came since, then the end', async () => {
          const { channel, ids } = await ended()
          const { back } = await serve(channel)
          const client = back(ids[1]!)
          const message = await client.whole()
          expect(head(client)).to.deep.equal({ status: 200, last: ids[1], gap: undefined })
          expect(cameOf(message)).to.deep.equal([3])
        })

        it('with an id that is none of it: the gap, what is retained, and the end; with the id of the gap, where nothing is retained: 204', async () => {
          const { channel } = await ended({})
          const { back } = await serve(channel)
          const client = back('x')
          const { body } = await client.whole()
          expect(head(client)).to.deep.equal({ status: 200, last: 'earliest', gap: 'unknown' })
          const [, id] = /^id: (.*)$/m.exec(body)!
          expect((await back(id!).whole()).status).to.equal(204)
        })

        it('with the last id, so that there is nothing for it: 204 without a body, and reason end', async () => {
          const { channel, ids } = await ended()
          const { back, reasons } = await serve(channel, { stream: { endEvent: true } })
          const client = back(ids[2]!)
          const message = await client.whole()
          expect(message.status).to.equal(204)
          expect(message.headers).not.to.have.any.keys('content-type', 'last-event-id', 'transfer-encoding')
          expect(message.body).to.equal('')
          expect(reasons).to.deep.equal([ofEnd])
        })

        it('with the position of a channel that has never had an event: 204', async () => {
          const { channel } = channelOn(on)
          const position = await channel.position()
          await channel.end()
          const { back } = await serve(channel)
          expect((await back(position).whole()).status).to.equal(204)
        })

        it('with an id behind which a filter keeps all away: 204; by the query too, and where a snapshot could be taken', async () => {
          const { channel, ids } = await ended()
          const part = channel.filter((data) => data === 2)
          const { back, site } = await serve(part)
          expect((await back(ids[1]!).whole()).status).to.equal(204)
          expect((await site.get(`/?lastEventId=${ids[1]}`).whole()).status).to.equal(204)
          const { back: again } = await serve(channel, { snapshot: () => 'all of it' })
          expect((await again(ids[2]!).whole()).status).to.equal(204)
        })

        it('in a resource it is the same, whatever the format, also by a POST that is answered by the stream', async () => {
          const { channel, ids } = await ended()
          const site = await stage.now.serve(
            resource({
              allowedMethods: ['GET', 'POST'],
              contentTypesProvided: [sse(), ndjson()],
              contentTypesAccepted: { 'text/plain': ({ negotiated }) => negotiated.format },
              subscribe: channel,
            }),
          )
          const headers = { Accept: 'application/x-ndjson', 'Last-Event-ID': ids[2]! }
          expect((await site.get('/', { headers }).whole()).status).to.equal(204)
          const post = { method: 'POST', headers: { ...headers, 'Content-Type': 'text/plain' }, body: 'go' }
          expect((await site.get('/', post).whole()).status).to.equal(204)
          const late = await site.get('/', { headers: { Accept: 'application/x-ndjson' } }).whole()
          expect([late.status, late.body]).to.deep.equal([200, '2\n3\n'])
        })

        it('HEAD is answered by the head of the stream: a channel is asked by GET alone', async () => {
          const { channel, ids } = await ended()
          const { site } = await serve(channel)
          const client = site.get('/', { method: 'HEAD', headers: { 'Last-Event-ID': ids[2]! } })
          expect((await client.head()).status).to.equal(200)
        })

        it('a client of HTTP/1.0: the same', async () => {
          const { channel, ids } = await ended()
          const { site } = await serve(channel)
          const late = site.get('/', { version: '1.0' })
          expect(await late.ended).to.equal('fin')
          expect(without('position', cameOf(late.message))).to.deep.equal([2, 3])
          const spent = site.get('/', { version: '1.0', headers: { 'Last-Event-ID': ids[2]! } })
          expect((await spent.closed()).status).to.equal(204)
        })

        it('an iteration: what is retained; from now on: nothing', async () => {
          const { channel, ids } = await ended()
          const all = async (feed: Feed<unknown>) => {
            const list: unknown[] = []
            for await (const { data } of feed) list.push(data)
            return list
          }
          expect(await all(channel)).to.deep.equal([2, 3])
          expect(await all(channel.from(ids[1]!))).to.deep.equal([3])
          expect(await all(channel.from('now'))).to.deep.equal([])
          expect(channel.subscribers).to.equal(0)
        })

        it('with a head that waits for the first event: the end is one', async () => {
          const { channel } = channelOn(on)
          await channel.end()
          const { site, reasons } = await serve(channel, { stream: { head: 'first', endEvent: true } })
          const message = await site.get().whole()
          expect([message.status, without('position', cameOf(message))]).to.deep.equal([200, ['(end)']])
          expect(reasons).to.deep.equal([ofEnd])
        })

        it('with a snapshot: that, then the end; who comes back with its place: 204', async () => {
          const { channel } = await ended()
          const { site, back } = await serve(channel, {
            snapshot: async () => {
              await turns(2)
              return 'all of it'
            },
          })
          const { body } = await site.get().whole()
          expect(cameOf({ body })).to.deep.equal(['(snapshot)'])
          const [, id] = /^id: (.*)$/m.exec(body)!
          expect((await back(id!).whole()).status).to.equal(204)
        })
      })

      it('who comes without an id before anything was published, and sees the end, comes back to a 204', async () => {
        const { channel } = channelOn(on)
        const { site, back } = await serve(channel)
        const client = site.get()
        await arrived(channel, 1)
        await turns()
        await channel.end()
        const [, id] = /^id: (.*)$/m.exec((await client.whole()).body)!
        expect((await back(id!).whole()).status).to.equal(204)
      })

      it('joins and leaves are told, of those who see the end, come later, or get a 204', async () => {
        const { channel } = channelOn(on)
        const told: string[] = []
        const tells = (name: string) => (stream: OpenStream) => void told.push(`${stream.path} ${name}`)
        channel.on('join', tells('joins')).on('leave', tells('leaves'))
        const { site } = await serve(channel)
        const client = site.get('/sees')
        await arrived(channel, 1)
        const [id] = await publish(channel, 1)
        await channel.end()
        await client.whole()
        await site.get('/late').whole()
        await site.get('/has', { headers: { 'Last-Event-ID': id! } }).whole()
        expect(told).to.deep.equal(
          ['/sees', '/late', '/has'].flatMap((path) => [`${path} joins`, `${path} leaves`]),
        )
      })

      it('the source is stopped at the end, at once and once, and no late reader starts it again', async () => {
        const turned: string[] = []
        const { channel } = channelOn(on, {
          history: 10,
          linger: 60_000,
          source: () => {
            turned.push('starts')
            return () => void turned.push('stops')
          },
        })
        const { site } = await serve(channel)
        const client = site.get()
        await turnsUntil(() => turned.length === 1)
        await publish(channel, 1)
        await channel.end()
        await client.whole()
        expect(turned).to.deep.equal(['starts', 'stops'])
        await site.get().whole()
        for await (const _ of channel) void _
        expect(turned).to.deep.equal(['starts', 'stops'])
      })

      for (const [name, more] of Object.entries({
        'a stream that would share': {},
        'a stream with an info': {
          info: (message: unknown, { write }: LoopContext<unknown>) => write(message),
        },
        'a stream whose head waits for the first event': { stream: { head: 'first' as const } },
        'a stream in a format without notices': { format: ndjson() },
        'a stream that gathers': { stream: { gather: 50 } },
      })) {
        it(`a source that publishes all and ends at once is told whole to who started it: ${name}`, async () => {
          let stopped = 0
          const { channel } = channelOn(on, {
            history: 10,
            source: (own) => {
              for (const n of [1, 2, 3]) void own.publish(n)
              void own.end()
              return () => void stopped++
            },
          })
          const { site, reasons } = await serve(channel, more)
          const message = await site.get().whole()
          expect([message.status, without('position', cameOf(message))]).to.deep.equal([200, [1, 2, 3]])
          expect(reasons).to.deep.equal([ofEnd])
          expect(stopped).to.equal(1)
          expect(without('position', cameOf(await site.get().whole()))).to.deep.equal([1, 2, 3])
        })
      }

      it('an end while `subscribe` is pending: what is retained, then the end', async () => {
        const { channel } = channelOn(on)
        await publish(channel, 1)
        const { site } = await serve(async () => {
          await turns(2)
          await channel.end()
          return channel
        })
        expect(without('position', cameOf(await site.get().whole()))).to.deep.equal([1])
      })

      it('a channel that ends in any microtask around the answer of `subscribe` leaves no stream open, and tells no less than from its place', async () => {
        for (let after = 0; after < 12; after++) {
          const { channel } = channelOn(on)
          await publish(channel, 1)
          const { site } = await serve(async () => {
            let waiting = Promise.resolve()
            for (let count = 0; count < after; count++) waiting = waiting.then(() => {})
            void waiting.then(() => channel.end())
            return channel
          })
          const client = site.get()
          const message = await client.whole()
          const came = without('position', cameOf(message))
          // who was there before the end begins behind 1, who came later gets it
          const begins = await channel.position()
          if (head(client).last === begins) expect(came).to.deep.equal([])
          else expect(came, `after ${after}`).to.deep.equal([1])
        }
      })
    },
    tableWithHeld,
  )

  describe('in a store of two processes', () => {
    function processes(options: ChannelOptions<unknown> = { history: 10 }) {
      const first = asyncMemory()
      const backends = [first, first.another()] as const
      const channels = backends.map((backend) => createHub(backend).channel<unknown>('run', options))
      return { backends, channels: channels as [Channel<unknown>, Channel<unknown>] }
    }

    it('the end of one is the end of all', async () => {
      const { channels } = processes()
      const [here, there] = channels
      const { site, reasons } = await serve(there)
      const client = site.get()
      await arrived(there, 1)
      void here.publish(1)
      await here.end()
      expect(without('position', cameOf(await client.whole()))).to.deep.equal([1])
      expect(reasons).to.deep.equal([ofEnd])
      const refused = await Promise.allSettled([there.publish(2)])
      expect(refused[0]).to.have.nested.include({ status: 'rejected', 'reason.code': 'LARIAT_ENDED' })
    })

    it('who comes to a process that was not told: what is retained and the end, or a 204; the source is left alone', async () => {
      let started = 0
      const { channels, backends } = processes({ history: 10, source: () => void started++ })
      const [here] = channels
      const [one, two] = await publish(here, 1, 2)
      await here.end()
      // what is on its way is not waited for
      backends[1].hold('delivery')
      for (const ask of ['late', 'behind', 'spent', 'now', 'iterates'] as const) {
        const store = channels[1]
        const { site, back } = await serve(ask === 'now' ? store.from('now') : store)
        if (ask === 'late')
          expect(without('position', cameOf(await site.get().whole()))).to.deep.equal([1, 2])
        if (ask === 'behind') expect(cameOf(await back(one!).whole())).to.deep.equal([2])
        if (ask === 'spent') expect((await back(two!).whole()).status).to.equal(204)
        if (ask === 'now') expect(without('position', cameOf(await site.get().whole()))).to.deep.equal([])
        if (ask === 'iterates') for await (const { data } of store) expect(data).to.be.oneOf([1, 2])
      }
      expect(started).to.equal(0)
    })

    it('an end that was not delivered yet is known by who reads: nothing waits for it', async () => {
      const { channels, backends } = processes()
      const [here, there] = channels
      const [one] = await publish(here, 1, 2)
      const { site, back } = await serve(there)
      const early = site.get()
      await arrived(there, 1)
      await turns()
      backends[1].hold('delivery')
      await here.end()
      expect(cameOf(await back(one!).whole())).to.deep.equal([2])
      backends[1].release('delivery')
      await early.whole()
    })
  })

  it('text without ids ends the same: complete', async () => {
    const { channel } = channelOn(memory)
    const { site } = await serve(channel, { format: text() })
    const client = site.get()
    await arrived(channel, 1)
    void channel.publish('bye')
    await channel.end()
    expect((await client.whole()).body).to.equal('bye')
  })
})
