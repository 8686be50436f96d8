import { backendContract } from '../support/conformance.js'
import { needs } from '../support/installed.js'
import { Backends } from '../support/redis/backends.js'
import { RedisCluster } from '../support/redis/cluster.js'
import { RedisSentinels } from '../support/redis/sentinels.js'
import { isFull } from '../support/runs.js'

// What a store does that starts again from an older copy is the matter of failovers that lose the latest writes.

describe('Channels on a Redis Cluster', () => {
  needs('redis-server')

  const cluster = new RedisCluster()
  before(() => cluster.start())
  after(() => cluster.close())

  // a single server takes all of them; here it is about the nodes that the commands go to
  const backends = Backends.onCluster(cluster)
  backendContract('redisStreams()', () => backends.make(), backends.abilities, 3)
})

// the commands are those of a single server: what is different is who the master is, which failovers are about
if (isFull)
  describe('Channels on Redis with Sentinel', () => {
    needs('redis-server')

    const set = new RedisSentinels()
    before(() => set.start())
    after(() => set.close())

    const backends = Backends.onSentinels(set)
    backendContract('redisStreams()', () => backends.make(), backends.abilities)
  })
