import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { atEnd } from './at-end.js'
import { pathOf } from './installed.js'

/** A Redis of a suite's own, in a temporary folder, reached by a socket there. */
export class Redis {
  readonly url: string
  readonly #folder = mkdtempSync(join(tmpdir(), 'lariat-redis-'))
  readonly #arguments: readonly string[]
  readonly #forget: () => void
  #server: ChildProcess | undefined

  /** @param persists whether what it holds is there again when it is started again */
  constructor({ persists = false } = {}) {
    const socket = join(this.#folder, 'socket')
    this.url = `unix://${socket}`
    this.#arguments = [
      ...['--port', '0', '--unixsocket', socket, '--dir', this.#folder, '--save', ''],
      ...(persists ? ['--appendonly', 'yes', '--appendfsync', 'always'] : []),
    ]
    // the tests may end by themselves, or be ended
    this.#forget = atEnd(this.#remove)
  }

  async start(): Promise<void> {
    this.#server = spawn(pathOf('redis-server')!, this.#arguments, { stdio: ['ignore', 'pipe', 'inherit'] })
    const said: string[] = []
    for await (const line of createInterface(this.#server.stdout!)) {
      said.push(line)
      if (line.includes('ready to accept connections')) return
    }
    throw new Error(`Redis did not start: ${said.join('\n')}`)
  }

  /** From now on it takes what is asked, and answers nothing. */
  freeze(): void {
    this.#server?.kill('SIGSTOP')
  }

  /** Ends it as a crash does. */
  async stop(): Promise<void> {
    const server = this.#server
    if (!server || server.exitCode !== null || server.signalCode !== null) return
    const exited = once(server, 'exit')
    server.kill('SIGKILL')
    await exited
  }

  /** Ends it, and removes what it has kept. */
  async close(): Promise<void> {
    await this.stop()
    this.#forget()
    this.#remove()
  }

  readonly #remove = () => {
    this.#server?.kill('SIGKILL')
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
