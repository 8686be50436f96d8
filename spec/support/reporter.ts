import { writeFileSync } from 'node:fs'
import { relative, sep } from 'node:path'
import Mocha from 'mocha'
import { lackedBy, type Program, programs } from './installed.js'
import { isForRegistry } from './packages.js'

/** Mocha's spec reporter, closed by missing programs, where the time went, and the counts. */
// biome-ignore lint/style/noDefaultExport: how mocha finds a reporter
export default class extends Mocha.reporters.Spec {
  readonly #skippedFor = new Map<Program, number>()
  #skippedForRegistry = 0
  readonly #folders: Record<string, number> = {}
  #slowest: readonly Timed[] = []
  readonly #failed: string[] = []
  /** Counts of each file. */
  readonly #files = new Map<string, Counts>()
  /** When the latest spec ended: a hook counts for the spec that it runs around. */
  #since = performance.now()

  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options)
    const { EVENT_RUN_BEGIN, EVENT_TEST_PENDING, EVENT_TEST_END, EVENT_TEST_PASS, EVENT_TEST_FAIL } =
      Mocha.Runner.constants
    const { EVENT_SUITE_END } = Mocha.Runner.constants
    runner.on(EVENT_RUN_BEGIN, () => {
      this.#since = performance.now()
    })
    runner.on(EVENT_TEST_PASS, (test) => this.#count(test, 'passes'))
    runner.on(EVENT_TEST_PENDING, (test) => {
      this.#count(test, 'pending')
      if (isForRegistry(test)) this.#skippedForRegistry += 1
      const program = lackedBy(test)
      if (program) this.#skippedFor.set(program, (this.#skippedFor.get(program) ?? 0) + 1)
    })
    runner.on(EVENT_TEST_END, (test) => {
      this.#spend(test.file)
      const timed = { name: test.fullTitle(), seconds: (test.duration ?? 0) / 1000 }
      this.#slowest = slowest([...this.#slowest, timed])
    })
    runner.on(EVENT_TEST_FAIL, (test, error) => {
      this.#count(test, 'failures')
      this.#failed.push(`${test.fullTitle()}\n${error?.stack ?? error}`)
    })
    runner.on(EVENT_SUITE_END, (suite) => this.#spend(suite.file))
  }

  override epilogue() {
    super.epilogue()
    for (const [program, count] of this.#skippedFor) {
      const { variable } = programs[program]
      console.log(
        `${program} is not installed: ${count} skipped. Run \`npm run setup\` as root on Debian, or install it and set ${variable}=/path/to/it`,
      )
    }
    if (this.#skippedForRegistry > 0) {
      console.log(
        `npm's registry is not reached: ${this.#skippedForRegistry} skipped, which install packages`,
      )
    }
    const { passes, failures, pending } = this.stats
    const report = {
      passes,
      failures,
      pending,
      folders: this.#folders,
      slowest: this.#slowest,
      failed: this.#failed,
      files: Object.fromEntries([...this.#files].filter(([, { failures }]) => failures > 0)),
    }
    // of a part of the specs, others make the sum
    if (process.env.SPECS_REPORT) writeFileSync(process.env.SPECS_REPORT, JSON.stringify(report))
    else console.log(closing(report))
  }

  #count({ file, parent }: Mocha.Runnable, name: keyof Counts): void {
    const of = file ?? parent?.file ?? ''
    const counts = this.#files.get(of) ?? { passes: 0, failures: 0, pending: 0 }
    this.#files.set(of, { ...counts, [name]: counts[name] + 1 })
  }

  #spend(file: string | undefined): void {
    const now = performance.now()
    const folder = folderOf(file)
    if (folder) this.#folders[folder] = (this.#folders[folder] ?? 0) + (now - this.#since) / 1000
    this.#since = now
  }
}

interface Timed {
  readonly name: string
  readonly seconds: number
}

export interface Counts {
  readonly passes: number
  readonly failures: number
  readonly pending: number
}

/** The result of a run, or of one of its processes. */
export interface Report extends Counts {
  /** Seconds, hooks included. */
  readonly folders: Readonly<Record<string, number>>
  readonly slowest: readonly Timed[]
  /** What failed, each by its name and with its stack. */
  readonly failed: readonly string[]
  /** What failed beside others and passed alone, each by its name and with its stack. */
  readonly unsteady?: readonly string[]
  /** The counts of the files in which something failed. */
  readonly files?: Readonly<Record<string, Counts>>
}

export const nothing: Report = { passes: 0, failures: 0, pending: 0, folders: {}, slowest: [], failed: [] }

/** The folder below `spec` that a file is in, or the file. */
function folderOf(file: string | undefined): string | undefined {
  return file && relative('spec', file).split(sep, 1)[0]
}

function slowest(all: readonly Timed[]): readonly Timed[] {
  return all.toSorted((one, other) => other.seconds - one.seconds).slice(0, 10)
}

/** The reports of several processes in one. */
export function sum(reports: readonly Report[]): Report {
  const total = (name: 'passes' | 'failures' | 'pending') =>
    reports.reduce((all, report) => all + report[name], 0)
  return {
    passes: total('passes'),
    failures: total('failures'),
    pending: total('pending'),
    folders: added(reports.map(({ folders }) => folders)),
    slowest: slowest(reports.flatMap((report) => report.slowest)),
    failed: reports.flatMap((report) => report.failed),
    unsteady: reports.flatMap(({ unsteady = [] }) => unsteady),
    files: Object.assign({}, ...reports.map(({ files }) => files)),
  }
}

function added(all: readonly Report['folders'][]): Report['folders'] {
  const sums: Record<string, number> = {}
  for (const [folder, seconds] of all.flatMap((each) => Object.entries(each)))
    sums[folder] = (sums[folder] ?? 0) + seconds
  return sums
}

/**
 * Whether it may be asked once more, alone: specs that failed beside many others may have waited for a machine that was
 * busy with those. A property that fails does so for what it found, and very many failures are no accident.
 */
export function mayBeUnsteady({ failures, failed }: Report): boolean {
  return (
    failures > 0 &&
    failures <= 10 &&
    failed.length === failures &&
    !failed.some((each) => /Property failed/.test(each))
  )
}

/** A report in which some specs failed, after these were run once more, alone. */
export function corrected(report: Report, replaced: readonly Counts[], again: Report): Report {
  const total = (name: keyof Counts) =>
    report[name] - replaced.reduce((all, each) => all + each[name], 0) + again[name]
  return {
    ...report,
    passes: total('passes'),
    failures: total('failures'),
    pending: total('pending'),
    failed: again.failed,
    unsteady: again.failures > 0 ? [] : report.failed,
    files: {},
  }
}

/** The end of a run's output: where the time went, and on the last line the counts. */
export function closing(report: Report): string {
  const { passes, failures, pending, folders, slowest, failed, unsteady = [] } = report
  const seconds = (value: number) => value.toFixed(1).padStart(7)
  const longest = Object.entries(folders).toSorted(([, one], [, other]) => other - one)
  const slow = slowest.filter((each) => each.seconds >= 0.1)
  return [
    '  Seconds by folder',
    ...longest.map(([folder, spent]) => `${seconds(spent)}  ${folder}`),
    ...(slow.length > 0 ? ['', '  Slowest specs, in seconds'] : []),
    ...slow.map((each) => `${seconds(each.seconds)}  ${each.name}`),
    ...(unsteady.length > 0 ? ['', '  Unsteady: failed beside other specs, passed alone. To be mended'] : []),
    ...unsteady.map((each) => each.replace(/^/gm, '  ')),
    ...(failed.length > 0 ? ['', '  What failed'] : []),
    // of several processes: theirs have said so long before
    ...failed.map((each) => each.replace(/^/gm, '  ')),
    '',
    `${passes} passed, ${failures} failed${pending > 0 ? `, ${pending} skipped` : ''}`,
  ].join('\n')
}
