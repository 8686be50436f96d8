import type { LookupFunction } from 'node:net'
import { createClient } from '@redis/client'
import { createHub } from '../../lib/index.js'
import { redisStreams } from '../../lib/redis.js'
import { needs } from '../support/installed.js'
import { RedisServer } from '../support/redis/server.js'
import { until } from '../support/redis/until.js'

describe('Connecting to Redis', () => {
  needs('redis-server')
  const server = new RedisServer()
  before(() => server.start())
  after(() => server.close())

  it('where one connection fails, the other one, which is just being made, does not stay', async () => {
    let lookups = 0
    let release = () => {}
    const lookup: LookupFunction = (_name, { all }, callback) => {
      const answer = () =>
        all ? callback(null, [{ address: server.host, family: 4 }]) : callback(null, server.host, 4)
      lookups += 1
      if (lookups === 1) setImmediate(callback, new Error('no such name'), [])
      else if (lookups === 2) release = answer
      else answer()
    }
    const client = createClient({ socket: { host: 'localhost', port: server.port, lookup } })
    const hub = createHub(redisStreams({ client }))
    hub.on('down', () => release())
    await new Promise<void>((resolve) => hub.on('up', resolve))
    await hub.channel('any').position()
    await hub.close()
    const isAlone = async () => !/cmd=(?!client)/.test(await server.command<string>('CLIENT', 'LIST'))
    await until('nobody is connected', isAlone, 5)
  })
})
