// Runs the specs on the unchanged copy: where they are red, every mutant would seem to be noticed.
import type { Copy, Run } from './copy.js'

/** How long specs took, by their names: what a mutant may take follows from it. */
export type Durations = ReadonlyMap<string, number>

/** The name of specs that run together. */
export function nameOf(specs: readonly string[]): string {
  return specs.join(' ')
}

/** Runs the types and each list of specs once. Throws if one is red, with what it said. */
export async function baseline(
  copy: Pick<Copy, 'types' | 'specs'>,
  lists: readonly (readonly string[])[],
): Promise<Durations> {
  const durations = new Map<string, number>()
  const note = (name: string, what: string, { verdict, said, milliseconds }: Run) => {
    if (verdict !== 'passed') {
      throw new Error(
        `Nothing is broken yet, and ${what} ${verdict}. As long as they do, every mutant seems to be noticed.\n${said}`,
      )
    }
    durations.set(name, milliseconds)
  }
  note('types', 'the types', await copy.types())
  for (const specs of lists) {
    const name = nameOf(specs)
    if (!durations.has(name)) note(name, `the specs (${name})`, await copy.specs(specs))
  }
  return durations
}

/** Milliseconds that a run with a mutant may take: some more than without one, on a machine that has become slow. */
export function limitOf(durations: Durations, name: string): number {
  return 15_000 + 3 * durations.get(name)!
}
