import { expect } from 'chai'
import type { LariatError } from '../../lib/index.js'
import { failure } from '../../lib/testing/backends/expecting.js'
import { accept, following, publish, read } from '../../lib/testing/backends/logs.js'
import { needs } from '../support/installed.js'
import { Processes } from '../support/redis/processes.js'
import { RedisServer } from '../support/redis/server.js'
import { until } from '../support/redis/until.js'

describe('A publish on Redis that is asked again, since its answer was lost', () => {
  needs('redis-server')
  const server = new RedisServer()
  before(() => server.start())
  after(() => server.close())
  const processes = new Processes(server)

  it('answers as it did, also where its keys are forgotten meanwhile', async () => {
    const [here, there] = [await processes.start(), await processes.start()]
    const [log, other] = [here.log('c', { history: 5000 }), there.log('c', { history: 5000 })]
    const known = await log.publish('known', { key: 'known' }, accept)
    here.passage.swallowReplies()
    const publishing = [
      log.publish('known', { key: 'known' }, accept),
      log.publish('new', { key: 'new' }, accept),
      log.publish('new', { key: 'new' }, accept),
      log.publish('last', {}, accept),
    ]
    await until('it has come', async () => (await following(other, known)).length === 2)
    await Promise.all(Array.from({ length: 1100 }, (_, n) => other.publish(n, { key: `${n}` }, accept)))
    await here.passage.cut()
    const [first, second] = await following(other, known)
    expect(await Promise.all(publishing)).to.deep.equal([known, first, first, second])
  })

  it('is uncertain where the log was dropped meanwhile, and comes in no other', async () => {
    const [here, there] = [await processes.start(), await processes.start()]
    const [log, other] = [here.log('c'), there.log('c')]
    await publish(log, 0)
    const listener = await processes.listen(other)
    here.passage.swallowReplies()
    const publishing = failure(() => log.publish('once', {}, accept))
    await until('it has come', () => listener.items.length === 1)
    await other.end()
    await other.drop()
    await here.passage.cut()
    expect((await publishing) as LariatError).to.include({ code: 'LARIAT_DOWN', isUncertain: true })
    const again = there.log('c')
    expect((await read(again, 'earliest')).ids).to.deep.equal([])
    // what is asked for the first time comes there
    const ids = [...(await publish(again, 1)), ...(await publish(here.log('c'), 2))]
    expect((await read(again, 'earliest')).ids).to.deep.equal(ids)
  })

  it('is known for as long as it may be asked again', async () => {
    const { log } = await processes.start({ publishTimeout: 600_000 })
    await publish(log('c'), 1)
    const meta = await server.command<string[]>('HGETALL', `${processes.prefix}{c}:meta`)
    const latest = meta[meta.findIndex((each) => each.startsWith('publisher:')) + 1]!
    expect(Number(latest.split(' ')[3])).to.be.greaterThan(Date.now() + 500_000)
  })
})
