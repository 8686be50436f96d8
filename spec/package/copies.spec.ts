import { readdirSync, readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import { createClient } from '@redis/client'
import { expect } from 'chai'
import type { Event, Reason } from '../../lib/index.js'
import * as index from '../../lib/index.js'
import * as redis from '../../lib/redis.js'
import * as testing from '../../lib/testing.js'
import { needs } from '../support/installed.js'
import { type Lariat, loadOtherCopy } from '../support/other-copy.js'
import { dispatched } from '../support/received.js'
import { RedisServer } from '../support/redis/server.js'
import { stage, staged, turnsUntil } from '../support/stage.js'

describe('Two copies of the package in one process (docs/operate/runtimes.md)', function () {
  this.timeout(60_000)
  const copies = {} as { esm: Lariat; cjs: Lariat }

  before(async () => {
    copies.esm = { ...index, ...redis, ...testing }
    copies.cjs = await loadOtherCopy()
  })

  it('are two: nothing of the one is the other’s', () => {
    expect(copies.cjs.resource).not.to.equal(copies.esm.resource)
    expect(copies.cjs.LariatError).not.to.equal(copies.esm.LariatError)
  })

  it('show an error by its own name, as bundled as it is', () => {
    for (const { LariatError } of [copies.cjs, copies.esm])
      expect(inspect(new LariatError('LARIAT_DOWN', 'gone'))).to.match(/^LariatError: gone/)
  })

  it('have one clock, whichever stages turn it, and one list of what is left', async () => {
    const { loop, ndjson, createHub } = copies.esm
    const app = () => loop({ format: ndjson(), subscribe: () => {}, stream: { heartbeat: 1000 } })
    const [one, other] = [await copies.esm.stage(app()), await copies.cjs.stage(app())]
    const stream = await one.open('/')
    await other.clock.advance(1000)
    await one.clock.advance(0)
    expect(stream.bytes.length).to.equal(1)
    await one.close()
    void createHub().channel<number>('left')[Symbol.asyncIterator]().next()
    expect(await other.close().catch(({ message }) => message)).to.match(/iteration left: /)
  })

  it('have one `timeout`', () => expect(copies.cjs.timeout).to.equal(copies.esm.timeout))

  describe('a hub of one takes the backend of the other’s door to Redis', () => {
    needs('redis-server')
    const server = new RedisServer()
    before(() => server.start())
    after(() => server.close())

    for (const [hubs, backends] of [
      ['esm', 'cjs'],
      ['cjs', 'esm'],
    ] as const) {
      it(`${hubs}, of ${backends}`, async () => {
        const { createHub, LariatError } = copies[hubs]
        const { redisStreams } = copies[backends]
        const hub = createHub(redisStreams({ client: createClient({ url: server.url }) }))
        const channel = hub.channel<number>(hubs, { history: 9 })
        const id = await channel.publish(1)
        const events = channel.from('earliest')[Symbol.asyncIterator]()
        const { value } = await events.next()
        expect(value).to.include({ id, data: 1 })
        await hub.close()
        expect(await channel.publish(2).catch((error) => error)).to.be.instanceOf(LariatError)
      })
    }
  })

  for (const [serving, giving] of [
    ['esm', 'cjs'],
    ['cjs', 'esm'],
  ] as const) {
    describe(`an endpoint of the ${serving} build takes of the ${giving} build`, () => {
      staged()
      let server: Lariat
      let other: Lariat

      before(() => {
        server = copies[serving]
        other = copies[giving]
      })

      /** A channel of the other copy with three events, of which it retains two. */
      async function newChannel() {
        const channel = other.createHub().channel<number>('numbers', { history: 2 })
        const ids = [await channel.publish(1), await channel.publish(2), await channel.publish(3)]
        return { channel, ids }
      }

      it('formats, and lists that they stream once', async () => {
        const site = await stage.now.serve(
          server.resource({
            contentTypesProvided: {
              'text/event-stream': other.sse(),
              'application/x-ndjson': () => other.ndjson().once([1, 2]),
              'application/json': other.jsonArray(),
            },
            subscribe: () => ['a', 'b'],
          }),
        )
        const bodyIn = async (accept: string) => {
          const client = site.get('/', { headers: { accept } })
          await turnsUntil(() => client.messages.at(-1)?.isWhole === true)
          return client.message.body
        }
        expect(await bodyIn('text/event-stream')).to.match(/data: a\n\ndata: b\n\n$/)
        expect(await bodyIn('application/x-ndjson')).to.equal('1\n2\n')
        expect(await bodyIn('application/json')).to.match(/^\["a",\s?"b"\]$/)
      })

      it('events, in all places that take data', async () => {
        const channel = server.createHub().channel<unknown>('events')
        const site = await stage.now.serve(
          server.loop({
            format: server.sse(),
            subscribe: ({ send, write }) => {
              write(other.event('written', { type: 'w' }))
              send(other.event('sent', { type: 's' }))
              return channel.map((data) => other.event(data, { type: 'mapped' })) as never
            },
          }),
        )
        const client = site.get('/')
        await turnsUntil(() => client.raw.includes('sent'))
        await channel.publish(other.event('published', { type: 'p' }))
        await turnsUntil(() => client.raw.includes('published'))
        const types = client.message.body.match(/(?:event|data): .*/g)
        expect(types).to.deep.equal([
          ...['event: w', 'data: written', 'event: s', 'data: sent'],
          ...['event: mapped', 'data: published'],
        ])
      })

      it('stops', async () => {
        const site = await stage.now.serve(server.resource({ forbidden: () => other.stop(418) }))
        const client = site.get('/')
        await turnsUntil(() => client.messages.at(-1)?.isWhole === true)
        expect(client.message.status).to.equal(418)
      })

      it('channels: missed events, then live ones, for streams that share', async () => {
        const { channel, ids } = await newChannel()
        const site = await stage.now.serve(
          server.resource({ contentTypesProvided: [server.sse()], subscribe: channel }),
        )
        const clients = [1, 2].map(() => site.get('/', { headers: { 'Last-Event-ID': ids[1]! } }))
        await turnsUntil(() => channel.subscribers === 2)
        await turnsUntil(() => clients.every((client) => client.raw.includes('data: 3')))
        for (const each of [4, 5]) await channel.publish(each)
        await turnsUntil(() => clients.every((client) => client.raw.includes('data: 5')))
        for (const { message } of clients) {
          expect(message.headers['last-event-id']).to.equal(ids[1])
          expect(message.body.match(/data: \d/g)).to.deep.equal(['data: 3', 'data: 4', 'data: 5'])
        }
      })

      it('gaps: of a client that comes back too late, in the head and in-band', async () => {
        const { channel, ids } = await newChannel()
        const site = await stage.now.serve(
          server.resource({ contentTypesProvided: [server.sse()], subscribe: channel }),
        )
        const client = site.get('/', { headers: { 'Last-Event-ID': 'unknown' } })
        await turnsUntil(() => client.raw.includes('data: 3'))
        expect(client.message.headers['event-gap']).to.equal('unknown')
        const gap = { requested: 'unknown', from: ids[1], reason: 'unknown' }
        const [first] = dispatched(client.message.body)
        expect(first).to.deep.equal({ type: 'gap', id: ids[0], data: gap })
      })

      it('gaps, for `onGap`, and events, for `info`', async () => {
        const { channel, ids } = await newChannel()
        const told: unknown[] = []
        const site = await stage.now.serve(
          server.loop({
            format: server.ndjson(),
            subscribe: () => channel,
            onGap: (gap) => {
              told.push(gap)
            },
            info: (message: Event<number>, { write }) => {
              told.push(message.id)
              return write(message)
            },
          }),
        )
        const client = site.get('/', { headers: { 'Last-Event-ID': 'unknown' } })
        await turnsUntil(() => client.raw.includes('3\n'))
        expect(told).to.deep.equal([
          { requested: 'unknown', from: ids[1], reason: 'unknown', id: ids[0] },
          ids[1],
          ids[2],
        ])
        expect(client.message.body.trim()).to.equal('2\n3')
      })

      it('backends, and the gaps that they deliver', async () => {
        const backend = testing.asyncMemory()
        const channel = other.createHub(backend).channel<number>('numbers', { history: 2 })
        const site = await stage.now.serve(server.loop({ format: server.sse(), subscribe: channel }))
        const client = site.get('/')
        await turnsUntil(() => channel.subscribers === 1)
        await channel.publish(1)
        await turnsUntil(() => client.raw.includes('data: 1'))
        backend.lose()
        const elsewhere = other.createHub(backend.another()).channel<number>('numbers', { history: 2 })
        for (const each of [2, 3, 4, 5]) await elsewhere.publish(each)
        backend.restore()
        await turnsUntil(() => client.raw.includes('data: 5'))
        expect(client.message.body.match(/event: gap|data: \d/g)).to.deep.equal([
          'data: 1',
          'event: gap',
          'data: 4',
          'data: 5',
        ])
      })

      it('endpoints, in a table: with its defaults, its list of streams, and its close()', async () => {
        const reasons: Reason[] = []
        const terminate = (reason: Reason) => void reasons.push(reason)
        const { channel } = await newChannel()
        const table = server.resources(
          {
            '/resource': other.resource({
              contentTypesProvided: [other.sse()],
              subscribe: channel,
              terminate,
            }),
            '/loop': other.loop({ format: server.sse(), subscribe: channel, terminate }),
            '/table/:rest': other.resources({
              '/table/:id': { contentTypesProvided: { 'text/plain': () => 'found' } },
            }),
          },
          { stream: { retry: 1234 } },
        )
        const site = await stage.now.serve(table)
        const clients = ['/resource', '/loop'].map((path) => site.get(path))
        await turnsUntil(() => clients.every(({ raw }) => raw.includes('retry: 1234')))
        const open = [...table.streams]
        expect(open.map(({ path }) => path)).to.deep.equal(['/resource', '/loop'])
        const found = site.get('/table/1')
        await turnsUntil(() => found.messages.at(-1)?.isWhole === true)
        expect(found.message.body).to.equal('found')
        await table.close()
        expect(reasons).to.deep.equal([{ kind: 'shutdown' }, { kind: 'shutdown' }])
        const late = site.get('/loop')
        await turnsUntil(() => late.messages.at(-1)?.isWhole === true)
        expect(late.message.status).to.equal(503)
      })

      it('errors: an instance of the one’s LariatError is one of the other’s', async () => {
        const hub = other.createHub()
        const channel = hub.channel<number>('closed')
        await hub.close()
        const error = await channel.publish(1).catch((reason: unknown) => reason)
        expect(error).to.be.instanceOf(server.LariatError).with.property('code', 'LARIAT_DOWN')
        class Own extends server.LariatError {}
        expect(error).not.to.be.instanceOf(Own)
        expect(new TypeError()).not.to.be.instanceOf(server.LariatError)
        const site = await stage.now.serve(
          server.loop({
            format: server.sse(),
            subscribe: async () => {
              await channel.publish(1)
            },
          }),
        )
        const client = site.get('/')
        await turnsUntil(() => client.messages.at(-1)?.isWhole === true)
        expect(client.message.status).to.equal(503)
      })

      it('ids of streams that are unique in the process, and one time', async () => {
        const { channel } = await newChannel()
        const ends: unknown[] = []
        const ids: string[] = []
        const [mine, theirs] = [server, other].map((lariat) =>
          lariat.loop({
            format: lariat.sse(),
            subscribe: ({ stream }) => {
              ids.push(stream.id)
              return channel
            },
            terminate: ({ kind }) => {
              ends.push(kind)
            },
            stream: { maxDuration: 60_000 },
          }),
        )
        const sites = [await stage.now.serve(mine!), await stage.now.serve(theirs!)]
        for (const site of sites) site.get('/')
        await turnsUntil(() => channel.subscribers === 2)
        expect(new Set(ids).size).to.equal(2)
        stage.now.time.advance(120_000)
        await turnsUntil(() => ends.length === 2)
        expect(ends).to.deep.equal(['expired', 'expired'])
      })
    })
  }
})

/** Classes that only ever meet their own copy, and why. */
const own: Readonly<Record<string, string>> = {
  Death: 'A mailbox makes it for itself',
  Ending: 'A stream makes it for itself',
  FollowError: 'A client makes it for itself',
  Group: 'A feed makes its own groups',
  LeftOut: 'A case makes it for itself',
  Kept: 'A mailbox makes it for itself',
  SnapshotEvent: 'A subscription makes it for its stream',
}

describe('What copies of the package have in common (docs/design/architecture.md)', () => {
  const lib = new URL('../../lib/', import.meta.url)
  const texts = new Map(
    readdirSync(lib, { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts'))
      .map((path): [string, string] => [path, readFileSync(new URL(path, lib), 'utf8')]),
  )

  it('A class that another file asks for with `instanceof` recognises instances of other copies', () => {
    const asked = [...texts].flatMap(([path, text]) =>
      [...text.matchAll(/instanceof (\w+)/g)].map(([, name = '']) => ({ path, name })),
    )
    const blind = asked.filter(({ path, name }) => {
      const [file, text] =
        [...texts].find(([, each]) => new RegExp(`^export (?:abstract )?class ${name}\\b`, 'm').test(each)) ??
        []
      return file && file !== path && !(name in own) && !text?.includes('[Symbol.hasInstance]')
    })
    expect(blind).to.deep.equal([])
  })

  it('No symbol that a file exports is one of this copy alone', () => {
    const unregistered = [...texts].filter(([, text]) => /^export const \w+[^=]*= Symbol\(/m.test(text))
    expect(unregistered.map(([path]) => path)).to.deep.equal([])
  })
})
