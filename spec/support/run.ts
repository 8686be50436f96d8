// Runs all specs in two processes side by side: those of the demo, which mostly wait for a browser, and all others.
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
    this.#process = spawn(process.execPath, [mocha, ...given, ...process.argv.slice(2)], {
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
    const { passes = 0, failures = 0, pending = 0, folders = {}, slowest = [] } = report ?? {}
    return { passes, failures: failures + 1, pending, folders, slowest }
  }

  #read(): Report | undefined {
    try {
      return JSON.parse(readFileSync(this.#file, 'utf8'))
    } catch {
      return undefined
    }
  }
}

const demo = new Part('demo', 'spec/demo')
const others = new Part('others', 'spec', '--ignore=spec/demo/**')

others.said.pipe(process.stdout)
const [said, ...reports] = await Promise.all([text(demo.said), demo.report(), others.report()])
console.log(said)

const total = sum(reports)
console.log(closing(total))
process.exitCode = total.failures > 0 ? 1 : 0
