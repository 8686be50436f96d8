// Runs all specs in two processes side by side: those of the demo, which mostly wait for a browser, and all others.
// `npx mocha spec/some.spec.ts` runs one.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { type Counts, closing } from './reporter.js'

const mocha = new URL('../../node_modules/mocha/bin/_mocha', import.meta.url)

/** A process that runs all specs but some, with the options of .mocharc.json. */
function run(...ignored: readonly string[]): ChildProcess {
  return fork(
    mocha,
    ignored.map((glob) => `--ignore=${glob}`),
    {
      execArgv: ['--import', 'tsx', '--unhandled-rejections=strict'],
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    },
  )
}

/** What a process has counted; one that ended without a word has failed once. */
async function countsOf(part: ChildProcess): Promise<Counts> {
  let counts: Counts = { passes: 0, failures: 1, pending: 0 }
  part.on('message', (message: Counts) => {
    counts = message
  })
  const [code, signal] = await once(part, 'exit')
  if (code === 0 || counts.failures > 0) return counts
  console.log(`The specs ended with ${signal ?? code}`)
  return { ...counts, failures: 1 }
}

const demo = run('spec/!(demo)/**', 'spec/*.spec.ts')
const others = run('spec/demo/**')
process.once('exit', () => {
  for (const part of [demo, others]) part.kill()
})

const said = text(demo.stdout!)
others.stdout!.pipe(process.stdout)
const parts = await Promise.all([others, demo].map(countsOf))
console.log(await said)

const sum = (name: keyof Counts) => parts.reduce((total, counts) => total + counts[name], 0)
const total = { passes: sum('passes'), failures: sum('failures'), pending: sum('pending') }
console.log(closing(total))
process.exitCode = total.failures > 0 ? 1 : 0
