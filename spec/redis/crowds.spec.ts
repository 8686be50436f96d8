import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect } from 'chai'
import { accept, Kept, publish, read } from '../../lib/testing/backends/logs.js'
import { needs } from '../support/installed.js'
import { Processes } from '../support/redis/processes.js'
import { RedisServer } from '../support/redis/server.js'
import { until } from '../support/redis/until.js'

describe('Crowds on Redis', () => {
  needs('redis-server')
  const server = new RedisServer()
  before(() => server.start())
  after(() => server.close())
  const processes = new Processes(server)

  it('two processes, each with 1,000 publishes at once: all listeners see one order', async () => {
    const both = [await processes.start(), await processes.start()]
    const retention = { history: 3000 }
    const listeners: Kept[] = []
    for (const { log } of both) listeners.push(await processes.listen(log('c', retention)))
    const published = await Promise.all(
      both.map(({ log }, from) => {
        const channel = log('c', retention)
        return Promise.all(Array.from({ length: 1000 }, (_, n) => channel.publish([from, n], {}, accept)))
      }),
    )
    await until('all have come', () => listeners.every(({ items }) => items.length === 2000))
    const { ids } = await read(both[0]!.log('c', retention), 'earliest')
    for (const listener of listeners) expect(listener.ids).to.deep.equal(ids)
    // that of each is the order of its calls
    for (const [from, its] of published.entries()) {
      expect(ids.filter((_, at) => (listeners[0]!.data[at] as number[])[0] === from)).to.deep.equal(its)
    }
    expect([...ids].sort()).to.deep.equal(published.flat().sort())
  })

  it('5,000 channels with listeners: a poll is some 25 commands, and a new link two dozen more', async function () {
    this.timeout(60_000)
    const [here, there] = [await processes.start({ poll: 1000 }), await processes.start()]
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const names = Array.from({ length: 5000 }, (_, n) => `channel ${n}`)
    await here.log('any').position()
    collect()
    const before = process.memoryUsage().heapUsed
    const listeners = new Map<string, Kept>()
    await Promise.all(
      names.map(async (name) => {
        const kept = new Kept()
        listeners.set(name, kept)
        processes.after(await here.log(name, { history: 1 }).listen(kept))
      }),
    )
    collect()
    expect((process.memoryUsage().heapUsed - before) / names.length, 'bytes each').to.be.below(12_000)

    const asked = () => [...here.passage.commands].filter(([name]) => name !== 'PING')
    const rounds = () => asked().reduce((sum, [, count]) => sum + count, 0)
    here.passage.reset()
    const begun = performance.now()
    await until('three polls', () => rounds() >= 75)
    // a second each, of which the first may be short
    expect(performance.now() - begun).to.be.above(1500)

    here.passage.reset()
    await here.passage.cut()
    await until('it is back', () => here.told.at(-1) === 'up')
    expect(here.passage.commands.get('SUBSCRIBE')).to.equal(1)
    expect(rounds()).to.be.below(60)
    const some = ['channel 0', 'channel 2500', 'channel 4999']
    const ids = await Promise.all(some.map(async (name) => (await publish(there.log(name), 1))[0]))
    await until('they have come', () => some.every((name) => listeners.get(name)!.items.length > 0))
    for (const [at, name] of some.entries()) expect(listeners.get(name)!.ids).to.deep.equal([ids[at]])
  })
})
