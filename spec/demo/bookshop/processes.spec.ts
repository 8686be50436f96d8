import { expect } from 'chai'
import type { Sample } from '../../../demo/bookshop/sampler.js'
import { needs } from '../../support/installed.js'
import { RedisServer } from '../../support/redis/server.js'
import { all, next, recordsOf } from './demo.js'
import { Several, send } from './several.js'

describe('The demo: several processes', function () {
  this.timeout(120_000)

  it('Without a Redis to share, or by a number that is none, it does not begin, and says what to write', async () => {
    const refusals: [count: string, settings: Record<string, string>, said: RegExp][] = [
      [
        '4',
        {},
        /^--processes 4 needs a Redis.* Set REDIS_URL: REDIS_URL=redis:\/\/\S+ npm run demo -- --processes 4$/,
      ],
      ['four', {}, /^--processes four: expected a number, 1 to 64$/],
      ['0', { REDIS_URL: 'redis://127.0.0.1:1' }, /^--processes 0: expected/],
      [
        '2',
        { REDIS_URL: 'redis://me:secret@127.0.0.1:1' },
        /^Redis cannot be reached at redis:\/\/127\.0\.0\.1:1: /,
      ],
    ]
    for (const [count, settings, said] of refusals) {
      const several = await Several.of(count, settings)
      expect(await several.exited, said.source).to.deep.equal([1, null])
      expect(several.lines).to.have.length(1)
      expect(several.lines[0]).to.match(said)
    }
  })

  describe('with a Redis', () => {
    needs('redis-server')
    let redis: RedisServer

    before(async () => {
      redis = new RedisServer({ socket: true })
      await redis.start()
    })

    after(() => redis.close())

    it('Two share one machine; on SIGTERM the streams of both end complete, and then all of them', async () => {
      const several = await Several.of(2, { REDIS_URL: redis.url })
      const { url, pids } = await several.begun()
      const met = new Set<number>()
      while (met.size < 2) met.add(JSON.parse((await send('GET', `${url}/api/shop`)).body).process)
      expect([...met].sort()).to.deep.equal([...pids].sort())
      const listen = (path: string) => fetch(url + path, { headers: { Accept: 'application/x-ndjson' } })
      const eight = <T>(make: () => Promise<T>) => Promise.all(Array.from({ length: 8 }, make))

      const streams = await eight(async () => recordsOf<Sample>(await listen('/api/stream')))
      const samplers = await Promise.all(streams.map(async (stream) => (await next(1, stream))[0]!.pid))
      expect(new Set(samplers).size).to.equal(1)
      expect(await send('DELETE', `${url}/api/stream/source`)).to.include({ status: 204 })
      const cut = await Promise.allSettled(streams.map(all))
      expect(cut.map(({ status }) => status)).to.deep.equal(streams.map(() => 'rejected'))
      for (let time = 0; time < 8; time++)
        expect(JSON.parse((await send('GET', `${url}/api/stream/source`)).body)).to.include({
          isAlive: false,
        })

      const firehoses = await eight(() => listen('/api/events/stream'))
      const ended = several.end()
      // one that is cut throws
      for (const each of firehoses) expect(await each.text()).to.equal('')
      expect(await ended).to.deep.equal([0, null])
      for (const pid of [...pids, samplers[0]!]) expect(() => process.kill(pid, 0)).to.throw('ESRCH')
    })
  })
})
