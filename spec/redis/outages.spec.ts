import { setTimeout } from 'node:timers/promises'
import { expect } from 'chai'
import type { LariatError } from '../../lib/index.js'
import { failure } from '../../lib/testing/backends/expecting.js'
import { accept, publish } from '../../lib/testing/backends/logs.js'
import { needs } from '../support/installed.js'
import { type Process, Processes } from '../support/redis/processes.js'
import { RedisServer } from '../support/redis/server.js'
import { until } from '../support/redis/until.js'

/** Numbers below 1, the same for the same seed. */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
    return (state >>> 0) / 2 ** 32
  }
}

type Outcome = 'confirmed' | 'uncertain' | 'refused'

describe('Outages of Redis under publishes', () => {
  needs('redis-server')
  const server = new RedisServer()
  before(() => server.start())
  afterEach(() => server.thaw())
  after(() => server.close())
  const processes = new Processes(server)

  /** Publishes numbers with a key each, and keeps what became of them. */
  function publisher({ log }: Process) {
    const channel = log('c')
    const outcomes: (Outcome | undefined)[] = []
    const ids: (string | undefined)[] = []
    const publishes: Promise<unknown>[] = []
    const key = (n: number) => `key ${n}`
    return {
      outcomes,
      publish(amount: number) {
        for (let each = 0; each < amount; each++) {
          const n = outcomes.push(undefined) - 1
          publishes.push(
            Promise.resolve(channel.publish(n, { key: key(n) }, accept)).then(
              (id) => {
                outcomes[n] = 'confirmed'
                ids[n] = id
              },
              (error: LariatError) => {
                expect(error).to.include({ code: 'LARIAT_DOWN' })
                outcomes[n] = error.isUncertain ? 'uncertain' : 'refused'
              },
            ),
          )
        }
      },
      settled: () => Promise.all(publishes),
      /** Each is there as often as was said, and those that were confirmed are in the order of the calls. */
      async check(
        listeners: readonly { readonly data: readonly unknown[]; readonly ids: readonly string[] }[],
      ) {
        await this.settled()
        const all = async () => {
          const data: unknown[] = []
          const found: string[] = []
          for await (const event of (await channel.read('earliest')).events) {
            data.push((event as { data: unknown }).data)
            found.push(event.id)
          }
          return { data, found }
        }
        const { data, found } = await all()
        expect(new Set(data).size, 'nothing twice').to.equal(data.length)
        for (const n of data) expect(outcomes[n as number], `${n}`).to.be.oneOf(['confirmed', 'uncertain'])
        const confirmed = outcomes.flatMap((outcome, n) => (outcome === 'confirmed' ? [n] : []))
        expect(data.filter((n) => outcomes[n as number] === 'confirmed')).to.deep.equal(confirmed)
        for (const n of confirmed) expect(found[data.indexOf(n)]).to.equal(ids[n])
        // again with the same key: it is one event, the one that had come, if it had
        for (const [n, outcome] of outcomes.entries()) {
          if (outcome !== 'uncertain') continue
          const id = await channel.publish(n, { key: key(n) }, accept)
          if (data.includes(n)) expect(id, `${n} again`).to.equal(found[data.indexOf(n)])
        }
        const { data: after } = await all()
        expect(after.slice(0, data.length)).to.deep.equal(data)
        expect(new Set(after).size, 'nothing twice').to.equal(after.length)
        for (const listener of listeners) {
          await until('all have come', () => listener.data.length >= after.length)
          expect(listener.data).to.deep.equal(after)
        }
        return outcomes
      },
    }
  }

  for (const seed of [1, 2, 3]) {
    it(`frozen, thawed and cut at any moment (seed ${seed}): what is refused never comes, what is confirmed comes once`, async () => {
      const random = randomOf(seed)
      const [here, there] = [
        await processes.start({ publishTimeout: 250 }),
        await processes.start({ publishTimeout: 250 }),
      ]
      const listeners = [await processes.listen(here.log('c')), await processes.listen(there.log('c'))]
      const publishing = publisher(here)
      publishing.publish(1)
      await publishing.settled()
      const acts = {
        freeze: () => server.freeze(),
        thaw: () => server.thaw(),
        cut: () => here.passage.cut(),
        stall: () => here.passage.stall(),
        flow: () => here.passage.flow(),
        swallow: () => here.passage.swallowReplies(),
      }
      const moments = Object.values(acts)
      for (let round = 0; round < 14; round++) {
        publishing.publish(1 + Math.floor(random() * 20))
        if (random() < 0.5) await setTimeout(random() * 20)
        await moments[Math.floor(random() * moments.length)]!()
        publishing.publish(Math.floor(random() * 4))
        await setTimeout(random() * (random() < 0.3 ? 500 : 60))
        if (random() < 0.4) {
          server.thaw()
          here.passage.flow()
        }
      }
      server.thaw()
      here.passage.flow()
      await publishing.settled()
      await here.passage.cut()
      await until('it is back', async () => {
        await here.log('other').publish(1, {}, accept)
        return here.told.at(-1) === 'up' && there.told.at(-1) !== 'down'
      })
      const outcomes = await publishing.check(listeners)
      expect(outcomes).to.include('confirmed')
    })
  }

  for (const [name, cut] of Object.entries({
    'all connections': (one: Process) => one.passage.cut(),
    'all connections of all processes': () => server.cut(),
    'the subscribers alone': () => server.command('CLIENT', 'KILL', 'TYPE', 'pubsub'),
    'those for commands alone': () => server.command('CLIENT', 'KILL', 'TYPE', 'normal'),
  })) {
    it(`${name} cut in a burst: all that is confirmed arrives at every listener, once and in order`, async () => {
      const [here, there] = [await processes.start(), await processes.start()]
      const listeners = [await processes.listen(here.log('c')), await processes.listen(there.log('c'))]
      const publishing = publisher(here)
      for (let round = 0; round < 8; round++) {
        publishing.publish(30)
        await setTimeout(3 * round)
        publishing.publish(30)
        if (round % 2) await cut(here)
        if (round % 4 === 3) await until('it is back', () => here.told.at(-1) !== 'down')
      }
      await publishing.settled()
      await until('both are back', () => [here, there].every(({ told }) => told.at(-1) !== 'down'))
      publishing.publish(1)
      const outcomes = await publishing.check(listeners)
      // each is asked again until it is answered
      expect(outcomes).not.to.include('uncertain')
      for (const { told } of [here, there])
        expect(told).to.deep.equal(told.map((_, at) => (at % 2 ? 'up' : 'down')))
    })
  }

  it('a half-open connection is noticed within the time that an answer may take', async () => {
    const here = await processes.start({ publishTimeout: 300 })
    const listener = await processes.listen(here.log('c'))
    here.passage.stall()
    await until('it is taken for lost', () => here.told.at(-1) === 'down', 3)
    here.passage.flow()
    await until('it is back', () => here.told.at(-1) === 'up')
    const [id] = await publish(here.log('c'), 1)
    await until('it has come', () => listener.items.length > 0)
    expect(listener.ids).to.deep.equal([id])
  })

  it('a half-open connection of the subscriber alone: news are found by looking, and the link is made anew', async () => {
    const [here, there] = [await processes.start({ publishTimeout: 300 }), await processes.start()]
    const listener = await processes.listen(here.log('c'))
    here.passage.stallThoseWith('SUBSCRIBE')
    const ids = await publish(there.log('c'), 1, 2)
    await until('they are found', () => listener.items.length === 2)
    await until('it is back', () => here.told.at(-1) === 'up')
    ids.push(...(await publish(there.log('c'), 3)))
    await until('the next has come', () => listener.items.length === 3)
    expect(listener.ids).to.deep.equal(ids)
  })

  it('one that listens while the subscriber alone is half-open waits for the new link', async () => {
    const [here, there] = [await processes.start({ publishTimeout: 1000 }), await processes.start()]
    await processes.listen(here.log('c'))
    here.passage.stallThoseWith('SUBSCRIBE')
    const lost = until('it is back', () => here.told.at(-1) === 'up')
    // somebody listens, which is not answered
    const first = failure(() => here.log('d').listen({ event() {}, gap() {}, end() {} }))
    await lost
    await first.catch(() => {})
    const listener = await processes.listen(here.log('e'))
    const [id] = await publish(there.log('e'), 1)
    await until('it has come', () => listener.items.length > 0)
    expect(listener.ids).to.deep.equal([id])
  })

  it('answers that are lost: each event is there once, and is confirmed by its id', async () => {
    const here = await processes.start({ publishTimeout: 20_000 })
    const listener = await processes.listen(here.log('c'))
    const publishing = publisher(here)
    for (let round = 0; round < 5; round++) {
      here.passage.swallowReplies()
      const before = listener.items.length
      publishing.publish(20)
      here.passage.reset()
      await until('it was sent', () => (here.passage.commands.get('EVALSHA') ?? 0) > 0)
      await server.command('PING')
      await here.passage.cut()
      await publishing.settled()
      await until('they have come', () => listener.items.length >= before + 20)
    }
    const outcomes = await publishing.check([listener])
    expect(new Set(outcomes)).to.deep.equal(new Set(['confirmed']))
  })

  it('a channel that is left and joined again at once is told of what comes, and need not look', async () => {
    const [here, there] = [await processes.start({ poll: 5000 }), await processes.start()]
    const [log, other] = [here.log('c'), there.log('c')]
    for (let round = 0; round < 10; round++) {
      const stop = await log.listen({ event() {}, gap() {}, end() {} })
      const left = stop()
      const listener = await processes.listen(log)
      await left
      const begun = performance.now()
      const [id] = await publish(other, round)
      await until('it has come', () => listener.items.length > 0, 4)
      expect(listener.ids).to.deep.equal([id])
      expect(performance.now() - begun).to.be.below(4000)
    }
  })
})
