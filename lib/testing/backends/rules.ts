// Writes cases down: a group of sentences, and what each does.
import type { Ability } from './abilities.js'
import type { Ground } from './ground.js'

type Run = (ground: Ground) => Promise<void>

/** A case that needs more than its group, or takes longer than others. */
interface Special {
  readonly needs?: readonly Ability[]
  readonly timeout?: number
  readonly run: Run
}

export interface Rule {
  readonly name: string
  readonly needs: readonly Ability[]
  readonly timeout: number
  readonly run: Run
}

export function rules(
  group: string,
  needs: readonly Ability[],
  all: Readonly<Record<string, Run | Special>>,
): readonly Rule[] {
  return Object.entries(all).map(([title, given]) => {
    const special: Special = typeof given === 'function' ? { run: given } : given
    return {
      name: `${group}: ${title}`,
      needs: [...needs, ...(special.needs ?? [])],
      timeout: special.timeout ?? 30_000,
      run: special.run,
    }
  })
}

/** The same case with each of several values, which are named. */
export function each<T>(
  values: Readonly<Record<string, T>>,
  title: (name: string) => string,
  run: (value: T, ground: Ground) => Promise<void>,
): Record<string, Run> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [title(name), (ground: Ground) => run(value, ground)]),
  )
}
