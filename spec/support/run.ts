// Runs all specs by processes side by side, a folder or several each, and then a slice of them on other runtimes.
// `npx mocha spec/http` runs a folder, `npx mocha spec/http/date.spec.ts` a file.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { atEnd } from './at-end.js'
import { closing, corrected, mayBeUnsteady, nothing, type Report, sum } from './reporter.js'
import { isFull } from './runs.js'

const mocha = fileURLToPath(new URL('../../node_modules/mocha/bin/mocha.js', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'lariat-specs-'))
atEnd(() => rmSync(folder, { recursive: true, force: true }))

/** Milliseconds after which a process is taken for one that hangs. */
const patience = 1_200_000

/** A process that runs some of the specs. */
class Part {
  readonly #file: string
  readonly #process
  readonly said

  constructor(name: string, ...given: readonly string[]) {
    this.#file = join(folder, name)
    this.#process = spawn(process.execPath, given, {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, SPECS_REPORT: this.#file },
    })
    this.said = this.#process.stdout
    atEnd(() => this.#process.kill('SIGINT')) // the signal that mocha hands on to the process that runs them
  }

  /** What it reports; one that ended otherwise than its report says has failed once more. */
  async report(): Promise<Report> {
    // mocha gives up at the first signal, and says what there is so far; at the second it goes
    const interrupts = [patience, patience + 30_000].map((after) =>
      setTimeout(() => this.#process.kill('SIGINT'), after),
    )
    const [code, signal] = await once(this.#process, 'exit')
    for (const each of interrupts) clearTimeout(each)
    const report = this.#read()
    if (report && (code === 0) === (report.failures === 0)) return report
    console.log(`Specs ended with ${signal ?? code}`)
    const { files: _, failures, ...rest } = report ?? nothing
    return { ...rest, failures: failures + 1 }
  }

  #read(): Report | undefined {
    try {
      return JSON.parse(readFileSync(this.#file, 'utf8'))
    } catch {
      return undefined
    }
  }
}

const forMocha = process.argv.slice(2)

/** What is run by a process of its own: the longest first, so that all lanes end at about the same time. */
const folders: readonly (readonly string[])[] = [
  ['recipes'],
  ['demo/page'],
  ['redis'],
  ['demo/bookshop', 'demo/*.spec.ts'],
  ['inspector', 'metrics'],
  ['loop'],
  ['hub'],
  ['package'],
  ['docs', 'load'],
]

const specs = (name: string, ...given: readonly string[]) => ({
  name,
  begin: () => new Part(name.replaceAll('/', ' '), mocha, ...given, ...forMocha),
})
/** One after the other, since all of them run what is compiled once. */
const runtimes = {
  name: 'runtimes',
  begin: () => {
    const some = isFull ? [] : ['--core', 'deno', 'bun', 'node26', 'plain']
    return new Part('runtimes', '--import=tsx', 'tools/runtimes/runtimes.ts', ...some)
  },
}

const others = specs(
  'others',
  'spec',
  ...folders.flat().map((path) => `--ignore=spec/${path.replace(/^[^.]*$/, '$&/**')}`),
)

const waiting = [
  others,
  // there is nothing to run on them if some specs were asked for, such as those of a name
  ...(forMocha.length > 0 ? [] : [runtimes]),
  ...folders.map((paths) => specs(paths[0] as string, ...paths.map((path) => `spec/${path}`))),
]

/** So many at once: on two cores, one waits for a browser or for servers most of the time. */
const lanes = Math.max(3, availableParallelism())

async function run(): Promise<Report[]> {
  const reports: Report[] = []
  for (let next = waiting.shift(); next; next = waiting.shift()) {
    const part = next.begin()
    // what one says is not to stand in the midst of another
    const [said, report] = await Promise.all([text(part.said), part.report()])
    console.log(said)
    reports.push(report)
  }
  return reports
}

/** Asks the files in which something failed once more, alone: what passes then is named as unsteady. */
async function onceMore(report: Report): Promise<Report> {
  const { files = {} } = report
  const counts = Object.values(files)
  const isAll = !('' in files) && counts.reduce((sum, { failures }) => sum + failures, 0) === report.failures
  if (!mayBeUnsteady(report) || !isAll) return report
  console.log(`  Once more, alone: ${Object.keys(files).join(', ')}`)
  const again = new Part('once more', mocha, ...Object.keys(files), ...forMocha)
  again.said.pipe(process.stdout)
  return corrected(report, counts, await again.report())
}

const reports = await Promise.all(Array.from({ length: lanes }, run))
const total = await onceMore(sum(reports.flat()))
console.log(closing(total))
process.exitCode = total.failures > 0 ? 1 : 0
