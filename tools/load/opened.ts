import type { Left } from './client.js'
import type { Findings } from './findings.js'
import { mixed } from './kinds.js'
import { patience, type Station } from './station.js'

/** A round: all open at once, are told the same, and close at once. */
export interface Opened {
  readonly end: End
  readonly streams: number
  /** Seconds until the last was there, of all asking at once; and until all were gone. */
  readonly openedIn: number
  readonly closedIn: number
  readonly delivered: number
  /** Of the server, with all of them open and with none, in bytes. */
  readonly heapOpen: number
  readonly heap: number
  readonly rssOpen: number
  readonly rss: number
}

/** Who ends them, and how. */
const ends = ['FIN', 'reset', 'the server'] as const
type End = (typeof ends)[number]

const events = 20
/** What the heap may grow by, in bytes: of each stream that is over, and what the engine keeps for itself. */
const room = { perStream: 16, engine: 1024 * 1024 }

export interface Rounds {
  readonly streams: number
  readonly rounds: number
}

/** The most that a heap may grow in all rounds but the first. */
export function growth({ streams, rounds }: Rounds): number {
  return room.engine + room.perStream * streams * (rounds - 1)
}

export async function openAndClose(
  station: Station,
  asked: Rounds,
  findings: Findings,
  tell: (round: Opened) => void = () => undefined,
): Promise<readonly Opened[]> {
  // code that runs for the first time stays on the heap
  for (const end of ends) await openOnce(station, { end, isLast: false, streams: 40 }, () => undefined)
  const before = await station.until(0)
  const all: Opened[] = []
  for (let number = 0; number < asked.rounds; number++) {
    const end = ends[number % ends.length]!
    const where = `round ${number + 1}, ended by ${end}`
    const run = { end, isLast: number === asked.rounds - 1, streams: asked.streams }
    const round = await openOnce(station, run, (what) => findings.expect(where, what))
    findings.isBack(where, await station.until(0), before)
    all.push(round)
    tell(round)
  }
  const grown = all.at(-1)!.heap - all[0]!.heap
  findings.atMost(
    'after the last round',
    'bytes that the heap has grown since the first',
    grown,
    growth(asked),
  )
  return all
}

interface Run {
  readonly end: End
  readonly isLast: boolean
  readonly streams: number
}

type Expect = (what: Parameters<Findings['expect']>[1]) => void

async function openOnce(station: Station, { end, isLast, streams }: Run, expect: Expect): Promise<Opened> {
  const { server, client, port } = station
  const opening = await timed(async () => {
    await client.ask('open', { port, kinds: mixed(streams), inOneGo: streams })
    const { listening, streams: open } = await station.until(streams)
    expect({ listening: [listening, streams], open: [open, streams] })
  })
  await client.ask('watch', { events, within: patience })
  await server.ask('publish', { events, perTurn: 1, interval: 25, size: 150 })
  const watched = await client.ask('watched', null)
  expect({
    'all that was told came': [watched.complete, true],
    'closed by the server': [watched.closed, 0],
    'events lost, doubled or out of order': [watched.gaps, 0],
  })
  const open = await station.memory()
  const closing = await timed(async () => {
    const { complete, open: left } = await leave(station, end, isLast)
    expect({
      'complete ends': [complete, end === 'the server' ? wholeOf(streams) : 0],
      'connections that stayed': [left, 0],
    })
    await station.until(0)
  })
  const { heap, rss } = await station.memory()
  const { delivered } = watched
  return {
    ...{ end, streams, delivered, heap, rss, heapOpen: open.heap, rssOpen: open.rss },
    ...{ openedIn: opening, closedIn: closing },
  }
}

/** The streams that the server ends complete: a source that is pulled has not reached its end then, and is cut. */
function wholeOf(streams: number): number {
  return mixed(streams).filter((kind) => kind !== 'pulled').length
}

async function leave({ server, client }: Station, end: End, isLast: boolean): Promise<Left> {
  if (end === 'FIN') return await client.ask('leave', { how: 'fin', within: patience })
  if (end === 'reset') return await client.ask('leave', { how: 'reset', within: patience })
  const left = client.ask('leave', { how: 'await', within: patience })
  // an endpoint that is closed stays so
  await server.ask('end', { closes: isLast })
  return await left
}

async function timed(run: () => Promise<void>): Promise<number> {
  const began = performance.now()
  await run()
  return (performance.now() - began) / 1000
}
