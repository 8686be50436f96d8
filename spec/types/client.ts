// What a client knows of what an endpoint sends, from its type alone. Never run: spec/types.spec.ts compiles it.
import type { EventEmitter } from 'node:events'
import { on } from 'node:events'
import { createReadStream } from 'node:fs'
import { expectTypeOf } from 'expect-type'
import { type DataOf, type Follow, type Followed, follow, following, ndjson, sse } from '../../lib/client.js'
import * as lariat from '../../lib/index.js'
import {
  createHub,
  type Endpoint,
  type Event,
  event,
  type LoopContext,
  loop,
  merge,
  resource,
  resources,
  stop,
} from '../../lib/index.js'

interface Price {
  symbol: string
  price: number
}
type Note = { kind: 'note'; text: string } | { kind: 'died' }
const hub = createHub()
const prices = hub.channel<Price>('prices', { history: 10 })
const news = hub.channel<string>('news')
declare const bus: EventEmitter
declare const isOn: boolean
const contentTypesProvided = [lariat.sse(), lariat.ndjson()]
const offered = { contentTypesProvided }

// ---- from the endpoint to the body of the loop, without an annotation

const ticker = resource({ ...offered, subscribe: prices })
export async function show() {
  for await (const { data, id, type, gap } of follow<typeof ticker>('/prices')) {
    expectTypeOf(data).toEqualTypeOf<Price>()
    expectTypeOf(id).toEqualTypeOf<string | undefined>()
    expectTypeOf(type).toEqualTypeOf<string>()
    expectTypeOf(gap?.channel).toEqualTypeOf<string | undefined>()
  }
  for await (const { data } of follow<Price>('/prices')) expectTypeOf(data).toEqualTypeOf<Price>()
  for await (const { data } of follow('/prices')) expectTypeOf(data).toBeUnknown()
  for await (const { data } of following(sse, ndjson)<typeof ticker>('/prices'))
    expectTypeOf(data.price).toBeNumber()
  const followed = follow<typeof ticker>('/prices')
  expectTypeOf(followed).toEqualTypeOf<Followed<Price>>()
  const mine: typeof follow = (url, options) => follow(url, options)
  const some: Follow = following(sse)
  expectTypeOf([mine, some, follow]).items.toEqualTypeOf<Follow>()
  expectTypeOf(follow<Date>('/')).toEqualTypeOf<Followed<Date>>() // named by hand: as it is named
}

// ---- whatever `subscribe` is, or returns

const of = {
  filter: loop({ format: lariat.sse(), subscribe: () => prices.filter(({ price }) => price > 1) }),
  map: resource({
    ...offered,
    subscribe: async () => prices.map(({ price }) => event(price, { type: 'x' })),
  }),
  merged: resource({ ...offered, subscribe: merge(prices, news) }),
  from: resource({ ...offered, subscribe: () => prices.from('earliest') }),
  maybe: resource({ ...offered, subscribe: () => (isOn ? prices : undefined) }),
  orStop: resource({ ...offered, subscribe: () => (isOn ? prices : stop(404)) }),
  generator: resource({
    ...offered,
    async *subscribe({ signal }) {
      while (!signal.aborted) yield isOn ? event({ n: 1 }, { id: '1' }) : ('text' as string)
    },
  }),
  iterable: loop({ format: lariat.ndjson(), subscribe: () => [1, 2, 3] }),
  web: loop({ format: lariat.ndjson(), subscribe: () => new ReadableStream<Price>() }),
  observable: loop({
    format: lariat.sse(),
    subscribe: () => ({
      subscribe: (observer: { next(value: Price): void; error(e: unknown): void; complete(): void }) => {
        observer.next({ symbol: 'A', price: 1 })
        return { unsubscribe() {} }
      },
    }),
  }),
  sent: resource({
    ...offered,
    subscribe: ({ send }: LoopContext<undefined, Note>) => send({ kind: 'died' }),
  }),
  both: resource({
    ...offered,
    subscribe: ({ send }: LoopContext<undefined, Note>) => {
      send({ kind: 'died' })
      return prices
    },
  }),
  withState: resource({
    init: ({ req }) => ({ at: req.url }),
    ...offered,
    subscribe: ({ state }) => [state.at],
  }),
}
type Of<Name extends keyof typeof of> = DataOf<(typeof of)[Name]>
expectTypeOf<Of<'filter'>>().toEqualTypeOf<Price>()
expectTypeOf<Of<'map'>>().toEqualTypeOf<number>()
expectTypeOf<Of<'merged'>>().toEqualTypeOf<Price | string>()
expectTypeOf<Of<'from'>>().toEqualTypeOf<Price>()
expectTypeOf<Of<'maybe'>>().toEqualTypeOf<Price>()
expectTypeOf<Of<'orStop'>>().toEqualTypeOf<Price>()
expectTypeOf<Of<'generator'>>().toEqualTypeOf<{ n: number } | string>()
expectTypeOf<Of<'iterable'>>().toEqualTypeOf<number>()
expectTypeOf<Of<'web'>>().toEqualTypeOf<Price>()
expectTypeOf<Of<'observable'>>().toEqualTypeOf<Price>()
expectTypeOf<Of<'sent'>>().toEqualTypeOf<Note>()
expectTypeOf<Of<'both'>>().toEqualTypeOf<Price | Note>()
expectTypeOf<Of<'withState'>>().toEqualTypeOf<string>()

// ---- a snapshot is data, too

const whole = {
  list: resource({ ...offered, subscribe: prices, snapshot: () => [{ all: 1 }] }),
  event: resource({
    init: () => ({ user: 'ann' }),
    ...offered,
    subscribe: () => prices,
    snapshot: async ({ state }) => (isOn ? event({ of: state.user }, { type: 'all' }) : stop(404)),
  }),
  same: resource({ ...offered, snapshot: () => new Map<string, Price>().values(), subscribe: prices }),
  generator: resource({
    ...offered,
    subscribe: prices,
    async *snapshot() {
      yield 'first'
    },
  }),
  none: resource({ ...offered, subscribe: prices, snapshot: () => {} }),
  text: resource({ ...offered, subscribe: prices, snapshot: () => (isOn ? String(1) : null) }),
}
type Whole<Name extends keyof typeof whole> = DataOf<(typeof whole)[Name]>
expectTypeOf<Whole<'list'>>().toEqualTypeOf<Price | { all: number }>()
expectTypeOf<Whole<'event'>>().toEqualTypeOf<Price | { of: string }>()
expectTypeOf<Whole<'same'>>().toEqualTypeOf<Price>()
expectTypeOf<Whole<'generator'>>().toEqualTypeOf<Price | string>()
expectTypeOf<Whole<'none'>>().toEqualTypeOf<Price>()
expectTypeOf<Whole<'text'>>().toEqualTypeOf<Price | string | null>()

// ---- unknown, where nothing says it, or something else is written

const unsure = {
  untyped: resource({ ...offered, subscribe: ({ send }) => send({ n: 1 }) }),
  emitter: resource({ ...offered, subscribe: ({ signal }) => on(bus, 'event', { signal }) }),
  readable: resource({ ...offered, subscribe: () => createReadStream('/x') }),
  written: resource({ ...offered, subscribe: prices, info: (price, { write }) => write(price.data.price) }),
  later: resource({ ...offered, subscribe: prices, info: async () => {} }),
  looseWhole: resource({ ...offered, subscribe: prices, snapshot: () => JSON.parse('1') }),
  loose: resource({ ...offered, subscribe: prices, info: (price) => JSON.parse(String(price)) }),
  readableWhole: resource({ ...offered, subscribe: prices, snapshot: () => createReadStream('/x') }),
  document: resource({ contentTypesProvided: { 'text/plain': () => 'text' } }),
}
expectTypeOf<DataOf<typeof unsure.untyped>>().toBeUnknown()
expectTypeOf<DataOf<typeof unsure.emitter>>().toEqualTypeOf<unknown[]>()
expectTypeOf<DataOf<typeof unsure.readable>>().toBeUnknown()
expectTypeOf<DataOf<typeof unsure.written>>().toBeUnknown()
expectTypeOf<DataOf<typeof unsure.later>>().toBeUnknown()
expectTypeOf<DataOf<typeof unsure.loose>>().toBeUnknown()
expectTypeOf<DataOf<typeof unsure.looseWhole>>().toBeUnknown()
expectTypeOf<DataOf<typeof unsure.readableWhole>>().toBeUnknown()
expectTypeOf<DataOf<typeof unsure.document>>().toBeUnknown()

// who writes something else can say it
export const spoken = unsure.written as Endpoint<undefined, number>
expectTypeOf<DataOf<typeof spoken>>().toEqualTypeOf<number>()
const widened: Endpoint = ticker
expectTypeOf<DataOf<typeof widened>>().toBeUnknown()

// ---- tables: endpoints, specs as they stand there, and tables

const table = resources(
  {
    '/prices': { contentTypesProvided: [lariat.sse()], subscribe: prices },
    '/some': {
      contentTypesProvided: [lariat.sse()],
      subscribe: ({ req }) => prices.filter(({ symbol }) => symbol === req.query.s),
      snapshot: () => [{ all: true }],
    },
    '/later': { contentTypesProvided: [lariat.sse()], subscribe: async () => (isOn ? news : stop(404)) },
    '/untyped': { contentTypesProvided: [lariat.sse()], subscribe: ({ send }) => send(1) },
    '/numbers': { contentTypesProvided: [lariat.sse()], subscribe: () => [1, 2] },
    '/text': { contentTypesProvided: { 'text/plain': () => 'text' } },
    '/merged': resource({ ...offered, subscribe: merge(prices, news) }),
    '/info': unsure.written,
    '/tail': loop({ format: lariat.sse(), subscribe: () => ['line'] }),
    '/shops/*path': resources({
      '/shops/:id': {
        contentTypesProvided: [lariat.sse()],
        subscribe: () => prices.map(({ price }) => price),
      },
      '/shops/:id/news': resource({ ...offered, subscribe: news }),
    }),
  },
  { stream: { heartbeat: 1000 } },
)
type At<Path extends string> = DataOf<typeof table, Path>
expectTypeOf<At<'/prices'>>().toEqualTypeOf<Price>()
expectTypeOf<At<'/some'>>().toEqualTypeOf<Price | { all: boolean }>()
expectTypeOf<At<'/later'>>().toEqualTypeOf<string>()
expectTypeOf<At<'/untyped'>>().toBeUnknown()
expectTypeOf<At<'/numbers'>>().toEqualTypeOf<number>()
expectTypeOf<At<'/text'>>().toBeUnknown()
expectTypeOf<At<'/merged'>>().toEqualTypeOf<Price | string>()
expectTypeOf<At<'/info'>>().toBeUnknown()
expectTypeOf<At<'/tail'>>().toEqualTypeOf<string>()
expectTypeOf<At<'/shops/:id'>>().toEqualTypeOf<number>()
expectTypeOf<At<'/shops/:id/news'>>().toEqualTypeOf<string>()
expectTypeOf(follow<typeof table, '/prices'>('/v1/prices')).toEqualTypeOf<Followed<Price>>()
expectTypeOf(follow<typeof table, '/shops/:id'>('/shops/1')).toEqualTypeOf<Followed<number>>()
expectTypeOf(follow<typeof table>('/prices')).toEqualTypeOf<Followed<unknown>>()

// ---- data as JSON has it

interface Tree {
  name: string
  children: Tree[]
}
class Order {
  placed = new Date()
  constructor(
    readonly id: string & { readonly brand: 'order' },
    readonly note?: string,
  ) {}
  total(): number {
    return this.placed.getTime()
  }
}
interface Written {
  at: Date
  tree: Tree
  order: Order
  maybe: string | undefined
  optional?: Date
  pair: readonly [Date, number?]
  holes: (string | undefined)[]
  choice: { kind: 'a'; at: Date } | { kind: 'b' }
  url: URL
  anything: unknown
  byKey: Record<string, Date>
}
const written = resource({ ...offered, subscribe: hub.channel<Written>('written') })
declare const read: DataOf<typeof written>
expectTypeOf(read.at).toEqualTypeOf<string>()
expectTypeOf(read.tree.children[0]!.children).toEqualTypeOf(read.tree.children)
expectTypeOf(read.tree.name).toEqualTypeOf<string>()
expectTypeOf(read.order.placed).toEqualTypeOf<string>()
expectTypeOf(read.order.id).toEqualTypeOf<string & { readonly brand: 'order' }>()
expectTypeOf(read.order.note).toEqualTypeOf<string | undefined>()
expectTypeOf<keyof typeof read.order>().toEqualTypeOf<'placed' | 'id' | 'note'>()
expectTypeOf(read.maybe).toEqualTypeOf<string | undefined>()
expectTypeOf(read.optional).toEqualTypeOf<string | undefined>()
expectTypeOf(read.pair).toEqualTypeOf<readonly [string, (number | null)?]>()
expectTypeOf(read.holes).toEqualTypeOf<(string | null)[]>()
expectTypeOf(read.choice).toEqualTypeOf<{ kind: 'a'; at: string } | { kind: 'b' }>()
expectTypeOf(read.url).toEqualTypeOf<string>()
expectTypeOf(read.anything).toBeUnknown()
expectTypeOf(read.byKey).toEqualTypeOf<Record<string, string>>()
const dates = resource({ ...offered, subscribe: () => [event(new Date())] })
expectTypeOf<DataOf<typeof dates>>().toEqualTypeOf<string>()
expectTypeOf<Event<Date>>().not.toBeAny()

// ---- what must not compile

export async function wrong() {
  // @ts-expect-error what is not sent
  for await (const { data } of follow<typeof ticker>('/')) data.prize
  // @ts-expect-error unknown: it has to be looked at first
  for await (const { data } of follow('/')) data.price
  // @ts-expect-error with info, what is written is unknown
  for await (const { data } of follow<typeof unsure.written>('/')) data.toFixed()
  // @ts-expect-error a date was read as text
  for await (const { data } of follow<typeof written>('/')) data.at.getTime()
  // @ts-expect-error a path that the table does not have
  follow<typeof table, '/price'>('/price')
  // @ts-expect-error an endpoint has no paths
  follow<typeof ticker, '/'>('/')
  // @ts-expect-error data has no paths
  follow<Price, 'symbol'>('/')
  // @ts-expect-error a message is not its data
  for await (const price of follow<typeof ticker>('/')) price.symbol
  // @ts-expect-error an endpoint of other data
  const endpoint: Endpoint<undefined, { other: 1 }> = ticker
  // @ts-expect-error an option that there is not
  follow('/', { header: {} })
  // @ts-expect-error the server’s format is no reader
  following(lariat.sse())
  return endpoint
}
