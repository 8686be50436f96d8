// Links the rows of a table into steps, so that a walk needs no look-ups.
import type { Outcome } from '../request/outcome.js'
import type { Table } from './graph.js'
import type { Resolver } from './question.js'

/** A question, how it is answered, and where its answers lead. */
export interface Step extends Pick<Resolver, 'answer'> {
  readonly question: string
  readonly resolver: Resolver
  readonly yes: Step | Outcome
  readonly no: Step | Outcome
}

type Linking = { -readonly [Part in keyof Step]: Step[Part] }

/** Answers known before a request. Their questions are skipped. */
export type Settled<Name extends string> = ReadonlyMap<Name, boolean>

/** Links a table from a question on. */
export function link<Name extends string>(
  table: Table<Name>,
  resolvers: Readonly<Record<Name, Resolver>>,
  first: Name,
  settled: Settled<Name> = new Map(),
): Step {
  const steps = new Map<Name, Step>()
  const follow = (exit: Name | number): Step | Outcome => {
    if (typeof exit === 'number') return { kind: 'status', status: exit }
    const [yes, no] = table[exit]
    const answer = settled.get(exit)
    if (answer !== undefined) return follow(answer ? yes : no)
    return steps.get(exit) ?? make(exit)
  }
  const make = (question: Name): Step => {
    const resolver = resolvers[question]
    const step = { question, answer: resolver.answer, resolver } as unknown as Linking
    steps.set(question, step)
    const [yes, no] = table[question]
    step.yes = follow(yes)
    step.no = follow(no)
    return step
  }
  // method questions are never settled, so at least one step remains
  return follow(first) as Step
}
