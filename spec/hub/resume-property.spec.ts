import { expect } from 'chai'
import fc from 'fast-check'
import {
  type Channel,
  createHub,
  event,
  type LoopContext,
  ndjson,
  resource,
  resources,
  sse,
} from '../../lib/index.js'
import { asyncMemory, randomLag } from '../../lib/testing.js'
import {
  dispatched,
  type Gap,
  gapOf,
  isPosition,
  opened,
  type Received,
  recordsOf,
} from '../support/received.js'
import { Returning, Stalls } from '../support/returning.js'
import { runs } from '../support/runs.js'
import { type Site, stage, staged, turns, waiting } from '../support/stage.js'

interface Data {
  readonly n: number
  readonly pad: string
}

const kinds = [
  '/sse',
  '/ndjson',
  '/info',
  '/even',
  '/shared-even',
  '/held-even',
  '/gather-even',
  '/asked',
  '/asked-even',
] as const
type Kind = (typeof kinds)[number]

/** One step of a run: what publishers, clients, and the store do. */
type Step =
  | { do: 'publish'; count: number; process: number; isBig: boolean }
  | { do: 'come'; who: number; kind: Kind; process: number; asks: 'nothing' | 'earliest' | 'a stranger' }
  | { do: 'back'; who: number; process: number; reads: boolean }
  | { do: 'leave' | 'stall' | 'read'; who: number; process: number }
  | { do: 'lose' | 'regain'; process: number }
  | { do: 'beat' | 'tick' }
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
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('beat' as const, 'tick' as const) }) },
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

/** Milliseconds that events wait for others, where they do. */
const gather = 10

/** What has come whole, event by event. */
const receivedBy = (kind: Kind, body: string): Received[] =>
  kind === '/sse' ? dispatched(body) : opened(recordsOf(body))

/** A client that comes back with the last id that it has really got, and all that it has got over its lives. */
class Visitor extends Returning {
  readonly kind: Kind
  readonly items: Received[] = []

  constructor(kind: Kind, asks: Extract<Step, { do: 'come' }>['asks']) {
    super()
    this.kind = kind
    if (asks !== 'nothing') this.last = asks
  }

  come(site: Site, key: string, reads = true): void {
    this.leave()
    this.visit(site, this.kind, key, reads)
  }

  leave(): void {
    this.take()
    this.part()
  }

  /** What has come on the connection that is there. */
  get here(): Received[] {
    const { message } = this
    return message?.status === 200 ? receivedBy(this.kind, message.body) : []
  }

  take(): void {
    const { message } = this
    if (message?.status !== 200) return
    const { 'last-event-id': said, 'event-gap': gap } = message.headers
    const here = this.here
    const [first] = here
    if (first?.type === 'gap') {
      // the head and the first event say the same; or it was trimmed since
      const { requested, reason } = gapOf(first)
      expect(reason).to.equal(gap ?? 'trimmed')
      if (gap !== undefined) expect(requested).to.equal(this.asked)
    } else if (first && first.type !== 'asked') {
      expect(gap).to.equal(undefined)
    }
    if (gap !== undefined) expect(said).to.equal('earliest')
    else if (this.asked !== undefined) expect(said).to.equal(this.asked)
    else expect(first, 'a place to come back to, with the head').to.include({ type: 'position', id: said })
    this.items.push(...here)
    this.last = here.findLast(({ id }) => id !== undefined)?.id ?? this.last
    this.part()
  }
}

const numberOf = (id: string) => Number(/\d+$/.exec(id)![0])

/** Each client's joined view is a run of what was published, or each hole is told before the next event, once. */
function check(visitor: Visitor, published: ReadonlyMap<number, { id: string; data: Data }>): void {
  const isKept = (number: number) => !visitor.kind.endsWith('even') || published.get(number)!.data.n % 2 === 0
  /** All up to here was received, or told as a gap; undefined as long as the client has asked for no place. */
  let place: number | undefined
  const hasHole = (to: number) => {
    for (const number of published.keys()) {
      if (place !== undefined && place < number && number < to && isKept(number)) return true
    }
    return false
  }
  /** What onGap was asked: told once its place has come. */
  let asked: Gap | undefined
  for (const item of visitor.items) {
    if (item.type === 'asked') {
      asked = item.data as Gap
      continue
    }
    const number = numberOf(item.id!)
    if (isPosition(item) && item.id === asked?.id) {
      checkGap(asked!, place)
      asked = undefined
    } else if (item.type === 'gap') {
      checkGap(gapOf(item), place)
    } else {
      expect(hasHole(number), `a hole between ${place} and ${number}`).to.equal(false)
      if (isPosition(item)) {
        if (place !== undefined) expect(number, 'a position, after the last').to.be.at.least(place)
        expect(hasHole(number + 1), `a position beyond an event, at ${number}`).to.equal(false)
      } else {
        expect(published.get(number)?.id, 'an id that was published').to.equal(item.id)
        expect(isKept(number), 'an event that the filter leaves out').to.equal(true)
        if (place !== undefined) expect(number, 'in order, and none twice').to.be.above(place)
      }
    }
    place = number
  }
}

/** A gap is told once: what comes back with its id is told of none. */
function checkGap({ requested, from, reason, id }: Gap, place: number | undefined): void {
  if (reason === 'trimmed') {
    expect(numberOf(from), 'a gap that is none').to.be.above(Math.max(place ?? 0, numberOf(requested)) + 1)
    expect(numberOf(id), 'a gap in what came').to.be.at.least(place ?? 0)
  } else {
    expect([requested, place], 'an id that is unknown').to.deep.equal(['a stranger', undefined])
  }
  expect(numberOf(from) - numberOf(id), 'the place before').to.be.oneOf([0, 1])
}

/** Says what onGap is asked, in its own time. */
async function asked(gap: object, { write }: { write: (data: unknown) => unknown }): Promise<void> {
  await turns(3)
  write(event({ ...gap }, { type: 'asked' }))
}

describe('Resume that cannot lie, whatever happens (docs/guide/resume.md)', () => {
  staged()

  let world: World
  let sites: readonly Site[]
  const stalls = new Stalls()
  let comings = 0

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
          '/held-even': resource({
            contentTypesProvided: [envelope],
            subscribe: async () => whole(),
            info: async (message: unknown, { write }: LoopContext<undefined>) => {
              await turns(3)
              if ((message as { data: Data }).data.n % 2 === 0) write(message)
            },
          }),
          '/gather-even': { contentTypesProvided: [envelope], subscribe: sharedEven, stream: { gather } },
          '/asked': { contentTypesProvided: [envelope], subscribe: whole, onGap: asked },
          '/asked-even': { contentTypesProvided: [envelope], subscribe: sharedEven, onGap: asked },
        }),
        {
          before: [stalls.middleware],
        },
      )
    }
    sites = [await site(0), await site(1)]
  }

  async function run({ steps: list }: Plan): Promise<void> {
    stalls.isOver = false
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
      stalls.read(keys[at])
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
          stalls.stall(keys[step.who])
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
        case 'beat':
          stage.now.time.advance(15_000)
          break
        case 'tick':
          stage.now.time.advance(gather)
          break
        case 'turn':
          await turns(step.count)
          break
      }
    }

    stalls.isOver = true
    for (const process of [0, 1]) world.regain(process)
    await Promise.all(publishing)
    for (let round = 0; round < 2000; round++) {
      for (const [at, visitor] of visitors.entries()) {
        if (visitor?.isOver) come(at, at % 2)
        read(at)
      }
      stage.now.time.advance(gather)
      if (round > 3 && visitors.every((visitor) => !visitor?.isThere || visitor.isHeld)) break
      await turns(4)
    }
    // an even one, so that all of them get it
    n += n % 2
    await publish(0)
    const last = published.get(Math.max(...published.keys()))!.id
    const isBehind = (visitor: Visitor | undefined) =>
      visitor?.isThere && !visitor.here.some(({ type, id }) => type === 'message' && id === last)
    for (const isTime = waiting(); visitors.some(isBehind) && isTime(); ) {
      for (const [at, visitor] of visitors.entries()) if (visitor?.isThere && visitor.isOver) come(at, at % 2)
      stage.now.time.advance(gather)
      await turns(1)
    }
    const late = visitors.filter(isBehind).map((visitor) => visitor!.kind)
    for (const visitor of visitors) visitor?.leave()
    expect(late, 'clients that never got the last event').to.deep.equal([])
    for (const visitor of all) check(visitor, published)
    for (const isTime = waiting(); world.channels.some(({ subscribers }) => subscribers > 0) && isTime(); )
      await turns(1)
    expect(world.channels.map(({ subscribers }) => subscribers)).to.deep.equal(world.channels.map(() => 0))
    stalls.clear()
  }

  it('in memory: nothing lost in silence, nothing twice, nothing out of order', async () => {
    await prepare()
    await fc.assert(
      fc.asyncProperty(plans, async (plan) => {
        const channel = createHub().channel<Data>('a', { history: plan.history })
        world = { channels: [channel, channel], lose() {}, regain() {} }
        await run(plan)
      }),
      { numRuns: runs(400) },
    )
  }).timeout(60_000)

  it('in a store of two processes that lag and are lost: the same', async () => {
    await prepare()
    await fc.assert(
      fc.asyncProperty(plans, async (plan) => {
        const first = asyncMemory({ lag: randomLag(plan.seed) })
        const backends = [first, first.another({ lag: randomLag(plan.seed + 1) })]
        world = {
          channels: backends.map((backend) =>
            createHub(backend).channel<Data>('a', { history: plan.history }),
          ),
          lose: (process) => backends[process]!.isLost || backends[process]!.lose(),
          regain: (process) => backends[process]!.isLost && backends[process]!.restore(),
        }
        await run(plan)
      }),
      { numRuns: runs(400) },
    )
  }).timeout(60_000)
})
