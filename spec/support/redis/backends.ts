import { createCluster, createSentinel } from '@redis/client'
import type { Backend } from '../../../lib/hub/backend.js'
import { retainsNothing as none } from '../../../lib/hub/backend.js'
import { type RedisClient, type RedisStreamsOptions, redisStreams } from '../../../lib/redis.js'
import type { Abilities } from '../../../lib/testing.js'
import type { RedisCluster } from './cluster.js'
import { Passage, throughPassages } from './passage.js'
import type { RedisSentinels } from './sentinels.js'
import type { RedisServer } from './server.js'
import { Tracked } from './tracked.js'
import { until } from './until.js'

export type { RedisClient }

export interface Made {
  readonly tracked: Tracked
  /** One to each server. */
  readonly passages: readonly Passage[]
  readonly prefix: string
}

/** Of all, as several may share their servers. */
let prefixes = 0

/** Backends on one or several servers, each through passages of its own, and what the suite does to them. */
export class Backends {
  readonly #servers: () => readonly RedisServer[]
  readonly #client: (passages: readonly Passage[]) => RedisClient
  readonly #options: Partial<RedisStreamsOptions>
  readonly #made = new Map<Backend['open'], Made & { fate?: string }>()

  /**
   * @param servers that hold data, once they are started
   * @param client makes one that reaches them through passages
   */
  constructor(
    servers: () => readonly RedisServer[],
    client: (passages: readonly Passage[]) => RedisClient,
    options: Partial<RedisStreamsOptions> = {},
  ) {
    this.#servers = servers
    this.#client = client
    this.#options = options
  }

  static onCluster(cluster: RedisCluster, options?: Partial<RedisStreamsOptions>): Backends {
    const client = (passages: readonly Passage[]) =>
      createCluster({
        rootNodes: passages.map(({ url }) => ({ url })),
        nodeAddressMap: throughPassages(passages),
      })
    return new Backends(() => cluster.servers, client, options)
  }

  static onSentinels(set: RedisSentinels, options?: Partial<RedisStreamsOptions>): Backends {
    const client = (passages: readonly Passage[]) =>
      createSentinel({
        name: set.name,
        sentinelRootNodes: [...set.sentinelRootNodes],
        nodeAddressMap: throughPassages(passages),
      })
    return new Backends(() => set.servers, client, options)
  }

  async make(prefix = `store${++prefixes}:`): Promise<Backend> {
    const passages = await Passage.to(this.#servers())
    const inner = redisStreams({ client: this.#client(passages), prefix, poll: 50, ...this.#options })
    const tracked = new Tracked(inner)
    const { backend } = tracked
    // scripts are known to the server, and the connection is there
    await backend.open('known', { ...none, history: 1 }, () => {}).publish('known', {}, () => {})
    const made = this.#made
    made.set(backend.open, { tracked, passages, prefix })
    return {
      ...backend,
      async close() {
        await backend.close()
        await Promise.all(passages.map((passage) => passage.close()))
        made.delete(backend.open)
      },
    }
  }

  of({ open }: Backend): Made & { fate?: string } {
    const found = this.#made.get(open)
    if (!found) throw new Error('It was not made here')
    return found
  }

  async turned(isDown: boolean): Promise<void> {
    for (const { tracked } of this.#made.values()) await tracked.turned(isDown)
  }

  /** What every kind of servers can. */
  get abilities(): Required<Omit<Abilities, 'time' | 'rollBack'>> {
    return {
      another: (backend) => this.make(this.of(backend).prefix),
      reopen: async (backend) => {
        const { prefix } = this.of(backend)
        await backend.close()
        return this.make(prefix)
      },
      settled: async () => {
        for (const { tracked } of this.#made.values()) await tracked.settled()
      },
      loss: {
        down: async (backend) => {
          const made = this.of(backend)
          const { tracked, passages, fate } = made
          if (fate === 'came') {
            await until('it came', () => passages.some(({ commands }) => (commands.get('EVALSHA') ?? 0) > 0))
            for (const { server } of passages) await server.command('PING')
          }
          delete made.fate
          await Promise.all(passages.map((passage) => passage.down()))
          await tracked.turned(true)
        },
        up: async (backend) => {
          const { tracked, passages } = this.of(backend)
          for (const passage of passages) passage.flow()
          await Promise.all(passages.map((passage) => passage.up()))
          await tracked.turned(false)
        },
      },
      freeze: (backend, fate) => {
        const made = this.of(backend)
        made.fate = fate
        for (const passage of made.passages) {
          passage.reset()
          if (fate === 'came') passage.swallowReplies()
          else passage.stall()
        }
      },
      empty: async () => {
        const emptied = this.#servers().map(async (server) => {
          const [role] = await server.command<string[]>('ROLE')
          if (role === 'master') await server.command('FLUSHALL')
        })
        await Promise.all(emptied)
      },
    }
  }
}
