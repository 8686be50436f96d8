import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import type { Sample } from '../../demo/sampler.js'
import { all, next, recordsOf, until } from './demo.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

function start(command: string, args: string[], port: number, detached = false): ChildProcess {
  return spawn(command, args, {
    cwd: root,
    env: { ...process.env, PORT: String(port) },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached,
  })
}

const entry = (port: number) => start(process.execPath, ['--import', 'tsx', 'demo/server.ts'], port)

/** Where it says that it is. */
async function urlOf({ stdout }: ChildProcess): Promise<string> {
  for await (const line of createInterface(stdout!)) {
    const url = /http:\/\/localhost:\d+/.exec(line)?.[0]
    if (url) return url
  }
  throw new Error('It did not say where it is')
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

describe('The demo: the server', function () {
  this.timeout(30_000)

  it('`npm run demo` starts it, and Ctrl-C stops all of it', async () => {
    const npm = start('npm', ['run', 'demo'], 0, true)
    const exited = once(npm, 'exit')
    const url = await urlOf(npm)
    const answer = await fetch(url)
    expect(answer.status).to.equal(200)
    const page = await answer.text()
    for (const path of ['books', 'events/stream', 'stream', 'tail', 'echo']) {
      expect(page).to.include(`${url}/api/${path}`)
    }
    process.kill(-npm.pid!, 'SIGINT')
    await exited
    await until(() =>
      fetch(url)
        .then(() => false)
        .catch(() => true),
    )
  })

  it('On SIGTERM it ends by itself, with its open streams and its sampler', async () => {
    const server = entry(0)
    const exited = once(server, 'exit')
    const url = await urlOf(server)
    const samples = recordsOf<Sample>(await fetch(`${url}/api/stream`))
    const [sample] = await next(1, samples)
    const firehose = await fetch(`${url}/api/events/stream`)
    server.kill('SIGTERM')
    await all(samples)
    await firehose.text().catch(() => {})
    expect(await exited).to.deep.equal([0, null])
    await until(() => !isAlive(sample!.pid))
  })

  it('Killed without a word, it leaves no sampler behind', async () => {
    const server = entry(0)
    const exited = once(server, 'exit')
    const samples = recordsOf<Sample>(await fetch(`${await urlOf(server)}/api/stream`))
    const [sample] = await next(1, samples)
    server.kill('SIGKILL')
    await all(samples).catch(() => {})
    await exited
    await until(() => !isAlive(sample!.pid))
  })

  it('Where the port is taken it says so, and ends', async () => {
    const other = createServer().listen(0)
    await once(other, 'listening')
    const server = entry((other.address() as AddressInfo).port)
    let said = ''
    server.stderr!.on('data', (piece) => {
      said += piece
    })
    expect(await once(server, 'close')).to.deep.equal([1, null])
    expect(said).to.match(/^listen EADDRINUSE/)
    other.close()
  })
})
