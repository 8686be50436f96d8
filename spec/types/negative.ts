// What must not compile: under each directive stands what is wrong. Never run: spec/types.spec.ts compiles it.
import { expectTypeOf } from 'expect-type'
import {
  createHub,
  csv,
  type Event,
  type LoopContext,
  loop,
  merge,
  ndjson,
  type PlainSpec,
  type ProblemAnswer,
  raw,
  resource,
  resources,
  sse,
  stop,
  timeout,
} from '../../lib/index.js'

interface Price {
  symbol: string
  price: number
}
const prices = createHub().channel<Price>('prices', { history: 1000 })
type Message = { kind: 'data'; n: number } | { kind: 'died' }

// @ts-expect-error the checks of usage.ts do check
expectTypeOf(1).toEqualTypeOf<string>()

// ---- callbacks

// @ts-expect-error unknown callback
resource({ resourceExist: true })
// @ts-expect-error unknown callback beside inferred ones
resource({ init: ({ req }) => ({ n: req.url }), resourceExist: true })
// @ts-expect-error isAuthorized false
resource({ isAuthorized: () => false })
// @ts-expect-error isAuthorized constant false
resource({ isAuthorized: false })
resource({
  isAuthorized: ({ req }) => new Set<string>().has(req.get('authorization') ?? '') || 'Bearer',
})
// @ts-expect-error wrong return
resource({ forbidden: async () => 'no' })
// @ts-expect-error wrong state
resource({ init: () => ({ n: 1 }), resourceExists: ({ state }) => state.m })

// @ts-expect-error a header that cannot be written
resource({ headers: () => ({ 'X-A': true }) })
// @ts-expect-error a header that there is no negotiation by
resource({ negotiation: { range: 'lenient' } })
// @ts-expect-error neither strict nor lenient
resource({ negotiation: { type: 'loose' } })

// ---- messages

// @ts-expect-error wrong message annotation
resource({ subscribe: prices, info: (_message: Event<{ other: 1 }>) => {} })
// @ts-expect-error wrong message annotation, subscribe a function
resource({ subscribe: (_context) => prices, info: (_message: Event<{ other: 1 }>) => {} })
// @ts-expect-error wrong message annotation, subscribe a function
resource({ subscribe: (_context) => prices, info: (_message: string) => {} })
resource({
  subscribe: (_context) => prices,
  // @ts-expect-error data used without unwrapping
  info: (message, { write }) => write(message.price),
})
resource({
  // @ts-expect-error send of wrong type
  subscribe: ({ send }: LoopContext<undefined, Message>) => send({ kind: 'x' }),
  info: (_message, _context) => {},
})
resource({
  subscribe: ({ send }: LoopContext<undefined, Message>) => send({ kind: 'died' }),
  // @ts-expect-error send and info disagree
  info: (_message: string, _context) => {},
})
// @ts-expect-error timeout not without timeout
resource({ subscribe: prices, info: (message) => (message === timeout ? stop() : undefined) })
// @ts-expect-error timeout must be handled
resource({ subscribe: prices, timeout: 10, info: (message, { write }) => write(message.data) })
// @ts-expect-error info returns a number
resource({ subscribe: prices, info: (_message, _context) => 3 })

// ---- what is declared and returned

// @ts-expect-error loop wants a format
loop({ subscribe: prices })
// @ts-expect-error emitter returned from subscribe
resource({ subscribe: ({ send }) => process.on('exit', send) })
// @ts-expect-error accept callback
resource({ contentTypesAccepted: { 'application/json': () => ({ create: '/x' }) } })
// @ts-expect-error accept callback returns nothing
resource({ contentTypesAccepted: { 'application/json': async ({ json }) => void (await json()) } })
// @ts-expect-error provider returns nothing
resource({ contentTypesProvided: { 'application/json': (_context) => {} } })
// @ts-expect-error provider returns nothing, async
resource({ contentTypesProvided: { 'application/json': async (_context) => {} } })
// @ts-expect-error a function in a list has no media type
resource({ contentTypesProvided: [() => 'x'] })
// @ts-expect-error publish of another type
prices.publish({ symbol: 'x' })
// @ts-expect-error a part of a channel cannot be published to
prices.filter(() => true).publish({ symbol: 'x', price: 1 })
// @ts-expect-error data is no feed
merge(prices, { symbol: 'x', price: 1 })
// @ts-expect-error a policy that there is not
resource({ stream: { overflow: 'drop' } })
// @ts-expect-error filter of what is not there
prices.filter((price) => price.x)
// @ts-expect-error the factory is not the format
ndjson.once([1])
// @ts-expect-error csv without columns
csv()

// @ts-expect-error a text where stop() takes an object
stop(404, 'No such book.')
// @ts-expect-error the factory is not the format
loop({ format: ndjson, subscribe: prices })
// @ts-expect-error the factory is no list of formats
resource({ contentTypesProvided: sse, subscribe: prices })
// @ts-expect-error the factory is no provider
resource({ contentTypesProvided: { 'text/event-stream': sse }, subscribe: prices })
// @ts-expect-error a format in no list
resource({ contentTypesProvided: sse(), subscribe: prices })
// @ts-expect-error a problem without a body
resource({ problem: () => ({ headers: {} }) })
// @ts-expect-error a problem that stops
resource({ problem: () => stop(200) })
// @ts-expect-error a problem that changes the status
resource({ problem: () => ({ status: 200, body: '' }) satisfies ProblemAnswer })
// @ts-expect-error the state may be missing: a request is refused before init, too
resource({ init: () => ({ n: 1 }), problem: (_problem, { state }) => ({ body: state.n }) })

// @ts-expect-error a snapshot that is a feed would never end
loop({ format: sse(), subscribe: prices, snapshot: () => prices })
// @ts-expect-error a snapshot is a function
loop({ format: sse(), subscribe: prices, snapshot: [1] })
// @ts-expect-error a list of promises is no list of data
loop({ format: sse(), subscribe: prices, snapshot: () => [1].map(async (n) => n) })
// @ts-expect-error no format can write it
loop({ format: sse(), subscribe: prices, snapshot: () => 1n })

// ---- orders and places that do not infer, as the documentation says

async function* tail(id: string | undefined) {
  yield { line: id }
}

// @ts-expect-error init written after a callback that uses state, and reading its context
resource({ resourceExists: ({ state }) => state.n === 1, init: ({ req }) => ({ n: req.url }) })
// @ts-expect-error info before a subscribe that reads its context
resource({ info: (m, { write }) => write(m.line), subscribe: ({ lastEventId }) => tail(lastEventId) })
// @ts-expect-error nothing says what send sends
resource({ subscribe: ({ send }) => send({ n: 1 }), info: (message, { write }) => write(message.n) })
expectTypeOf<
  NonNullable<PlainSpec['init' | 'info']>
>().toEqualTypeOf<'In a table, write resource({ … }) around a spec with init or info: a table infers no types per entry'>()
// @ts-expect-error a bare spec with info in a table
resources({ '/a': { subscribe: prices, info: (_message: unknown) => {} } })
// @ts-expect-error a bare spec with init in a table
resources({ '/a': { init: () => ({ n: 1 }), resourceExists: ({ state }) => state.n === 1 } })
resources({ '/a': resource({ init: () => ({ n: 1 }), resourceExists: ({ state }) => state.n === 1 }) })
// @ts-expect-error unknown callback in a table
resources({ '/a': { resourceExist: true } })

// @ts-expect-error a trace is true or a function
resources({}, { trace: false })

// @ts-expect-error a notice is an event, a string or nothing
sse({ notice: () => 1 })
// @ts-expect-error raw has no notices
raw('a/b', { notice: () => undefined })
