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

/** Milliseconds after which a run is taken for one that would never end. */
const patience = 300_000

export type Verdict = 'passed' | 'failed' | 'never ended'

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

  /** Runs specs up to the first that fails. */
  specs(...given: readonly string[]): Promise<Verdict> {
    return this.#run('mocha/bin/mocha.js', '--bail', '--reporter=dot', ...given)
  }

  types(): Promise<Verdict> {
    return this.#run(
      'typescript/bin/tsc',
      '--incremental',
      '--tsBuildInfoFile',
      join(this.#folder, 'types.json'),
    )
  }

  #run(program: string, ...given: readonly string[]): Promise<Verdict> {
    const child = spawn(process.execPath, [join('node_modules', program), ...given], {
      cwd: this.#folder,
      stdio: 'ignore',
      // a mutant may start what outlives it
      detached: true,
    })
    const kill = () => {
      try {
        process.kill(-child.pid!, 'SIGKILL')
      } catch {
        // it has ended
      }
    }
    const forget = atEnd(kill)
    return new Promise((resolve) => {
      const late = setTimeout(() => {
        resolve('never ended')
        kill()
      }, patience)
      child.once('exit', (code) => {
        clearTimeout(late)
        forget()
        kill()
        resolve(code === 0 ? 'passed' : 'failed')
      })
    })
  }
}
