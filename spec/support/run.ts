// Runs all specs in two processes side by side: those of the demo, which mostly wait for a browser, and most others. Once
// the demo's are done, those of the package follow, then a slice on other runtimes.
// `npx mocha spec/http` runs a folder, `npx mocha spec/http/date.spec.ts` a file.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { atEnd } from './at-end.js'
import { closing, type Report, sum } from './reporter.js'

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
    const { passes = 0, failures = 0, pending = 0, folders = {}, slowest = [], failed = [] } = report ?? {}
    return { passes, failures: failures + 1, pending, folders, slowest, failed }
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
  ...forMocha,
)

/** What a part says, and its report. */
async function resultOf(part: Part): Promise<{ readonly said: string; readonly report: Report }> {
  const [said, report] = await Promise.all([text(part.said), part.report()])
  return { said, report }
}

async function oneByOne() {
  const results = [await resultOf(demo)]
  results.push(await resultOf(new Part('package', mocha, 'spec/package', ...forMocha)))
  // some specs were asked for, such as those of a name
  if (forMocha.length > 0) return results
  results.push(await resultOf(new Part('runtimes', '--import=tsx', 'tools/runtimes/runtimes.ts')))
  return results
}

others.said.pipe(process.stdout)
const [aside, ofOthers] = await Promise.all([oneByOne(), others.report()])
for (const { said } of aside) console.log(said)

const total = sum([...aside.map(({ report }) => report), ofOthers])
console.log(closing(total))
process.exitCode = total.failures > 0 ? 1 : 0
