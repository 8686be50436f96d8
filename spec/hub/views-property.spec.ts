import { expect } from 'chai'
import fc from 'fast-check'
import { retainsNothing as none } from '../../lib/hub/backend.js'
import {
  createHub,
  event,
  type Hub,
  type LoopContext,
  loop,
  merge,
  ndjson,
  resources,
  sse,
} from '../../lib/index.js'
import { redisStreams } from '../../lib/redis.js'
import { asyncMemory, randomLag } from '../../lib/testing.js'
import { needs } from '../support/installed.js'
import { Observed } from '../support/redis/observed.js'
import { Passage } from '../support/redis/passage.js'
import type { RedisServer } from '../support/redis/server.js'
import { sharedServer } from '../support/redis/shared.js'
import { Tracked } from '../support/redis/tracked.js'
import { Returning, Stalls } from '../support/returning.js'
import { isFull, runs } from '../support/runs.js'
import { type Site, stage, staged, turns, waiting } from '../support/stage.js'

/** What is published: unique numbers, so that each event is known by its data. */
interface Data {
  readonly n: number
  readonly c: Name
}

const names = ['a', 'b'] as const
type Name = (typeof names)[number]

const formats = ['sse', 'envelope'] as const
const kinds = ['plain', 'info', 'even', 'merged', 'snapshot'] as const
const policies = ['close', 'dropOldest', 'dropNewest', 'conflate'] as const
interface Route {
  readonly format: (typeof formats)[number]
  readonly kind: (typeof kinds)[number]
  readonly policy: (typeof policies)[number]
}

const pathOf = ({ format, kind, policy }: Route) => `/${format}/${kind}/${policy}`
const channelsOf = ({ kind }: Route): readonly Name[] => (kind === 'merged' ? names : ['a'])
const isKept = ({ kind }: Route, n: number) => kind !== 'even' || n % 2 === 0

/** What a client has got. */
type Item =
  | { is: 'event'; data: Data; id: string }
  | { is: 'snapshot'; state: Readonly<Record<string, number>>; id: string }
  | { is: 'position'; id: string }
  | { is: 'gap'; requested: string; from: string; reason: string; channel?: string; id: string }
  | { is: 'dropped'; count: number }
  | { is: 'end' }

type Step =
  | { do: 'publish'; name: Name; count: number; isRepeated: boolean }
  | { do: 'come'; who: number; route: Route; asks: 'nothing' | 'earliest' | 'a stranger' }
  | { do: 'back' | 'leave' | 'stall' | 'read'; who: number }
  | { do: 'end' | 'delete'; name: Name }
  | { do: 'lose' | 'regain' }
  | { do: 'turn'; count: number }

const who = fc.nat(3)
const name = fc.constantFrom(...names)
const route: fc.Arbitrary<Route> = fc.record({
  format: fc.constantFrom(...formats),
  kind: fc.constantFrom(...kinds),
  policy: fc.constantFrom(...policies),
})
const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('publish' as const),
      name,
      count: fc.integer({ min: 1, max: 6 }),
      isRepeated: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('come' as const),
      who,
      route,
      asks: fc.constantFrom('nothing', 'nothing', 'earliest', 'a stranger'),
    }),
  },
  {
    weight: 7,
    arbitrary: fc.record({ do: fc.constantFrom('back', 'leave', 'stall', 'stall', 'read'), who }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('end', 'delete', 'delete'), name }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('lose', 'regain') }) },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('turn' as const), count: fc.integer({ min: 1, max: 6 }) }),
  },
)
const plans = fc.record({
  steps: fc.array(steps, { minLength: 5, maxLength: 35 }),
  history: fc.constantFrom(1, 4, 1000),
  seed: fc.nat(),
})
type Plan = typeof plans extends fc.Arbitrary<infer Of> ? Of : never

const numberOf = (id: string) => Number(/\d+$/.exec(id)![0])
/** In Redis the time of an event stands between the two. */
const epochOf = (id: string) => /^([0-9a-z]{10})-[0-9a-z]+-\d+$/.exec(id)?.[1] ?? id.replace(/\d+$/, '')

/** The place in a channel that an id names; a merged one names a place in each. */
function placeIn(id: string, name: Name, { kind }: Route): string | undefined {
  if (kind !== 'merged') return id
  return new URLSearchParams(id).get(name) ?? undefined
}

function itemOf(text: string, { format }: Route): Item {
  const record = format === 'sse' ? frameOf(text) : recordOf(text)
  const { kind, id = '', data } = record
  if (kind === 'position') return { is: 'position', id }
  if (kind === 'gap') return { is: 'gap', ...data, id }
  if (kind === 'dropped') return { is: 'dropped', count: data.count }
  if (kind === 'end') return { is: 'end' }
  return kind === 'snapshot' ? { is: 'snapshot', state: data, id } : { is: 'event', data, id }
}

// biome-ignore lint/suspicious/noExplicitAny: what has come, before it is checked
type Came = { kind: string | undefined; id?: string; data: any }

function frameOf(frame: string): Came {
  const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(frame)?.[1]
  const dropped = /^: dropped (\d+)$/m.exec(frame)
  if (dropped && field('data') === undefined) return { kind: 'dropped', data: { count: Number(dropped[1]) } }
  return { kind: field('event'), id: field('id')!, data: JSON.parse(field('data') ?? 'null') }
}

function recordOf(line: string): Came {
  const { notice, type, data, id, ...details } = JSON.parse(line)
  return { kind: notice ?? type, id, data: data ?? details }
}

/** The frames that have come whole. A comment has no blank line behind it. */
function framesOf(body: string, { format }: Route): readonly string[] {
  if (format === 'envelope') {
    const lines = body.split('\n').slice(0, -1)
    return lines.filter((line) => line.trim() !== '')
  }
  const end = body.lastIndexOf('\n\n')
  const whole = end < 0 ? '' : body.slice(0, end + 2)
  return whole
    .replace(/^:\n/gm, '')
    .replace(/^(: dropped \d+)\n/gm, '$1\n\n')
    .split('\n\n')
    .filter((frame) => frame !== '')
}

/** A client that comes back with the last id that it has got, and all that it has got over its lives. */
class Visitor extends Returning {
  readonly route: Route
  readonly lives: { readonly asked: string | undefined; readonly items: readonly Item[] }[] = []
  /** It was told to stay away. */
  isDone = false

  constructor(route: Route, asks: Extract<Step, { do: 'come' }>['asks']) {
    super()
    this.route = route
    if (asks !== 'nothing') this.last = asks
  }

  get status(): number | undefined {
    return this.message?.status
  }

  come(site: Site, key: string): void {
    this.leave()
    this.visit(site, pathOf(this.route), key)
  }

  get here(): readonly Item[] {
    const { message } = this
    if (message?.status !== 200) return []
    return framesOf(message.body, this.route).map((frame) => itemOf(frame, this.route))
  }

  leave(): void {
    if (!this.isThere) return
    const here = this.here
    if (this.status === 204) this.isDone = true
    if (this.status === 200) this.lives.push({ asked: this.asked, items: here })
    for (const item of here) if ('id' in item && item.id) this.last = item.id
    this.part()
  }
}

/** Everything that was ever published, by the number in its data. */
type Published = ReadonlyMap<number, { readonly ids: ReadonlySet<string>; readonly c: Name }>

/** Each client's joined view of a channel is a run of what was published, or each hole was told, once. */
function checkView(visitor: Visitor, c: Name, published: Published, isExact: boolean): void {
  const { route, lives } = visitor
  const own = [...published].flatMap(([n, each]) => (each.c === c && isKept(route, n) ? [...each.ids] : []))
  const between = (place: string, end: number) =>
    own.filter((id) => {
      return epochOf(id) === epochOf(place) && numberOf(id) > numberOf(place) && numberOf(id) < end
    }).length
  let place: string | undefined
  let gapAt: string | undefined
  for (const { asked, items: life } of lives) {
    const first = life.find((item) => item.is !== 'dropped')?.is
    if (asked === undefined && first)
      expect(first, 'a client that brings no id is told a place').to.be.oneOf(['position', 'snapshot'])
    if (asked === 'a stranger' && first)
      expect(first, 'an id that is unknown').to.be.oneOf(['gap', 'snapshot'])
    let missing = 0
    let told = 0
    let isWhole = true
    for (const item of life) {
      if (item.is === 'dropped') told += item.count
      if (item.is === 'end' || item.is === 'dropped') continue
      if (item.is === 'event') {
        if (item.data.c !== c) continue
        const known = published.get(item.data.n)
        expect(known, 'an event that was published').not.to.equal(undefined)
        const id = placeIn(item.id, c, route)!
        expect([...known!.ids], 'its id').to.include(id)
        if (place !== undefined) {
          expect(epochOf(id), 'another channel of the name, untold').to.equal(epochOf(place))
          expect(numberOf(id), 'in order, and none twice').to.be.above(numberOf(place))
          missing += between(place, numberOf(id))
        }
        place = id
        continue
      }
      const at = placeIn(item.id, c, route)
      if (item.is === 'gap') {
        if (route.kind === 'merged' && item.channel !== c) continue
        isWhole = false
        expect(`${item.requested} ${item.from}`, 'a gap that is told twice').not.to.equal(gapAt)
        gapAt = `${item.requested} ${item.from}`
        if (item.reason === 'trimmed') {
          expect(numberOf(item.from), 'a gap that is none').to.be.above(numberOf(item.requested) + 1)
        }
      } else if (item.is === 'snapshot') {
        isWhole = false
        // of many, the last one has the place
        if (item.id === '') continue
      } else if (place !== undefined && at !== undefined) {
        expect(epochOf(at), 'another channel of the name, untold').to.equal(epochOf(place))
        expect(numberOf(at), 'a place that goes back').to.be.at.least(numberOf(place))
        missing += between(place, numberOf(at) + 1)
      }
      if (at !== undefined) place = at
    }
    if (channelsOf(route).length > 1) isWhole = false
    if (route.policy === 'close') expect(missing, 'events that are missing, untold').to.equal(0)
    else expect(missing, 'events that are missing, and not counted').to.be.at.most(told)
    if (isExact && isWhole && life === lives.at(-1)?.items) expect(told, 'counted').to.equal(missing)
  }
}

/** A store that is lost, and is back. */
interface Losable {
  lose(): unknown
  regain(): unknown
  /** Waits until all is delivered that was published. */
  rest?(): Promise<unknown>
}

describe('Every client’s view is contiguous, or the gap was told (docs/guide/resume.md)', () => {
  staged()

  /** One for each process. */
  let hubs: readonly Hub[] = []
  let history = 1
  let site: Site
  const source = new Map<Name, number>()
  const stalls = new Stalls()
  let comings = 0

  const at = (process: number) => hubs[process % hubs.length] as Hub
  const channel = (c: Name, process: number) => at(process).channel<Data>(c, { history })
  /** Of the process that a client has come to. */
  const channelFor = (c: Name, { req }: { req: { get(name: string): string | undefined } }) =>
    channel(c, Number(req.get('x-key')))

  async function prepare(): Promise<void> {
    const envelope = ndjson({ envelope: true })
    const table: Record<string, object> = {}
    for (const format of formats) {
      for (const kind of kinds) {
        for (const policy of policies) {
          const stream = {
            maxQueued: 8,
            endEvent: true,
            overflow: policy === 'conflate' ? { conflate: (data: unknown) => (data as Data)?.n % 3 } : policy,
          }
          const common = { format: format === 'sse' ? sse() : envelope, stream }
          const path = pathOf({ format, kind, policy })
          if (kind === 'plain')
            table[path] = loop({ ...common, subscribe: (context) => channelFor('a', context) })
          else if (kind === 'even') {
            table[path] = loop({
              ...common,
              subscribe: (context) => channelFor('a', context).filter(({ n }) => n % 2 === 0),
            })
          } else if (kind === 'merged') {
            table[path] = loop({
              ...common,
              subscribe: (context) => merge(channelFor('a', context), channelFor('b', context)),
            })
          } else if (kind === 'snapshot') {
            table[path] = loop({
              ...common,
              subscribe: (context) => channelFor('a', context),
              snapshot: async () => {
                await turns(1)
                return event({ a: source.get('a') ?? 0 })
              },
            })
          } else {
            table[path] = loop({
              ...common,
              subscribe: async (context) => channelFor('a', context),
              info: async (message: unknown, { write }: LoopContext<undefined>) => {
                await undefined
                write(message)
              },
            })
          }
        }
      }
    }
    site = await stage.now.serve(resources(table as Parameters<typeof resources>[0]), {
      before: [stalls.middleware],
    })
  }

  async function run({ steps: list }: Plan, store?: Losable): Promise<void> {
    const visitors: (Visitor | undefined)[] = []
    const keys: string[] = []
    const all: Visitor[] = []
    const published = new Map<number, { ids: Set<string>; c: Name }>()
    const pending: Promise<unknown>[] = []
    const deleted = new Set<Name>()
    source.clear()
    let n = 0

    const publish = (c: Name, data: Data = { n: ++n, c }, key?: string) => {
      const target = channel(c, data.n)
      source.set(c, data.n)
      const publishes = target.publish(data, key === undefined ? {} : { key }).then(
        (id) => {
          const ids = published.get(data.n)?.ids ?? new Set<string>()
          // the same key is the same event, but for a channel that was deleted meanwhile
          for (const other of ids) if (epochOf(other) === epochOf(id)) expect(other).to.equal(id)
          published.set(data.n, { ids: ids.add(id), c })
        },
        (error) => expect(error.code).to.be.oneOf(['LARIAT_DOWN', 'LARIAT_ENDED']),
      )
      pending.push(publishes)
      return publishes
    }
    const come = (at: number) => {
      keys[at] = String(++comings)
      visitors[at]!.come(site, keys[at])
    }
    const read = (at: number) => {
      stalls.read(keys[at])
    }

    for (const step of list) {
      switch (step.do) {
        case 'publish':
          if (step.isRepeated) n += 1
          for (let count = 0; count < step.count; count++) {
            if (step.isRepeated) void publish(step.name, { n, c: step.name }, `key ${n}`)
            else void publish(step.name)
          }
          break
        case 'come': {
          visitors[step.who]?.leave()
          const visitor = new Visitor(step.route, step.asks)
          visitors[step.who] = visitor
          all.push(visitor)
          come(step.who)
          break
        }
        case 'leave':
          visitors[step.who]?.leave()
          break
        case 'back':
          if (visitors[step.who]) come(step.who)
          break
        case 'stall':
          stalls.stall(keys[step.who])
          break
        case 'read':
          read(step.who)
          break
        case 'end':
          pending.push(
            channel(step.name, n)
              .end()
              .catch((error) => expect(error.code).to.equal('LARIAT_DOWN')),
          )
          break
        case 'delete':
          deleted.add(step.name)
          pending.push(
            at(n)
              .delete(step.name)
              .catch((error) => expect(error.code).to.equal('LARIAT_DOWN')),
          )
          break
        case 'lose':
          await store?.lose()
          break
        case 'regain':
          await store?.regain()
          break
        case 'turn':
          await turns(step.count)
          break
      }
    }

    await store?.regain()
    await Promise.all(pending)
    await store?.rest?.()
    // everybody reads and is back
    const isSettled = (visitor: Visitor | undefined) =>
      !visitor?.isThere || visitor.isDone || (!visitor.isOver && visitor.status === 200)
    for (let round = 0; round < 3000; round++) {
      for (const [at, visitor] of visitors.entries()) {
        if (visitor?.isOver && visitor.status === 204) visitor.leave()
        else if (visitor?.isOver && !visitor.isDone) come(at)
        read(at)
      }
      if (round > 3 && visitors.every(isSettled)) break
      await store?.rest?.()
      await turns(4)
    }
    // an even one of each, so that all of them get it
    n += 1 - (n % 2)
    const last = new Map<Name, number>()
    for (const c of names) {
      await publish(c)
      if (published.has(n)) last.set(c, n)
      n += 1
    }
    const waits = (visitor: Visitor | undefined) =>
      visitor?.isThere === true &&
      channelsOf(visitor.route).some((c) => {
        const awaited = last.get(c)
        if (awaited === undefined) return false
        // of several channels, one that is deleted and made anew is another channel
        if (visitor.route.kind === 'merged' && deleted.has(c)) return false
        return !visitor.here.some((item) => item.is === 'event' && item.data.n === awaited)
      })
    for (const isTime = waiting(); visitors.some(waits) && isTime(); ) {
      for (const [at, visitor] of visitors.entries()) if (waits(visitor) && visitor!.isOver) come(at)
      await store?.rest?.()
      await turns(1)
    }
    const late = visitors.filter(waits).map((visitor) => pathOf(visitor!.route))
    for (const visitor of visitors) visitor?.leave()
    expect(late, 'clients that never got the last event').to.deep.equal([])
    for (const visitor of all) {
      for (const c of channelsOf(visitor.route)) checkView(visitor, c, published, store === undefined)
    }
    stalls.clear()
    await Promise.all(hubs.map((hub) => hub.close()))
    await turns(2)
  }

  it('in memory', async () => {
    await prepare()
    await fc.assert(
      fc.asyncProperty(plans, async (plan) => {
        hubs = [createHub()]
        history = plan.history
        await run(plan)
      }),
      { numRuns: runs(400) },
    )
  }).timeout(90_000)

  it('in a store that lags, is lost, and comes back', async () => {
    await prepare()
    await fc.assert(
      fc.asyncProperty(plans, async (plan) => {
        const backend = asyncMemory({ lag: randomLag(plan.seed) })
        hubs = [createHub(backend)]
        history = plan.history
        await run(plan, {
          lose: () => backend.isLost || backend.lose(),
          regain: () => backend.isLost && backend.restore(),
        })
      }),
      { numRuns: runs(400) },
    )
  }).timeout(90_000)

  describe('in a Redis of several processes, each with a way of its own that is cut', () => {
    needs('redis-server')
    let server: RedisServer
    let runs = 0
    before(async () => {
      server = await sharedServer()
    })

    it('each in the same order, nothing twice', async () => {
      await prepare()
      await fc.assert(
        fc.asyncProperty(plans, fc.integer({ min: 2, max: 3 }), async (plan, processes) => {
          const passages = await Passage.to(Array.from({ length: processes }, () => server))
          const observed = passages.map(({ url }) => new Observed(url))
          const backends = observed.map(({ client }) => {
            const prefix = `views${runs}:`
            return new Tracked(redisStreams({ client, prefix, publishTimeout: 2 ** 30 }))
          })
          runs += 1
          // what is not connected yet cannot be cut
          await Promise.all(backends.map(({ backend }) => backend.open('known', none, () => {}).position()))
          hubs = backends.map(({ backend }) => createHub(backend))
          history = plan.history
          let cuts = 0
          const close = async () => {
            for (const hub of hubs) await hub.close()
            for (const passage of passages) await passage.close()
          }
          // of a name that was deleted elsewhere a process has the old channel, until it forgets it
          const steps = plan.steps.filter((step) => step.do !== 'delete')
          const running = run(
            { ...plan, steps },
            {
              async lose() {
                const which = cuts++ % processes
                // what it was asked is done, and it does not know
                if (cuts % 2) passages[which]!.swallowReplies()
                await turns(1)
                await passages[which]!.cut()
                await backends[which]!.turned(true)
              },
              async regain() {
                for (const backend of backends) await backend.turned(false)
              },
              async rest() {
                for (const each of observed) await each.rest()
              },
            },
          )
          try {
            await running
          } finally {
            await close()
          }
          const isOfCuts = ({ message }: Error) => message.startsWith('Redis is away')
          expect(stage.now.warnings.splice(0).filter((each) => !isOfCuts(each))).to.deep.equal([])
        }),
        { numRuns: isFull ? 30 : 10 },
      )
    }).timeout(90_000)
  })
})
