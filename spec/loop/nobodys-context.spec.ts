import { createHook } from 'node:async_hooks'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect } from 'chai'
import type { RequestHandler } from 'express'
import { Clock, clock, system } from '../../lib/clock.js'
import { createHub } from '../../lib/index.js'
import { als, elsewhere, type Spec, type Store, two, who } from '../support/as-user.js'
import { Log } from '../support/log.js'
import { stage, staged, turns } from '../support/stage.js'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

describe('A stream that calls nothing back costs no context', () => {
  staged()

  const channel = createHub().channel('news')
  const specs: Readonly<Record<string, [Spec, number]>> = {
    'a channel': [{ subscribe: channel }, 0],
    'a channel, and callbacks that have answered': [
      { subscribe: () => channel, isAuthorized: () => true as const },
      0,
    ],
    'a terminate, which shows that they are counted': [{ subscribe: channel, terminate: () => {} }, 1],
  }
  for (const [name, [spec, each]] of Object.entries(specs)) {
    it(name, async () => {
      // what the channel itself needs is made for its first subscribers
      await two(() => ({ subscribe: channel }))
      let made = 0
      const hook = createHook({ init: (_id, type) => void (type === 'LARIAT' && made++) }).enable()
      try {
        await two(() => spec)
        await channel.publish(1)
        await turns()
      } finally {
        hook.disable()
      }
      expect(made).to.equal(2 * each)
    })
  }
})

describe('Work that is for all streams runs as nobody (docs/guide/existing-app.md)', () => {
  staged()

  for (const [name, wait] of [
    ['at once', () => undefined],
    ['later', () => turns(1)],
  ] as const) {
    it(`the source of a channel, when it starts, publishes and stops; started ${name}`, async () => {
      const log = new Log()
      const channel = createHub().channel<number>('news', {
        linger: 1000,
        source(to) {
          log.add(`start as ${who()}`)
          const ticking = setInterval(() => {
            log.add(`publish as ${who()}`)
            void to.publish(1)
          })
          const end = () => {
            log.add(`stop as ${who()}`)
            clearInterval(ticking)
          }
          const waiting = wait()
          return waiting ? waiting.then(() => end) : end
        },
      })
      const started = log.until('start as nobody')
      const { clients } = await two(() => ({ subscribe: channel, stream: { heartbeat: false } }))
      await started
      await log.until('publish as nobody')
      log.entries.length = 0
      for (const client of Object.values(clients)) client.leave()
      while (channel.subscribers > 0) await turns(1)
      stage.now.time.advance(1000)
      await log.until('stop as nobody')
      // it may have published once more, or not
      expect(log.entries.filter((each) => each !== 'publish as nobody')).to.deep.equal(['stop as nobody'])
    })
  }

  it('a source that enters a store does not enter it for other sources', async () => {
    const log = new Log()
    const hub = createHub()
    const enter = hub.channel('enters', { source: () => als.enterWith({ user: 'the source' }) })
    const look = hub.channel('looks', { source: () => log.add(who()) as undefined })
    await two(() => ({ subscribe: enter }))
    await two(() => ({ subscribe: look }))
    stage.now.time.advance(100_000)
    expect(who(), 'here').to.equal('nobody')
    await log.until('nobody')
  })

  it('filter and map are called once for all, as who publishes', async () => {
    const channel = createHub().channel<number>('news')
    const calls: string[] = []
    const part = channel.filter(() => {
      calls.push(`filter as ${who()}`)
      return true
    })
    await two(() => ({ subscribe: part }))
    await elsewhere(() => channel.publish(1))
    expect(calls).to.deep.equal(['filter as eve'])
  })

  it('what the clock calls, whoever has set it first', async () => {
    const own = new Clock()
    const calls: string[] = []
    await new Promise<void>((resolve) => {
      als.run({ user: 'ada' }, () => own.after(1, () => calls.push(who())))
      als.run({ user: 'bob' }, () => own.after(2, () => calls.push(who()) && resolve()))
    })
    expect(calls).to.deep.equal(['nobody', 'nobody'])
  })
})

describe('The store of a request that has left is free (docs/guide/existing-app.md)', () => {
  staged()

  const specs: Readonly<Record<string, () => Spec>> = {
    'a channel': () => ({ subscribe: createHub().channel('news') }),
    'a channel whose source never says that it has started': () => ({
      subscribe: createHub().channel('news', { source: () => new Promise<undefined>(() => {}) }),
    }),
    'callbacks of all kinds': () => ({
      isAuthorized: () => true as const,
      timeout: 60_000,
      subscribe: () => () => {},
      info: () => {},
      terminate: () => {},
      stream: { reauthorize: 60_000, maxDuration: 60_000 },
    }),
    'a promise that is monitored, and outlives it': () => {
      const target = new Promise(() => {})
      return { subscribe: ({ monitor }) => monitor(target) }
    },
  }
  for (const [name, make] of Object.entries(specs)) {
    it(`while others go on: ${name}`, async () => {
      // the real time, whose timers know who has set them; the manual one is put back after it
      const stores: WeakRef<Store>[] = []
      const before: RequestHandler = (req, _res, next) => {
        const store = { user: req.get('x-user') ?? '' }
        stores.push(new WeakRef(store))
        als.run(store, next)
      }
      void stage.now
      const restore = clock.use(system)
      try {
        const { clients, endpoint } = await two(make, { before: [before] })
        clients.ada?.leave()
        while ([...endpoint.streams].length > 1) await turns(1)
        for (let time = 0; time < 200 && stores[0]?.deref(); time++) {
          await turns()
          collectGarbage()
        }
        expect(stores[0]?.deref(), 'of Ada, who has left').to.equal(undefined)
        expect([...endpoint.streams]).to.have.length(1)
      } finally {
        restore()
      }
    })
  }
})
