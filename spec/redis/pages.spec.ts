import { expect } from 'chai'
import { scripts } from '../../lib/redis/scripts.js'
import { following, publish } from '../../lib/testing/backends/logs.js'
import { needs } from '../support/installed.js'
import { Processes } from '../support/redis/processes.js'
import { RedisServer } from '../support/redis/server.js'

describe('A page of a channel on Redis', () => {
  needs('redis-server')
  const server = new RedisServer()
  before(() => server.start())
  after(() => server.close())
  const processes = new Processes(server)

  /** How many events are in a page of at most so many, and about so many bytes. */
  async function amount(events: number, bytes: number): Promise<number> {
    const keys = ['meta', 'log'].map((key) => `${processes.prefix}{c}:${key}`)
    const asked = ['', '', '', '', 'earliest', '', '', '', '', '', events, bytes, '']
    const answer = await server.command<unknown[]>('EVAL', scripts.read.text, 2, ...keys, ...asked)
    return (answer.at(-1) as unknown[]).length
  }

  const large = 'x'.repeat(100_000)

  it('is bounded by bytes, however large events are: by one event more where all are alike', async () => {
    const { log } = await processes.start()
    const ids = await publish(log('c'), ...Array.from({ length: 40 }, () => large))
    expect(await amount(64, 250_000)).to.be.within(2, 4)
    expect(await amount(64, 1)).to.be.within(1, 2)
    expect(await amount(2, 1_000_000)).to.equal(2)
    expect(await amount(64, 10_000_000)).to.equal(40)
    expect(await following(log('c'), 'earliest')).to.deep.equal(ids)
  })

  it('is bounded by events where they are small', async () => {
    const { log } = await processes.start()
    const data = Array.from({ length: 100 }, (_, n) => n)
    const ids = await publish(log('c'), large, ...data)
    expect(await amount(64, 262_144)).to.equal(64)
    expect(await following(log('c'), 'earliest')).to.deep.equal(ids)
  })
})
