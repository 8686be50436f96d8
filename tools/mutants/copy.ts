// A copy of the project in a folder of its own, where sources are broken and specs run.
import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { atEnd } from '../../spec/support/at-end.js'
import type { Mutation } from './mutations.js'

const copied = [
  'lib',
  'spec',
  'tools',
  'demo',
  'docs',
  'bench',
  'package.json',
  '.mocharc.json',
  'tsconfig.json',
  'README.md',
]

/** Milliseconds after which a run is taken for one that would never end, where nothing is known of it. */
const patience = 300_000

/** Characters of what a run says that are kept. */
const kept = 4_000

export type Verdict = 'passed' | 'failed' | 'timed out'

/** A run that has ended, or was ended. */
export interface Run {
  readonly verdict: Verdict
  /** The end of what it said. */
  readonly said: string
  readonly milliseconds: number
}

export class Copy {
  readonly #folder = mkdtempSync(join(tmpdir(), 'lariat-mutants-'))

  constructor() {
    atEnd(() => rmSync(this.#folder, { recursive: true, force: true }))
    for (const path of copied) {
      cpSync(path, join(this.#folder, path), {
        recursive: true,
        filter: (from) => !/(?:^|\/)(?:node_modules|dist)$/.test(from),
      })
    }
    symlinkSync(resolve('node_modules'), join(this.#folder, 'node_modules'))
  }

  /** Runs something with a file changed, and puts it back. */
  async with<T>(file: string, { start, end, text }: Mutation, run: () => Promise<T>): Promise<T> {
    const path = join(this.#folder, file)
    const source = readFileSync(path, 'utf8')
    writeFileSync(path, source.slice(0, start) + text + source.slice(end))
    try {
      return await run()
    } finally {
      writeFileSync(path, source)
    }
  }

  /** Runs specs in the given order, up to the first that fails. */
  specs(given: readonly string[], limit = patience): Promise<Run> {
    return this.#run(limit, 'mocha/bin/mocha.js', '--bail', '--reporter=dot', ...given)
  }

  types(limit = patience): Promise<Run> {
    const known = join(this.#folder, 'types.json')
    return this.#run(limit, 'typescript/bin/tsc', '--incremental', '--tsBuildInfoFile', known)
  }

  #run(limit: number, program: string, ...given: readonly string[]): Promise<Run> {
    const begun = performance.now()
    const child = spawn(process.execPath, [join('node_modules', program), ...given], {
      cwd: this.#folder,
      // a mutant is to be found in one run
      env: { ...process.env, LARIAT_FULL: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
      // a mutant may start what outlives it
      detached: true,
    })
    let said = ''
    for (const output of [child.stdout, child.stderr]) {
      output.setEncoding('utf8').on('data', (text: string) => {
        said = (said + text).slice(-kept)
      })
    }
    const kill = () => {
      try {
        process.kill(-child.pid!, 'SIGKILL')
      } catch {
        // it has ended
      }
    }
    const forget = atEnd(kill)
    return new Promise((resolve) => {
      let isLate = false
      const late = setTimeout(() => {
        isLate = true
        kill()
      }, limit)
      child.once('exit', () => {
        clearTimeout(late)
        forget()
        // whoever has its output, so that it ends
        kill()
      })
      child.once('close', (code) => {
        const verdict = isLate ? 'timed out' : code === 0 ? 'passed' : 'failed'
        resolve({ verdict, said, milliseconds: performance.now() - begun })
      })
    })
  }
}
