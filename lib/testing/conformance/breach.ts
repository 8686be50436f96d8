// Fails a case: says the rule, what came, and what was expected.
import { AssertionError } from 'node:assert'

/** What is wrong with a route. */
export interface Wrong {
  /** The rule, as a sentence. */
  readonly rule: string
  readonly came: unknown
  readonly expected: unknown
}

export function breach({ rule, came, expected }: Wrong): never {
  const message = `${rule}\n  came: ${show(came)}\n  expected: ${show(expected)}`
  throw new AssertionError({ message, actual: came, expected, stackStartFn: breach })
}

/** Fails unless something holds. */
export function demand(holds: boolean, wrong: () => Wrong): void {
  if (!holds) breach(wrong())
}

/** A case does not apply to a route, and why. */
export class LeftOut extends Error {
  override readonly name = 'LeftOut'
}

export function leaveOut(reason: string): never {
  throw new LeftOut(reason)
}

function show(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value))
  return text.length > 1000 ? `${text.slice(0, 1000)} … (${text.length} characters)` : text
}
