// Runs a slice of the specs on other runtimes: Node 22, 24 and 26, Bun, Deno, and on this Node without what the library
// takes from Node's insides. `npm run runtimes -- bun` runs one. A runtime that npm's registry does not give is skipped.
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { atEnd } from '../../spec/support/at-end.js'
import { packagesOf } from '../../spec/support/packages.js'
import { corrected, mayBeUnsteady, nothing, type Report, sum } from '../../spec/support/reporter.js'
import { core } from './slice.js'

interface Runtime {
  readonly name: string
  /** Its package at npm, and the program in it. */
  readonly npm?: readonly [name: string, program: string]
  /** What comes before the file that it runs. */
  readonly given: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Which paths of the slice run on it. */
  readonly only?: RegExp
}

const { arch } = process
const system = process.platform === 'win32' ? 'win' : process.platform
const strict = '--unhandled-rejections=strict'

const node = (version: number): Runtime => ({
  name: `node${version}`,
  npm: [`node${version}@npm:node-${system}-${arch}@${version}`, `node${version}/bin/node`],
  given: [strict],
})

const bun = `@oven/bun-${system}-${arch === 'arm64' ? 'aarch64' : arch}`
const deno = `@deno/${system === 'linux' ? `linux-${arch}-glibc` : `${process.platform}-${arch}`}`

const runtimes: readonly Runtime[] = [
  { name: 'plain', given: [strict], env: { LARIAT_PLAIN: '1' }, only: /^loop/ },
  node(22),
  node(24),
  node(26),
  { name: 'bun', npm: [`${bun}@1`, `${bun}/bin/bun`], given: [] },
  {
    name: 'deno',
    npm: [`${deno}@2`, `${deno}/deno`],
    given: ['run', '-A', '--node-modules-dir=manual', '--quiet'],
  },
]

/** What `npm test` says: on each the core of the slice. */
const isCore = process.argv.includes('--core')

/** Milliseconds after which a runtime is taken for one that hangs. */
const patience = 600_000

/** Of this process: another may run on other runtimes meanwhile. */
const compiled = `.runtimes/${process.pid}`
const folder = mkdtempSync(join(tmpdir(), 'lariat-runtimes-'))
atEnd(() => rmSync(folder, { recursive: true, force: true }))

/** As Deno and Bun find no sources behind imports of `.js`, and Node 20 is slow to. */
function compile(): void {
  atEnd(() => rmSync(compiled, { recursive: true, force: true }))
  const tsc = ['node_modules/typescript/bin/tsc', '-p', 'tools/runtimes', '--outDir', compiled]
  const { status } = spawnSync(process.execPath, tsc, { stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
  symlinkSync('../../docs', join(compiled, 'docs'))
  symlinkSync('../../package.json', join(compiled, 'package.json'))
}

async function programOf({ npm }: Runtime): Promise<string> {
  if (!npm) return process.execPath
  const [name, path] = npm
  return join(await packagesOf([name]), 'node_modules', path)
}

async function run(runtime: Runtime): Promise<Report> {
  const { name, given, env, only } = runtime
  const from = performance.now()
  const patterns = [only, isCore && core].flatMap((each) => (each ? each.source : []))
  let program: string
  try {
    program = await programOf(runtime)
  } catch (error) {
    console.log(
      `${name}: skipped, since npm does not install it here: ${String(error).split('\n', 2).join(' ')}`,
    )
    return { ...nothing, pending: 1 }
  }
  const file = join(folder, name)
  const inside = [
    join(compiled, 'tools/runtimes/inside.js'),
    join(process.cwd(), compiled),
    name,
    file,
    ...patterns,
  ]
  const child = spawn(program, [...given, ...inside], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env, NO_COLOR: '1' },
  })
  const end = atEnd(() => child.kill('SIGKILL'))
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
  }
  const timer = setTimeout(() => child.kill('SIGKILL'), patience)
  const code = await new Promise((resolve) => child.once('close', (code, signal) => resolve(signal ?? code)))
  clearTimeout(timer)
  end()
  const report = read(file)
  const isWhole = report && (code === 0) === (report.failures === 0)
  if (!isWhole || report.failures > 0) console.log(said)
  if (!isWhole) console.log(`${name} ended with ${code}`)
  const result = isWhole ? report : { ...nothing, ...report, failures: (report?.failures ?? 0) + 1 }
  const seconds = ((performance.now() - from) / 1000).toFixed(0)
  console.log(
    `${name}: ${result.passes} passed, ${result.failures} failed, ${result.pending} skipped (${seconds} s)`,
  )
  return result
}

function read(file: string): Report | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return undefined
  }
}

const asked = process.argv.slice(2).filter((each) => each !== '--core')
const unknown = asked.filter((name) => !runtimes.some((each) => each.name === name))
if (unknown.length > 0)
  throw new Error(`${unknown} is none of ${runtimes.map(({ name }) => name).join(', ')}`)

compile()
const reports: Report[] = []
for (const runtime of runtimes) {
  if (asked.length > 0 && !asked.includes(runtime.name)) continue
  const report = await run(runtime)
  reports.push(mayBeUnsteady(report) ? corrected(report, [report], await run(runtime)) : report)
}
const total = sum(reports)
if (process.env.SPECS_REPORT) writeFileSync(process.env.SPECS_REPORT, JSON.stringify(total))
else console.log(`${total.passes} passed, ${total.failures} failed, ${total.pending} skipped`)
process.exitCode = total.failures > 0 ? 1 : 0
