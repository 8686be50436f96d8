import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { pathOf } from '../support/installed.js'

/** What a configuration is made of: where it has its files, and where it is to listen. */
interface Place {
  readonly folder: string
  readonly port: number
}

export interface Kind {
  readonly program: 'nginx' | 'haproxy'
  /** The command line. */
  readonly given: (file: string, folder: string) => readonly string[]
}

const attempts = 5

/** A proxy as a process of its own, that keeps all its files in a temporary folder. */
export class RunningProxy {
  readonly folder = mkdtempSync(join(tmpdir(), 'lariat-proxy-'))
  readonly #kind: Kind
  #process: ChildProcess | undefined
  #said = ''
  port = 0

  constructor(kind: Kind) {
    this.#kind = kind
    // the tests may end by themselves, or be ended
    process.once('exit', this.#remove)
  }

  /** What it has printed. */
  get said(): string {
    return this.#said
  }

  /** Starts it on a port that is free; somebody may take that in between. */
  async start(configure: (place: Place) => string): Promise<this> {
    const file = join(this.folder, 'proxy.conf')
    for (let attempt = 1; attempt <= attempts; attempt++) {
      this.port = await freePort()
      writeFileSync(file, configure({ folder: this.folder, port: this.port }))
      if (await this.#run(file)) return this
      if (!/address already in use|cannot bind/i.test(this.#said)) break
    }
    throw new Error(`${this.#kind.program} did not start: ${this.#said}`)
  }

  async close(): Promise<void> {
    const running = this.#process
    if (running && running.exitCode === null && running.signalCode === null) {
      const exited = once(running, 'exit')
      running.kill('SIGKILL')
      await exited
    }
    process.off('exit', this.#remove)
    this.#remove()
  }

  async #run(file: string): Promise<boolean> {
    const { program, given } = this.#kind
    this.#said = ''
    const running = spawn(pathOf(program)!, given(file, this.folder), { stdio: ['ignore', 'pipe', 'pipe'] })
    this.#process = running
    for (const output of [running.stdout, running.stderr]) {
      output!.on('data', (chunk) => {
        this.#said += chunk
      })
    }
    const exited = once(running, 'exit')
    const abort = new AbortController()
    const isUp = await Promise.race([exited.then(() => false), answers(this.port, abort.signal)])
    abort.abort()
    return isUp
  }

  readonly #remove = () => {
    this.#process?.kill('SIGKILL')
    rmSync(this.folder, { recursive: true, force: true })
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** Whether somebody listens there, as soon as somebody does. */
async function answers(port: number, signal: AbortSignal): Promise<boolean> {
  for (let look = 0; look < 500 && !signal.aborted; look++) {
    const socket = connect(port, '127.0.0.1')
    const isThere = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    })
    socket.destroy()
    if (isThere) return true
    await setTimeout(20)
  }
  return false
}
