import { expect } from 'chai'
import { clock } from '../../lib/clock.js'
import type { Backend, Log, Retention } from '../../lib/hub/backend.js'
import { retainsNothing as none } from '../../lib/hub/backend.js'
import { redisStreams } from '../../lib/redis.js'
import { accept, following, Kept, publish, read } from '../../lib/testing/backends/logs.js'
import { useManualTime } from '../support/clock.js'
import { needs } from '../support/installed.js'
import { age } from '../support/redis/aged.js'
import { Observed } from '../support/redis/observed.js'
import type { RedisServer } from '../support/redis/server.js'
import { sharedServer } from '../support/redis/shared.js'

const seconds = 1000
const minutes = 60 * seconds
const hours = 60 * minutes

describe('What goes with time, on Redis', () => {
  needs('redis-server')
  const time = useManualTime()
  const ahead = clock.date() - clock.now()

  let server: RedisServer
  let prefix = ''
  let prefixes = 0
  const all = new Map<Backend, Observed>()
  before(async () => {
    server = await sharedServer()
  })
  beforeEach(() => {
    prefix = `time${++prefixes}:`
  })
  afterEach(async () => {
    for (const backend of all.keys()) await close(backend)
  })

  /** A backend of a process of its own. */
  function make(publishTimeout = 2 ** 30): Backend {
    const observed = new Observed(server.url, () => ahead + clock.now())
    const backend = redisStreams({ client: observed.client, prefix, publishTimeout })
    all.set(backend, observed)
    return backend
  }

  async function close(backend: Backend): Promise<void> {
    all.delete(backend)
    await backend.close()
  }

  const open = (retention: Partial<Retention> = {}, backend = make()): Log =>
    backend.open('a', { ...none, ...retention }, () => {})
  const earliest = async (log: Log) => (await read(log, 'earliest')).ids

  async function settled(): Promise<void> {
    const observed = [...all.values()]
    while (observed.some(({ isBusy }) => isBusy)) for (const each of observed) await each.rest()
  }

  /** Lets time pass, here and in the store, in steps in which all that is due is done. */
  async function pass(milliseconds: number, step = milliseconds): Promise<void> {
    for (let left = milliseconds; left > 0; left -= step) {
      await age(server, prefix, Math.min(step, left))
      time.advance(Math.min(step, left))
      await settled()
    }
  }

  const key = (which: 'meta' | 'log') => `${prefix}{a}:${which}`
  const fields = async (form: RegExp) =>
    (await server.command<string[]>('HKEYS', key('meta'))).filter((field) => form.test(field)).length

  const lives: readonly [what: string, retention: Partial<Retention>, log: number][] = [
    ['what retains nothing', {}, 10 * seconds],
    ['`history: 0`', { history: 0 }, 10 * seconds],
    ['`maxAge`', { maxAge: minutes }, minutes + 10 * seconds],
    ['`maxAge` beside `history`', { history: 5, maxAge: minutes }, minutes + 10 * seconds],
    ['`idle`', { history: 5, idle: minutes }, minutes],
    ['a short `idle`, as long as listeners may need the tail', { history: 5, idle: 500 }, 10 * seconds],
    ['`history`, for good', { history: 5 }, -1],
    ['`historyBytes`, for good', { historyBytes: 1000 }, -1],
  ]
  for (const [what, retention, life] of lives) {
    it(`its keys stay for ${what}`, async () => {
      await publish(open(retention), 1)
      const [log, meta] = [
        await server.command('PTTL', key('log')),
        await server.command('PTTL', key('meta')),
      ]
      if (life < 0) expect([log, meta]).to.deep.equal([-1, -1])
      else {
        // it was asked a moment later
        expect(log).to.be.within(life - 5 * seconds, life)
        expect(meta).to.be.within(life + hours - 5 * seconds, life + hours)
      }
    })
  }

  it('a channel that was only looked at leaves a key for an hour', async () => {
    const log = open({ history: 5 })
    const place = await log.position()
    expect(await server.command('PTTL', key('meta'))).to.be.within(hours - 5 * seconds, hours)
    expect(await server.command('EXISTS', key('log'))).to.equal(0)
    await pass(hours)
    expect(await server.command('EXISTS', key('meta'))).to.equal(0)
    expect((await read(log, place)).outcome).to.equal('unknown')
  })

  it('who retains for good after somebody else did not: the keys stay', async () => {
    await publish(open({ maxAge: minutes }), 1)
    const warned = new Promise<Error>((resolve) => process.once('warning', resolve))
    const log = open({ history: 5 })
    await publish(log, 2)
    expect((await warned).message).to.contain('other limits')
    await pass(10 * hours)
    expect(await earliest(log)).to.have.length(2)
  })

  it('what retains nothing is known for an hour: a client that comes back has missed nothing, or is told', async () => {
    const log = open()
    const [one, two] = (await publish(log, 1, 2)) as [string, string]
    await pass(10 * seconds)
    expect(await server.command('EXISTS', key('log'))).to.equal(0)
    await pass(hours - seconds)
    expect((await read(log, two)).outcome).to.equal('found')
    expect((await read(log, one)).outcome).to.equal('trimmed')
    await pass(seconds)
    expect((await read(log, two)).outcome).to.equal('unknown')
  })

  it('`idle` lets go of everything once nobody has published or listened for so long', async () => {
    const log = open({ history: 5, idle: minutes })
    const [one, two] = (await publish(log, 1, 2)) as [string, string]
    await pass(minutes - 5 * seconds)
    time.advance(5 * seconds - 1)
    expect(await earliest(log)).to.deep.equal([one, two])
    time.advance(1)
    expect(await earliest(log)).to.deep.equal([])
    expect((await read(log, one)).outcome).to.equal('trimmed')
    expect((await read(log, two)).outcome).to.equal('found')
    const [three] = await publish(log, 3)
    expect(await earliest(log)).to.deep.equal([three])
  })

  it('`idle` is no matter while somebody listens, in another process too', async () => {
    const log = open({ history: 5, idle: minutes })
    const ids = await publish(log, 1, 2)
    const receiver = new Kept()
    const elsewhere = open({ history: 5, idle: minutes })
    const stop = await elsewhere.listen(receiver)
    await pass(10 * minutes, 15 * seconds)
    expect(await earliest(log)).to.deep.equal(ids)
    await stop()
    await settled()
    await pass(minutes - 5 * seconds)
    time.advance(5 * seconds - 1)
    expect(await earliest(log)).to.deep.equal(ids)
    time.advance(1)
    expect(await earliest(log)).to.deep.equal([])
    expect(receiver.items).to.deep.equal([])
  })

  it('a log without anything retained lives for as long as somebody listens', async () => {
    const log = open()
    await publish(log, 1)
    const receiver = new Kept()
    const stop = await open().listen(receiver)
    await pass(5 * hours, 10 * minutes)
    const ids = await publish(log, 2)
    await settled()
    expect(receiver.ids, 'no gap before it').to.deep.equal(ids)
    await stop()
  })

  for (const retention of [{}, { maxAge: minutes }, { history: 5, idle: minutes }]) {
    it(`an event long after the last one comes without a gap, though the log has expired meanwhile: ${JSON.stringify(retention)}`, async () => {
      const log = open(retention)
      const receiver = new Kept()
      const stop = await open(retention).listen(receiver)
      const ids = await publish(log, 1)
      await settled()
      await age(server, prefix, 2 * minutes)
      expect(await server.command('EXISTS', key('log'))).to.equal(0)
      ids.push(...(await publish(log, 2, 3)))
      await settled()
      expect(receiver.ids).to.deep.equal(ids)
      expect((await read(log, ids[0]!)).outcome).not.to.equal('unknown')
      await stop()
    })
  }

  it('who comes in the turn in which the last one left is told of news at once, and not when it is looked', async () => {
    const log = open()
    const stop = await log.listen(new Kept())
    const receiver = new Kept()
    stop()
    const stopSecond = await log.listen(receiver)
    const ids = await publish(open(), 1)
    // no time passes: nothing is looked at
    await settled()
    expect(receiver.ids).to.deep.equal(ids)
    await stopSecond()
  })

  it('what is not retained any more is removed ten seconds later, whoever listens', async () => {
    const log = open({ history: 1 })
    await Promise.all(Array.from({ length: 200 }, (_, n) => log.publish(n, {}, accept)))
    await pass(10 * seconds - 1)
    await publish(log, 'within')
    expect(await server.command('XLEN', key('log'))).to.equal(201)
    // it is looked for once a second
    await pass(seconds)
    await publish(log, 'later')
    expect(await server.command('XLEN', key('log'))).to.be.at.most(2)
  })

  it('what is not retained any more is removed also where the clock of the store was set back', async () => {
    const log = open({ history: 1 })
    await Promise.all(Array.from({ length: 200 }, (_, n) => log.publish(n, {}, accept)))
    await server.command('HSET', key('meta'), 'sweptAt', clock.date() + hours)
    await pass(11 * seconds)
    await publish(log, 'later')
    expect(await server.command('XLEN', key('log'))).to.be.at.most(2)
  })

  it('of what is not retained any more at most 8 MiB wait: they are removed many at a time', async () => {
    const log = open({ history: 1 })
    const large = 'x'.repeat(2 ** 18)
    for (let count = 0; count < 48; count++) await publish(log, large)
    expect(await server.command('XLEN', key('log'))).to.be.within(30, 40)
  })

  it('of keys the latest 1,000 of two minutes are remembered, and no others', async () => {
    const log = open({ history: 1 })
    const some = (from: number, count: number) =>
      Promise.all(Array.from({ length: count }, (_, n) => log.publish(n, { key: `key ${from + n}` }, accept)))
    await some(0, 1500)
    expect(await fields(/^key:/)).to.equal(1000)
    expect(await fields(/^keyed:/)).to.equal(1000)
    await pass(2 * minutes)
    await some(1500, 200)
    expect(await fields(/^key:/)).to.equal(200)
    expect(await fields(/^keyed:/)).to.equal(200)
  })

  it('publishers that are gone are forgotten after two minutes, as others come', async () => {
    const generation = async () => {
      for (let count = 0; count < 8; count++) {
        const backend = make(5 * seconds)
        await publish(open({ history: 1 }, backend), count)
        await close(backend)
      }
    }
    await generation()
    expect(await fields(/^publisher:/)).to.equal(8)
    for (let round = 0; round < 3; round++) {
      await pass(2 * minutes)
      await generation()
      expect(await fields(/^publisher:/)).to.be.at.most(9)
      expect(await fields(/^published:/)).to.be.at.most(9)
    }
  })

  it('`maxAge` is over at its time, also for who asks first then', async () => {
    const log = open({ maxAge: minutes })
    const [one] = (await publish(log, 1)) as [string]
    await pass(30 * seconds)
    const [two] = (await publish(log, 2)) as [string]
    await pass(30 * seconds)
    expect(await following(log, one)).to.deep.equal([two])
    expect(await earliest(log)).to.deep.equal([one, two])
    time.advance(1)
    expect(await earliest(log)).to.deep.equal([two])
    await pass(minutes + 10 * seconds)
    expect(await server.command('EXISTS', key('log'))).to.equal(0)
    expect((await read(log, two)).outcome, 'nothing was missed').to.equal('found')
  })
})
