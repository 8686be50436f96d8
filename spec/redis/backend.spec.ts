import { clock, system, type Time } from '../../lib/clock.js'
import type { Backend } from '../../lib/hub/backend.js'
import { redisStreams } from '../../lib/redis.js'
import { backendContract } from '../contracts/backend.js'
import { needs } from '../support/installed.js'
import { age } from '../support/redis/aged.js'
import { Observed } from '../support/redis/observed.js'
import { Passage } from '../support/redis/passage.js'
import { RedisServer } from '../support/redis/server.js'
import { Tracked } from '../support/redis/tracked.js'
import { until } from '../support/redis/until.js'

describe('Channels on Redis Streams', () => {
  needs('redis-server')

  const server = new RedisServer()

  // the time of the store stands still, unless it is turned; other clocks go on, as connections need them
  let turned = 0
  let now = 0
  const time: Time = { now: () => system.now() + turned, wake: (...given) => system.wake(...given) }
  let restore = () => {}
  before(async () => {
    await server.start()
    restore = clock.use(time)
  })
  after(async () => {
    restore()
    await server.close()
  })

  interface Made {
    readonly tracked: Tracked
    readonly passage: Passage
    readonly prefix: string
    fate?: string
  }
  const made = new Map<Backend, Made>()
  let prefixes = 0

  async function make(prefix = `store${++prefixes}:`): Promise<Backend> {
    const passage = new Passage(server)
    await passage.up()
    const { client } = new Observed(passage.url, () => now)
    const inner = redisStreams({ client, prefix, poll: 50 })
    const tracked = new Tracked(inner)
    const { backend } = tracked
    // scripts are known to the server, and the connection is there
    await backend
      .open('known', { history: 1, historyBytes: undefined, maxAge: undefined, idle: undefined }, () => {})
      .publish('known', {}, () => {})
    made.set(backend, { tracked, passage, prefix })
    return {
      ...backend,
      async close() {
        await backend.close()
        await passage.close()
        made.delete(backend)
      },
      // the case finds what it has made by the method that is the same in both
    }
  }

  const of = (backend: Backend) => [...made].find(([{ open }]) => open === backend.open)?.[1] ?? fail()
  const fail = (): never => {
    throw new Error('It was not made here')
  }
  const all = () => [...made.values()].map(({ tracked }) => tracked)
  const backAgain = async () => {
    for (const tracked of all()) await tracked.turned(false)
  }

  backendContract('redisStreams()', {
    async make() {
      now = clock.date()
      const backend = await make()
      now = clock.date()
      return backend
    },
    async advance(milliseconds) {
      turned += milliseconds
      now += milliseconds
      await age(server, '', milliseconds)
    },
    another: (backend) => make(of(backend).prefix),
    async reopen(backend) {
      const { prefix } = of(backend)
      await backend.close()
      return make(prefix)
    },
    async settled() {
      for (const tracked of all()) await tracked.settled()
    },
    loss: {
      async down(backend) {
        const it = of(backend)
        const { tracked, passage, fate } = it
        if (fate === 'came') {
          await until('it came', () => (passage.commands.get('EVALSHA') ?? 0) > 0)
          await server.command('PING')
        }
        delete it.fate
        await passage.down()
        await tracked.turned(true)
      },
      async up(backend) {
        const { tracked, passage } = of(backend)
        passage.flow()
        await passage.up()
        await tracked.turned(false)
      },
    },
    freeze(backend, fate) {
      const it = of(backend)
      it.fate = fate
      it.passage.reset()
      if (fate === 'came') it.passage.swallowReplies()
      else it.passage.stall()
    },
    async rollBack(_backend, meanwhile) {
      await server.save()
      await meanwhile()
      await server.stop()
      for (const tracked of all()) await tracked.turned(true)
      await server.start()
      // a start takes its time
      now += 100
      await backAgain()
    },
    async empty() {
      await server.command('FLUSHALL')
    },
  })
})
