import { clock, system, type Time } from '../../lib/clock.js'
import { backendContract } from '../support/conformance.js'
import { needs } from '../support/installed.js'
import { age } from '../support/redis/aged.js'
import { Backends } from '../support/redis/backends.js'
import { Observed } from '../support/redis/observed.js'
import { RedisServer, type ServerOptions } from '../support/redis/server.js'

/** The suite on one server. */
function onOne(name: string, { program = 'redis-server', ...options }: ServerOptions = {}): void {
  describe(name, () => {
    needs(program)
    const server = new RedisServer({ program, ...options })

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

    const backends = new Backends(
      () => [server],
      ([passage]) => new Observed(passage!.url, () => now).client,
    )
    const make = async () => {
      now = clock.date()
      const backend = await backends.make()
      now = clock.date()
      return backend
    }
    backendContract('redisStreams()', make, {
      ...backends.abilities,
      time: {
        now: () => clock.date(),
        async advance(milliseconds) {
          turned += milliseconds
          now += milliseconds
          await age(server, '', milliseconds)
        },
      },
      async rollBack(_backend, meanwhile) {
        await server.save()
        await meanwhile()
        await server.stop()
        await backends.turned(true)
        await server.start()
        // a start takes its time
        now += 100
        await backends.turned(false)
      },
    })
  })
}

onOne('Channels on Redis Streams')
onOne('Channels on Valkey', { program: 'valkey-server' })
