import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { createClient } from '@redis/client'
import { atEnd } from '../../spec/support/at-end.js'
import { pathOf } from '../../spec/support/installed.js'
import { pinnedTo } from '../fanout/remote.js'

/** Commands by the name of the client that sent them, and by their own. */
export type Commands = ReadonlyMap<string, ReadonlyMap<string, number>>

/** A Redis of one station's own, and what its work has cost. */
export class Store {
  readonly url: string
  readonly #client: Client
  readonly #remove: () => void

  private constructor(url: string, client: Client, remove: () => void) {
    this.url = url
    this.#client = client
    this.#remove = remove
  }

  static async start(core: number): Promise<Store> {
    const folder = mkdtempSync(join(tmpdir(), 'lariat-bench-'))
    const port = await freePort()
    const program = pathOf('redis-server')
    if (!program) throw new Error('This part needs redis-server: npm run setup')
    const [command, ...args] = pinnedTo(core, program, [
      ...['--port', String(port), '--bind', '127.0.0.1', '--dir', folder],
      ...['--save', '', '--appendonly', 'no'],
    ])
    const server = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    const remove = () => {
      server.kill('SIGKILL')
      rmSync(folder, { recursive: true, force: true })
    }
    const forget = atEnd(remove)
    await ready(server)
    const url = `redis://127.0.0.1:${port}`
    const client = await connected(url)
    return new Store(url, client, () => {
      forget()
      remove()
    })
  }

  /** Microseconds of CPU since the server began, user and system; to ask takes some, but only once for each asking. */
  async cpu(): Promise<number> {
    const info = await this.#client.info('cpu')
    const seconds = (field: string) => Number(new RegExp(`^${field}:(.+)$`, 'm').exec(info)?.[1])
    return (seconds('used_cpu_user') + seconds('used_cpu_sys')) * 1e6
  }

  /** Begins to count the commands that clients send, not those that scripts do; returns how to end it. */
  async count(): Promise<() => Promise<Commands>> {
    const names = new Map((await this.#client.clientList()).map(({ addr, name }) => [addr, name]))
    const counts = new Map<string, Map<string, number>>()
    const watching = await connected(this.url)
    const fence = `${Math.random()}`
    let passed: () => void = () => undefined
    const all = new Promise<void>((resolve) => (passed = resolve))
    await watching.monitor((line) => {
      const [, address, command] = /^\S+ \[\d+ (\S+)\] "([^"]*)"/.exec(String(line)) ?? []
      if (String(line).includes(fence)) passed()
      const name = names.get(address ?? '')
      // those of scripts have no address; those of this process have names of their own
      if (!name || !command || name === bench) return
      const own = counts.get(name) ?? new Map<string, number>()
      const key = command.toLowerCase()
      counts.set(name, own.set(key, (own.get(key) ?? 0) + 1))
    })
    return async () => {
      await this.#client.echo(fence)
      await all
      watching.destroy()
      return counts
    }
  }

  stop(): void {
    this.#client.destroy()
    this.#remove()
  }
}

const bench = 'bench'
type Client = Awaited<ReturnType<typeof connected>>

function connected(url: string) {
  return createClient({ url, name: bench, RESP: 2 }).on('error', console.error).connect()
}

async function ready(server: ChildProcess): Promise<void> {
  const said: string[] = []
  for await (const line of createInterface(server.stdout!)) {
    said.push(line)
    if (line.includes('eady to accept connections')) {
      // nobody reads the rest, which must not block it
      server.stdout!.resume()
      return
    }
  }
  throw new Error(`redis-server has not started: ${said.join('\n')}`)
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
