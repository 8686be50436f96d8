// What a case is before it has a route: a rule, what it needs of a subject, and how it is tried.
import type { Subject } from './subject.js'
import type { Trial } from './trial.js'

export interface Rule {
  /** What has to be there of the subject. */
  readonly needs?: readonly (keyof Subject)[]
  /** Only the library promises it: left out with `only: 'http'`. */
  readonly isOurs?: true
  /** @param rule its own name */
  try(trial: Trial, rule: string): Promise<void>
}
