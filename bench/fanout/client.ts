import { setTimeout as sleep } from 'node:timers/promises'
import { serve } from './remote.js'
import { quantile } from './statistics.js'
import { Stream } from './stream.js'

export interface Opening {
  readonly port: number
  readonly count: number
  /** Of these, how many never read. */
  readonly stalled: number
}

export interface Watching {
  readonly events: number
  /** Milliseconds until it is given up. */
  readonly within: number
}

export interface Watched {
  readonly delivered: number
  readonly complete: boolean
  /** Streams that the server closed. */
  readonly closed: number
  readonly gaps: number
  /** Milliseconds. */
  readonly p50: number
  readonly p99: number
  /** Part of its core that this process took. */
  readonly busy: number
}

const inOneGo = 20
const samples = 20
let readers: Stream[] = []
let stalled: Stream[] = []
let latencies: number[] = []
let left = 0
let done: () => void = () => undefined

const observer = {
  complete: () => {
    left -= 1
    if (left === 0) done()
  },
  latency: (microseconds: number) => {
    latencies.push(microseconds)
  },
}

async function open(port: number, count: number, stall: boolean): Promise<Stream[]> {
  const streams: Stream[] = []
  while (streams.length < count) {
    const some = Array.from(
      { length: Math.min(inOneGo, count - streams.length) },
      () => new Stream(port, stall, observer),
    )
    await Promise.all(some.map(({ opened }) => opened))
    streams.push(...some)
  }
  return streams
}

let outcome: Promise<Watched> | undefined

async function watch({ within }: Watching): Promise<Watched> {
  const cpu = process.cpuUsage()
  const began = performance.now()
  const late = new AbortController()
  const given = sleep(within, undefined, { signal: late.signal }).catch(() => undefined)
  await Promise.race([given, new Promise<void>((resolve) => (done = resolve))])
  late.abort()
  const took = performance.now() - began
  const { user, system } = process.cpuUsage(cpu)
  latencies.sort((one, other) => one - other)
  return {
    delivered: readers.reduce((sum, { got }) => sum + got, 0),
    complete: left === 0,
    closed: [...readers, ...stalled].filter(({ closed }) => closed).length,
    gaps: readers.reduce((sum, { gaps }) => sum + gaps, 0),
    p50: quantile(latencies, 0.5) / 1e3,
    p99: quantile(latencies, 0.99) / 1e3,
    busy: (user + system) / 1e3 / took,
  }
}

const handlers = {
  open: async ({ port, count, stalled: still }: Opening) => {
    stalled = await open(port, still, true)
    readers = await open(port, count - still, false)
  },
  /** From here on events count; `watched` waits for the last of them. */
  watch: (asked: Watching) => {
    const step = Math.max(1, Math.floor(readers.length / samples))
    for (const [at, stream] of readers.entries()) stream.watch(asked.events, at % step === 0)
    latencies = []
    left = readers.length
    outcome = watch(asked)
  },
  watched: async (_: null): Promise<Watched> => {
    if (!outcome) throw new Error('Nothing is being watched')
    return await outcome
  },
  close: (_: null) => {
    for (const stream of [...readers, ...stalled]) stream.close()
    readers = []
    stalled = []
  },
}

export type Client = typeof handlers
serve(handlers)
