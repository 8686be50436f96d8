import { expect } from 'chai'
import { failure } from '../../lib/testing/backends/expecting.js'
import { accept, idsOf, publish, read } from '../../lib/testing/backends/logs.js'
import { needs } from '../support/installed.js'
import { Processes } from '../support/redis/processes.js'
import { RedisServer } from '../support/redis/server.js'
import { until } from '../support/redis/until.js'

describe('Keys of a channel that somebody else changes', () => {
  needs('redis-server')
  const server = new RedisServer({ config: ['user mute on nopass ~* resetchannels +@all'] })
  before(() => server.start())
  after(() => server.close())
  const processes = new Processes(server)

  const keys = (name: string) => {
    const key = `${processes.prefix}{${name}}`
    return { meta: `${key}:meta`, log: `${key}:log` }
  }
  const entries = async (name: string) =>
    (await server.command<[string, string[]][]>('XRANGE', keys(name).log, '-', '+')).map(([id]) => id)

  /** A channel with four events, one listener of this process and one of another. */
  async function four(name = 'c') {
    const [here, there] = [await processes.start(), await processes.start()]
    const log = here.log(name)
    const ids = await publish(log, 1, 2, 3, 4)
    const listeners = [await processes.listen(log), await processes.listen(there.log(name))]
    return { here, there, log, ids, listeners }
  }

  for (const [what, take] of Object.entries({
    'DEL of both': () => server.command('DEL', keys('c').meta, keys('c').log),
    FLUSHALL: () => server.command('FLUSHALL'),
    'DEL of meta alone': () => server.command('DEL', keys('c').meta),
    'meta without its epoch': () => server.command('HDEL', keys('c').meta, 'epoch'),
  })) {
    it(`${what}: all listeners are told a gap, once, and no id is known any more`, async () => {
      const { log, ids, listeners } = await four()
      await take()
      await until('all are told', () => listeners.every(({ items }) => items.length > 0))
      const [next] = await publish(log, 5)
      await until('the next has come', () => listeners.every(({ items }) => items.length > 1))
      for (const listener of listeners) expect(listener.ids).to.deep.equal(['gap unknown', next])
      for (const id of ids) expect((await read(log, id)).outcome).to.equal('unknown')
      expect((await read(log, 'earliest')).ids).to.deep.equal([next])
    })
  }

  it('DEL of the log alone: those who have read all miss nothing, all others are told', async () => {
    const { log, ids, listeners } = await four()
    await server.command('DEL', keys('c').log)
    expect(await read(log, ids[3]!)).to.deep.equal({ outcome: 'found', from: ids[3], ids: [] })
    expect((await read(log, ids[2]!)).outcome).to.equal('trimmed')
    const [next] = await publish(log, 5)
    await until('the next has come', () => listeners.every(({ items }) => items.length > 0))
    for (const listener of listeners) expect(listener.ids).to.deep.equal([next])
    expect(await read(log, ids[3]!)).to.deep.equal({ outcome: 'found', from: next, ids: [next] })
    expect((await read(log, ids[2]!)).outcome).to.equal('trimmed')
  })

  it('XTRIM: those before are told that the log was trimmed', async () => {
    const { log, ids, listeners } = await four()
    await server.command('XTRIM', keys('c').log, 'MAXLEN', 2)
    expect((await read(log, ids[0]!)).outcome).not.to.equal('found')
    expect(await read(log, ids[2]!)).to.deep.include({ outcome: 'found', ids: [ids[3]] })
    expect((await read(log, 'earliest')).ids).to.deep.equal(ids.slice(2))
    const [next] = await publish(log, 5)
    await until('the next has come', () => listeners.every(({ items }) => items.length > 0))
    expect(listeners.map((listener) => listener.ids)).to.deep.equal([[next], [next]])
  })

  for (const [where, at] of [
    ['in the middle', 2],
    ['at the end', 3],
  ] as const) {
    it(`XDEL ${where}: a reading has a gap there`, async () => {
      const { log, ids } = await four()
      await server.command('XDEL', keys('c').log, (await entries('c'))[at]!)
      const expected = [...ids.slice(1, at), 'gap trimmed', ...ids.slice(at + 1)]
      expect(
        await idsOf((await log.read(ids[0]!)).events).then((all) => all.slice(-expected.length)),
      ).to.deep.equal(expected)
    })

    it(`XDEL ${where}, of what a listener has not read: it is told, once, and does not ask without end`, async () => {
      const { here, there, log } = await four()
      const late = await processes.listen(there.log('c'))
      there.passage.stall()
      const ids = await publish(log, 5, 6, 7)
      await server.command('XDEL', keys('c').log, (await entries('c'))[at === 3 ? 6 : 5]!)
      there.passage.flow()
      const expected = at === 3 ? [ids[0], ids[1], 'gap trimmed'] : [ids[0], 'gap trimmed', ids[2]]
      await until('it is told', () => late.items.length >= 3)
      expect(late.ids).to.deep.equal(expected)
      const [next] = await publish(log, 8)
      await until('the next has come', () => late.items.length >= 4)
      expect(late.ids).to.deep.equal([...expected, next])
      there.passage.reset()
      await publish(here.log('other'), 1)
      expect(there.passage.commands.get('EVALSHA') ?? 0, 'asked').to.be.below(10)
    })
  }

  for (const half of ['meta', 'log'] as const) {
    it(`another type under ${half}: refused with the cause, and the key is left as it was`, async () => {
      const { log, listeners, there } = await four()
      const others = await processes.listen(there.log('other'))
      const key = keys('c')[half]
      await server.command('SET', key, 'theirs')
      for (const call of [
        () => log.publish(5, {}, accept),
        () => log.read('earliest'),
        () => log.position(),
        () => log.listen({ event() {}, gap() {}, end() {} }),
        () => log.end(),
      ]) {
        const error = (await failure(call)) as Error & { code: string; isUncertain?: true; cause: Error }
        expect(error).to.include({ code: 'LARIAT_DOWN' })
        expect(error.isUncertain).to.equal(undefined)
        expect(error.message).to.match(/^Redis refuses: .*WRONGTYPE/)
        expect(error.cause.message).to.include('WRONGTYPE')
      }
      expect(await server.command('GET', key)).to.equal('theirs')
      const said = processes.warnings.filter(({ message }) => /WRONGTYPE/.test(message))
      expect(said.length).to.be.within(1, 3)
      expect(said[0]!.message).to.match(/^Channel 'c' cannot be read: Redis refuses: /)
      // the link is lost, and comes back; other channels do not suffer
      await there.passage.cut()
      const id = await until('published', async () => {
        await publish(there.log('other'), 1)
        return true
      }).then(() => 'published')
      await until('other channels are heard of', () => others.items.length > 0)
      expect(id).to.equal('published')
      await server.command('DEL', key)
      const [next] = await publish(log, 6)
      await until('all goes on', () => listeners.every((listener) => listener.ids.at(-1) === next))
    })
  }

  it('another type under meta of a channel that is listened to: the others are looked at all the same', async () => {
    const { there } = await four()
    const others = await processes.listen(there.log('other'))
    await server.command('SET', keys('c').meta, 'theirs')
    // of whom nothing is told
    const mute = await processes.start({ config: { username: 'mute', password: 'any' } })
    await publish(mute.log('other'), 1)
    await until('it is found by looking', () => others.items.length > 0)
  })
})
