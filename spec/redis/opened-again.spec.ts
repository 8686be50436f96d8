import { expect } from 'chai'
import { publish, read } from '../../lib/testing/backends/logs.js'
import { needs } from '../support/installed.js'
import { Processes } from '../support/redis/processes.js'
import { RedisServer } from '../support/redis/server.js'

describe('A channel on Redis that is forgotten, and opened again by the same process', () => {
  needs('redis-server')
  const server = new RedisServer()
  before(() => server.start())
  after(() => server.close())
  const processes = new Processes(server)

  it('publishes other events than before', async () => {
    const { log } = await processes.start()
    const ids: string[] = []
    for (let n = 0; n < 4; n++) ids.push(...(await publish(log('c'), n)))
    expect(new Set(ids).size).to.equal(4)
    expect((await read(log('c'), 'earliest')).ids).to.deep.equal(ids)
  })

  it('twice at a time: each event once', async () => {
    const { log } = await processes.start()
    const logs = [log('c'), log('c'), log('c')]
    const ids = await Promise.all(Array.from({ length: 30 }, (_, n) => logs[n % 3]!.publish(n, {}, () => {})))
    expect([...(await read(log('c'), 'earliest')).ids].sort()).to.deep.equal([...ids].sort())
  })
})
