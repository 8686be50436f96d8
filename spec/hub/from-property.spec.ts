import { expect } from 'chai'
import fc from 'fast-check'
import {
  type Channel,
  createHub,
  type Event,
  type Feed,
  type LoopContext,
  ndjson,
  resource,
  resources,
  sse,
} from '../../lib/index.js'
import { asyncMemory, randomLag } from '../../lib/testing.js'
import type { Client } from '../support/raw.js'
import { runs } from '../support/runs.js'
import { type Site, stage, staged, turns, waiting } from '../support/stage.js'

/** Where they begin that bring no id. */
const places = ['now', 'earliest', 'last 2', 'position', 'stranger'] as const
/** How they follow: a stream that comes back, an iteration, or one replay after the other. */
const kinds = ['sse', 'envelope', 'info', 'even', 'iteration', 'even iteration', 'replay'] as const
type Place = (typeof places)[number]
type Kind = (typeof kinds)[number]

type Step =
  | { do: 'publish'; count: number; process: number }
  | { do: 'come'; who: number; kind: Kind; place: Place; process: number }
  | { do: 'back' | 'leave'; who: number; process: number }
  | { do: 'take'; who: number; count: number }
  | { do: 'age'; by: number }
  | { do: 'end'; process: number }
  | { do: 'turn'; count: number }

const who = fc.nat(3)
const process = fc.nat(1)
const count = fc.integer({ min: 1, max: 5 })
const a = <T extends string>(name: T) => fc.constant(name)

const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: a('publish'), count, process }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: a('come'),
      who,
      kind: fc.constantFrom(...kinds),
      place: fc.constantFrom(...places),
      process,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constantFrom('back' as const, 'leave' as const), who, process }),
  },
  { weight: 4, arbitrary: fc.record({ do: a('take'), who, count }) },
  // beyond a heartbeat, which tells a quiet client where the channel stands
  { weight: 1, arbitrary: fc.record({ do: a('age'), by: fc.constantFrom(400, 16_000) }) },
  { weight: 1, arbitrary: fc.record({ do: a('end'), process }) },
  { weight: 5, arbitrary: fc.record({ do: a('turn'), count }) },
)

const plans = fc.record({
  steps: fc.array(steps, { minLength: 5, maxLength: 30 }),
  history: fc.constantFrom(1, 3, 8, 1000),
  maxAge: fc.constantFrom(undefined, 1000),
  seed: fc.nat(),
})
type Plan = typeof plans extends fc.Arbitrary<infer Of> ? Of : never

/** What a reader is told: an event, a gap, or the place where it is; in the order in which it comes. */
interface Told {
  readonly is: 'event' | 'gap' | 'place'
  readonly id: string
  readonly requested?: string
  readonly from?: string
  readonly reason?: string
}

interface World {
  readonly channels: readonly [Channel<number>, Channel<number>]
  readonly feeds: readonly [Map<string, Feed<number>>, Map<string, Feed<number>>]
}

const numberOf = (id: string) => Number(/\d+$/.exec(id)![0])

/** What has come of a stream, event by event. */
function toldBy(kind: Kind, body: string): Told[] {
  const records =
    kind === 'sse'
      ? body
          .replace(/^:.*\n/gm, '')
          .split('\n\n')
          .slice(0, -1)
          .map((block) => ({
            notice: /^event: (.*)$/m.exec(block)?.[1],
            id: /^id: (.*)$/m.exec(block)?.[1],
            ...(block.startsWith('event:') && JSON.parse(/^data: (.*)$/m.exec(block)![1]!)),
          }))
      : body
          .split('\n')
          .slice(0, -1)
          .map((line) => JSON.parse(line.trimStart() || '{"notice":"none"}'))
  return records
    .filter(({ notice }) => notice !== 'none')
    .map(({ notice, ...details }) => ({
      ...details,
      is: notice === 'gap' ? 'gap' : notice === 'position' ? 'place' : 'event',
    }))
}

const toldOf = ({ id, type, data }: Event<unknown>): Told =>
  type === 'gap' ? { ...(data as object), is: 'gap', id: id! } : { is: 'event', id: id! }

/** Somebody who reads, over all of its lives. */
class Reader {
  readonly kind: Kind
  readonly place: Place
  readonly told: Told[] = []
  /** It was told that nothing will come: by the end of an iteration, or a 204. */
  isDone = false
  #client: Client | undefined
  #iterator: AsyncIterator<Event<number>> | undefined
  #asking: Promise<void> | undefined
  /** The channel has ended. */
  isEnding = false
  readonly #world: World

  constructor(kind: Kind, place: Place, world: World) {
    this.kind = kind
    this.place = place
    this.#world = world
  }

  get isStream(): boolean {
    return !this.kind.endsWith('iteration') && this.kind !== 'replay'
  }

  get last(): string | undefined {
    return this.told.at(-1)?.id
  }

  feed(process: number): Feed<number> {
    const part = this.kind.startsWith('even') ? 'even' : 'all'
    return this.#world.feeds[process]!.get(`${part} ${this.place}`)!
  }

  come(site: Site, process: number): void {
    if (this.isDone) return
    this.leave()
    if (this.isStream) {
      const headers = this.last === undefined ? {} : { 'Last-Event-ID': this.last }
      this.#client = site.get(`/${this.kind.replace(' ', '-')}?from=${encodeURIComponent(this.place)}`, {
        headers,
      })
    } else if (this.kind !== 'replay') {
      const feed = this.last === undefined ? this.feed(process) : this.feed(process).from(this.last)
      this.#iterator = feed[Symbol.asyncIterator]()
    }
  }

  /** Takes so many from an iteration, or all of a replay; does not wait for what has not come. */
  take(most: number, process: number): void {
    if (this.isStream || this.#asking !== undefined) return
    this.#asking = this.kind === 'replay' ? this.#replay(process) : this.#iterate(most)
    void this.#asking.then(() => {
      this.#asking = undefined
    })
  }

  async #iterate(most: number): Promise<void> {
    const iterator = this.#iterator
    for (let taken = 0; iterator && taken < most; taken++) {
      const { value, done } = await iterator.next()
      // one that was left is done too
      if (done) this.isDone = this.#iterator === iterator
      if (done) return
      this.told.push(toldOf(value))
    }
  }

  /** Whoever replays has it all where nothing is new, and nothing will be. */
  async #replay(process: number): Promise<void> {
    const before = this.told.length
    for await (const each of this.feed(process).replay(this.last ?? 'earliest')) this.told.push(toldOf(each))
    this.isDone = this.isEnding && this.told.length === before
  }

  /** What has come on the connection that is there. */
  get here(): Told[] {
    const message = this.#client?.messages.at(-1)
    return message?.status === 200 ? toldBy(this.kind, message.body) : []
  }

  get isOver(): boolean {
    return this.#client?.messages.at(-1)?.isWhole ?? false
  }

  get isThere(): boolean {
    return this.#client !== undefined || this.#iterator !== undefined
  }

  leave(): void {
    this.told.push(...this.here)
    if (this.#client?.messages.at(-1)?.status === 204) this.isDone = true
    this.#client?.leave()
    this.#client = undefined
    void this.#iterator?.return?.()
    this.#iterator = undefined
  }
}

/** From its first place on, what a reader was told has no hole that it was not told of, and nothing twice. */
function check(reader: Reader, published: ReadonlySet<number>): void {
  const isKept = (number: number) => !reader.kind.startsWith('even') || number % 2 === 0
  const between = (from: number, to: number) =>
    [...published].filter((number) => from < number && number < to && isKept(number))
  let at: number | undefined
  let gap: Told | undefined
  for (const told of reader.told) {
    const number = numberOf(told.id)
    if (told.is === 'gap') {
      expect(
        told.requested !== gap?.requested || told.from !== gap?.from,
        'a gap that is told twice',
      ).to.equal(true)
      expect(reader.place === 'stranger' || told.reason === 'trimmed', 'a gap that is none').to.equal(true)
      if (told.reason === 'trimmed' && at !== undefined) {
        // a part may have been read further than to the last that was for it
        expect(between(at, numberOf(told.requested!) + 1), 'a gap from where it was').to.deep.equal([])
        expect(number, 'a gap backwards').to.be.at.least(at)
      }
      gap = told
    } else {
      if (at !== undefined) {
        if (told.is === 'event') expect(number, 'in order, and none twice').to.be.above(at)
        else expect(number, 'a place backwards').to.be.at.least(at)
        const to = told.is === 'event' ? number : number + 1
        expect(between(at, to), `between ${at} and ${number}`).to.deep.equal([])
      }
      if (told.is === 'event') expect(isKept(number)).to.equal(true)
    }
    at = number
  }
  const last = Math.max(0, ...published) + 1
  if (at !== undefined) expect(between(at, last), `after ${at}`).to.deep.equal([])
  else if (reader.place !== 'now' && reader.place !== 'position') {
    // it was told of no place, so that there was nothing to be told of
    expect([...published].filter(isKept).length === 0 || !reader.isStream, 'never told anything').to.equal(
      true,
    )
  }
}

describe('A client, an iteration and a replay from any place, whatever happens (docs/guide/resume.md)', () => {
  staged()

  let world: World
  let sites: readonly Site[]

  async function prepare(): Promise<void> {
    const site = (process: number) => {
      const feed =
        (part: string) =>
        ({ req }: { req: { query: Record<string, unknown> } }) =>
          world.feeds[process]!.get(`${part} ${req.query.from}`)!
      const envelope = ndjson({ envelope: true })
      const spec = { contentTypesProvided: [envelope], subscribe: feed('all') }
      return stage.now.serve(
        resources({
          '/sse': { ...spec, contentTypesProvided: [sse()] },
          '/envelope': spec,
          '/info': resource({
            ...spec,
            info: async (message: unknown, { write }: LoopContext<undefined>) => {
              await undefined
              write(message)
            },
          }),
          '/even': { ...spec, subscribe: feed('even') },
        }),
      )
    }
    sites = [await site(0), await site(1)]
  }

  async function feedsOf(channel: Channel<number>): Promise<Map<string, Feed<number>>> {
    const position = await channel.position()
    const even = channel.filter((_, { id }) => numberOf(id!) % 2 === 0)
    const starts = {
      now: 'now',
      earliest: 'earliest',
      'last 2': { last: 2 },
      position,
      stranger: 'x-7',
    } as const
    return new Map(
      places.flatMap((place) => [
        [`all ${place}`, channel.from(starts[place])],
        [`even ${place}`, even.from(starts[place])],
      ]),
    )
  }

  async function run({ steps: list }: Plan): Promise<void> {
    const readers: (Reader | undefined)[] = []
    const all: Reader[] = []
    const published = new Set<number>()
    const doing: Promise<unknown>[] = []
    const publish = (process: number) => {
      const publishing = world.channels[process]!.publish(0).then(
        (id) => published.add(numberOf(id)),
        (error) => expect(error).to.include({ code: 'LARIAT_ENDED' }),
      )
      doing.push(publishing)
      return publishing
    }
    for (const step of list) {
      switch (step.do) {
        case 'publish':
          for (let done = 0; done < step.count; done++) void publish(step.process)
          break
        case 'come': {
          readers[step.who]?.leave()
          const reader = new Reader(step.kind, step.place, world)
          readers[step.who] = reader
          all.push(reader)
          reader.come(sites[step.process]!, step.process)
          break
        }
        case 'back':
          readers[step.who]?.come(sites[step.process]!, step.process)
          break
        case 'leave':
          readers[step.who]?.leave()
          break
        case 'take':
          readers[step.who]?.take(step.count, step.who % 2)
          break
        case 'age':
          stage.now.time.advance(step.by)
          break
        case 'end':
          doing.push(world.channels[step.process]!.end())
          break
        case 'turn':
          await turns(step.count)
      }
    }
    await Promise.all(doing)
    await world.channels[0].end()
    for (const reader of all) reader.isEnding = true
    // each comes back until it is told that it has all
    for (const reader of all) if (reader.isStream || !reader.isThere) reader.come(sites[0]!, 0)
    for (const isTime = waiting(); all.some((reader) => !reader.isDone); ) {
      for (const reader of all) {
        if (reader.isDone) continue
        if (reader.isOver) reader.come(sites[0]!, 0)
        else reader.take(1, 0)
      }
      if (!isTime()) {
        const late = all.filter((reader) => !reader.isDone)
        expect(late.map(({ kind, place, told }) => [kind, place, told])).to.deep.equal([])
      }
      await turns(1)
    }
    for (const reader of all) check(reader, published)
    for (const isTime = waiting(); world.channels.some(({ subscribers }) => subscribers > 0) && isTime(); )
      await turns(1)
    expect(world.channels.map(({ subscribers }) => subscribers)).to.deep.equal([0, 0])
  }

  it('in memory: contiguous or told, and the end for each', async () => {
    await prepare()
    await fc.assert(
      fc.asyncProperty(plans, async (plan) => {
        const hub = createHub()
        const { history, maxAge } = plan
        const channel = hub.channel<number>('a', { history, ...(maxAge && { maxAge }) })
        const feeds = await feedsOf(channel)
        world = { channels: [channel, channel], feeds: [feeds, feeds] }
        await run(plan)
        await hub.close()
      }),
      { numRuns: runs(100) },
    )
  }).timeout(60_000)

  it('in a store of two processes that lag: the same', async () => {
    await prepare()
    await fc.assert(
      fc.asyncProperty(plans, async (plan) => {
        const { history, maxAge } = plan
        const first = asyncMemory({ lag: randomLag(plan.seed) })
        const hubs = [first, first.another({ lag: randomLag(plan.seed + 1) })].map((backend) =>
          createHub(backend),
        )
        const channels = hubs.map((hub) => hub.channel<number>('a', { history, ...(maxAge && { maxAge }) }))
        world = {
          channels: channels as unknown as World['channels'],
          feeds: (await Promise.all(channels.map(feedsOf))) as unknown as World['feeds'],
        }
        await run(plan)
        await Promise.all(hubs.map((hub) => hub.close()))
      }),
      { numRuns: runs(100) },
    )
  }).timeout(60_000)
})
