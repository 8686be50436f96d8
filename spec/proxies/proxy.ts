import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { atEnd } from '../support/at-end.js'
import { pathOf } from '../support/installed.js'

export interface Kind {
  readonly program: 'nginx' | 'haproxy'
  /** The command line, for a configuration in the folder where it is run. */
  readonly given: (file: string) => readonly string[]
}

const attempts = 5
const configuration = 'proxy.conf'

/** A proxy as a process of its own, that is run in a temporary folder and keeps all its files there. */
export class RunningProxy {
  readonly #folder = mkdtempSync(join(tmpdir(), 'lariat-proxy-'))
  readonly #kind: Kind
  #process: ChildProcess | undefined
  #said = ''
  port = 0

  readonly #stayAtEnd: () => void

  /** @param files what its configuration names, and has to be there */
  constructor(kind: Kind, files: Readonly<Record<string, string>> = {}) {
    this.#kind = kind
    this.#stayAtEnd = atEnd(() => this.#remove())
    for (const [name, text] of Object.entries(files)) writeFileSync(join(this.#folder, name), text)
  }

  /** What it has printed. */
  get said(): string {
    return this.#said
  }

  /** Starts it on a port that is free; somebody may take that in between. */
  async start(configure: (port: number) => string): Promise<this> {
    for (let attempt = 1; attempt <= attempts; attempt++) {
      this.port = await freePort()
      writeFileSync(join(this.#folder, configuration), configure(this.port))
      if (await this.#run()) return this
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
    this.#stayAtEnd()
    this.#remove()
  }

  async #run(): Promise<boolean> {
    const { program, given } = this.#kind
    this.#said = ''
    const running = spawn(pathOf(program)!, given(configuration), {
      cwd: this.#folder,
      // where the specs find it is, to nginx itself, a list of sockets that it inherits
      env: { ...process.env, NGINX: undefined },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
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

  #remove(): void {
    this.#process?.kill('SIGKILL')
    rmSync(this.#folder, { recursive: true, force: true })
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
  for (let look = 0; look < 1500 && !signal.aborted; look++) {
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
