import { backendContract } from '../contracts/backend.js'
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

  backendContract('redisStreams()', Backends.onCluster(cluster).case)
})

// the commands are those of a single server: what is different is who the master is, which failovers are about
if (isFull)
  describe('Channels on Redis with Sentinel', () => {
    needs('redis-server')

    const set = new RedisSentinels()
    before(() => set.start())
    after(() => set.close())

    backendContract('redisStreams()', Backends.onSentinels(set).case)
  })
