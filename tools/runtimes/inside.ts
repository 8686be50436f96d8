// Runs the slice inside of the runtime that has started this file: `inside.js <folder> <name> <report> <patterns of paths>`.
import { readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Mocha from 'mocha'
import { elsewhere, exceptions, slice } from './slice.js'

const [folder = '', name = '', report = '', ...patterns] = process.argv.slice(2)

/** Says what failed, and nothing else. */
class Reporter extends Mocha.reporters.Base {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options)
    runner.on(Mocha.Runner.constants.EVENT_RUN_END, () => {
      const { passes, failures, pending } = this.stats
      if (failures > 0) this.epilogue()
      const failed = this.failures.map((test) => `${name}: ${test.fullTitle()}\n${test.err?.stack}`)
      writeFileSync(report, JSON.stringify({ passes, failures, pending, folders: {}, slowest: [], failed }))
    })
  }
}

function filesOf(path: string): readonly string[] {
  const whole = join(folder, 'spec', path)
  if (path.endsWith('.spec')) return [`${whole}.js`]
  return readdirSync(whole)
    .filter((file) => file.endsWith('.spec.js') && statSync(join(whole, file)).isFile())
    .map((file) => join(whole, file))
}

function skip(suite: Mocha.Suite): void {
  const skipped = exceptions[name] ?? []
  for (const test of suite.tests) {
    if (skipped.some(({ specs }) => specs.test(test.fullTitle()))) test.pending = true
  }
  for (const each of suite.suites) skip(each)
}

const mocha = new Mocha({ reporter: Reporter, timeout: 120_000, forbidOnly: true }).grep(elsewhere).invert()
for (const path of slice) {
  if (patterns.every((pattern) => new RegExp(pattern).test(path)))
    for (const file of filesOf(path)) mocha.addFile(file)
}
await mocha.loadFilesAsync()
skip(mocha.suite)
mocha.run((failures) => process.exit(failures > 0 ? 1 : 0))
