import { createClient } from '@redis/client'
import { expect } from 'chai'
import { redisStreams } from '../../lib/redis.js'
import { accept, following, Kept, none, publish } from '../contracts/logs.js'
import { needs } from '../support/installed.js'
import { RedisServer } from '../support/redis/server.js'

describe('The limits of a channel on Redis that one process has, and another has not (docs/operate/redis.md)', () => {
  needs('redis-server')
  const server = new RedisServer()
  before(() => server.start())
  after(() => server.close())

  for (const [what, isEarlier] of [
    ['before anything was published', true],
    ['after that', false],
  ] as const) {
    it(`are those of the process that only listens, from then on: ${what}`, async () => {
      const [app, worker] = [0, 1].map(() => redisStreams({ client: createClient({ url: server.url }) }))
      const name = `news ${what}`
      const here = app!.open(name, { ...none, history: 9 }, () => {})
      const there = worker!.open(name, none, () => {})
      if (!isEarlier) await publish(there, 0)
      const stop = await here.listen(new Kept())
      const ids = await publish(there, 1, 2, 3)
      expect(await following(here, 'earliest')).to.deep.equal(ids)
      const [meta] = (await server.command<string[]>('KEYS', `*${encodeURIComponent(name)}}:meta`)) as [
        string,
      ]
      expect(await server.command('TTL', meta)).to.equal(-1)
      expect(await server.command('TTL', meta.replace(/meta$/, 'log'))).to.equal(-1)
      await there.publish(4, {}, accept)
      await stop()
      await Promise.all([app!.close(), worker!.close()])
    })
  }
})
