import { fork } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { expect } from 'chai'
import { compilers, complaints } from '../support/compile.js'
import { ask } from './curl.js'
import { examples } from './pages.js'

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
  paths: { 'express-lariat': [join(root, 'lib/index.ts')] },
}
const server = { compilerOptions: { ...settings, lib: ['es2023'] }, include: ['*.ts'] }
const browser = {
  compilerOptions: { ...settings, lib: ['es2023', 'dom'], allowJs: true, checkJs: true },
  include: ['*.js'],
}

// Whatever port an example names, it gets a free one, and tells which.
const anyPort = `
  import { Server } from 'node:net'
  const { listen } = Server.prototype
  Server.prototype.listen = function (port, ...rest) {
    this.once('listening', () => process.send(this.address().port))
    return listen.call(this, 0, ...rest)
  }`

describe('The examples of the documentation', function () {
  this.timeout(120_000)
  let folder: string

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'express-lariat-docs-'))
    await mkdir(join(folder, 'js'))
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(server))
    await writeFile(join(folder, 'js/tsconfig.json'), JSON.stringify(browser))
    await writeFile(join(folder, 'any-port.mjs'), anyPort)
    for (const { file, language, code } of examples) {
      await writeFile(join(folder, language === 'js' ? 'js' : '', file), code)
    }
  })

  after(() => rm(folder, { recursive: true, force: true }))

  it('compile', async () => {
    const compiler = compilers['TypeScript 7']
    expect(await complaints(compiler, folder)).to.equal('')
    expect(await complaints(compiler, join(folder, 'js'))).to.equal('')
  })

  for (const example of examples.filter(({ commands }) => commands.length > 0)) {
    it(`${example.where} answers what the page shows`, async () => {
      const { port, stop } = await run(join(folder, example.file), folder)
      try {
        for (const { command, shown } of example.commands) await ask(command, port, shown)
      } finally {
        stop()
      }
    })
  }
})

/** Runs an example that listens. */
function run(path: string, cwd: string): Promise<{ port: number; stop(): void }> {
  const execArgv = ['--import', pathToFileURL(join(cwd, 'any-port.mjs')).href, '--import', 'tsx']
  const child = fork(path, { cwd, execArgv, silent: true })
  let errors = ''
  child.stdout?.resume()
  child.stderr?.on('data', (chunk) => {
    errors += chunk
  })
  return new Promise((resolve, reject) => {
    child.once('message', (port) => resolve({ port: port as number, stop: () => child.kill('SIGKILL') }))
    child.once('exit', () => reject(new Error(`${path} ended before it listened: ${errors}`)))
  })
}
