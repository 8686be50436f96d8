// Checks in seconds what a change most often breaks: the types, the lint of changed files, and the specs that need no
// connection. `npm test` runs everything.
import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'

const specs = [
  'spec/architecture.spec.ts',
  'spec/specs.spec.ts',
  'spec/clock.spec.ts',
  'spec/http',
  'spec/formats',
  'spec/rest/graph.spec.ts',
  'spec/docs/generated.spec.ts',
]

const commands = {
  // unchanged files are not checked again
  types: ['tsc', '--incremental', '--tsBuildInfoFile', 'node_modules/.cache/types.json'],
  lint: ['biome', 'check', '--error-on-warnings', '--changed', '--since=HEAD', '--no-errors-on-unmatched'],
  specs: ['mocha', '--reporter=dot', ...specs],
}

async function run(name: string, [program = '', ...given]: readonly string[]): Promise<boolean> {
  const from = performance.now()
  const child = spawn(`node_modules/.bin/${program}`, given)
  const [out, err, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise((resolve) => child.once('close', resolve)),
  ])
  const seconds = ((performance.now() - from) / 1000).toFixed(1)
  console.log(`${code === 0 ? '' : out + err}${name}: ${code === 0 ? 'fine' : 'failed'} (${seconds} s)`)
  return code === 0
}

const from = performance.now()
const results = await Promise.all(Object.entries(commands).map(([name, command]) => run(name, command)))
console.log(`${((performance.now() - from) / 1000).toFixed(1)} s`)
process.exitCode = results.every(Boolean) ? 0 : 1
