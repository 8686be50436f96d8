import { entry } from './peers.js'
import type { Samples } from './samples.js'
import type { Run, Station } from './station.js'

export const eventSize = 150
/** At a steady rate, to all streams together. */
const perSecond = 20_000
const fastest = 1000
const inBurst = 50
const burstDeliveries = 100_000

export interface Plan {
  readonly streams: readonly number[]
  readonly seconds: number
}

/** What V8 has not compiled yet is not what is measured. */
export async function warmUp(stations: readonly Station[]): Promise<void> {
  for (const station of stations) {
    await station.open(1000)
    await oneATurn(station, 1000, 2)
    await inBursts(station, 1000)
    await station.close()
  }
}

/** One round: for each number of streams each peer in turn, another one first in each round. */
export async function round(
  stations: readonly Station[],
  { streams, seconds }: Plan,
  number: number,
  samples: Samples,
): Promise<void> {
  for (const count of streams) {
    for (const { station } of inTurn(stations, number)) {
      if (count > (entry(station.name).most ?? Infinity)) continue
      const { name } = station
      const idle = await station.open(count)
      samples.add(name, `opening, ${count}`, number, idle.opening)
      samples.add(name, `heap, ${count}`, number, idle.heap)
      samples.add(name, `rss, ${count}`, number, idle.rss)
      const steady = await oneATurn(station, count, seconds)
      samples.add(name, `cpu, one a turn, ${count}`, number, steady.cpu)
      samples.add(name, `p50, ${count}`, number, steady.p50)
      samples.add(name, `p99, ${count}`, number, steady.p99)
      const burst = await inBursts(station, count)
      samples.add(name, `cpu, bursts, ${count}`, number, burst.cpu)
      await station.close()
    }
  }
}

export function inTurn<Each>(stations: readonly Each[], round: number): { station: Each }[] {
  return stations.map((_, turn) => ({ station: stations[(turn + round) % stations.length]! }))
}

export async function oneATurn(station: Station, count: number, seconds: number): Promise<Run> {
  const rate = Math.min(fastest, perSecond / count)
  const events = Math.max(5, Math.round(rate * seconds))
  const publishing = { events, perTurn: 1, interval: 1000 / rate, size: eventSize }
  return checked(station, await station.run(publishing, (events / rate) * 1000 + 30_000))
}

async function inBursts(station: Station, count: number): Promise<Run> {
  const bursts = Math.min(50, Math.max(1, Math.round(burstDeliveries / count / inBurst)))
  const publishing = { events: bursts * inBurst, perTurn: inBurst, interval: 50, size: eventSize }
  return checked(station, await station.run(publishing, 120_000))
}

function checked({ name }: Station, run: Run): Run {
  if (!run.complete || run.closed > 0 || run.gaps > 0) {
    const { delivered, closed, gaps } = run
    throw new Error(`${name}: ${delivered} delivered, ${closed} streams closed, ${gaps} gaps`)
  }
  if (run.busy > 0.9) console.error(`${name}: the client was ${Math.round(run.busy * 100)} % busy`)
  return run
}
