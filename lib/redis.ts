// The door to Redis: `redisStreams` keeps channels in Redis Streams, for all processes that share a server.

import { backend } from './hub/authoring.js'
import type { Backend } from './hub/backend.js'
import { Followers } from './redis/followers.js'
import { kindOf, opener, prefixOf, type RedisClient } from './redis/link.js'
import { RedisLog, type Shared } from './redis/log.js'
import { keysOf } from './redis/place.js'
import { Publishers } from './redis/publisher.js'
import { Store } from './redis/store.js'
import { checkKeys, isAmount, isWhole, type Rules, wrong } from './rules.js'

export type { RedisClient }

export interface RedisStreamsOptions {
  /** Of `createClient`, `createCluster` or `createSentinel`, connected or not. It is duplicated; closing it is yours. */
  readonly client: RedisClient
  /** What the keys and pub/sub channels begin with. Default: `lariat:` */
  readonly prefix?: string
  /**
   * Milliseconds for which a publish may wait for its answer, also over a loss of the connection; a server that is silent
   * for as long is taken for lost. Default: 5,000
   */
  readonly publishTimeout?: number
  /**
   * Milliseconds after which a channel with listeners is looked at, where nothing was heard of it: what a lost message
   * costs at most. At most 5,000. Default: 1,000
   */
  readonly poll?: number
  /** How many replicas have to have an event before it is confirmed. Default: 0 */
  readonly replicas?: number
}

const rules: Rules = {
  client: [(value) => value !== undefined, 'a client of @redis/client'],
  prefix: [(value) => typeof value === 'string', 'text'],
  publishTimeout: [(value) => isWithin(value, 1, 2 ** 31 - 1), 'milliseconds, 1 or more'],
  poll: [(value) => isWithin(value, 10, 5000), 'milliseconds, 10 to 5,000'],
  replicas: [isWhole, 'a number of replicas, 0 or more'],
}

function isWithin(value: unknown, least: number, most: number): boolean {
  return isAmount(value) && (value as number) >= least && (value as number) <= most
}

/**
 * Keeps channels in Redis Streams: all processes that share the server share the channels, and a restart loses none of what
 * is retained. For Redis 5 and later, Valkey, and services that have their commands.
 *
 * @throws TypeError for a client that is none of `@redis/client`, or a wrong option
 */
export function redisStreams(options: RedisStreamsOptions): Backend {
  if (typeof (options as { duplicate?: unknown } | undefined)?.duplicate === 'function')
    wrong('redisStreams(client): this is the client itself: expected { client }')
  checkKeys('redisStreams', options, rules)
  const { client, prefix = 'lariat:', publishTimeout = 5000, poll = 1000, replicas = 0 } = options
  const isCluster = kindOf(client) === 'cluster'
  const whole = prefixOf(client) + prefix
  const open = opener(client, replicas > 0)
  const store: Store = new Store(open, publishTimeout, (link) =>
    followers.restore(link, keysOf(whole, '').meta),
  )
  const followers = new Followers(store)
  const publishers = new Publishers()
  const shared: Shared = { store, followers, publishers, isCluster, patience: publishTimeout, poll, replicas }
  return backend({
    name: 'redis',
    open: (name, retention) => new RedisLog(name, keysOf(whole, name), retention, shared),
    on: (name, listener) => store.on(name, listener),
    async close() {
      followers.close()
      // what is on its way is answered
      await publishers.idle()
      store.close()
    },
  })
}
