import { createClient } from '@redis/client'
import { backendContract } from '../contracts/backend.js'
import { needs } from '../support/installed.js'
import { Backends } from '../support/redis/backends.js'
import { RedisServer, type ServerOptions } from '../support/redis/server.js'

/** The suite on one server. */
function onOne(name: string, { program = 'redis-server', ...options }: ServerOptions = {}): void {
  describe(name, () => {
    needs(program)

    const server = new RedisServer({ program, ...options })
    before(() => server.start())
    after(() => server.close())

    const backends = new Backends(
      () => [server],
      ([passage]) => createClient({ url: passage!.url }),
    )
    backendContract('redisStreams()', {
      ...backends.case,
      async rollBack(_backend, meanwhile) {
        await server.save()
        await meanwhile()
        await server.stop()
        await backends.turned(true)
        await server.start()
        await backends.turned(false)
      },
    })
  })
}

onOne('Channels on Redis Streams')
onOne('Channels on Valkey', { program: 'valkey-server' })
