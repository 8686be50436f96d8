// Breaks one thing at a time in a copy of the sources, and expects a spec to fail:
// `npm run mutants -- --file lib/graph/graph.ts --count 40 --seed 1`. A mutant that no spec notices is printed, and
// fails the run, unless `accepted.json` says why nobody could or need notice it. One that makes the specs run for ever
// is counted apart, and fails the run with `--fail-on-time`. `--quick` leaves out the specs that take seconds: they may
// still notice what survives then.
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { Chance } from '../soak/chance.js'
import { isAccepted, stale } from './accepted.js'
import { baseline, type Durations, limitOf, nameOf } from './baseline.js'
import { Copy, type Verdict } from './copy.js'
import { filesIn, type Mutant, mutantsOf, show } from './mutant.js'
import { specsFor } from './rooms.js'

const { values } = parseArgs({
  options: {
    file: { type: 'string', multiple: true, default: ['lib'] },
    seed: { type: 'string', default: '1' },
    count: { type: 'string', default: '60' },
    jobs: { type: 'string', default: String(Math.min(2, cpus().length)) },
    'fail-on-time': { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
  },
})

/** Some of all, the same ones for the same seed. */
function sample<T>(all: readonly T[], count: number, seed: number): readonly T[] {
  const chance = new Chance(seed)
  const left = [...all]
  return Array.from(
    { length: Math.min(count, all.length) },
    () => left.splice(chance.between(0, left.length - 1), 1)[0]!,
  )
}

/** Asks the likely specs, then the types, which are quick, then all other specs. */
async function ask(
  copy: Copy,
  mutant: Mutant,
  durations: Durations,
): Promise<readonly [Verdict, by: string]> {
  const [near = [], ...far] = specsOf.get(mutant.file)!
  return await copy.with(mutant.file, mutant, async () => {
    const specs = async (list: readonly string[]) => {
      const { verdict, said } = await copy.specs(list, limitOf(durations, nameOf(list)))
      return [verdict, firstFailure(said) ?? 'specs that end otherwise'] as const
    }
    const first = await specs(near)
    if (first[0] !== 'passed') return first
    const types = await copy.types(limitOf(durations, 'types'))
    if (types.verdict !== 'passed') return [types.verdict, 'the types'] as const
    for (const list of far) {
      const verdict = await specs(list)
      if (verdict[0] !== 'passed') return verdict
    }
    return ['passed', ''] as const
  })
}

/** The name of the first spec that mocha says has failed. */
function firstFailure(said: string): string | undefined {
  const [, listed] = /\n {2}1\) ([\s\S]*?):\n/.exec(said) ?? []
  return listed && `"${listed.replaceAll(/\s+/g, ' ')}"`
}

const all = values.file.flatMap(filesIn).flatMap((file) => mutantsOf(file))
const chosen = sample(all, Number(values.count), Number(values.seed))
/** Listed once: the folders may change while this runs, and the copy does not. */
const specsOf = new Map(chosen.map(({ file }) => [file, specsFor(file, { isQuick: values.quick })]))
const share = `${chosen.length} of ${all.length} mutants (${((100 * chosen.length) / all.length).toFixed(1)} %)`

if (values.list) {
  for (const mutant of chosen) console.log(`${mutant.kind}: ${show(mutant)}\n`)
  console.log(share)
} else {
  try {
    await run()
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 2
  }
}

async function run(): Promise<void> {
  const accepted = chosen.filter(isAccepted)
  const tried = chosen.filter((mutant) => !isAccepted(mutant))
  const copies = Array.from({ length: Number(values.jobs) }, () => new Copy())
  console.log(`${share}, seed ${values.seed}. First the specs run with nothing broken.`)
  const durations = await baseline(
    copies[0]!,
    tried.flatMap(({ file }) => specsOf.get(file)!),
  )

  const found: Record<Verdict, Mutant[]> = { passed: [], failed: [], 'timed out': [] }
  const waiting = [...tried]
  let done = 0
  const work = async (copy: Copy) => {
    for (let mutant = waiting.shift(); mutant; mutant = waiting.shift()) {
      const [verdict, by] = await ask(copy, mutant, durations)
      found[verdict].push(mutant)
      done += 1
      const where = `${mutant.file}:${mutant.line} ${mutant.kind}`
      const said = {
        failed: `${where}: noticed by ${by}`,
        'timed out': `${where}: timed out`,
        passed: `SURVIVED, ${mutant.kind}: ${show(mutant)}`,
      }
      console.log(`${done}/${tried.length} ${said[verdict]}`)
    }
  }
  await Promise.all(copies.map(work))

  list('survivors', found.passed)
  list('timed out', found['timed out'])
  for (const { file, before, after } of stale()) {
    console.log(
      `\nStale in accepted.json: there is no such mutant any more.\n${file}\n- ${before}\n+ ${after}`,
    )
  }
  console.log(
    `\n${share}, seed ${values.seed}: ${found.failed.length} noticed, ${found['timed out'].length} timed out, ` +
      `${accepted.length} accepted, ${found.passed.length} survived`,
  )
  const isLate = values['fail-on-time'] && found['timed out'].length > 0
  process.exitCode = found.passed.length > 0 || isLate ? 1 : 0
}

function list(title: string, mutants: readonly Mutant[]): void {
  console.log(`\n${mutants.length} ${title}${mutants.length > 0 ? ':' : ''}`)
  for (const mutant of mutants) console.log(`\n${mutant.kind}: ${show(mutant)}`)
}
