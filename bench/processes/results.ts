import { mkdirSync, writeFileSync } from 'node:fs'
import type { Goal } from '../fanout/goals.js'
import { ownOf } from '../fanout/results.js'
import type { Taken } from './measures.js'
import type { Name } from './peers.js'

interface Results {
  readonly machine: string
  readonly node: string
  readonly rounds: number
  readonly streams: number
  readonly rate: number
  readonly names: readonly Name[]
  readonly samples: Taken
  readonly goals: readonly Goal[]
}

const file = new URL('../../../results/processes.json', import.meta.url)

/** Objects all the way: that is how a formatter leaves them as they are. */
export function keep({ names, samples, goals, ...run }: Results): void {
  const peers = Object.fromEntries(names.map((name) => [name, ownOf(samples, name)]))
  const reached = Object.fromEntries(goals.map(({ what, ...goal }) => [what, goal]))
  mkdirSync(new URL('.', file), { recursive: true })
  writeFileSync(file, `${JSON.stringify({ ...run, peers, goals: reached }, null, 2)}\n`)
}
