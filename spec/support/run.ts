// Runs all specs in two processes side by side: those of the demo, which mostly wait for a browser, and most others.
// Whichever is done first goes on with those of the package, and a slice on other runtimes: both have something to do until
// the end.
// `npx mocha spec/http` runs a folder, `npx mocha spec/http/date.spec.ts` a file.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { atEnd } from './at-end.js'
import { closing, corrected, mayBeUnsteady, nothing, type Report, sum } from './reporter.js'
import { isFull } from './runs.js'

const mocha = fileURLToPath(new URL('../../node_modules/mocha/bin/mocha.js', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'lariat-specs-'))
atEnd(() => rmSync(folder, { recursive: true, force: true }))

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
    const [code, signal] = await once(this.#process, 'exit')
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
const demo = new Part('demo', mocha, 'spec/demo', ...forMocha)
const others = new Part(
  'others',
  mocha,
  'spec',
  '--ignore=spec/demo/**',
  '--ignore=spec/package/**',
  '--ignore=spec/redis/**',
  ...forMocha,
)

/** What the parts have said that were not to speak in the midst of another. */
const said: string[] = []

async function done(part: Part): Promise<Report> {
  const [all, report] = await Promise.all([text(part.said), part.report()])
  said.push(all)
  return report
}

const onRuntimes = (...names: readonly string[]) =>
  new Part(`on ${names}`, '--import=tsx', 'tools/runtimes/runtimes.ts', ...names)

/** What is begun when a process is free; nothing on other runtimes if some specs were asked for, such as those of a name. */
const waiting: (() => Part)[] = [
  () => new Part('redis', mocha, 'spec/redis', ...forMocha),
  () => new Part('package', mocha, 'spec/package', ...forMocha),
  ...(forMocha.length > 0
    ? []
    : [['deno'], ['bun'], ['plain'], isFull ? ['node22', 'node24', 'node26'] : ['node26']].map(
        (names) => () => onRuntimes(...names),
      )),
]

async function goOn(first: Promise<Report>): Promise<Report[]> {
  const reports = [await first]
  for (let next = waiting.shift(); next; next = waiting.shift()) reports.push(await done(next()))
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

others.said.pipe(process.stdout)
const reports = await Promise.all([goOn(done(demo)), goOn(others.report())])

for (const each of said) console.log(each)
const total = await onceMore(sum(reports.flat()))
console.log(closing(total))
process.exitCode = total.failures > 0 ? 1 : 0
