import { createClient } from '@redis/client'
import { expect } from 'chai'
import { retainsNothing as none } from '../../lib/hub/backend.js'
import { redisStreams } from '../../lib/redis.js'
import { accept, following, Kept, publish } from '../../lib/testing/backends/logs.js'
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

  it('are those of the process that publishes, from then on: nothing that one without limits has published expires', async () => {
    const [app, worker] = [0, 1].map(() => redisStreams({ client: createClient({ url: server.url }) }))
    const there = worker!.open('later', none, () => {})
    await publish(there, 0)
    const here = app!.open('later', { ...none, history: 9 }, () => {})
    const ids = await publish(here, 1, 2)
    await publish(there, 3)
    expect((await following(here, ids[0]!)).length).to.equal(2)
    for (const key of ['meta', 'log'])
      expect(await server.command('TTL', `lariat:{later}:${key}`)).to.equal(-1)
    await Promise.all([app!.close(), worker!.close()])
  })

  for (const most of [Number.MAX_VALUE, 1e20]) {
    it(`are none where they are more than a store can count to, and others hold: ${most}`, async () => {
      const backend = redisStreams({ client: createClient({ url: server.url }) })
      const log = backend.open(
        `most ${most}`,
        { history: 2, historyBytes: most, maxAge: most, idle: most },
        () => {},
      )
      const ids = await publish(log, 1, 2, 3)
      expect(await following(log, 'earliest')).to.deep.equal(ids.slice(1))
      await backend.close()
    })
  }
})
