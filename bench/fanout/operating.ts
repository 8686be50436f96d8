import { get } from 'node:http'
import { entry, type Name } from './peers.js'
import { inTurn, oneATurn } from './rounds.js'
import type { Samples } from './samples.js'
import type { Station } from './station.js'
import { figure, markdown, spread } from './table.js'

export const streams = 1000
/** With nothing of it imported. */
const beside: Name = 'express-lariat'

/** Who is looked at while it streams, and who is not: each in turn, another one first in each round. */
export async function operating(
  stations: readonly Station[],
  rounds: number,
  seconds: number,
  samples: Samples,
): Promise<void> {
  for (let number = 0; number < rounds; number++) {
    console.error(`Operating, round ${number + 1} of ${rounds}`)
    for (const { station } of inTurn(stations, number)) {
      const { name } = station
      const { opening } = await station.open(streams)
      const leave = look(station)
      const { cpu, p99 } = await oneATurn(station, streams, seconds)
      await leave()
      await station.close()
      samples.add(name, 'opening, operated', number, opening)
      samples.add(name, 'cpu, operated', number, cpu)
      samples.add(name, 'p99, operated', number, p99)
    }
  }
}

/** Of all who were chosen, those whom this part is about. */
export function whoIsOperated(names: readonly Name[]): Name[] {
  return names.filter((name) => name === beside || entry(name).only === 'operating')
}

/** Each cost with its ratio to that of nothing imported, in the same round. */
export function operated(samples: Samples, names: readonly Name[]): string {
  const measures = ['cpu, operated', 'opening, operated', 'p99, operated'] as const
  return markdown(
    ['', 'CPU µs for each event delivered', 'CPU µs to open', 'p99 ms'],
    names.map((name) => [
      name,
      ...measures.map((measure) => {
        const ratio = samples.ratio(name, measure, beside)
        const { median } = samples.summary(name, measure)!
        return `${figure(median)}${ratio ? ` (× ${spread(ratio)})` : ''}`
      }),
    ]),
  )
}

/** Looks at a station from this process, until the function that is returned is called: it resolves when all is answered. */
function look({ name, port }: Station): () => Promise<unknown> {
  const { looked } = entry(name)
  if (!looked) return async () => {}
  const { path, accept = '*/*', each } = looked
  const leaving = new AbortController()
  const asked: Promise<void>[] = []
  const ask = () => {
    const { signal } = leaving
    const answered = new Promise<void>((resolve, reject) => {
      const request = get(
        { port, host: '127.0.0.1', path, headers: { accept }, agent: false, signal },
        (answer) => {
          if (answer.statusCode !== 200)
            reject(new Error(`${name}: ${path} is answered ${answer.statusCode}`))
          answer
            .resume()
            .once('close', resolve)
            .on('error', () => {})
        },
      )
      request.on('error', (error) => (signal.aborted ? resolve() : reject(error)))
    })
    asked.push(answered)
    // told when the run is over
    answered.catch(() => {})
  }
  // in the midst of a run, not at its edges
  const timers = each === undefined ? [] : [setTimeout(() => repeat(), each / 2)]
  const repeat = () => {
    ask()
    timers[0] = setTimeout(repeat, each)
  }
  if (each === undefined) ask()
  return async () => {
    for (const timer of timers) clearTimeout(timer)
    if (each === undefined) leaving.abort()
    await Promise.all(asked)
  }
}
