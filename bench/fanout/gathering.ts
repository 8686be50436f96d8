import { entry, type Name } from './peers.js'
import { eventSize, inTurn } from './rounds.js'
import type { Samples } from './samples.js'
import type { Station } from './station.js'

export const streams = 1000
export const perSecond = 100

/** Who writes each event, and who lets events wait for others: each in turn, another one first in each round. */
export async function gathering(
  stations: readonly Station[],
  rounds: number,
  seconds: number,
  samples: Samples,
) {
  for (const station of stations) await fast(station, 1)
  for (let number = 0; number < rounds; number++) {
    console.error(`Gathering, round ${number + 1} of ${rounds}`)
    for (const { station } of inTurn(stations, number)) {
      const { cpu, p99 } = await fast(station, seconds)
      samples.add(station.name, 'cpu, a fast channel', number, cpu)
      samples.add(station.name, 'p99, a fast channel', number, p99)
    }
  }
}

/** Of all who were chosen, those whom this part is about. */
export function whoGathers(names: readonly Name[]): Name[] {
  const isAsked = (name: Name) => entry(name).only === 'gather' || name === 'express-lariat'
  return names.filter((name) => isAsked(name) || name === 'raw, pre-framed')
}

/** Each event in a turn of its own. Where the server cannot keep the pace, all are still sent, later. */
async function fast(station: Station, seconds: number) {
  await station.open(streams)
  const publishing = { events: perSecond * seconds, perTurn: 1, interval: 1000 / perSecond, size: eventSize }
  const run = await station.run(publishing, seconds * 10_000 + 30_000)
  await station.close()
  if (!run.complete || run.gaps > 0) throw new Error(`${station.name}: ${run.delivered} delivered`)
  return run
}
