import { isDeepStrictEqual } from 'node:util'
import { expect } from 'chai'
import fc from 'fast-check'
import {
  type Channel,
  createHub,
  event,
  type LoopContext,
  merge,
  ndjson,
  resource,
  resources,
  sse,
} from '../../lib/index.js'
import { asyncMemory, type Lag, randomLag } from '../../lib/testing.js'
import { Returning, Stalls } from '../support/returning.js'
import { runs } from '../support/runs.js'
import { type Site, stage, staged, turns, waiting } from '../support/stage.js'

/** What is published when the state has changed; nothing for what was removed. */
interface Change {
  readonly key: string
  readonly value: number | null
  /** Makes it large, so that a client that does not read is soon behind. */
  readonly pad: string
}

const pad = '.'.repeat(9000)

type State = Map<string, number>

const keys = ['a', 'b', 'c', 'd', 'e', 'last'] as const
/** What a watch list has; `last` tells that all has come. */
const watched = (key: string) => 'ace'.includes(key) || key === 'last'

const kinds = ['/whole', '/later', '/items', '/pulled', '/info', '/watch', '/envelope', '/merged'] as const
type Kind = (typeof kinds)[number]

type Step =
  | { do: 'set'; key: number; value: number | null; isBig: boolean }
  | { do: 'come'; who: number; kind: Kind; process: number }
  | { do: 'back'; who: number; process: number; reads: boolean; forgets: boolean }
  | { do: 'leave' | 'stall' | 'read'; who: number }
  | { do: 'lose' | 'regain'; process: number }
  | { do: 'empty' | 'roll back' }
  | { do: 'turn'; count: number }

const who = fc.nat(3)
const process = fc.nat(1)

const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('set' as const),
      key: fc.nat(4),
      value: fc.option(fc.nat(99), { freq: 5 }),
      isBig: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('come' as const), who, kind: fc.constantFrom(...kinds), process }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('back' as const),
      who,
      process,
      reads: fc.boolean(),
      forgets: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom('leave' as const, 'stall' as const, 'read' as const),
      who,
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('lose' as const, 'regain' as const), process }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('empty' as const, 'roll back' as const) }) },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('turn' as const), count: fc.integer({ min: 1, max: 6 }) }),
  },
)

const plans = fc.record({
  steps: fc.array(steps, { minLength: 5, maxLength: 40 }),
  history: fc.constantFrom(undefined, 1, 3, 8, 1000),
  seed: fc.nat(),
})
type Plan = typeof plans extends fc.Arbitrary<infer Of> ? Of : never

/** Where events are kept for a run, and what a test can do to the store. */
interface World {
  readonly channels: readonly Channel<Change>[]
  /** What is merged with them; it tells no change of the state. */
  readonly other: Channel<Change>
  readonly state: State
  readonly lag: Lag
  /** How many snapshots are open. */
  open: number
  lose(process: number): void
  regain(process: number): void
  empty(): void
  rollBack(): void
  /** How many readings of the store are open. */
  readings(): number
}

interface Frame {
  readonly type: string
  readonly id: string | undefined
  readonly data: unknown
}

/** What has come whole. */
function framesOf(kind: Kind, body: string): Frame[] {
  if (kind === '/envelope') {
    return body
      .split('\n')
      .slice(0, -1)
      .filter((line) => line.trim() !== '')
      .map((line) => {
        const { id, type = 'message', data, notice } = JSON.parse(line)
        return { type: notice ?? type, id, data }
      })
  }
  return body
    .replace(/^:.*\n/gm, '')
    .split('\n\n')
    .slice(0, -1)
    .map((block) => ({
      type: /^event: (.*)$/m.exec(block)?.[1] ?? 'message',
      id: /^id: (.*)$/m.exec(block)?.[1],
      data: JSON.parse(/^data: (.*)$/m.exec(block)![1]!),
    }))
}

/** A client with its state, over all its lives. */
class Visitor extends Returning {
  readonly kind: Kind
  state: State = new Map()

  constructor(kind: Kind) {
    super()
    this.kind = kind
  }

  come(site: Site, key: string, reads = true): void {
    this.leave()
    this.visit(site, this.kind, key, reads)
  }

  forget(): void {
    this.leave()
    this.last = undefined
  }

  leave(): void {
    const { state, last } = this.now
    this.state = state
    this.last = last
    this.part()
  }

  /** The state and the place with all that has come by now. */
  get now(): { state: State; last: string | undefined } {
    let state = new Map(this.state)
    let last = this.last
    const { message } = this
    if (message?.status !== 200) return { state, last }
    for (const { type, id, data } of framesOf(this.kind, message.body)) {
      if (type === 'whole') {
        state = new Map(Object.entries(data as object))
        expect(id, 'the place of a snapshot').to.be.a('string')
      } else if (type === 'item') {
        const { key, value, isFirst, isLast } = data as Change & { isFirst: boolean; isLast: boolean }
        if (isFirst) state.clear()
        state.set(key, value as number)
        expect(id !== undefined, 'the place with the last item').to.equal(isLast)
      } else if (type === 'message') {
        const { key, value } = data as Change
        if (value === null) state.delete(key)
        else state.set(key, value)
        expect(id, 'the id of an event').to.be.a('string')
      } else {
        expect(type, 'a gap is not told').to.equal('position')
      }
      last = id ?? last
    }
    return { state, last }
  }
}

describe('A snapshot, then live, whatever happens (docs/guide/snapshots.md)', () => {
  staged()

  let world: World
  let sites: readonly Site[]
  const stalls = new Stalls()
  let comings = 0

  const part = (keep: (key: string) => boolean = () => true) =>
    Object.fromEntries([...world.state].filter(([key]) => keep(key)))
  const whole = () => event(part(), { type: 'whole' })

  function* items() {
    world.open += 1
    try {
      // as it is when it is read: it changes meanwhile
      const [first, ...rest] = ['', ...world.state.keys()]
      const last = rest.at(-1) ?? first
      for (const key of [first as string, ...rest]) {
        const value = world.state.get(key) ?? 0
        yield event({ key, value, isFirst: key === first, isLast: key === last, pad }, { type: 'item' })
      }
    } finally {
      world.open -= 1
    }
  }

  async function* pulled() {
    await world.lag('event')
    for (const item of items()) {
      yield item
      await world.lag('event')
    }
  }

  async function later() {
    await world.lag('read')
    const taken = whole()
    await world.lag('read')
    return taken
  }

  async function prepare(): Promise<void> {
    const site = (process: number) => {
      const subscribe = () => world.channels[process]!
      const contentTypesProvided = [sse()]
      return stage.now.serve(
        resources({
          '/whole': { contentTypesProvided, subscribe, snapshot: whole },
          '/later': { contentTypesProvided, subscribe: async () => subscribe(), snapshot: later },
          '/items': { contentTypesProvided, subscribe, snapshot: items },
          '/pulled': { contentTypesProvided, subscribe, snapshot: pulled },
          '/info': resource({
            contentTypesProvided,
            subscribe,
            snapshot: later,
            info: async (message: unknown, { write }: LoopContext<undefined>) => {
              await undefined
              write(message)
            },
          }),
          '/watch': {
            contentTypesProvided,
            subscribe: () => subscribe().filter(({ key }) => watched(key)),
            snapshot: async () => {
              await world.lag('read')
              return event(part(watched), { type: 'whole' })
            },
          },
          '/merged': {
            contentTypesProvided,
            subscribe: () => merge(subscribe(), world.other),
            snapshot: later,
          },
          '/envelope': {
            contentTypesProvided: [ndjson({ envelope: true })],
            subscribe,
            snapshot: whole,
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
    const names: string[] = []
    const publishing: Promise<unknown>[] = []
    /** What the store has refused: it is published again in the end. */
    const refused = new Set<number>()
    // a key has one publisher, or two could publish in another order than they have changed the state
    const publish = (key: number, isBig = false) => {
      const name = keys[key]!
      const value = world.state.get(name) ?? null
      const published = world.channels[key % 2]!.publish({ key: name, value, pad: isBig ? pad : '' })
      publishing.push(published.catch(() => refused.add(key)))
      return published
    }
    const set = (key: number, value: number | null, isBig = false) => {
      if (value === null) world.state.delete(keys[key]!)
      else world.state.set(keys[key]!, value)
      return publish(key, isBig)
    }
    const come = (at: number, process: number, reads?: boolean) => {
      names[at] = String(++comings)
      visitors[at]!.come(sites[process]!, names[at], reads)
    }
    const read = (at: number) => {
      stalls.read(names[at])
    }

    for (const step of list) {
      switch (step.do) {
        case 'set':
          set(step.key, step.value, step.isBig).catch(() => {})
          break
        case 'come':
          visitors[step.who]?.leave()
          visitors[step.who] = new Visitor(step.kind)
          come(step.who, step.process)
          break
        case 'leave':
          visitors[step.who]?.leave()
          break
        case 'back':
          if (step.forgets) visitors[step.who]?.forget()
          if (visitors[step.who]) come(step.who, step.process, step.reads)
          break
        case 'stall':
          stalls.stall(names[step.who])
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
        case 'empty':
          world.empty()
          break
        case 'roll back':
          world.rollBack()
          break
        case 'turn':
          void world.other.publish({ key: 'other', value: null, pad: '' })
          await turns(step.count)
          break
      }
    }

    stalls.isOver = true
    for (const process of [0, 1]) world.regain(process)
    await Promise.all(publishing)
    for (const key of refused) await publish(key)
    const value = 1000 + comings
    await set(keys.indexOf('last'), value)
    const isBehind = (visitor: Visitor | undefined) =>
      visitor?.isThere && visitor.now.state.get('last') !== value
    for (const isTime = waiting(); visitors.some(isBehind) && isTime(); ) {
      for (const [at, visitor] of visitors.entries()) {
        if (visitor?.isThere && visitor.isOver) come(at, at % 2)
        read(at)
      }
      await turns(1)
    }
    // events that a lagging store delivers, and a snapshot that is taken again for a gap
    const states = () =>
      visitors.flatMap((visitor) => {
        if (!visitor?.isThere) return []
        const { '': _, ...state } = Object.fromEntries(visitor.now.state)
        return [{ kind: visitor.kind, state, due: part(visitor.kind === '/watch' ? watched : undefined) }]
      })
    const isRight = () => states().every(({ state, due }) => isDeepStrictEqual(state, due))
    await turns(60)
    for (const isTime = waiting(); !isRight() && isTime(); ) await turns(1)
    for (const { kind, state, due } of states())
      expect(state, `the state of a client of ${kind}`).to.deep.equal(due)
    for (const visitor of visitors) visitor?.leave()
    const left = () => ({
      snapshots: world.open,
      readings: world.readings(),
      subscribers: world.channels.reduce((sum, { subscribers }) => sum + subscribers, 0),
    })
    for (const isTime = waiting(); Object.values(left()).some(Boolean) && isTime(); ) await turns(1)
    expect(left()).to.deep.equal({ snapshots: 0, readings: 0, subscribers: 0 })
    stalls.clear()
  }

  it('in memory: the state of a client is the state at the source', async () => {
    await prepare()
    await fc.assert(
      fc.asyncProperty(plans, async (plan) => {
        const channel = createHub().channel<Change>('a', { history: plan.history ?? 0 })
        world = {
          channels: [channel, channel],
          other: createHub().channel<Change>('other', { history: 2 }),
          state: new Map(),
          lag: randomLag(plan.seed),
          open: 0,
          lose() {},
          regain() {},
          empty() {},
          rollBack() {},
          readings: () => 0,
        }
        await run(plan)
      }),
      { numRuns: runs(300) },
    )
  }).timeout(60_000)

  it('in a store of two processes that lag, are lost, and whose store loses events: the same', async () => {
    await prepare()
    await fc.assert(
      fc.asyncProperty(plans, async (plan) => {
        const first = asyncMemory({ lag: randomLag(plan.seed) })
        const backends = [first, first.another({ lag: randomLag(plan.seed + 1) })]
        let restore: (() => void) | undefined
        const options = plan.history === undefined ? {} : { history: plan.history }
        world = {
          channels: backends.map((backend) => createHub(backend).channel<Change>('a', options)),
          other: createHub().channel<Change>('other', { history: 2 }),
          state: new Map(),
          lag: randomLag(plan.seed + 2),
          open: 0,
          lose: (process) => backends[process]!.isLost || backends[process]!.lose(),
          regain: (process) => backends[process]!.isLost && backends[process]!.restore(),
          empty: () => first.empty(),
          // to what it was when that was asked before
          rollBack() {
            restore?.()
            restore = first.copy()
          },
          readings: () => backends.reduce((sum, { readings }) => sum + readings, 0),
        }
        await run(plan)
      }),
      { numRuns: runs(300) },
    )
  }).timeout(60_000)
})
