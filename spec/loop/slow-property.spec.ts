import type { Socket } from 'node:net'
import { expect } from 'chai'
import type { RequestHandler } from 'express'
import fc from 'fast-check'
import {
  type Channel,
  createHub,
  type LoopSpec,
  loop,
  type OpenStream,
  type Overflow,
  sse,
} from '../../lib/index.js'
import type { Client } from '../support/raw.js'
import { stage, staged, turns } from '../support/stage.js'

type Done = (error?: Error | null) => void
type Writing = Socket & {
  _write(chunk: unknown, encoding: string, done: Done): void
  _writev(chunks: unknown[], done: Done): void
}

/** A kernel that takes nothing from a socket while it is stalled. */
class Kernel {
  #isStalled = false
  #waiting: (() => void)[] = []

  constructor(socket: Socket) {
    const own = socket as Writing
    const write = own._write.bind(own)
    const writev = own._writev.bind(own)
    own._write = (chunk, encoding, done) => this.#take(() => write(chunk, encoding, done))
    own._writev = (chunks, done) => this.#take(() => writev(chunks, done))
  }

  stall(): void {
    this.#isStalled = true
  }

  resume(): void {
    this.#isStalled = false
    for (const write of this.#waiting.splice(0)) write()
  }

  #take(write: () => void): void {
    if (this.#isStalled) this.#waiting.push(write)
    else write()
  }
}

const clients = 3

/** More than a socket takes before it says that it is behind. */
const filler = '.'.repeat(2 ** 17)

type Step =
  | { readonly do: 'publish'; readonly count: number; readonly isOneTurn: boolean }
  | { readonly do: 'stall'; readonly who: number }
  | { readonly do: 'resume'; readonly who: number }
  | { readonly do: 'turn' }

const who = fc.integer({ min: 0, max: clients - 1 })
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('publish' as const),
      count: fc.integer({ min: 1, max: 20 }),
      isOneTurn: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('stall' as const), who }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('resume' as const), who }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('turn' as const) }) },
)

const behind: Step[] = [
  { do: 'stall', who: 0 },
  { do: 'publish', count: 20, isOneTurn: false },
]

/** How events come to the stream, and whether they pass an `info`. */
const ways: Readonly<Record<string, (channel: Channel<unknown>) => object>> = {
  'a group': (subscribe) => ({ subscribe }),
  'a filter of its own': (channel) => ({ subscribe: () => channel.filter(() => true) }),
  'an `info`': (subscribe) => ({
    subscribe,
    info: (message: unknown, { write }: { write(data: unknown): unknown }) => write(message),
  }),
  'an `info` that takes its time': (subscribe) => ({
    subscribe,
    async info(message: unknown, { write }: { write(data: unknown): unknown }) {
      await null
      write(message)
    },
  }),
}

const overflows: Readonly<Record<string, Overflow>> = {
  close: 'close',
  dropOldest: 'dropOldest',
  dropNewest: 'dropNewest',
  conflate: { conflate: (data) => (typeof data === 'number' ? data % 3 : 'filler') },
}

interface Got {
  readonly ids: readonly number[]
  readonly data: readonly string[]
  /** How many it was told that it has not got. */
  readonly told: number
}

function parse(body: string): Got {
  const all = (expression: RegExp) => [...body.matchAll(expression)].map((match) => match[1] as string)
  return {
    // what is cut has no end
    ids: all(/^id: \w+-(\d+)\ndata: .*\n\n/gm).map(Number),
    data: all(/^id: .*\ndata: (.*)\n\n/gm),
    told: all(/^: dropped (\d+)\n/gm).reduce((sum, count) => sum + Number(count), 0),
  }
}

/** One run; what each client got, and what there was. */
async function run(
  overflow: Overflow,
  way: (channel: Channel<unknown>) => object,
  limits: object,
  steps: Step[],
) {
  const channel = createHub().channel<unknown>('property')
  const kernels: Kernel[] = []
  const tracing: RequestHandler = (req, _res, next) => {
    kernels.push(new Kernel(req.socket))
    next()
  }
  const endpoint = loop({
    format: sse(),
    stream: { heartbeat: false, writeTimeout: 10 ** 9, overflow, ...limits },
    terminate: () => {},
    ...way(channel),
  } as LoopSpec<undefined, unknown, unknown, undefined>)
  const site = await stage.now.serve(endpoint, { before: [tracing] })
  const all: Client[] = []
  for (let number = 0; number < clients; number++) {
    all.push(site.get())
    await all.at(-1)?.head()
  }
  const streams: readonly OpenStream[] = [...endpoint.streams]
  const published: string[] = []
  const publish = (data: unknown) => {
    published.push(String(data))
    return channel.publish(data)
  }
  for (const each of steps) {
    switch (each.do) {
      case 'turn':
        await turns(2)
        break
      case 'resume':
        kernels[each.who]?.resume()
        break
      case 'stall':
        kernels[each.who]?.stall()
        await publish(filler)
        break
      case 'publish':
        for (let time = 0; time < each.count; time++) {
          await publish(published.length)
          if (!each.isOneTurn) await turns(1)
        }
    }
  }
  for (const kernel of kernels) kernel.resume()
  const isOpen = (stream: OpenStream) => [...endpoint.streams].some((each) => each === stream)
  // who has caught up with all of it is told of nothing more
  await turns()
  while (streams.some((stream) => isOpen(stream) && stream.queued > 0)) await turns(1)
  await turns()
  await publish('fin')
  const got: { got: Got; stream: OpenStream; isCut: boolean }[] = []
  for (const [at, stream] of streams.entries()) {
    const client = all[at] as Client
    const isCut = !isOpen(stream)
    if (isCut) await client.ended
    else await client.until('data: fin\n\n')
    got.push({ got: parse(client.body), stream, isCut })
    client.leave()
  }
  return { got, published }
}

describe('Whatever is published, and whenever clients stall and read again (docs/guide/slow-clients.md)', () => {
  staged()

  for (const [name, overflow] of Object.entries(overflows)) {
    for (const [what, way] of Object.entries(ways)) {
      it(`${name}, ${what}: in order, and what it got and what it is told to have missed are all`, async () => {
        let cut = 0
        let dropped = 0
        const limits = fc.record({
          maxQueued: fc.integer({ min: 4, max: 30 }),
          maxQueuedBytes: fc.integer({ min: 2 ** 17, max: 2 ** 19 }),
        })
        await fc.assert(
          fc.asyncProperty(limits, fc.array(step, { minLength: 2, maxLength: 12 }), async (limit, steps) => {
            const { got, published } = await run(overflow, way, limit, steps)
            for (const each of got) {
              check(each, published, name)
              if (each.isCut) cut += 1
              dropped += each.stream.dropped
            }
          }),
          // the first run is one in which a client is behind for certain
          { numRuns: 15, examples: [[{ maxQueued: 5, maxQueuedBytes: 2 ** 19 }, behind]] },
        )
        // a run in which nobody was behind would prove nothing
        if (name === 'close') expect(cut).to.be.above(0)
        else expect(dropped).to.be.above(0)
      }).timeout(30_000)
    }
  }
})

function check(
  { got: { ids, data, told }, stream, isCut }: { got: Got; stream: OpenStream; isCut: boolean },
  published: readonly string[],
  name: string,
): void {
  expect(stream.queued).to.equal(0)
  for (const [at, id] of ids.entries()) {
    if (at > 0) expect(id, 'ids increase').to.be.above(ids[at - 1] as number)
    expect(data[at], 'the data of its id').to.equal(published[id - 1])
  }
  if (name.startsWith('drop')) expect(isCut, 'is cut').to.equal(false)
  if (name === 'close') {
    expect({ told, dropped: stream.dropped }).to.deep.equal({ told: 0, dropped: 0 })
    expect(ids, 'without a gap').to.deep.equal(published.slice(0, ids.length).map((_, at) => at + 1))
  }
  if (isCut) return
  expect(told, 'told').to.equal(stream.dropped)
  expect(ids.length + told, 'received and told').to.equal(published.length)
  expect(stream.sent, 'sent').to.equal(ids.length)
  if (name === 'close') expect(ids).to.have.length(published.length)
  if (name !== 'conflate') return
  for (const key of [0, 1, 2]) {
    const newest = published.findLast((each) => /^\d+$/.test(each) && Number(each) % 3 === key)
    if (newest !== undefined) expect(data, 'the newest of each key').to.include(newest)
  }
}
