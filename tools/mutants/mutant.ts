// Says of a mutant where it is, and which lines it changes.
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type Mutation, mutationsOf } from './mutations.js'

export interface Mutant extends Mutation {
  readonly file: string
  readonly line: number
  /** The lines that it changes, before and after. */
  readonly before: string
  readonly after: string
}

/** The sources that a path names: itself, or those in a folder. */
export function filesIn(path: string): readonly string[] {
  if (statSync(path).isFile()) return [path]
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(path, name).replaceAll('\\', '/'))
    .toSorted()
}

export function mutantsOf(file: string, source = readFileSync(file, 'utf8')): readonly Mutant[] {
  return mutationsOf(source, file).map((mutation) => {
    const { start, end, text } = mutation
    const from = source.lastIndexOf('\n', start - 1) + 1
    const to = source.indexOf('\n', end)
    return {
      ...mutation,
      file,
      line: source.slice(0, start).split('\n').length,
      before: source.slice(from, to).trim(),
      after: (source.slice(from, start) + text + source.slice(end, to)).trim(),
    }
  })
}

export function show({ file, line, before, after }: Mutant): string {
  return [
    `${file}:${line}`,
    ...before.split('\n').map((each) => `- ${each}`),
    ...after.split('\n').map((each) => `+ ${each}`),
  ].join('\n')
}
