// What the door to Redis takes and refuses. Never run: spec/types.spec.ts compiles it.
import { createClient, createCluster, createSentinel, RESP_TYPES } from '@redis/client'
import { expectTypeOf } from 'expect-type'
import { type Backend, type Channel, createHub, loop, resource, sse } from '../../lib/index.js'
import { type RedisClient, type RedisStreamsOptions, redisStreams } from '../../lib/redis.js'

interface Price {
  symbol: string
  price: number
}
const url = 'redis://localhost'
const client = createClient({ url })

// ---- what it takes

expectTypeOf(redisStreams({ client })).toEqualTypeOf<Backend>()
redisStreams({ client: createClient() })
redisStreams({ client: createClient({ url, RESP: 2 }) })
redisStreams({ client: createClient({ url, RESP: 3, name: 'shop', database: 1, keyPrefix: 'app:' }) })
redisStreams({ client: createClient({ url, commandOptions: { timeout: 100 } }) })
redisStreams({ client: client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer }) })
redisStreams({ client: createCluster({ rootNodes: [{ url }] }) })
redisStreams({ client: createCluster({ RESP: 2, rootNodes: [{ url }], useReplicas: true }) })
redisStreams({ client: createSentinel({ name: 'main', sentinelRootNodes: [{ host: 'a', port: 26379 }] }) })
redisStreams({
  client: createSentinel({ RESP: 2, name: 'main', sentinelRootNodes: [{ host: 'a', port: 26379 }] }),
})
await client.connect().then((connected) => redisStreams({ client: connected }))
redisStreams({ client, prefix: 'shop:', publishTimeout: 2000, poll: 500, replicas: 1 })

// a client with modules, as that of the package `redis`, and with functions and scripts of the user's own
const module = {
  get: {
    parseCommand: (parser: { push(...words: string[]): unknown }) => void parser.push('MODULE.GET'),
    transformReply: undefined as unknown as () => number,
  },
}
redisStreams({ client: createClient({ url, modules: { module } as never }) })

// ---- what comes of it

const hub = createHub(redisStreams({ client }))
const prices = hub.channel<Price>('prices', { history: 1000 })
expectTypeOf(prices).toEqualTypeOf<Channel<Price>>()
loop({ format: sse(), subscribe: prices, info: ({ data }, { write }) => write(data.price) })
resource({ contentTypesProvided: [sse()], subscribe: prices.filter(({ price }) => price > 1) })
expectTypeOf<RedisStreamsOptions['client']>().toEqualTypeOf<RedisClient>()
// @ts-expect-error publish of another type
prices.publish({ symbol: 'x' })

// ---- what it refuses

/** As ioredis has it: a `duplicate` that takes options, and `psubscribe`. */
declare const ioredis: {
  duplicate(override?: { host?: string }): typeof ioredis
  call(command: string, ...words: string[]): Promise<unknown>
  subscribe(...channels: string[]): Promise<unknown>
  psubscribe(...patterns: string[]): Promise<unknown>
  disconnect(): void
}
// @ts-expect-error ioredis
redisStreams({ client: ioredis })
// @ts-expect-error the text of an address
redisStreams({ client: url })
// @ts-expect-error the options of a client
redisStreams({ client: { url } })
// @ts-expect-error the factory is not the client
redisStreams({ client: createClient })
// @ts-expect-error no client
redisStreams({})
// @ts-expect-error the client alone
redisStreams(client)
// @ts-expect-error the promise of a client
redisStreams({ client: createClient().connect() })
// @ts-expect-error an unknown option
redisStreams({ client, keyPrefix: 'x' })
// @ts-expect-error a number of replicas
redisStreams({ client, replicas: true })
// @ts-expect-error a backend, and no options
createHub({ client })
