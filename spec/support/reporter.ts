import { writeFileSync } from 'node:fs'
import Mocha from 'mocha'
import { lackedBy, type Program, programs } from './installed.js'

/** Mocha's spec reporter, closed by plain lines that tell what is missing, and the counts. */
// biome-ignore lint/style/noDefaultExport: how mocha finds a reporter
export default class extends Mocha.reporters.Spec {
  readonly #skippedFor = new Map<Program, number>()

  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options)
    runner.on(Mocha.Runner.constants.EVENT_TEST_PENDING, (test) => {
      const program = lackedBy(test)
      if (program) this.#skippedFor.set(program, (this.#skippedFor.get(program) ?? 0) + 1)
    })
  }

  override epilogue() {
    super.epilogue()
    for (const [program, count] of this.#skippedFor) {
      const { variable } = programs[program]
      console.log(
        `${program} is not installed: ${count} skipped. Run \`npm run setup\` as root on Debian, or install it and set ${variable}=/path/to/it`,
      )
    }
    const { passes, failures, pending } = this.stats
    const counts = { passes, failures, pending }
    // of a part of the specs, others make the sum
    if (process.env.SPECS_COUNTS) writeFileSync(process.env.SPECS_COUNTS, JSON.stringify(counts))
    else console.log(closing(counts))
  }
}

export interface Counts {
  readonly passes: number
  readonly failures: number
  readonly pending: number
}

export function closing({ passes, failures, pending }: Counts): string {
  return `${passes} passed, ${failures} failed${pending > 0 ? `, ${pending} skipped` : ''}`
}
