import { createClient } from '@redis/client'
import { pathOf } from '../../spec/support/installed.js'
import { RedisServer } from '../../spec/support/redis/server.js'
import { pin } from '../fanout/remote.js'

/** Commands by the name of the client that sent them, and by their own. */
export type Commands = ReadonlyMap<string, ReadonlyMap<string, number>>

/** A Redis of one station's own, and what its work has cost. */
export class Store {
  readonly url: string
  readonly #server: RedisServer
  readonly #client: Client

  private constructor(server: RedisServer, client: Client) {
    this.url = server.url
    this.#server = server
    this.#client = client
  }

  static async start(core: number): Promise<Store> {
    if (!pathOf('redis-server')) throw new Error('This part needs redis-server: npm run setup')
    const server = new RedisServer()
    await server.start()
    pin(core, server.pid)
    return new Store(server, await connected(server.url))
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

  async end(): Promise<void> {
    this.#client.destroy()
    await this.#server.close()
  }
}

const bench = 'bench'
type Client = Awaited<ReturnType<typeof connected>>

function connected(url: string) {
  return createClient({ url, name: bench, RESP: 2 }).on('error', console.error).connect()
}
