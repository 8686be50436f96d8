// Breaks one thing at a time in a copy of the sources, and expects a spec to fail:
// `npm run mutants -- --file lib/graph/graph.ts --count 40 --seed 1`. A mutant that no spec notices is printed, and
// fails the run, unless `accepted.json` says why nobody could or need notice it.
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Chance } from '../soak/chance.js'
import { Copy, type Verdict } from './copy.js'
import { type Mutation, mutationsOf } from './mutations.js'
import { specsFor } from './rooms.js'

const { values } = parseArgs({
  options: {
    file: { type: 'string', multiple: true, default: ['lib'] },
    seed: { type: 'string', default: '1' },
    count: { type: 'string', default: '60' },
    jobs: { type: 'string', default: String(Math.min(2, cpus().length)) },
    list: { type: 'boolean', default: false },
  },
})

interface Mutant extends Mutation {
  readonly file: string
  readonly line: number
  /** The lines that it changes, before and after. */
  readonly before: string
  readonly after: string
}

/** A mutant that may survive. */
interface Accepted {
  readonly file: string
  readonly before: string
  readonly after: string
  readonly reason: string
}

const accepted: readonly Accepted[] = JSON.parse(
  readFileSync(new URL('accepted.json', import.meta.url), 'utf8'),
)

const isAccepted = ({ file, before, after }: Mutant) =>
  accepted.some((each) => each.file === file && each.before === before && each.after === after)

function filesIn(path: string): readonly string[] {
  if (statSync(path).isFile()) return [path]
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(path, name))
    .toSorted()
}

function mutantsOf(file: string): readonly Mutant[] {
  const source = readFileSync(file, 'utf8')
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

/** Some of all, the same ones for the same seed. */
function sample<T>(all: readonly T[], count: number, seed: number): readonly T[] {
  const chance = new Chance(seed)
  const left = [...all]
  return Array.from(
    { length: Math.min(count, all.length) },
    () => left.splice(chance.between(0, left.length - 1), 1)[0]!,
  )
}

/** Names the specs that notice a mutant, or the types; undefined if nothing does. */
async function noticed(copy: Copy, mutant: Mutant): Promise<string | undefined> {
  return await copy.with(mutant.file, mutant, async () => {
    for (const specs of specsFor(mutant.file)) {
      const verdict: Verdict = await copy.specs(specs)
      if (verdict !== 'passed') return verdict === 'failed' ? specs : `${specs}, which never ended`
    }
    return (await copy.types()) === 'passed' ? undefined : 'the types'
  })
}

const all = values.file.flatMap(filesIn).flatMap(mutantsOf)
const chosen = sample(all, Number(values.count), Number(values.seed))
const survivors: Mutant[] = []
let forgiven = 0
let done = 0

const show = ({ file, line, before, after }: Mutant) =>
  [
    `${file}:${line}`,
    ...before.split('\n').map((each) => `- ${each}`),
    ...after.split('\n').map((each) => `+ ${each}`),
  ].join('\n')

if (values.list) {
  for (const mutant of chosen) console.log(`${mutant.kind}: ${show(mutant)}\n`)
  console.log(`${chosen.length} of ${all.length} mutants`)
} else await run()

async function run(): Promise<void> {
  const waiting = [...chosen]
  const work = async () => {
    const copy = new Copy()
    for (let mutant = waiting.shift(); mutant; mutant = waiting.shift()) {
      const by = await noticed(copy, mutant)
      done += 1
      if (by)
        console.log(`${done}/${chosen.length} ${mutant.file}:${mutant.line} ${mutant.kind}: noticed by ${by}`)
      else if (isAccepted(mutant)) forgiven += 1
      else {
        survivors.push(mutant)
        console.log(`${done}/${chosen.length} SURVIVED, ${mutant.kind}: ${show(mutant)}`)
      }
    }
  }
  await Promise.all(Array.from({ length: Number(values.jobs) }, work))
  console.log(`\n${survivors.length} survivors${survivors.length > 0 ? ':' : ''}`)
  for (const mutant of survivors) console.log(`\n${mutant.kind}: ${show(mutant)}`)
  console.log(
    `\n${chosen.length} of ${all.length} mutants, seed ${values.seed}: ${chosen.length - survivors.length - forgiven} noticed, ${forgiven} accepted, ${survivors.length} survived`,
  )
  process.exitCode = survivors.length > 0 ? 1 : 0
}
