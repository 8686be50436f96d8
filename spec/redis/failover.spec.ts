import { createClient, createSentinel } from '@redis/client'
import { expect } from 'chai'
import type { Backend, Log } from '../../lib/hub/backend.js'
import { retainsNothing as none } from '../../lib/hub/backend.js'
import { redisStreams } from '../../lib/redis.js'
import { accept, idsOf, Kept } from '../../lib/testing/backends/logs.js'
import { needs } from '../support/installed.js'
import { Backends } from '../support/redis/backends.js'
import { RedisCluster } from '../support/redis/cluster.js'
import { RedisPair } from '../support/redis/pair.js'
import { RedisSentinels } from '../support/redis/sentinels.js'
import { until } from '../support/redis/until.js'
import { isFull } from '../support/runs.js'

interface Sent {
  readonly n: number
  /** Each attempt is known by its data: what was refused must never be seen. */
  readonly attempt: number
}

/** Of an asynchronous replica a crash takes what it does not have yet. */
type Losses = 'lose nothing' | 'lose nothing confirmed' | 'lose something' | 'lose the latest'

/** Publishes number after number to a log, each until it is confirmed, to one that listens. */
class Flow {
  readonly received = new Kept()
  readonly #log: Log
  readonly #isDown: () => boolean
  readonly #refused: Sent[] = []
  #confirmed: string[] = []
  #isOver = false
  #running: Promise<void> | undefined
  #stop: () => unknown = () => {}

  constructor(log: Log, isDown: () => boolean) {
    this.#log = log
    this.#isDown = isDown
  }

  get count(): number {
    return this.#confirmed.length
  }

  async begin(): Promise<this> {
    this.#stop = await this.#log.listen(this.received)
    this.#running = this.#run()
    return this
  }

  /** Until so many more are confirmed. */
  async more(count = 3): Promise<void> {
    const before = this.count
    await until(`${count} more are confirmed`, () => this.count >= before + count)
  }

  async end(): Promise<void> {
    this.#isOver = true
    await this.#running
  }

  async #run(): Promise<void> {
    for (let n = 0; !this.#isOver; n++) {
      for (let attempt = 0; ; attempt++) {
        const sent = { n, attempt }
        try {
          this.#confirmed.push(await this.#log.publish(sent, { key: String(n) }, accept))
          break
        } catch (error) {
          expect(error).to.include({ code: 'LARIAT_DOWN' })
          if (!(error as { isUncertain?: boolean }).isUncertain) this.#refused.push(sent)
          await until('it is back', () => !this.#isDown() || this.#isOver)
          if (this.#isOver && this.#isDown()) return
        }
      }
    }
  }

  /** Everything that is in the log was received, once and in order, or a gap was told; and nothing that was refused. */
  async check(may: Losses): Promise<void> {
    const { events } = await this.#log.read('earliest')
    const there: { id: string; data: Sent }[] = []
    for await (const event of events) there.push(event as unknown as (typeof there)[number])
    const ids = there.map(({ id }) => id)
    const { gaps } = this.received
    if (may === 'lose nothing' || may === 'lose nothing confirmed') {
      expect(ids).to.deep.equal(this.#confirmed)
      expect(there.map(({ data }) => data.n)).to.deep.equal(this.#confirmed.map((_, n) => n))
    }
    expect(ids).to.include(this.#confirmed.at(-1))
    if (may === 'lose nothing') expect(gaps).to.deep.equal([])
    if (may === 'lose the latest') expect(gaps).to.have.length(1)
    for (const { reason } of gaps) expect(reason).to.equal('unknown')
    const last = gaps.at(-1)
    expect(last ? this.received.afterGap : this.received.ids).to.deep.equal(
      last ? await idsOf((await this.#log.read(last.id)).events) : ids,
    )
    const seen = this.received.data.filter((data) => !gaps.includes(data as never)) as Sent[]
    const has =
      ({ n, attempt }: Sent) =>
      (each: Sent) =>
        each.n === n && each.attempt === attempt
    for (const refused of this.#refused) {
      expect(seen.some(has(refused)), `${JSON.stringify(refused)} was refused`).to.equal(false)
    }
    await this.#stop()
  }
}

/** What every failover has to keep: publishes go on, and what listens misses nothing without a word. */
function flows(backends: Backends) {
  let backend: Backend
  let told: string[]
  const rejections: unknown[] = []
  const rejected = (reason: unknown) => void rejections.push(reason)

  beforeEach(async () => {
    backend = await backends.make()
    told = []
    for (const name of ['down', 'up'] as const) backend.on(name, () => told.push(name))
    rejections.length = 0
    process.prependListener('unhandledRejection', rejected)
  })
  afterEach(async () => {
    await backend.close()
    process.off('unhandledRejection', rejected)
    expect(rejections, 'unhandled rejections').to.deep.equal([])
  })

  return {
    get told() {
      return told
    },
    /** The way to the first server. */
    get passage() {
      return backends.of(backend).passages[0]!
    },
    /** Flows while something happens. */
    async while(may: Losses, names: readonly string[], happens: (flows: readonly Flow[]) => Promise<void>) {
      const { tracked } = backends.of(backend)
      const all = names.map(
        (name) => new Flow(backend.open(name, { ...none, history: 100_000 }, accept), () => tracked.isDown),
      )
      try {
        for (const flow of all) await flow.begin()
        for (const flow of all) await flow.more()
        await happens(all)
        for (const flow of all) await flow.more()
      } finally {
        for (const flow of all) await flow.end()
      }
      await tracked.settled()
      for (const flow of all) await flow.check(may)
      // once for all: it was not away for a moment again and again
      if (told.length > 0) expect(told).to.deep.equal(told.map((_, at) => (at % 2 ? 'up' : 'down')))
    },
  }
}

describe('A failover of Redis', () => {
  needs('redis-server')

  describe('in a cluster', () => {
    const cluster = new RedisCluster({ nodeTimeout: 1000 })
    before(() => cluster.start())
    after(() => cluster.close())
    const names = ['a', 'b', 'c', 'd']

    const backends = (replicas: number) => Backends.onCluster(cluster, { replicas })

    describe('with replicas that are waited for', () => {
      const flowing = flows(backends(1))

      // the client may fail by an error of its own, and then the link is made anew
      it('of a slot that moves while events are published loses nothing', async () => {
        await flowing.while('lose nothing', ['b'], async ([flow]) => {
          const from = await cluster.shardOf('b')
          await cluster.migrate('b', (from + 1) % 3, () => flow!.more())
        })
      })
    })

    const flowing = flows(backends(0))

    it('in good order loses nothing', async () => {
      await flowing.while('lose nothing', names, () => cluster.failover(0))
    })

    it('of a slot that moves while events are published loses nothing', async () => {
      await flowing.while('lose nothing', ['a'], async ([flow]) => {
        const from = await cluster.shardOf('a')
        await cluster.migrate('a', (from + 1) % 3, () => flow!.more())
      })
    })

    it('after a crash goes on with what the replica has', async () => {
      await flowing.while('lose something', names, async () => {
        await cluster.kill(1)
        await cluster.takenOver(1)
      })
      expect(flowing.told.slice(-2)).to.deep.equal(['down', 'up'])
      await cluster.replicas[1]!.start()
      await cluster.settled()
    })

    it('to a replica without the latest events is a gap, and then all that is there', async () => {
      const shard = await cluster.shardOf('a')
      await flowing.while('lose the latest', ['a'], ([flow]) => cluster.loseTail(shard, () => flow!.more(10)))
      await cluster.replicas[shard]!.start()
      await cluster.settled()
    })
  })

  describe('with sentinels', () => {
    const set = new RedisSentinels()
    before(() => set.start())
    after(() => set.close())

    const backends = (replicas: number) => Backends.onSentinels(set, { replicas })

    describe('with a replica that is waited for', () => {
      const flowing = flows(backends(1))

      it('what is published is confirmed, in its order', async () => {
        await flowing.while('lose nothing', ['a', 'b'], async () => {})
      })

      // until the old master is a replica again, which takes sentinels their time, nothing can be confirmed
      if (!isFull) return
      it('loses nothing that was confirmed with it when it is promoted while the master still takes writes', async () => {
        await flowing.while('lose nothing confirmed', ['a'], () => set.promote())
        await set.settled()
      }).timeout(120_000)
    })

    describe('without a wait for the replicas', () => {
      const flowing = flows(backends(0))

      it('to a replica without the latest events is a gap, and then all that is there', async () => {
        const { master } = set
        await flowing.while('lose the latest', ['a'], ([flow]) => set.loseTail(() => flow!.more(10)))
        await master.start()
        await set.settled()
      })

      it('is none if a sentinel dies, and a process begins without it', async () => {
        const [dead] = set.sentinels
        // with `nodeAddressMap` a client takes whatever it hears for another master
        const client = createSentinel({ name: set.name, sentinelRootNodes: [...set.sentinelRootNodes] })
        const before = redisStreams({ client })
        const told: string[] = []
        before.on('down', () => told.push('down'))
        await before.open('c', { ...none, history: 9 }, accept).publish(1, {}, accept)
        await dead!.stop()
        const begun = redisStreams({ client })
        begun.on('down', () => told.push('down'))
        for (const each of [before, begun]) {
          await each.open('d', { ...none, history: 9 }, accept).publish(1, {}, accept)
        }
        for (const each of [before, begun]) await each.close()
        expect(told).to.deep.equal([])
        await dead!.start()
      })
    })
  })

  describe('of an address that moves', () => {
    let pair: RedisPair
    beforeEach(async () => {
      pair = new RedisPair()
      await pair.start()
    })

    const flowing = flows(
      new Backends(
        () => [pair.master],
        ([passage]) => createClient({ url: passage!.url }),
      ),
    )

    afterEach(() => pair.close())

    it('to a replica that is promoted only then loses nothing', async () => {
      const { master, replica } = pair
      await flowing.while('lose nothing', ['a', 'b'], async () => {
        // it takes no more, so that the replica has everything
        await master.command('CLIENT', 'PAUSE', 60_000, 'WRITE')
        await replica.caughtUp(master)
        await flowing.passage.leadTo(replica)
        await until(
          'it has refused',
          async () => Number((await replica.info('errorstats')).errorstat_READONLY?.match(/\d+/)) > 0,
        )
        await replica.promote()
      })
    })

    it('to one without the latest events is a gap, and then all that is there', async () => {
      await flowing.while('lose the latest', ['a'], async ([flow]) => {
        await pair.loseTail(() => flow!.more(10))
        await flowing.passage.leadTo(pair.master)
      })
    })
  })
})
