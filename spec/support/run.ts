// Runs all specs in two processes side by side: those of the demo, which mostly wait for a browser, and all others.
// `npx mocha --spec spec/some.spec.ts` runs them in one.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { atEnd } from './at-end.js'
import { type Counts, closing } from './reporter.js'

const mocha = fileURLToPath(new URL('../../node_modules/mocha/bin/mocha.js', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'lariat-specs-'))
atEnd(() => rmSync(folder, { recursive: true, force: true }))

/** A process that runs all specs but some. */
class Part {
  readonly #file: string
  readonly #process
  readonly said

  constructor(name: string, ignored: readonly string[]) {
    this.#file = join(folder, name)
    const given = [...ignored.map((glob) => `--ignore=${glob}`), ...process.argv.slice(2)]
    this.#process = spawn(process.execPath, [mocha, ...given], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, SPECS_COUNTS: this.#file },
    })
    this.said = this.#process.stdout
    atEnd(() => this.#process.kill('SIGINT')) // the signal that mocha hands on to the process that runs them
  }

  /** What it has counted; one that ended otherwise than by its count has failed once more. */
  async counts(): Promise<Counts> {
    const [code, signal] = await once(this.#process, 'exit')
    const counts = this.#read()
    if (counts && (code === 0) === (counts.failures === 0)) return counts
    console.log(`Specs ended with ${signal ?? code}`)
    const { passes = 0, failures = 0, pending = 0 } = counts ?? {}
    return { passes, failures: failures + 1, pending }
  }

  #read(): Counts | undefined {
    try {
      return JSON.parse(readFileSync(this.#file, 'utf8'))
    } catch {
      return undefined
    }
  }
}

const demo = new Part('demo', ['spec/!(demo)/**', 'spec/*.spec.ts'])
const others = new Part('others', ['spec/demo/**'])

others.said.pipe(process.stdout)
const [said, ...parts] = await Promise.all([text(demo.said), demo.counts(), others.counts()])
console.log(said)

const sum = (name: keyof Counts) => parts.reduce((total, counts) => total + counts[name], 0)
const total = { passes: sum('passes'), failures: sum('failures'), pending: sum('pending') }
console.log(closing(total))
process.exitCode = total.failures > 0 ? 1 : 0
