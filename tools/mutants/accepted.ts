// Knows the mutants that may survive, and which of these rows are out of date.
import { existsSync, readFileSync } from 'node:fs'
import { type Mutant, mutantsOf } from './mutant.js'

/** A mutant that may survive. */
export interface Accepted {
  readonly file: string
  readonly before: string
  readonly after: string
  readonly reason: string
}

const accepted: readonly Accepted[] = JSON.parse(
  readFileSync(new URL('accepted.json', import.meta.url), 'utf8'),
)

export function isAccepted(mutant: Mutant): boolean {
  return accepted.some((row) => isOf(row, mutant))
}

/** The rows that are of no mutant any more: the source has changed since. */
export function stale(rows = accepted): readonly Accepted[] {
  return rows.filter(
    (row) => !existsSync(row.file) || !mutantsOf(row.file).some((mutant) => isOf(row, mutant)),
  )
}

function isOf({ file, before, after }: Accepted, mutant: Mutant): boolean {
  return file === mutant.file && before === mutant.before && after === mutant.after
}
