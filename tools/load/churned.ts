import type { Watched } from '../../bench/fanout/readers.js'
import type { Memory } from '../../bench/fanout/serving.js'
import type { Churned } from './churn.js'
import type { Findings } from './findings.js'
import { patience, type Station } from './station.js'

export interface Coming {
  /** Streams that stay, and what they get a second. */
  readonly steady: number
  readonly perSecond: number
  /** Connections that come and go, a second. */
  readonly rate: number
  readonly seconds: number
}

export interface Beside {
  readonly churned: Churned
  readonly watched: Watched
  /** Of the server: part of its core, and microseconds for each that came and went, beside what it does for the others. */
  readonly busy: number
  readonly each: number
  readonly before: Memory
  readonly after: Memory
}

/** What the heap may grow by in bytes: of each connection that came and went, and what the engine keeps. */
const room = { perConnection: 4, engine: 768 * 1024 }
/** Seconds of the same before it is measured. */
const warmUp = 2

/** Some stay and are told things, others come and go beside them; the first client reads, the second comes and goes. */
export async function comeAndGo(station: Station, asked: Coming): Promise<Beside> {
  const { client, port } = station
  const first = { ...asked, seconds: Math.min(warmUp, asked.seconds) }
  await client.ask('open', { port, kinds: Array(asked.steady).fill('shared'), inOneGo: 100 })
  await run(station, first)
  const alone = await run(station, { ...first, rate: 0 })
  const before = await station.memory()
  const { churned, watched, cpu, took } = await run(station, asked)
  const after = await station.memory()
  await client.ask('leave', { how: 'reset', within: patience })
  const fanOut = alone.cpu * (watched.delivered / alone.watched.delivered)
  return { churned, watched, busy: cpu / 1e3 / took, each: (cpu - fanOut) / churned.begun, before, after }
}

async function run({ server, client, clients, port }: Station, { perSecond, rate, seconds }: Coming) {
  const cpu = await server.ask('cpu', null)
  const began = performance.now()
  const events = Math.ceil(perSecond * seconds)
  await client.ask('watch', { events, within: seconds * 1000 + patience })
  const published = server.ask('publish', { events, perTurn: 1, interval: 1000 / perSecond, size: 150 })
  const churned = await clients[1]!.ask('churn', { port, rate, seconds })
  const watched = await client.ask('watched', null)
  await published
  return { churned, watched, cpu: (await server.ask('cpu', null)) - cpu, took: performance.now() - began }
}

/** Nothing lost and nothing left over; how fast it went is for whoever reads it. */
export function judge({ churned, watched, before, after }: Beside, where: string, findings: Findings): void {
  findings.expect(where, {
    'all that was told came to those who stayed': [watched.complete, true],
    'of them, closed by the server': [watched.closed, 0],
    'events lost, doubled or out of order for them': [watched.gaps, 0],
    'the same for those who came and went': [churned.gaps, 0],
    failures: [churned.failed, {}],
    'answered, of those who waited for it': [churned.answered, churned.begun - churned.early],
  })
  const most = room.engine + room.perConnection * churned.begun
  findings.atMost(where, 'bytes that the heap has grown', after.heap - before.heap, most)
}
