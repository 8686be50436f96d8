// What must compile. Never run: spec/types.spec.ts compiles it.
import type { ChildProcess } from 'node:child_process'
import { type EventEmitter, on } from 'node:events'
import { createReadStream } from 'node:fs'
import type { Readable } from 'node:stream'
import { expectTypeOf } from 'expect-type'
import express, { type RequestHandler } from 'express'
import {
  createHub,
  csv,
  type Event,
  event,
  type Feed,
  jsonArray,
  type LoopContext,
  loop,
  merge,
  type Negotiation,
  ndjson,
  type OpenStream,
  type Problem,
  type ProblemAnswer,
  raw,
  resource,
  resources,
  sse,
  stop,
  timeout,
} from '../../lib/index.js'

declare global {
  namespace Express {
    interface Request {
      user?: { id: string }
    }
  }
}

type Book = { isbn: string; title: string }
interface BookEvent {
  kind: 'created' | 'updated' | 'deleted'
  book: Book
}
declare const books: {
  get(isbn: string | undefined): Promise<Book | undefined>
  all(): Promise<Book[]>
  add(book: unknown): Promise<Book>
  delete(isbn: string): Promise<boolean>
  bus: EventEmitter
}
interface Price {
  symbol: string
  price: number
}
const hub = createHub()
const prices = hub.channel<Price>('prices', { history: 1000 })
const tokens = new Set<string | undefined>()
declare const mixer: { createReadStream(): Readable }
declare function legacyCheck(req: express.Request): boolean
const app = express()

// ---- a table of endpoints, mounted wherever Express takes a handler

const api = resources(
  {
    '/prices': {
      allowedMethods: ['GET', 'HEAD', 'OPTIONS'],
      isAuthorized: ({ req }) => tokens.has(req.get('authorization')) || 'Bearer realm="prices"',
      contentTypesProvided: [sse(), ndjson()],
      subscribe: prices,
    },
    '/raw': loop({ format: raw('audio/mpeg'), subscribe: () => mixer.createReadStream() }),
    '/legacy': {
      isAuthorized: ({ req }) => legacyCheck(req) || 'Bearer',
      forbidden: async ({ req }) => req.user?.id !== 'me',
      contentTypesProvided: [csv({ columns: ['symbol'] })],
      subscribe: ({ req }) => prices.filter((price) => price.symbol === req.query.s),
    },
  },
  { stream: { heartbeat: 15_000 } },
)
app.use(api)
app.use('/v1', api)
app.all('/x', api)
express.Router().use(api)

// ---- snapshot and stream in one resource

resource({
  init: async ({ req }) => ({ book: await books.get(req.params.isbn) }),
  resourceExists: ({ state }) => {
    expectTypeOf(state).toEqualTypeOf<{ book: Book | undefined }>()
    return state.book !== undefined
  },
  generateEtag: ({ state }) => state.book && `"${state.book.isbn}"`,
  contentTypesProvided: {
    'application/json': ({ state }) => state.book ?? stop(404),
    'text/event-stream': sse(),
    'application/x-ndjson': ({ req }) => (req.query.follow ? ndjson() : ndjson().once([1, 2])),
  },
  subscribe: async ({ state }) => prices.filter((price) => price.symbol === state.book?.isbn),
  info: (message, { write, state }) => {
    expectTypeOf(message).toEqualTypeOf<Event<Price>>()
    return state.book ? write(message) : stop()
  },
  terminate: (reason, { state }) => console.log(reason.kind, state.book),
})

// ---- BookWeb: eventsFirehoseRest, dataStream, book

resource({
  init: ({ req }) => ({ id: req.url }),
  headers: ({ state, negotiated }) => ({ 'X-Id': state.id, 'X-Type': negotiated.mediaType }),
  negotiation: { type: 'lenient', encoding: 'strict' },
  contentTypesProvided: [sse()],
  subscribe: () => [1],
})
const lenient: Negotiation = 'lenient'
resource({
  headers: { 'X-A': 'b' },
  negotiation: lenient,
  contentTypesProvided: [sse()],
  subscribe: () => [1],
})

resource({
  allowedMethods: ['HEAD', 'GET', 'OPTIONS'],
  contentTypesProvided: { 'application/json': () => jsonArray(), 'text/event-stream': sse() },
  subscribe: ({ send }) => {
    books.bus.on('event', send)
    return () => books.bus.off('event', send)
  },
  info: (message: BookEvent, { write }) => write(event(message.book, { type: message.kind })),
})

type DataStreamMessage = { data: Buffer } | 'sourceDied'
declare const source: ChildProcess & { register(listener: (data: Buffer) => void): () => void }

loop({
  format: raw('application/octet-stream'),
  headers: { 'X-Source': 'vmstat' },
  subscribe: ({ send, monitor }) => {
    monitor(source, 'sourceDied')
    return source.register((data) => send({ data }))
  },
  info: (message: DataStreamMessage, { write }) => (message === 'sourceDied' ? stop() : write(message.data)),
})

// the message named once, at `send`: `info` infers it
loop({
  format: raw('application/octet-stream'),
  subscribe: ({ send, monitor }: LoopContext<undefined, DataStreamMessage>) => {
    monitor(source, 'sourceDied')
    return source.register((data) => send({ data }))
  },
  info: (message, { write }) => (message === 'sourceDied' ? stop() : write(message.data)),
})

resource({
  init: async ({ req }) => ({ book: await books.get(req.params.isbn) }),
  allowedMethods: ['GET', 'PUT', 'DELETE'],
  resourceExists: ({ state }) =>
    state.book !== undefined || stop(404, { detail: 'This book does not exist' }),
  deleteResource: async ({ state }) => books.delete(state.book!.isbn),
  contentTypesAccepted: {
    'application/json': async ({ json, state }) => {
      const added = await books.add(await json())
      return state.book ? true : { created: `/books/${added.isbn}` }
    },
  },
  contentTypesProvided: { 'application/json': ({ state }) => state.book ?? null },
})

// ---- a stream as the answer to a POST

declare function llm(prompt: string, options: { signal: AbortSignal }): AsyncGenerator<{ token: string }>

resource({
  init: () => ({ prompt: '' }),
  allowedMethods: ['POST'],
  contentTypesProvided: [sse(), ndjson()],
  contentTypesAccepted: {
    'text/plain': async (context) => {
      context.state.prompt = await context.text()
      return context.negotiated.format
    },
  },
  subscribe: ({ state, signal }) => llm(state.prompt, { signal }),
  info: (message, { write }) => {
    expectTypeOf(message).toEqualTypeOf<{ token: string }>()
    return write(event(message.token, { type: 'token' }))
  },
})

// ---- the state is what init returned

resource({
  async init({ req }) {
    return { n: req.method }
  },
  resourceExists({ state }) {
    expectTypeOf(state).toEqualTypeOf<{ n: string }>()
    return true
  },
})
resource({
  init: ({ req }) => (req.query.x ? stop(404) : { n: 1 }),
  resourceExists: ({ state }) => {
    expectTypeOf(state).toEqualTypeOf<{ n: number }>()
    return true
  },
})
resource({
  init: async ({ req }) => {
    if (req.query.x) return stop(404)
    return { n: 1 }
  },
  resourceExists: ({ state }) => {
    expectTypeOf(state).toEqualTypeOf<{ n: number }>()
    return true
  },
})
resource({
  resourceExists: ({ state }) => {
    expectTypeOf(state).toEqualTypeOf<undefined>()
    return true
  },
})
resource({ resourceExists: ({ state }) => state.n === 1, init: () => ({ n: 1 }) })
resource({
  resourceExists: ({ state }) => state.n === 1,
  init: ({ req }: { req: express.Request }) => ({ n: req.ip ? 1 : 2 }),
})

// ---- the message, by every kind of source

async function* tail(id: string | undefined) {
  yield { line: id }
}

resource({
  info: (message, { write }) => {
    expectTypeOf(message).toEqualTypeOf<Event<Price>>()
    write(message)
  },
  subscribe: prices,
})
resource({
  subscribe: prices
    .filter((price): price is Price & { symbol: 'A' } => price.symbol === 'A')
    .map((price) => price.price),
  info: (message) => {
    expectTypeOf(message).toEqualTypeOf<Event<number>>()
  },
})
resource({
  subscribe: () => prices,
  info: (message) => {
    expectTypeOf(message).toEqualTypeOf<Event<Price>>()
  },
})
resource({
  subscribe: ({ lastEventId }) => tail(lastEventId),
  info: (message) => {
    expectTypeOf(message).toEqualTypeOf<{ line: string | undefined }>()
  },
})
resource({
  async *subscribe({ signal }) {
    while (!signal.aborted) yield { t: 1 }
  },
  info: (message) => {
    expectTypeOf(message).toEqualTypeOf<{ t: number }>()
  },
})
resource({
  subscribe: async function* () {
    yield event({ t: 1 }, { id: '1' })
    yield 'x' as string
  },
  info: (message) => {
    expectTypeOf(message).toEqualTypeOf<Event<{ t: number }> | string>()
  },
})
resource({
  subscribe: () => [1, 2, 3],
  info: (message) => {
    expectTypeOf(message).toEqualTypeOf<number>()
  },
})
resource({ subscribe: ({ signal }) => on(books.bus, 'event', { signal }), info: (_message) => {} })
// Node's own types say AsyncIterable<any>
resource({
  subscribe: () => createReadStream('/x'),
  info: (message) => {
    expectTypeOf(message).toBeAny()
  },
})
resource({ subscribe: () => createReadStream('/x'), info: (message: Buffer, { write }) => write(message) })
resource({
  subscribe: () => new ReadableStream<string>(),
  info: (message) => {
    expectTypeOf(message).toEqualTypeOf<string>()
  },
})

// ---- send: with state, without info, both sending and pulling

type Message = { kind: 'data'; n: number } | { kind: 'died' }

resource({
  subscribe: ({ send }) => {
    send({ anything: 1 })
  },
  contentTypesProvided: [sse()],
})
resource({
  init: ({ req }) => ({ url: req.url }),
  subscribe: ({ send, state }) => {
    send({ kind: 'data', n: state.url.length })
  },
  info: (message: Message, { write, state }) => {
    if (message.kind === 'died') return stop()
    write(state.url)
    return
  },
})
resource<{ u: number }, Message>({
  init: () => ({ u: 1 }),
  subscribe: ({ send, state }) => {
    send({ kind: 'data', n: state.u })
  },
  info: (message) => {
    expectTypeOf(message).toEqualTypeOf<Message>()
  },
})
resource({
  subscribe: ({ send }: LoopContext<undefined, Message>) => {
    send({ kind: 'died' })
    return prices
  },
  info: (message) => {
    expectTypeOf(message).toEqualTypeOf<Event<Price> | Message>()
  },
})
resource({
  subscribe: ({ send }) => {
    send({ kind: 'died' })
    return prices
  },
  info: (_message: Event<Price> | Message, { write }) => write('x'),
})

// ---- timeout

resource({
  subscribe: prices,
  timeout: 5000,
  info: (message, { write }) => {
    expectTypeOf(message).toEqualTypeOf<Event<Price> | typeof timeout>()
    return message === timeout ? stop() : write(message.data)
  },
})
resource({
  subscribe: ({ lastEventId }) => tail(lastEventId),
  info: (message) => {
    expectTypeOf(message).toEqualTypeOf<{ line: string | undefined } | typeof timeout>()
  },
  timeout: 5 * 1000,
})
resource({
  subscribe: ({ send }) => {
    send({ kind: 'died' })
  },
  timeout: 9,
  info: (message: Message | typeof timeout, { write }) =>
    message === timeout ? stop() : write(message.kind),
})

// ---- feeds

export async function readFeed() {
  const id: string = await prices.publish({ symbol: 'A', price: 3 }, { type: 'tick' })
  prices.on('join', (stream) => expectTypeOf(stream).toEqualTypeOf<OpenStream>())
  prices.on<{ user: string }>('leave', ({ state }) => expectTypeOf(state.user).toBeString())
  expectTypeOf(prices.publish({ symbol: 'A', price: 3 }, { key: 'a' })).toEqualTypeOf<Promise<string>>()
  prices.on('leave', ({ state }: OpenStream<{ user: string }>) => expectTypeOf(state.user).toBeString())
  const news = hub.channel<string>('news')
  expectTypeOf(merge(prices, news)).toEqualTypeOf<Feed<Price | string>>()
  expectTypeOf(merge(prices)).toEqualTypeOf<Feed<Price>>()
  expectTypeOf(merge(...['a', 'b'].map((name) => hub.channel<Price>(name)))).toEqualTypeOf<Feed<Price>>()
  expectTypeOf(merge(merge(prices, news), hub.channel<Date>('dates'))).toEqualTypeOf<
    Feed<Price | string | Date>
  >()
  expectTypeOf(merge(prices.from('now'), news).map(String)).toEqualTypeOf<Feed<string>>()
  for await (const { data } of merge(prices, news)) expectTypeOf(data).toEqualTypeOf<Price | string>()
  resource({
    contentTypesProvided: [sse()],
    subscribe: () => merge(prices, news),
    info: (message, { write }) => {
      expectTypeOf(message).toEqualTypeOf<Event<Price | string>>()
      write(message)
    },
  })
  expectTypeOf(prices.map((price) => price.price)).toEqualTypeOf<Feed<number>>()
  expectTypeOf(prices.map(({ price }) => event(price, { type: 'price' }))).toEqualTypeOf<Feed<number>>()
  expectTypeOf(prices.map(({ price }) => (price > 1 ? event(price) : null))).toEqualTypeOf<
    Feed<number | null>
  >()
  expectTypeOf(prices.map(() => 'low')).toEqualTypeOf<Feed<string>>()
  for await (const message of prices.replay(id)) expectTypeOf(message.id).toEqualTypeOf<string | undefined>()
  for await (const message of prices) expectTypeOf(message).toEqualTypeOf<Event<Price>>()
  for await (const message of prices.replay('earliest')) message.data.price
}

// ---- snapshots: whatever they give, what the others infer is the same, wherever they stand

declare const state: Map<string, Price>
declare function load(user: string): Promise<Price[]>

resource({
  init: ({ req }) => ({ watch: new Set(String(req.query.watch).split(',')) }),
  contentTypesProvided: [sse()],
  subscribe: ({ state: { watch } }) => prices.filter(({ symbol }) => watch.has(symbol)),
  snapshot: ({ state: { watch }, negotiated, signal, lastEventId }) => {
    expectTypeOf(watch).toEqualTypeOf<Set<string>>()
    expectTypeOf(lastEventId).toEqualTypeOf<string | undefined>()
    return signal.aborted ? stop(204) : [...watch].map((symbol) => ({ symbol, type: negotiated.mediaType }))
  },
  info: (message, { write, state: { watch } }) => {
    expectTypeOf(message).toEqualTypeOf<Event<Price>>()
    return watch.size > 0 ? write(message) : stop()
  },
})
resource({
  snapshot: async ({ req }) => load(req.url),
  init: () => ({ user: 'me' }),
  subscribe: async ({ state: { user } }) => prices.filter(({ symbol }) => symbol === user),
  info: (message) => {
    expectTypeOf(message).toEqualTypeOf<Event<Price>>()
  },
})
resource({
  subscribe: ({ send }: LoopContext<undefined, Message>) => {
    send({ kind: 'died' })
    return prices
  },
  snapshot: ({ send }) => {
    expectTypeOf(send).parameter(0).toEqualTypeOf<Message>()
  },
  info: (message) => {
    expectTypeOf(message).toEqualTypeOf<Event<Price> | Message>()
  },
})
const spec = { format: sse(), subscribe: prices }
loop({ ...spec, snapshot: () => [...state.values()] })
loop({ ...spec, snapshot: () => state.values() })
loop({ ...spec, snapshot: () => Object.fromEntries(state) })
loop({ ...spec, snapshot: () => ({ at: new Date(), items: [...state] }) })
loop({ ...spec, snapshot: async () => event({ n: 1 }, { type: 'all' }) })
loop({ ...spec, snapshot: () => (state.size > 0 ? event([...state.values()]) : undefined) })
loop({ ...spec, snapshot: () => ['text', 1, null, event(Buffer.from('x'))] })
loop({ ...spec, snapshot: () => Buffer.from('x') })
loop({ ...spec, snapshot: () => new Blob(['x']) })
loop({ ...spec, snapshot: () => 'text' })
loop({ ...spec, snapshot: () => null })
loop({ ...spec, snapshot: () => {} })
loop({ ...spec, snapshot: () => createReadStream('/x') })
loop({ ...spec, snapshot: () => new ReadableStream<Price>() })
loop({ ...spec, snapshot: () => prices.replay('earliest') })
loop({
  ...spec,
  async *snapshot({ signal }) {
    for (const price of state.values()) if (!signal.aborted) yield event(price, { type: 'price' })
  },
})
resources({
  '/prices': {
    contentTypesProvided: [sse()],
    subscribe: ({ req }) => prices.filter(({ symbol }) => symbol === req.query.s),
    snapshot: async ({ req }) => (req.query.s ? [...state.values()] : stop(404)),
  },
})

// ---- refusals in another shape

const openai = ({ title, status, detail }: Problem): ProblemAnswer => ({
  headers: { 'Content-Type': 'application/json' },
  body: { error: { message: detail ?? title, code: status } },
})
resource({
  init: ({ req }) => ({ id: req.url }),
  problem: async (problem, { state, req, negotiated }) => {
    expectTypeOf(problem).toEqualTypeOf<Problem>()
    expectTypeOf(state).toEqualTypeOf<{ id: string } | undefined>()
    return { body: { ...problem, instance: state?.id ?? req.url, type: negotiated.mediaType } }
  },
})
loop({ format: sse(), subscribe: prices, problem: openai })
resources(
  { '/prices': { contentTypesProvided: [sse()], subscribe: prices, problem: openai } },
  {
    problem: (problem, { state }) => {
      expectTypeOf(state).toBeUnknown()
      return openai(problem)
    },
  },
)

// ---- literals as bodies
stop(200, { body: { a: 1 } })
resource({
  allowedMethods: ['POST', 'DELETE'],
  contentTypesAccepted: { 'application/json': () => ({ body: { a: 1 } }) },
  deleteResource: () => ({ body: { gone: true } }),
  contentTypesProvided: { 'application/json': () => ({ hello: 'world' }) },
})

// ---- what an endpoint offers beside answering
export async function drain() {
  const api = resources({ '/prices': { contentTypesProvided: [sse()], subscribe: prices } })
  for (const stream of api.streams) {
    expectTypeOf(stream).toEqualTypeOf<OpenStream>()
    stream.close()
  }
  await api.close()
  await api.close({ over: 1000, retryAfter: 10 })
  await hub.on('down', () => {}).close()
}

// ---- options of a held response, channels with a source, and gaps
hub.channel<Price>('lazy', {
  source: async (channel) => {
    await channel.publish({ symbol: 'A', price: 1 })
    return () => {}
  },
  linger: 1000,
})
resource({
  init: () => ({ user: 'ann' }),
  contentTypesProvided: [sse()],
  isAuthorized: true,
  forbidden: () => false,
  subscribe: prices,
  onGap: (gap, { state, write }) => {
    expectTypeOf(gap.reason).toEqualTypeOf<'trimmed' | 'unknown'>()
    return write(state.user)
  },
  stream: {
    overflow: { conflate: (price) => (price as Price).symbol },
    maxDuration: 60_000,
    reauthorize: 60_000,
    maxStreams: 100,
    maxStreamsPerClient: 2,
    clientKey: ({ req }) => req.get('x-user') ?? '',
  },
})

// ---- a trace is told the decisions, typed; a listener of the contract's own type fits too

resource({
  contentTypesProvided: [sse()],
  subscribe: prices,
  trace: ({ method, url, steps, outcome }) => {
    expectTypeOf(method).toEqualTypeOf<string>()
    expectTypeOf(url).toEqualTypeOf<string>()
    expectTypeOf(steps[0]?.question).toEqualTypeOf<string | undefined>()
    expectTypeOf(steps[0]?.ms).toEqualTypeOf<number | undefined>()
    if (outcome.kind === 'loop') expectTypeOf(outcome.mediaType).toEqualTypeOf<string>()
  },
})
declare const listener: (trace: {
  method: string
  url: string
  steps: { question: string; answer: unknown; value?: unknown; ms: number }[]
  outcome: unknown
}) => void
loop({ format: sse(), subscribe: prices, trace: listener })
resources({ '/prices': { contentTypesProvided: [sse()], subscribe: prices } }, { trace: true })

// ---- an endpoint is a handler of Express's, wherever one is taken

const handler: RequestHandler = resource({ contentTypesProvided: [sse()], subscribe: prices })
const handlers: RequestHandler[] = [handler, loop({ format: sse(), subscribe: prices }), api]
interface BookParams {
  isbn: string
}
const typed: RequestHandler<BookParams> = resource({ resourceExists: false })
app.get('/shelves/:shelf', api, (req) => {
  expectTypeOf(req.params.shelf).toEqualTypeOf<string>()
})
app.get('/:isbn', handlers)
app.get(
  '/shelves/:shelf/books/:isbn',
  (_req, _res, next) => next(),
  api,
  (req) => {
    expectTypeOf(req.params).toEqualTypeOf<{ shelf: string } & { isbn: string }>()
  },
)
app.get<BookParams>('/:isbn', typed, api, (req) => {
  expectTypeOf(req.params).toEqualTypeOf<BookParams>()
})
app.get<string, BookParams, string, { page: number }>('/:isbn', typed as never, (req, res) => {
  expectTypeOf(req.body).toEqualTypeOf<{ page: number }>()
  res.send('text')
})
app.route('/:isbn').get(api).post(typed, api)
app.use('/v2', express.json(), api, handler)
app.param('isbn', (req, res, next) => api(req, res, next))
// ---- an open stream has the state of its request, and its route
const stateful = resource({
  init: () => ({ user: 'ann', until: Date.now() }),
  contentTypesProvided: [sse()],
  subscribe: ({ stream }) => {
    expectTypeOf(stream.state).toEqualTypeOf<{ user: string; until: number }>()
    expectTypeOf(stream.route).toEqualTypeOf<string>()
  },
  stream: { maxDuration: ({ state }) => state.until - Date.now(), interrupted: 'cut', head: 'first' },
})
for (const stream of stateful.streams) expectTypeOf(stream.state.user).toEqualTypeOf<string>()
resources({ '/stateful': stateful }, { stream: { maxDuration: ({ req }) => Number(req.query.lasts) } })

// ---- an Observable may be returned, and a pushed source may fail
declare const ticks: {
  subscribe(observer: { next(value: number): void; error(error: unknown): void; complete(): void }): {
    unsubscribe(): void
  }
}
resource({
  contentTypesProvided: [sse()],
  subscribe: () => ticks,
  info: (tick, { write }) => {
    expectTypeOf(tick).toEqualTypeOf<number>()
    return write(tick)
  },
})
resource({ contentTypesProvided: [sse()], subscribe: ({ fail }) => fail(new Error('no more')) })

// ---- formats: notices by choice, another delimiter, bytes of any kind

sse({ notice: (kind, { reason }) => (kind === 'end' ? '[DONE]' : event({ reason }, { type: kind })) })
jsonArray({ envelope: true, notice: (kind) => (kind === 'dropped' ? 'slow' : undefined) })
csv({ columns: ['a'], delimiter: ';', bom: true, notice: () => undefined })
prices.map((price) => event(price, { type: null }))
resource({
  contentTypesProvided: {
    'image/png': () => new Blob(['a']),
    'audio/mpeg': () => new ArrayBuffer(1),
    'audio/wav': () => stop(200, { body: new DataView(new ArrayBuffer(1)) }),
  },
})
