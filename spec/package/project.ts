import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { atEnd } from '../support/at-end.js'
import { npm, packagesOf } from '../support/packages.js'

const run = promisify(execFile)
const require = createRequire(import.meta.url)
export const root = fileURLToPath(new URL('../..', import.meta.url))

/** A package for `npm install`, in the version that the repository has under `alias`. */
export const same = (name: string, alias = name) => `${name}@${require(`${alias}/package.json`).version}`

/** The tools of users' projects, beside those that this project has itself. */
const list = [
  ...['ts5@npm:typescript@5.9', 'ts6@npm:typescript@6.0', 'jest@30', 'vitest@5', 'rollup@4'],
  ...['@rollup/plugin-node-resolve@16', '@rollup/plugin-commonjs@29', '@rollup/plugin-json@6'],
]

/** The folder that the tools are installed in. */
export const tools = () => packagesOf(list)

let packing: Promise<string> | undefined

/** The tarball, packed once for all specs. */
export function packed(): Promise<string> {
  packing ??= pack()
  return packing
}

async function pack(): Promise<string> {
  const folder = temporary()
  // which builds it first
  const scripts = isBuilt() ? ['--ignore-scripts'] : []
  await run('npm', ['pack', '--pack-destination', folder, ...scripts], { cwd: root })
  const [tarball] = await readdir(folder)
  return join(folder, tarball!)
}

/** Whether the build is newer than all that it is made of. */
function isBuilt(): boolean {
  const changedAt = (path: string) => statSync(join(root, path), { throwIfNoEntry: false })?.mtimeMs ?? 0
  const sources = readdirSync(join(root, 'lib'), { recursive: true, encoding: 'utf8' })
  const others = ['package.json', 'tools/build.ts', 'tsconfig.json', 'tsconfig.build.json']
  // written last
  const built = changedAt('dist/esm/testing.d.ts')
  return [...sources.map((path) => join('lib', path)), ...others].every((path) => changedAt(path) < built)
}

function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), 'express-lariat-'))
  atEnd(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A user's project, with packages of its own and the tarball. */
export class Project {
  readonly folder = temporary()

  /** Installs packages, and returns all that is installed then, each as `name@version`. */
  async install(...packages: readonly string[]): Promise<ReadonlySet<string>> {
    await npm(this.folder, 'install', ...packages)
    const lock = await readFile(join(this.folder, 'node_modules/.package-lock.json'), 'utf8')
    const installed = Object.entries<{ version: string }>(JSON.parse(lock).packages)
    return new Set(installed.map(([path, { version }]) => `${path.split('node_modules/').pop()}@${version}`))
  }

  async write(files: Readonly<Record<string, string>>): Promise<void> {
    for (const [path, text] of Object.entries(files)) {
      const file = join(this.folder, path)
      await mkdir(dirname(file), { recursive: true })
      await writeFile(file, text)
    }
  }

  /** Runs an app, which has nothing to say on its error output: no warning, no deprecation. */
  async app(program: string): Promise<string> {
    const { stdout, stderr } = await run(process.execPath, [program], { cwd: this.folder })
    if (stderr) throw new Error(`${program} said: ${stderr}`)
    return stdout
  }

  /** Runs a tool that is a program for Node, and returns what it said. */
  async run(program: string, ...given: readonly string[]): Promise<string> {
    try {
      const { stdout, stderr } = await run(process.execPath, [program, ...given], {
        cwd: this.folder,
        maxBuffer: Infinity,
      })
      return stdout || stderr
    } catch (error) {
      const { stdout, stderr } = error as { stdout: string; stderr: string }
      throw new Error(`${program} failed: ${stdout}${stderr}`, { cause: error })
    }
  }
}

const body = `
  const app = express()
  app.use(resources({
    '/book': { contentTypesProvided: { 'application/json': () => ({ title: 'Solaris' }) } },
    '/ticks': { contentTypesProvided: [sse()], subscribe: () => ['one', 'two'] },
  }))
  const answers = new Promise((resolve) => {
    const server = app.listen(0, '127.0.0.1', async () => {
      const { port } = server.address()
      const ask = async (path) => {
        const response = await fetch('http://127.0.0.1:' + port + path)
        const [type] = response.headers.get('content-type').split(';')
        return { status: response.status, type, body: (await response.text()).replace(/^:\\n+/, '') }
      }
      const followed = []
      const ticks = follow('http://127.0.0.1:' + port + '/ticks', { over: 'complete' })
      for await (const { data } of ticks) followed.push(data)
      resolve([await ask('/book'), await ask('/ticks'), refusal, followed, uncounted])
      server.close()
    })
  })
  let refusal
  try {
    redisStreams({ client: 'redis://localhost' })
  } catch ({ code }) {
    refusal = code
  }
  let uncounted
  try {
    metrics({ of: resources({}) })
  } catch ({ code }) {
    uncounted = code
  }`

/** An app that asks itself for a page and a stream, and has their \`answers\`: by either way of loading. */
export const apps = {
  import: `
    import express from 'express'
    import { resources, sse } from 'express-lariat'
    import { follow } from 'express-lariat/client'
    import { metrics } from 'express-lariat/metrics'
    import { redisStreams } from 'express-lariat/redis'
    ${body}`,
  require: `
    const express = require('express')
    const { resources, sse } = require('express-lariat')
    const { follow } = require('express-lariat/client')
    const { metrics } = require('express-lariat/metrics')
    const { redisStreams } = require('express-lariat/redis')
    ${body}`,
}

const inspected = `
  const table = resources({ '/ticks': { contentTypesProvided: [sse()], subscribe: () => ['one'] } })
  const app = express()
  app.use('/inspector', inspector({ of: table }))
  const server = app.listen(0, '127.0.0.1', async () => {
    const url = 'http://127.0.0.1:' + server.address().port + '/inspector'
    const answers = await Promise.all(['', '/style.css', '/graph.svg', '/feed'].map((path) => fetch(url + path)))
    const said = answers.map(({ status, headers }) => [status, headers.get('content-type')].join(' '))
    console.log(JSON.stringify([...said, (await answers[3].json()).about.version]))
    server.close()
    server.closeAllConnections()
  })`

/** An app with an inspector, which asks for its page. */
export const inspecting = {
  import: `
    import express from 'express'
    import { resources, sse } from 'express-lariat'
    import { inspector } from 'express-lariat/inspector'
    ${inspected}`,
  require: `
    const express = require('express')
    const { resources, sse } = require('express-lariat')
    const { inspector } = require('express-lariat/inspector')
    ${inspected}`,
}

export const says = `answers.then((answers) => console.log(JSON.stringify(answers)))`

/** What the app answers itself. */
export const expected = [
  { status: 200, type: 'application/json', body: '{"title":"Solaris"}' },
  { status: 200, type: 'text/event-stream', body: 'data: one\n\ndata: two\n\n' },
  // of the door to Redis, which runs without a client's package
  'LARIAT_SPEC',
  // of the door to the client
  ['one', 'two'],
  // of the door to metrics, which finds no prom-client
  'LARIAT_SPEC',
]
