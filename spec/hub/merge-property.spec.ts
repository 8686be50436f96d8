import { expect } from 'chai'
import fc from 'fast-check'
import {
  type Channel,
  createHub,
  type Feed,
  type LoopContext,
  merge,
  ndjson,
  resource,
  resources,
  sse,
} from '../../lib/index.js'
import { asyncMemory, randomLag } from '../../lib/testing.js'
import type { Message } from '../support/raw.js'
import { Returning, Stalls } from '../support/returning.js'
import { runs } from '../support/runs.js'
import { type Site, stage, staged, turns, waiting } from '../support/stage.js'

const names = ['a', 'b', 'c'] as const
type Name = (typeof names)[number]

interface Data {
  readonly c: Name
  readonly n: number
  readonly pad: string
}

const kinds = ['/sse', '/own', '/info', '/even', '/even-of-all'] as const
type Kind = (typeof kinds)[number]

/** One step of a run: what publishers, clients, and the store do. */
type Step =
  | { do: 'publish'; to: Name; count: number; process: number; isBig: boolean }
  | { do: 'come'; who: number; kind: Kind; parts: Name[]; process: number }
  | { do: 'back'; who: number; parts: Name[]; process: number; reads: boolean }
  | { do: 'leave' | 'stall' | 'read'; who: number }
  | { do: 'lose' | 'regain'; process: number }
  | { do: 'turn'; count: number }

const who = fc.nat(2)
const process = fc.nat(1)
const parts = fc.shuffledSubarray([...names], { minLength: 1 })

const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('publish' as const),
      to: fc.constantFrom(...names),
      count: fc.integer({ min: 1, max: 4 }),
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
      parts,
      process,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('back' as const), who, parts, process, reads: fc.boolean() }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom('leave' as const, 'stall' as const, 'read' as const),
      who,
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('lose' as const, 'regain' as const), process }) },
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

type Channels = Readonly<Record<Name, Channel<Data>>>

/** Where events are kept for a run: the channels of each process, and what a test can do to the store. */
interface World {
  readonly channels: readonly Channels[]
  lose(process: number): void
  regain(process: number): void
}

/** What a client has got. */
interface Item {
  readonly id: string
  readonly kind: 'event' | 'gap' | 'position'
  readonly data: Data & { requested: string; from: string; reason: string; channel: Name }
}

/** What has come whole, item by item. */
function itemsOf(kind: Kind, body: string): Item[] {
  if (kind !== '/sse') {
    return body
      .split('\n')
      .slice(0, -1)
      .filter((line) => line.trim() !== '')
      .map((line) => {
        const { notice = 'event', id, data, ...details } = JSON.parse(line)
        return { id, kind: notice, data: data ?? details }
      })
  }
  return body
    .replace(/^:.*\n/gm, '')
    .split('\n\n')
    .slice(0, -1)
    .map((block) => {
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1]
      const type = (field('event') ?? 'event') as Item['kind']
      return { id: field('id')!, kind: type, data: JSON.parse(field('data')!) }
    })
}

const numberOf = (id: string) => Number(/\d+$/.exec(id)![0])

/** The number in each part. */
function placesOf(id: string): Map<Name, number> {
  const pieces = id.split('&').map((piece) => piece.split('='))
  return new Map(pieces.map(([name, place]) => [name as Name, numberOf(decodeURIComponent(place!))]))
}

type Published = ReadonlyMap<Name, ReadonlyMap<number, Data>>

/** One connection of a client. */
interface Visit {
  readonly asked: string | undefined
  readonly message: Message
  readonly items: readonly Item[]
}

/** A client that comes back with the last id that it has really got, whatever parts there are by then. */
class Visitor extends Returning {
  readonly kind: Kind
  parts: readonly Name[] = []
  readonly visits: Visit[] = []

  constructor(kind: Kind) {
    super()
    this.kind = kind
  }

  come(site: Site, key: string, parts: readonly Name[], reads = true): void {
    this.leave()
    this.parts = parts
    this.visit(site, `${this.kind}?parts=${parts.join('')}`, key, reads)
  }

  /** What has come on the connection that is there. */
  get here(): Item[] {
    const { message } = this
    return message?.status === 200 ? itemsOf(this.kind, message.body) : []
  }

  leave(): void {
    const { message } = this
    if (message?.status === 200) {
      const items = this.here
      this.visits.push({ asked: this.asked, message, items })
      // a client that reads with `fetch` has the head too
      this.last = items.at(-1)?.id ?? this.last
    }
    this.part()
  }
}

/** Every id names just what the client has got of each part; what is missing was told, once. */
function check({ kind, visits }: Visitor, published: Published): void {
  const isKept = ({ n }: Data) => !kind.startsWith('/even') || n % 2 === 0
  const missed = (name: Name, after: number, before: number) =>
    [...published.get(name)!].some(([number, data]) => after < number && number < before && isKept(data))
  let places = new Map<Name, number>()
  for (const { asked, message, items } of visits) {
    const { 'last-event-id': said, 'event-gap': gap } = message.headers
    const begin = placesOf(said!)
    const known = asked === undefined ? new Map<Name, number>() : placesOf(asked)
    for (const [name, number] of known) {
      if (places.has(name)) expect(number, `the place in ${name}`).to.equal(places.get(name))
    }
    // a part that was not there begins where the head says
    places = new Map([...begin].map(([name, number]) => [name, known.get(name) ?? number]))
    if (gap === undefined) {
      expect([...begin], 'where it begins').to.deep.equal([...places])
    } else if (items[0]) {
      expect(items[0]).to.include({ kind: 'gap' })
      expect(items[0].data.reason).to.equal(gap)
    }
    for (const item of items) {
      const now = placesOf(item.id)
      expect([...now.keys()], 'the parts').to.deep.equal([...places.keys()])
      if (item.kind === 'gap') {
        const { channel, requested, from, reason } = item.data
        expect(reason).to.equal('trimmed')
        const before = numberOf(requested)
        expect(before, 'a gap that was told').to.be.at.least(places.get(channel)!)
        expect(missed(channel, places.get(channel)!, before + 1), `a hole in ${channel}`).to.equal(false)
        expect(numberOf(from), 'a gap that is none').to.be.above(before + 1)
        expect(now.get(channel)).to.be.within(numberOf(from) - 1, numberOf(from))
        places.set(channel, now.get(channel)!)
      }
      if (item.kind === 'event') {
        const { c: name, n } = item.data
        const number = now.get(name)!
        expect(published.get(name)!.get(number)?.n, 'an id that was published').to.equal(n)
        expect(isKept(item.data), 'an event that the filter leaves out').to.equal(true)
        expect(number, 'in order, and none twice').to.be.above(places.get(name)!)
        expect(missed(name, places.get(name)!, number), `a hole in ${name} before ${number}`).to.equal(false)
        places.set(name, number)
      }
      for (const [name, number] of now) {
        // what a filter keeps away may be passed
        expect(number, `the place in ${name}`).to.be.at.least(places.get(name)!)
        expect(missed(name, places.get(name)!, number + 1), `a hole in ${name}, at ${item.id}`).to.equal(
          false,
        )
        places.set(name, number)
      }
    }
  }
}

describe('Several channels on one stream, whatever happens (docs/guide/channels.md)', () => {
  staged()

  let world: World
  let sites: readonly Site[]
  const stalls = new Stalls()
  let comings = 0

  /** Sites for the channels of whichever run it is. */
  async function prepare(): Promise<void> {
    const site = (process: number) => {
      const isEven = ({ n }: Data) => n % 2 === 0
      const shared = new WeakMap<Channels, Map<string, Feed<Data>>>()
      const namesOf = (req: { query: { parts?: unknown } }) => [...String(req.query.parts)] as Name[]
      const own = ({ req }: { req: { query: { parts?: unknown } } }) =>
        merge(...namesOf(req).map((name) => world.channels[process]![name]))
      const sharedOf = ({ req }: { req: { query: { parts?: unknown } } }) => {
        const channels = world.channels[process]!
        if (!shared.has(channels)) shared.set(channels, new Map())
        const feeds = shared.get(channels)!
        const key = String(req.query.parts)
        if (!feeds.has(key)) feeds.set(key, own({ req }))
        return feeds.get(key)!
      }
      const envelope = ndjson({ envelope: true })
      return stage.now.serve(
        resources({
          '/sse': { contentTypesProvided: [sse()], subscribe: sharedOf },
          '/own': { contentTypesProvided: [envelope], subscribe: own },
          '/info': resource({
            contentTypesProvided: [envelope],
            subscribe: async (context) => sharedOf(context),
            info: async (message: unknown, { write }: LoopContext<undefined>) => {
              await undefined
              write(message)
            },
          }),
          '/even': {
            contentTypesProvided: [envelope],
            subscribe: ({ req }) =>
              merge(...namesOf(req).map((name) => world.channels[process]![name].filter(isEven))),
          },
          '/even-of-all': {
            contentTypesProvided: [envelope],
            subscribe: (context) => sharedOf(context).filter(isEven),
          },
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
    const published = new Map<Name, Map<number, Data>>(names.map((name) => [name, new Map()]))
    const publishing: Promise<unknown>[] = []
    let n = 0
    const publish = (to: Name, process: number, isBig = false) => {
      const data = { c: to, n: n++, pad: isBig ? '.'.repeat(9000) : '' }
      const publishes = world.channels[process]![to].publish(data).then(
        (id) => published.get(to)!.set(numberOf(id), data),
        // the store was away
        (error) => expect(error).to.include({ code: 'LARIAT_DOWN' }),
      )
      publishing.push(publishes)
      return publishes
    }
    const come = (at: number, process: number, parts: readonly Name[], reads?: boolean) => {
      keys[at] = String(++comings)
      visitors[at]!.come(sites[process]!, keys[at], parts, reads)
    }
    const read = (at: number) => {
      stalls.read(keys[at])
    }

    for (const step of list) {
      switch (step.do) {
        case 'publish':
          for (let count = 0; count < step.count; count++) void publish(step.to, step.process, step.isBig)
          break
        case 'come': {
          visitors[step.who]?.leave()
          const visitor = new Visitor(step.kind)
          visitors[step.who] = visitor
          all.push(visitor)
          come(step.who, step.process, step.parts)
          break
        }
        case 'leave':
          visitors[step.who]?.leave()
          break
        case 'back':
          if (visitors[step.who]) come(step.who, step.process, step.parts, step.reads)
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
        case 'turn':
          await turns(step.count)
          break
      }
    }

    stalls.isOver = true
    for (const process of [0, 1]) world.regain(process)
    await Promise.all(publishing)
    const comeAgain = () => {
      for (const [at, visitor] of visitors.entries()) {
        if (visitor?.isThere && visitor.isOver) come(at, at % 2, visitor.parts)
        read(at)
      }
    }
    for (let round = 0; round < 2000; round++) {
      comeAgain()
      if (round > 3 && visitors.every((visitor) => !visitor?.isThere || visitor.isHeld)) break
      await turns(4)
    }
    // even ones, so that all of them get them
    for (const name of names) {
      n += n % 2
      await publish(name, 0)
    }
    const isBehind = (visitor: Visitor | undefined) => {
      if (!visitor?.isThere) return false
      const last = new Map(visitor.here.map(({ data: { c, n } }) => [c, n]))
      return visitor.parts.some((name) => last.get(name) !== [...published.get(name)!.values()].at(-1)!.n)
    }
    for (const isTime = waiting(); visitors.some(isBehind) && isTime(); ) {
      comeAgain()
      await turns(1)
    }
    const late = visitors.filter(isBehind).map((visitor) => visitor!.kind)
    for (const visitor of visitors) visitor?.leave()
    expect(late, 'clients that never got the last events').to.deep.equal([])
    for (const visitor of all) check(visitor, published)
    const subscribers = () =>
      world.channels.flatMap((channels) => names.map((name) => channels[name].subscribers))
    for (const isTime = waiting(); subscribers().some((count) => count > 0) && isTime(); ) await turns(1)
    expect(subscribers().every((count) => count === 0)).to.equal(true)
    stalls.clear()
  }

  const channelsOf = (hub: ReturnType<typeof createHub>, history: number) =>
    Object.fromEntries(
      names.map((name) => [name, hub.channel<Data>(name, { history })]),
    ) as unknown as Channels

  it('in memory: of no part anything is lost in silence, twice, or out of order', async () => {
    await prepare()
    await fc.assert(
      fc.asyncProperty(plans, async (plan) => {
        const channels = channelsOf(createHub(), plan.history)
        world = { channels: [channels, channels], lose() {}, regain() {} }
        await run(plan)
      }),
      { numRuns: runs(250) },
    )
  }).timeout(60_000)

  it('in a store of two processes that lag and are lost: the same', async () => {
    await prepare()
    await fc.assert(
      fc.asyncProperty(plans, async (plan) => {
        const first = asyncMemory({ lag: randomLag(plan.seed) })
        const backends = [first, first.another({ lag: randomLag(plan.seed + 1) })]
        world = {
          channels: backends.map((backend) => channelsOf(createHub(backend), plan.history)),
          lose: (process) => backends[process]!.isLost || backends[process]!.lose(),
          regain: (process) => backends[process]!.isLost && backends[process]!.restore(),
        }
        await run(plan)
      }),
      { numRuns: runs(250) },
    )
  }).timeout(60_000)
})
