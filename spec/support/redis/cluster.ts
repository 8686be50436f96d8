import { RedisServer, type ServerOptions } from './server.js'
import { until } from './until.js'

interface Shard {
  master: RedisServer
  replica: RedisServer
}

/** What a node of a cluster knows of one, by `CLUSTER NODES`. */
interface Known {
  readonly id: string
  readonly port: number
  readonly flags: readonly string[]
  readonly master: string
  readonly isLinked: boolean
}

const slots = 16_384

export interface ClusterOptions extends Pick<ServerOptions, 'program' | 'appends' | 'password' | 'config'> {
  /** Milliseconds after which a node that does not answer is taken for gone. */
  readonly nodeTimeout?: number
}

/** A cluster of three masters, each with a replica. Indexes are those of shards, and stay what they are after a failover. */
export class RedisCluster {
  readonly #shards: readonly Shard[]

  constructor({ nodeTimeout = 1500, config = [], ...options }: ClusterOptions = {}) {
    const server = () =>
      new RedisServer({
        ...options,
        config: [
          'cluster-enabled yes',
          `cluster-node-timeout ${nodeTimeout}`,
          // a replica that comes back with what it once had may take over, as one that lagged does
          'cluster-replica-validity-factor 0',
          ...config,
        ],
      })
    this.#shards = [0, 1, 2].map(() => ({ master: server(), replica: server() }))
  }

  get masters(): readonly RedisServer[] {
    return this.#shards.map(({ master }) => master)
  }

  get replicas(): readonly RedisServer[] {
    return this.#shards.map(({ replica }) => replica)
  }

  get servers(): readonly RedisServer[] {
    return [...this.masters, ...this.replicas]
  }

  /** For `createCluster`. */
  get rootNodes(): readonly { readonly url: string }[] {
    return this.servers.map(({ url }) => ({ url }))
  }

  /** Resolves when every node knows every other, and all take writes. */
  async start(): Promise<void> {
    const { masters, servers } = this
    await Promise.all(servers.map((server) => server.start()))
    const [first, ...others] = servers
    await Promise.all([
      ...masters.map(async (master, index) => {
        const bound = (shard: number) => Math.floor((slots * shard) / masters.length)
        await master.command('CLUSTER', 'SET-CONFIG-EPOCH', index + 1)
        await master.command('CLUSTER', 'ADDSLOTSRANGE', bound(index), bound(index + 1) - 1)
      }),
      ...others.map(({ host, port }) => first!.command('CLUSTER', 'MEET', host, port)),
    ])
    await this.#all('knows all others', (known) => known.length === servers.length)
    for (const { master, replica } of this.#shards) {
      await replica.command('CLUSTER', 'REPLICATE', await master.command<string>('CLUSTER', 'MYID'))
    }
    await this.settled()
  }

  /** The shard of a key, by its index. */
  async shardOf(key: string): Promise<number> {
    const [{ master } = this.#shards[0]!] = this.#shards.filter((shard) => shard.master.isRunning)
    const slot = await master.command<number>('CLUSTER', 'KEYSLOT', key)
    const ranges = await master.command<[number, number, [string, number]][]>('CLUSTER', 'SLOTS')
    const [, , [, port]] = ranges.find(([from, to]) => from <= slot && slot <= to)!
    return this.#shards.findIndex((shard) => shard.master.port === port || shard.replica.port === port)
  }

  /** Ends a master as a crash does; `takenOver` waits for what comes of it. */
  async kill(index: number): Promise<void> {
    await this.#shards[index]!.master.stop()
  }

  /** Waits until the replica of a killed master is the master, and all that run know so. */
  async takenOver(index: number): Promise<void> {
    const shard = this.#shards[index]!
    await this.#isMaster(shard.replica)
    this.#swap(index)
    await this.settled()
  }

  /** The replica becomes the master in good order, and all know so once this resolves: nothing is lost. */
  async failover(index: number): Promise<void> {
    const { replica } = this.#shards[index]!
    await replica.command('CLUSTER', 'FAILOVER')
    await this.#isMaster(replica)
    this.#swap(index)
    await this.settled()
  }

  /**
   * Moves the slot of a key to another shard, as an administrator does.
   *
   * @param between called before the first key has moved, after each, and once all know
   */
  async migrate(key: string, to: number, between: () => Promise<unknown>): Promise<void> {
    const [source, target] = [this.masters[await this.shardOf(key)]!, this.masters[to]!]
    const slot = await source.command<number>('CLUSTER', 'KEYSLOT', key)
    const [from, into] = await Promise.all(
      [source, target].map((server) => server.command<string>('CLUSTER', 'MYID')),
    )
    await target.command('CLUSTER', 'SETSLOT', slot, 'IMPORTING', from!)
    await source.command('CLUSTER', 'SETSLOT', slot, 'MIGRATING', into!)
    await between()
    const move = (keys: readonly string[]) =>
      source.command(
        'MIGRATE',
        target.host,
        target.port,
        '',
        0,
        5000,
        'AUTH2',
        'lariat-specs',
        'any',
        'KEYS',
        ...keys,
      )
    const [first, ...others] = await source.command<string[]>('CLUSTER', 'GETKEYSINSLOT', slot, 1000)
    if (first !== undefined) await move([first])
    // what needs both keys waits for the other
    if (others.length > 0) await move(others)
    await between()
    for (const server of [target, source]) await server.command('CLUSTER', 'SETSLOT', slot, 'NODE', into!)
    await this.#all('knows of the slot', async (_, server) => {
      const ranges = await server.command<[number, number, [string, number]][]>('CLUSTER', 'SLOTS')
      return ranges.some(([low, high, [, port]]) => low <= slot && slot <= high && port === target.port)
    })
    await between()
  }

  /** A master is killed, and its replica takes over without what is written in between. */
  async loseTail(index: number, write: () => unknown): Promise<void> {
    const { master, replica } = this.#shards[index]!
    await replica.caughtUp(master)
    await replica.save()
    await replica.stop()
    await write()
    await master.stop()
    await replica.start()
    await this.takenOver(index)
  }

  /** Waits until all nodes that run take writes, and agree with each other and with `masters`, and their replicas are linked. */
  async settled(): Promise<void> {
    const isUp = (port: number) => this.servers.some((server) => server.port === port && server.isRunning)
    await this.#all('agrees on who is who, and is ok', async (known, server) => {
      const { cluster_state: state } = parsed(await server.command<string>('CLUSTER', 'INFO'))
      return (
        state === 'ok' &&
        this.#shards.every(({ master, replica }) => {
          const [above, below] = [master, replica].map(({ port }) => known.find((node) => node.port === port))
          if (!above?.flags.includes('master') || !above.isLinked) return false
          if (!isUp(replica.port)) return true
          return below?.flags.includes('slave') && below.master === above.id && below.isLinked
        })
      )
    })
    const linked = this.#shards.filter(({ replica }) => replica.isRunning)
    await Promise.all(linked.map(({ master, replica }) => replica.caughtUp(master)))
  }

  async close(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.close()))
  }

  #swap(index: number): void {
    const shard = this.#shards[index]!
    Object.assign(shard, { master: shard.replica, replica: shard.master })
  }

  async #isMaster(server: RedisServer): Promise<void> {
    await until(
      `${server.port} is a master`,
      async () => (await server.command<string[]>('ROLE'))[0] === 'master',
    )
  }

  /** Waits until something holds at all nodes that run. */
  async #all(
    what: string,
    holds: (known: readonly Known[], server: RedisServer) => boolean | Promise<boolean>,
  ): Promise<void> {
    await Promise.all(
      this.servers
        .filter(({ isRunning }) => isRunning)
        .map((server) => until(`${server.port} ${what}`, async () => holds(await knownBy(server), server))),
    )
  }
}

/** The nodes that one knows, without those that it has yet to shake hands with. */
async function knownBy(server: RedisServer): Promise<readonly Known[]> {
  const lines = (await server.command<string>('CLUSTER', 'NODES')).trim().split('\n')
  return lines
    .map((line) => {
      const [id = '', address = '', flags = '', master = '', , , , link] = line.split(' ')
      const port = Number(/:(\d+)/.exec(address)?.[1])
      return { id, port, flags: flags.split(','), master, isLinked: link === 'connected' }
    })
    .filter(({ flags }) => !flags.includes('handshake'))
}

function parsed(info: string): Readonly<Record<string, string>> {
  return Object.fromEntries(info.split('\r\n').map((line) => line.split(/:(.*)/, 2)))
}
