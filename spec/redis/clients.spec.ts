import { setTimeout } from 'node:timers/promises'
import { createClient, createClientPool, RESP_TYPES } from '@redis/client'
import { expect } from 'chai'
import { redisStreams } from '../../lib/redis.js'
import { accept, Kept } from '../../lib/testing/backends/logs.js'
import { needs } from '../support/installed.js'
import { Processes } from '../support/redis/processes.js'
import { RedisServer } from '../support/redis/server.js'
import { until } from '../support/redis/until.js'

type Config = NonNullable<Parameters<typeof createClient>[0]>

describe('The client that redisStreams() is given', () => {
  describe('none, or a wrong option: a TypeError that says what is expected', () => {
    const ioredis = { duplicate() {}, sendCommand() {}, psubscribe() {}, options: {} }
    const client = () => createClient() as never
    const wrong: Record<string, [given: () => unknown, message: RegExp]> = {
      nothing: [() => undefined, /redisStreams/],
      'no client': [() => ({}), /client/],
      'a client as the options': [client, /the client itself: expected \{ client \}/],
      'a client of ioredis as the options': [() => ioredis, /the client itself: expected \{ client \}/],
      'a URL': [() => ({ client: 'redis://localhost' }), /'redis:\/\/localhost'.*expected what createClient/],
      'options of a client': [() => ({ client: { url: 'redis://localhost' } }), /expected what createClient/],
      'null as the client': [() => ({ client: null }), /client/],
      'a promise of a client': [
        () => ({ client: Promise.resolve() }),
        /a promise.*expected what createClient.*: await it/,
      ],
      'a client of ioredis': [() => ({ client: ioredis }), /this looks like ioredis/],
      'a pool': [() => ({ client: createClientPool() }), /expected what createClient/],
      'a prefix that is no text': [() => ({ client: client(), prefix: 1 }), /prefix.*text/],
      'an option that is none': [() => ({ client: client(), pol: 100 }), /`?pol`?.*poll/],
      'no time to publish': [() => ({ client: client(), publishTimeout: 0 }), /publishTimeout.*milliseconds/],
      'a time that is no number': [
        () => ({ client: client(), publishTimeout: Number.NaN }),
        /publishTimeout/,
      ],
      'a poll that is too often': [() => ({ client: client(), poll: 1 }), /poll.*10 to 5,000/],
      'a poll that is too seldom': [() => ({ client: client(), poll: 60_000 }), /poll.*10 to 5,000/],
      'half a replica': [() => ({ client: client(), replicas: 0.5 }), /replicas/],
    }
    for (const [name, [given, message]] of Object.entries(wrong)) {
      it(name, () => {
        expect(() => redisStreams(given() as never))
          .to.throw(TypeError, message)
          .with.property('code', 'LARIAT_SPEC')
      })
    }
  })

  describe('is duplicated, and otherwise left alone', () => {
    needs('redis-server')
    const server = new RedisServer()
    before(() => server.start())
    after(() => server.close())
    const processes = new Processes(server)

    function clientOf(config: Config = {}) {
      const client = createClient({ url: server.url, ...config })
      processes.after(() => {
        if (client.isOpen) client.destroy()
      })
      return client
    }

    it('one that is connected, in use, and closed in the midst: it is not touched, and ours go on', async () => {
      const errors: unknown[] = []
      const client = clientOf()
      client.on('error', (error) => errors.push(error))
      await client.connect()
      await client.set('theirs', '1')
      const counts = () => client.eventNames().map((name) => [name, client.listenerCount(name)])
      const [listeners, id] = [counts(), await client.sendCommand(['CLIENT', 'ID'])]
      const { log, told } = await processes.start({ client: client as never })
      const listener = await processes.listen(log('c'))
      const ids = [await log('c').publish(1, {}, accept)]
      await client.subscribe('theirs', () => {})
      expect(counts()).to.deep.equal(listeners)
      await client.unsubscribe('theirs')
      expect(await client.sendCommand(['CLIENT', 'ID'])).to.equal(id)
      expect(await client.get('theirs')).to.equal('1')
      await client.close()
      ids.push(await log('c').publish(2, {}, accept))
      // a new link is made of a client that is closed
      await server.command('CLIENT', 'KILL', 'TYPE', 'pubsub')
      await until('it is back', () => told.at(-1) === 'up')
      ids.push(await log('c').publish(3, {}, accept))
      await until('all have come', () => listener.items.length === 3)
      expect(listener.ids).to.deep.equal(ids)
      expect(errors).to.deep.equal([])
    })

    it('its connection is not opened, nor lost, with ours, and an error of ours is none of its own', async () => {
      const client = clientOf()
      // an error without a listener would end the process
      const { log, told } = await processes.start({ client: client as never })
      await log('c').publish(1, {}, accept)
      await server.cut()
      await until('it is back', () => told.at(-1) === 'up')
      expect(client.isOpen).to.equal(false)
      expect(client.listenerCount('error')).to.equal(0)
    })

    const configs: Record<string, Config> = {
      'RESP 2': { RESP: 2 },
      'RESP 3': { RESP: 3 },
      'text as buffers': {
        commandOptions: { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer, [RESP_TYPES.NUMBER]: String } },
      },
      'a timeout of commands': { commandOptions: { timeout: 1 } },
      'a short queue': { commandsQueueMaxLength: 2 },
      'no queue while it is offline': { disableOfflineQueue: true },
      'no reconnecting': { socket: { reconnectStrategy: false } },
      'a strategy that throws': {
        socket: {
          reconnectStrategy: () => {
            throw new Error('theirs')
          },
        },
      },
      'a ping': { pingInterval: 20 },
      'a time after which an idle connection is closed': { socket: { socketTimeout: 100 } },
      'a name': { name: 'theirs' },
      'another database': { database: 3 },
    }
    for (const [name, config] of Object.entries(configs)) {
      it(`with ${name}: all is as ever, also after a loss`, async () => {
        const client = clientOf(config)
        const one = await processes.start({ client: client as never })
        const logs = Array.from({ length: 20 }, (_, n) => one.log(`c${n}`))
        const listeners = await Promise.all(
          logs.map(async (log) => {
            const kept = new Kept()
            processes.after(await log.listen(kept))
            return kept
          }),
        )
        const round = async (data: unknown) => {
          const ids = await Promise.all(logs.map((log) => log.publish(data, {}, accept)))
          await until('all have come', () => listeners.every(({ ids: got }, at) => got.at(-1) === ids[at]))
          for (const { data: got } of listeners) expect(got.at(-1)).to.deep.equal(data)
        }
        await round({ n: 1 })
        // an idle connection stays
        if (config.socket && 'socketTimeout' in config.socket) await setTimeout(300)
        expect(one.told).to.deep.equal([])
        await server.cut()
        await until('it is back', () => one.told.at(-1) === 'up')
        await round('two')
      })
    }

    it('keys have its prefix, and pub/sub channels too', async () => {
      const client = createClient({ url: server.url, keyPrefix: 'app:' } as never)
      const { log } = await processes.start({ client: client as never })
      const listener = await processes.listen(log('c'))
      await log('c').publish(1, {}, accept)
      await until('it has come', () => listener.items.length > 0)
      const key = `app:${processes.prefix}{c}`
      expect(await server.command('EXISTS', `${key}:meta`, `${key}:log`)).to.equal(2)
      expect(await server.command('PUBSUB', 'NUMSUB', key)).to.deep.equal([key, 1])
    })

    it('two backends of one client, with one prefix or two', async () => {
      const client = clientOf() as never
      const one = await processes.start({ client })
      const same = await processes.start({ client })
      const other = await processes.start({ client, prefix: `${processes.prefix}other:` })
      const listeners = await Promise.all([same, other].map(({ log }) => processes.listen(log('c'))))
      await one.log('c').publish(1, {}, accept)
      await other.log('c').publish(2, {}, accept)
      await until('both have come', () => listeners.every(({ items }) => items.length > 0))
      expect(listeners.map(({ data }) => data)).to.deep.equal([[1], [2]])
    })
  })
})
