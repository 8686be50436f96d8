import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { chart, type Line } from './chart.js'
import type { Goal } from './goals.js'
import { entry, type Name } from './peers.js'
import type { Samples, Summary } from './samples.js'
import type { Course } from './stalled.js'

export interface Results {
  readonly machine: string
  readonly node: string
  readonly rounds: number
  readonly names: readonly Name[]
  readonly streams: readonly number[]
  readonly samples: Samples
  readonly courses: ReadonlyMap<Name, Course>
  readonly goals: readonly Goal[]
}

const root = new URL('../../../../', import.meta.url)

const file = new URL('bench/results/fanout.json', root)

interface Kept {
  readonly peers?: Record<string, Record<string, Summary>>
  readonly stalled?: object
  readonly goals?: object
}

function kept(): Kept {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Kept
  } catch {
    return {}
  }
}

/** Objects all the way: that is how a formatter leaves them as they are. */
export function keep({ machine, node, rounds, names, streams, samples, courses, goals }: Results): void {
  const peers = Object.fromEntries(names.map((name) => [name, ownOf(samples, name)]))
  const stalled = Object.fromEntries([...courses].map(([name, course]) => [name, bySecond(course)]))
  const reached = Object.fromEntries(goals.map(({ what, ...goal }) => [what, goal]))
  const before = kept()
  // what was not measured this time stays
  for (const name of names) peers[name] = { ...before.peers?.[name], ...peers[name] }
  const all = {
    machine,
    node,
    rounds,
    peers: { ...before.peers, ...peers },
    stalled: { ...before.stalled, ...stalled },
    goals: { ...before.goals, ...reached },
  }
  mkdirSync(new URL('bench/results/', root), { recursive: true })
  writeFileSync(file, `${JSON.stringify(all, null, 2)}\n`)
  const hasCosts = names.some((name) =>
    samples.measures(name).some((each) => each.startsWith('cpu, one a turn')),
  )
  if (hasCosts && streams.length > 1)
    writeFileSync(new URL('docs/images/fanout.svg', root), drawing(samples, names, streams))
}

/** All that was measured of one. */
export function ownOf<Who extends string, What extends string>(
  samples: Samples<Who, What>,
  name: Who,
): Record<string, Summary> {
  return Object.fromEntries(
    samples.measures(name).map((measure) => [measure, rounded(samples.summary(name, measure)!)]),
  )
}

function rounded({ median, least, most }: Summary): Summary {
  const three = (value: number) => Number(value.toPrecision(4))
  return { median: three(median), least: three(least), most: three(most) }
}

function bySecond({ memory, closed }: Course) {
  return { closed, memory: Object.fromEntries(memory.map((each, second) => [second, each])) }
}

function drawing(samples: Samples, names: readonly Name[], streams: readonly number[]): string {
  const lines = names.map((name): Line => {
    const points = streams.flatMap((count) => {
      const cpu = samples.summary(name, `cpu, one a turn, ${count}`)
      return cpu ? [[count, cpu.median] as const] : []
    })
    return { name, points, emphasised: entry(name).kind === 'ours' }
  })
  return chart(
    'What a delivered event costs the server, one event a turn',
    lines.filter(({ points }) => points.length > 0),
  )
}
