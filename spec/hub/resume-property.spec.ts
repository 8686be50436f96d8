import type { Socket } from 'node:net'
import { expect } from 'chai'
import fc from 'fast-check'
import {
  type Channel,
  createHub,
  type LoopContext,
  ndjson,
  resource,
  resources,
  sse,
} from '../../lib/index.js'
import { AsyncBackend, randomLag, Store } from '../support/async-backend.js'
import type { Client } from '../support/raw.js'
import { type Site, stage, staged, turns } from '../support/stage.js'

interface Data {
  readonly n: number
  readonly pad: string
}

/** What a client has got. */
type Got = { id: string } | { requested: string; from: string; reason: string }

const kinds = ['/sse', '/ndjson', '/info', '/even', '/shared-even'] as const
type Kind = (typeof kinds)[number]

/** One step of a run: what publishers, clients, and the store do. */
type Step =
  | { do: 'publish'; count: number; process: number; isBig: boolean }
  | { do: 'come'; who: number; kind: Kind; process: number; asks: 'nothing' | 'earliest' | 'a stranger' }
  | { do: 'back'; who: number; process: number; reads: boolean }
  | { do: 'leave' | 'stall' | 'read'; who: number; process: number }
  | { do: 'lose' | 'regain'; process: number }
  | { do: 'turn'; count: number }

const who = fc.nat(3)
const process = fc.nat(1)

const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('publish' as const),
      count: fc.integer({ min: 1, max: 5 }),
      process,
      isBig: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('come' as const),
      who,
      kind: fc.constantFrom(...kinds),
      process,
      asks: fc.constantFrom(
        'nothing' as const,
        'nothing' as const,
        'earliest' as const,
        'a stranger' as const,
      ),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('back' as const), who, process, reads: fc.boolean() }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom('leave' as const, 'stall' as const, 'read' as const),
      who,
      process,
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('lose' as const, 'regain' as const), process }) },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('turn' as const), count: fc.integer({ min: 1, max: 6 }) }),
  },
)

const plans = fc.record({
  steps: fc.array(steps, { minLength: 5, maxLength: 30 }),
  history: fc.constantFrom(1, 3, 8, 1000),
  seed: fc.nat(),
})
type Plan = typeof plans extends fc.Arbitrary<infer Of> ? Of : never

/** Where events are kept for a run: one channel for each process, and what a test can do to the store. */
interface World {
  readonly channels: readonly Channel<Data>[]
  lose(process: number): void
  regain(process: number): void
}

/** What has come whole, event by event. */
function gotOf(kind: Kind, body: string): Got[] {
  if (kind !== '/sse') {
    return body
      .split('\n')
      .slice(0, -1)
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line))
  }
  return body
    .replace(/^:.*\n/gm, '')
    .split('\n\n')
    .slice(0, -1)
    .map((block) => {
      if (block.startsWith('event: gap\n')) return JSON.parse(block.slice(block.indexOf('data: ') + 6))
      return { id: /^id: (.*)$/m.exec(block)![1] }
    })
}

/** A client that comes back with the last id that it has really got, and all that it has got over its lives. */
class Visitor {
  readonly kind: Kind
  readonly items: (Got | { position: string })[] = []
  #client: Client | undefined
  #asked: string | undefined
  #last: string | undefined
  #isFirst = true

  constructor(kind: Kind, asks: Extract<Step, { do: 'come' }>['asks']) {
    this.kind = kind
    if (asks !== 'nothing') this.#last = asks
  }

  get isThere(): boolean {
    return this.#client !== undefined
  }

  get isOver(): boolean {
    return this.#client?.socket.closed || (this.#client?.messages.at(-1)?.isWhole ?? false)
  }

  get isHeld(): boolean {
    return !this.isOver && this.#client?.messages.at(-1)?.status === 200
  }

  come(site: Site, key: string, reads = true): void {
    this.leave()
    this.#asked = this.#last
    this.#client = site.get(this.kind, {
      headers: {
        'X-Key': key,
        ...(!reads && { 'X-Stalls': 'yes' }),
        ...(this.#last !== undefined && { 'Last-Event-ID': this.#last }),
      },
    })
  }

  leave(): void {
    this.take()
    this.#client?.leave()
    this.#client = undefined
  }

  /** What has come on the connection that is there. */
  get here(): Got[] {
    const message = this.#client?.messages.at(-1)
    return message?.status === 200 ? gotOf(this.kind, message.body) : []
  }

  take(): void {
    const message = this.#client?.messages.at(-1)
    if (message?.status !== 200) return
    const { 'last-event-id': said, 'event-gap': gap } = message.headers
    const here = this.here
    const [first] = here
    if (gap !== undefined && first) {
      // the head and the first event say the same
      expect(first).to.include({ requested: this.#asked, reason: gap })
    } else if (first && 'reason' in first) {
      // trimmed since
      expect(first.reason).to.equal('trimmed')
    }
    if (gap !== undefined) expect(said).to.equal('earliest')
    else if (this.#asked !== undefined) expect(said).to.equal(this.#asked)
    if (this.#isFirst && this.#asked === undefined && said !== undefined) {
      this.items.push({ position: said })
      this.#last = said
    }
    this.#isFirst = false
    this.items.push(...here)
    const last = here.findLast((item) => 'id' in item)
    if (last) this.#last = (last as { id: string }).id
    this.#client?.leave()
    this.#client = undefined
  }
}

const numberOf = (id: string) => Number(/\d+$/.exec(id)![0])

/** Each client's joined view is a run of what was published, or each hole is told before the next event. */
function check(visitor: Visitor, published: ReadonlyMap<number, { id: string; data: Data }>): void {
  const isKept = (number: number) => !visitor.kind.endsWith('even') || published.get(number)!.data.n % 2 === 0
  const missed = (from: number, to: number) => {
    for (const number of published.keys()) if (from < number && number < to && isKept(number)) return true
    return false
  }
  let position: number | undefined
  let gap: { requested: string; from: string; reason: string } | undefined
  for (const item of visitor.items) {
    if ('position' in item) {
      position = numberOf(item.position)
    } else if ('reason' in item) {
      gap = item
      if (item.reason === 'trimmed') {
        expect(numberOf(item.from), 'a gap that is none').to.be.above(numberOf(item.requested) + 1)
      } else {
        expect(item.requested).to.equal('a stranger')
      }
    } else {
      const number = numberOf(item.id)
      expect(published.get(number)?.id, 'an id that was published').to.equal(item.id)
      expect(isKept(number), 'an event that the filter leaves out').to.equal(true)
      if (position !== undefined) {
        expect(number, 'in order, and none twice').to.be.above(position)
        if (!gap) expect(missed(position, number), `a hole between ${position} and ${number}`).to.equal(false)
      }
      if (gap) {
        expect(number, 'not before what the gap says').to.be.at.least(numberOf(gap.from))
        expect(missed(numberOf(gap.from) - 1, number), `a hole after the gap, before ${number}`).to.equal(
          false,
        )
      }
      position = number
      gap = undefined
    }
  }
}

describe('Resume that cannot lie, whatever happens (docs/guide/resume.md)', () => {
  staged()

  let world: World
  let sites: readonly Site[]
  const sockets = new Map<string, Socket>()
  let comings = 0
  /** At the end of a run everybody reads. */
  let isEnding = false

  /** Sites for the channels of whichever run it is. */
  async function prepare(): Promise<void> {
    const site = (process: number) => {
      const whole = () => world.channels[process]!
      const shared = new WeakMap<object, unknown>()
      const evenOf = () => whole().filter(({ n }) => n % 2 === 0)
      const sharedEven = () => {
        if (!shared.has(whole())) shared.set(whole(), evenOf())
        return shared.get(whole()) as ReturnType<typeof evenOf>
      }
      const envelope = ndjson({ envelope: true })
      return stage.now.serve(
        resources({
          '/sse': { contentTypesProvided: [sse()], subscribe: whole },
          '/ndjson': { contentTypesProvided: [envelope], subscribe: whole },
          '/info': resource({
            contentTypesProvided: [envelope],
            subscribe: async () => whole(),
            info: async (message: unknown, { write }: LoopContext<undefined>) => {
              await undefined
              write(message)
            },
          }),
          '/even': { contentTypesProvided: [envelope], subscribe: evenOf },
          '/shared-even': { contentTypesProvided: [envelope], subscribe: sharedEven },
        }),
        {
          before: [
            (req, _res, next) => {
              sockets.set(req.get('x-key')!, req.socket)
              if (req.get('x-stalls') && !isEnding) req.socket.cork()
              next()
            },
          ],
        },
      )
    }
    sites = [await site(0), await site(1)]
  }

  async function run({ steps: list }: Plan): Promise<void> {
    isEnding = false
    const visitors: (Visitor | undefined)[] = []
    const keys: string[] = []
    const all: Visitor[] = []
    const published = new Map<number, { id: string; data: Data }>()
    const publishing: Promise<unknown>[] = []
    let n = 0
    const publish = (process: number, isBig = false) => {
      const data = { n: n++, pad: isBig ? '.'.repeat(9000) : '' }
      const publishes = world.channels[process]!.publish(data).then(
        (id) => published.set(numberOf(id), { id, data }),
        // the store was away
        (error) => expect(error).to.include({ code: 'LARIAT_DOWN' }),
      )
      publishing.push(publishes)
      return publishes
    }
    const come = (at: number, process: number, reads?: boolean) => {
      keys[at] = String(++comings)
      visitors[at]!.come(sites[process]!, keys[at], reads)
    }
    const read = (at: number) => {
      const socket = sockets.get(keys[at]!)
      while (socket && socket.writableCorked > 0) socket.uncork()
    }

    for (const step of list) {
      switch (step.do) {
        case 'publish':
          for (let count = 0; count < step.count; count++) void publish(step.process, step.isBig)
          break
        case 'come': {
          visitors[step.who]?.leave()
          const visitor = new Visitor(step.kind, step.asks)
          visitors[step.who] = visitor
          all.push(visitor)
          come(step.who, step.process)
          break
        }
        case 'leave':
          visitors[step.who]?.leave()
          break
        case 'back':
          if (visitors[step.who]) come(step.who, step.process, step.reads)
          break
        case 'stall':
          // as if the kernel took nothing more, without the megabytes that it would take first
          sockets.get(keys[step.who]!)?.cork()
          break
        case 'read':
          read(step.who)
          break
        case 'lose':
          world.lose(step.process)
          break
        case 'regain':
          world.regain(step.process)
          break
        case 'turn':
          await turns(step.count)
          break
      }
    }

    isEnding = true
    for (const process of [0, 1]) world.regain(process)
    await Promise.all(publishing)
    for (let round = 0; round < 2000; round++) {
      for (const [at, visitor] of visitors.entries()) {
        if (visitor?.isOver) come(at, at % 2)
        read(at)
      }
      if (round > 3 && visitors.every((visitor) => !visitor?.isThere || visitor.isHeld)) break
      await turns(4)
    }
    // an even one, so that all of them get it
    n += n % 2
    await publish(0)
    const last = published.get(Math.max(...published.keys()))!.id
    const isBehind = (visitor: Visitor | undefined) =>
      visitor?.isThere && !visitor.here.some((item) => 'id' in item && item.id === last)
    for (let turn = 0; visitors.some(isBehind) && turn < 10_000; turn++) {
      for (const [at, visitor] of visitors.entries()) if (visitor?.isThere && visitor.isOver) come(at, at % 2)
      await turns(1)
    }
    const late = visitors.filter(isBehind).map((visitor) => visitor!.kind)
    for (const visitor of visitors) visitor?.leave()
    expect(late, 'clients that never got the last event').to.deep.equal([])
    for (const visitor of all) check(visitor, published)
    for (let turn = 0; turn < 300 && world.channels.some(({ subscribers }) => subscribers > 0); turn++) {
      await turns(1)
    }
    expect(world.channels.map(({ subscribers }) => subscribers)).to.deep.equal(world.channels.map(() => 0))
    sockets.clear()
  }

  it('in memory: nothing lost in silence, nothing twice, nothing out of order', async () => {
    await prepare()
    await fc.assert(
      fc.asyncProperty(plans, async (plan) => {
        const channel = createHub().channel<Data>('a', { history: plan.history })
        world = { channels: [channel, channel], lose() {}, regain() {} }
        await run(plan)
      }),
      { numRuns: 400 },
    )
  }).timeout(60_000)

  it('in a store of two processes that lag and are lost: the same', async () => {
    await prepare()
    await fc.assert(
      fc.asyncProperty(plans, async (plan) => {
        const store = new Store()
        const backends = [0, 1].map((process) => new AsyncBackend(store, randomLag(plan.seed + process)))
        world = {
          channels: backends.map((backend) =>
            createHub(backend).channel<Data>('a', { history: plan.history }),
          ),
          lose: (process) => backends[process]!.isDown || backends[process]!.down(),
          regain: (process) => backends[process]!.isDown && backends[process]!.up(),
        }
        await run(plan)
      }),
      { numRuns: 400 },
    )
  }).timeout(60_000)
})
