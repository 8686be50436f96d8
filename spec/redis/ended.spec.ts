import { expect } from 'chai'
import type { LariatError } from '../../lib/index.js'
import { read } from '../../lib/testing/backends/logs.js'
import { needs } from '../support/installed.js'
import { Processes } from '../support/redis/processes.js'
import { RedisServer } from '../support/redis/server.js'
import { until } from '../support/redis/until.js'

describe('A channel on Redis that has ended', () => {
  needs('redis-server')
  const server = new RedisServer()
  before(() => server.start())
  after(() => server.close())
  const processes = new Processes(server)
  const options = { history: 1000 }

  const outcomes = async (publishing: readonly Promise<string>[]) => {
    const settled = await Promise.allSettled(publishing)
    return settled.map((each) => (each.status === 'fulfilled' ? 'came' : (each.reason as LariatError).code))
  }
  const refused = (count: number) => Array.from({ length: count }, () => 'LARIAT_ENDED')

  it('takes nothing that is published while it is deleted, however much that is', async () => {
    const { hub, log } = await processes.start()
    const channel = hub().channel<number>('c', options)
    const before = [1, 2, 3].map((n) => channel.publish(n))
    const deleting = hub().delete('c')
    const during = Array.from({ length: 600 }, (_, n) => channel.publish(n))
    expect(await outcomes(before)).to.deep.equal(['came', 'came', 'came'])
    expect(await outcomes(during)).to.deep.equal(refused(600))
    await deleting
    expect((await read(log('c'), 'earliest')).ids).to.deep.equal([])
  })

  it('takes nothing with a key either once another process has deleted it', async () => {
    const [here, there] = [await processes.start(), await processes.start()]
    const channel = here.hub().channel<number>('c', options)
    const got: unknown[] = []
    const iterating = (async () => {
      for await (const { data } of channel) got.push(data)
    })()
    await until('it listens', async () => {
      await channel.publish(0)
      return got.length > 0
    })
    await there.hub().delete('c')
    await iterating
    expect(await outcomes([channel.publish(1), channel.publish(2, { key: 'a' })])).to.deep.equal(refused(2))
    expect((await read(there.log('c'), 'earliest')).ids).to.deep.equal([])
  })

  it('stays so where nothing was ever published, and somebody listens later', async () => {
    const { log } = await processes.start()
    const [one, other] = [log('c'), log('c')]
    await one.end()
    const listener = await processes.listen(other)
    expect(listener.items).to.deep.equal(['end'])
    expect(await server.command('PTTL', `${processes.prefix}{c}:meta`)).to.equal(-1)
  })
})
