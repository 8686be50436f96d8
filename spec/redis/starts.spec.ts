import { expect } from 'chai'
import { createHub } from '../../lib/index.js'
import { needs } from '../support/installed.js'
import { Processes } from '../support/redis/processes.js'
import { RedisServer } from '../support/redis/server.js'

describe('Where a client without a place begins in a part of a channel on Redis', () => {
  needs('redis-server')
  const server = new RedisServer()
  before(() => server.start())
  after(() => server.close())
  const processes = new Processes(server)

  it('the last so many events, and no gap, also where they are trimmed while they are looked for', async () => {
    const { backend } = await processes.start()
    let publishMore = async () => {}
    const hub = createHub({
      ...backend,
      open(...given) {
        const log = backend.open(...given)
        const read = log.read.bind(log)
        log.read = async (where) => {
          if (where !== 'earliest') await publishMore()
          return read(where)
        }
        return log
      },
    })
    const channel = hub.channel<number>('c', { history: 4 })
    for (const n of [0, 1, 2, 3]) await channel.publish(n)
    publishMore = async () => {
      publishMore = async () => {}
      for (const n of [4, 5, 6]) await channel.publish(n)
    }
    const got: unknown[] = []
    for await (const { data, type } of channel.filter((n) => n % 2 === 0).from({ last: 2 })) {
      got.push(type ?? data)
      if (got.length === 2) break
    }
    expect(got).to.deep.equal([4, 6])
  })
})
