import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, parse } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { atEnd } from '../support/at-end.js'
import { bundledBeside, bundledTogether } from '../support/bundled.js'
import { type Example, examples } from './pages.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

// A user's settings; `paths` stands for the installed package.
const settings = {
  target: 'es2022',
  types: ['node'],
  module: 'nodenext',
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  verbatimModuleSyntax: true,
  skipLibCheck: true,
  noEmit: true,
  paths: {
    'express-lariat': [join(root, 'lib/index.ts')],
    'express-lariat/client': [join(root, 'lib/client.ts')],
    'express-lariat/metrics': [join(root, 'lib/metrics.ts')],
    'express-lariat/inspector': [join(root, 'lib/inspector.ts')],
    'express-lariat/redis': [join(root, 'lib/redis.ts')],
    'express-lariat/testing': [join(root, 'lib/testing.ts')],
  },
}
const server = { compilerOptions: { ...settings, lib: ['es2023'] }, include: ['*.ts'] }
const browser = {
  compilerOptions: { ...settings, lib: ['es2023', 'dom'], allowJs: true, checkJs: true },
  include: ['*.js'],
}

// Whatever port an example names, it gets a free one, or the one that is asked for, and tells which.
const anyPort = `
  import { Server } from 'node:net'
  const { listen } = Server.prototype
  Server.prototype.listen = function (port, ...rest) {
    this.once('listening', () => process.send(this.address().port))
    return listen.call(this, Number(process.env.ANY_PORT), ...rest)
  }`

/** The files of the examples that are asked something. */
const listening = examples.filter(({ commands }) => commands.length > 0).map(({ file }) => file)

/** An example that listens. */
export interface Running {
  readonly port: number
  /** Kills it; its port is free afterwards. */
  stop(): Promise<void>
}

/** A folder with the examples of all pages, as a user would have them: those of a browser in `js`. */
export class Folder {
  readonly path: string
  #changed = 0
  /** Those that listen, bundled: all at once, when one of them is run. */
  #bundles: Promise<void> | undefined

  private constructor(path: string) {
    this.path = path
  }

  static async make(manifest: object = { type: 'module' }): Promise<Folder> {
    const path = await mkdtemp(join(tmpdir(), 'express-lariat-docs-'))
    await mkdir(join(path, 'js'))
    await symlink(join(root, 'node_modules'), join(path, 'node_modules'))
    await writeFile(join(path, 'package.json'), JSON.stringify(manifest))
    await writeFile(join(path, 'tsconfig.json'), JSON.stringify(server))
    await writeFile(join(path, 'js/tsconfig.json'), JSON.stringify(browser))
    await writeFile(join(path, 'any-port.mjs'), anyPort)
    for (const { file, language, code } of examples) {
      await writeFile(join(path, language === 'js' ? 'js' : '', file), code)
    }
    return new Folder(path)
  }

  /** Adds an example with some of its words changed. */
  async change(example: Example, words: Readonly<Record<string, string>>): Promise<Example> {
    let { code } = example
    for (const [word, other] of Object.entries(words)) {
      if (!code.includes(word)) throw new Error(`${example.where} has no ${word}`)
      code = code.replaceAll(word, () => other)
    }
    const file = `changed-${++this.#changed}-${example.file}`
    await writeFile(join(this.path, file), code)
    return { ...example, code, file }
  }

  /** Adds an example under another extension. */
  async saveAs(example: Example, extension: string): Promise<Example> {
    const file = example.file.replace(/\.\w+$/, extension)
    await writeFile(join(this.path, file), example.code)
    return { ...example, file }
  }

  /** Runs an example that listens, in one file with the library: on a port that is free, if none is named. */
  async run({ file }: Pick<Example, 'file'>, on = 0): Promise<Running> {
    return this.#run(await this.#bundled(file), on, [])
  }

  async #bundled(file: string): Promise<string> {
    if (!listening.includes(file)) return bundledBeside(join(this.path, file))
    const outdir = join(this.path, 'bundled')
    const paths = listening.map((each) => join(this.path, each))
    this.#bundles ??= bundledTogether(paths, outdir)
    await this.#bundles
    return join(outdir, `${parse(file).name}.mjs`)
  }

  /** Runs an example as its reader does. */
  runByTsx({ file }: Pick<Example, 'file'>): Promise<Running> {
    return this.#run(join(this.path, file), 0, ['--import', 'tsx'])
  }

  #run(file: string, on: number, given: readonly string[]): Promise<Running> {
    const anyPort = pathToFileURL(join(this.path, 'any-port.mjs')).href
    const execArgv = ['--import', anyPort, ...given]
    const child = fork(file, {
      cwd: this.path,
      env: { ...process.env, ANY_PORT: `${on}` },
      execArgv,
      silent: true,
    })
    const exited = once(child, 'exit')
    const kill = () => child.kill('SIGKILL')
    const undo = atEnd(kill)
    void exited.then(undo)
    const stop = async () => {
      kill()
      await exited
    }
    let errors = ''
    child.stdout?.resume()
    child.stderr?.on('data', (chunk) => {
      errors += chunk
    })
    return new Promise((resolve, reject) => {
      child.once('message', (port) => resolve({ port: port as number, stop }))
      child.once('exit', () => reject(new Error(`${file} ended before it listened: ${errors}`)))
    })
  }

  remove(): Promise<void> {
    return rm(this.path, { recursive: true, force: true })
  }
}
