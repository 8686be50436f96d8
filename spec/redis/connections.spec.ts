import { createClient, createCluster } from '@redis/client'
import { expect } from 'chai'
import { createClient as createWithModules } from 'redis'
import { createClient as createClient5, createSentinel as createSentinel5 } from 'redis-client-5'
import type { Backend } from '../../lib/hub/backend.js'
import { retainsNothing as none } from '../../lib/hub/backend.js'
import { slotOf } from '../../lib/redis/node.js'
import { redisStreams } from '../../lib/redis.js'
import { failure } from '../../lib/testing/backends/expecting.js'
import { accept, following, Kept, publish, read } from '../../lib/testing/backends/logs.js'
import { needs } from '../support/installed.js'
import { Backends, type RedisClient } from '../support/redis/backends.js'
import { RedisCluster } from '../support/redis/cluster.js'
import { type Passage, throughPassages } from '../support/redis/passage.js'
import { RedisServer } from '../support/redis/server.js'
import { until } from '../support/redis/until.js'
import { stage, staged } from '../support/stage.js'

/** What the commands and channels of a backend need: the smallest rule there is. */
const rules = (prefix: string) =>
  `resetchannels ~${prefix}* &${prefix}* -@all +evalsha +eval +subscribe +unsubscribe +hello`
/** What its scripts call. */
const called = '+time +hmget +hget +hset +hdel +del +xlen +xadd +xrange +xtrim +pexpire +persist +publish'
/** In a cluster. */
const several = '+spublish +ssubscribe +sunsubscribe +cluster|slots +asking'

const kept = { ...none, history: 99 }

/** A backend does everything once: publishes, listens, reads, comes back, ends and drops. */
async function works(backend: Backend): Promise<void> {
  const log = backend.open('any', kept, accept)
  const received = new Kept()
  const stop = await log.listen(received)
  const ids = [await log.publish({ n: 1 }, { key: 'a', type: 'tick' }, accept), ...(await publish(log, 2, 3))]
  expect(await log.publish({ n: 1 }, { key: 'a' }, accept)).to.equal(ids[0])
  await until('all are received', () => received.items.length === 3)
  expect(received.ids).to.deep.equal(ids)
  expect(await following(log, ids[0]!)).to.deep.equal(ids.slice(1))
  expect((await read(log, { last: 2 })).ids).to.deep.equal(ids.slice(1))
  await log.end()
  await until('its end is received', () => received.items.length === 4)
  await stop()
  await log.drop()
}

describe('The connections of channels on Redis', () => {
  needs('redis-server')

  describe('to one server', () => {
    const config = [
      `user least on >secret ${rules('lariat:')} ${called}`,
      `user other on >secret ${rules('app:lariat:')} ${called} +select`,
    ]
    const server = new RedisServer({ password: 'p@ss', config })
    before(() => server.start())
    after(() => server.close())

    const as = (user: string) => server.url.replace(/:[^:@]*@/, `${user}:secret@`)
    const clients: Record<string, () => RedisClient> = {
      'of @redis/client 6, RESP 2, by a password': () => createClient({ url: server.url, RESP: 2 }),
      'of @redis/client 6, RESP 3, as a user with no more rights than it needs': () =>
        createClient({ url: as('least'), RESP: 3 }),
      'of @redis/client 5.0, RESP 2': () => createClient5({ url: server.url }),
      'of @redis/client 5.0, RESP 3, as a user with no more rights than it needs': () =>
        createClient5({ url: as('least'), RESP: 3 }),
      'of redis, with modules, that is connected, and maps types': () =>
        createWithModules({ url: server.url }).withTypeMapping({ 36: Buffer } as never),
      'with a prefix for keys, and a database': () =>
        createClient({ url: `${as('other')}/3`, keyPrefix: 'app:' }),
    }
    for (const [name, client] of Object.entries(clients)) {
      it(`works with a client ${name}`, async () => {
        await server.command('FLUSHALL')
        const backend = redisStreams({ client: client() })
        await works(backend)
        await backend.close()
      })
    }

    for (const [what, url, cause] of [
      ['no password', () => server.url.replace(/:[^:@]*@/, ''), /NOAUTH/],
      ['a wrong one', () => server.url.replace(/:[^:@]*@/, ':wrong@'), /WRONGPASS/],
    ] as const) {
      it(`says why it is away with ${what}`, async () => {
        const backend = redisStreams({ client: createClient({ url: url() }) })
        const log = backend.open('any', kept, accept)
        expect(String(await failure(() => log.publish(1, {}, accept)))).to.match(cause)
        await backend.close()
      })
    }

    it('refuses a sentinel of a version that cannot be duplicated, and says so', () => {
      const client = createSentinel5({ name: 'any', sentinelRootNodes: [{ host: '127.0.0.1', port: 1 }] })
      expect(() => redisStreams({ client: client as unknown as RedisClient })).to.throw(
        TypeError,
        /version 6/,
      )
    })
  })

  describe('to a cluster', () => {
    const cluster = new RedisCluster({
      config: [`user least on >secret ${rules('lariat:')} ${called} ${several}`],
    })
    before(() => cluster.start())
    after(() => cluster.close())

    const of = (passages: readonly Passage[]) =>
      createCluster({
        rootNodes: passages.map(({ url }) => ({ url })),
        nodeAddressMap: throughPassages(passages),
      })
    /** How often a command was sent, to all servers. */
    const count = (passages: readonly Passage[], command: string) =>
      passages.reduce((sum, { commands }) => sum + (commands.get(command) ?? 0), 0)

    it('work as a user with no more rights than they need', async () => {
      const backend = redisStreams({
        client: createCluster({
          rootNodes: [...cluster.rootNodes],
          defaults: { username: 'least', password: 'secret' },
        }),
      })
      await works(backend)
      await backend.close()
    })

    it('know the slots of keys as the servers do', async () => {
      for (const key of ['a', 'lariat:{a b}:meta', '{}x', 'a{}{b}', '{{a}}', 'ü{ü}', '', '}{', 'x{y}{z}']) {
        expect(slotOf(key), key).to.equal(await cluster.masters[0]!.command('CLUSTER', 'KEYSLOT', key))
      }
    })

    describe('on a clock that stands still, so that nothing is looked for', () => {
      staged()

      it('are told of events by sharded messages, also after their slot has moved', async () => {
        const backends = new Backends(() => cluster.servers, of, { publishTimeout: 60_000 })
        const time = stage.now.time.now()
        const backend = await backends.make()
        const { passages } = backends.of(backend)
        const logs = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => backend.open(name, kept, accept))
        const received = logs.map(() => new Kept())
        for (const [at, log] of logs.entries()) await log.listen(received[at]!)
        const tell = async () => {
          const before = received.map(({ items }) => items.length)
          for (const log of logs) await publish(log, 1)
          await until('all are told', () => received.every(({ items }, at) => items.length > before[at]!))
        }
        await tell()
        expect(count(passages, 'SSUBSCRIBE')).to.equal(logs.length)
        expect(count(passages, 'SUBSCRIBE')).to.equal(0)
        const from = await cluster.shardOf('a')
        await cluster.migrate('a', (from + 1) % 3, async () => {})
        await until('it is subscribed anew', () => count(passages, 'SSUBSCRIBE') > logs.length)
        await tell()
        expect(stage.now.time.now()).to.equal(time)
        await backend.close()
      })
    })
  })

  describe('to a cluster that does not know sharded messages', () => {
    const config = ['SPUBLISH', 'SSUBSCRIBE', 'SUNSUBSCRIBE'].map((name) => `rename-command ${name} ""`)
    const cluster = new RedisCluster({ config })
    before(() => cluster.start())
    after(() => cluster.close())

    it('are told by plain ones', async () => {
      const backend = redisStreams({
        client: createCluster({ rootNodes: [...cluster.rootNodes] }),
        poll: 5000,
      })
      await works(backend)
      await backend.close()
    })
  })
})
