import { RedisServer, type ServerOptions } from './server.js'
import { until } from './until.js'

export interface SentinelsOptions extends Pick<ServerOptions, 'program' | 'appends' | 'password' | 'config'> {
  readonly replicas?: number
  /** Milliseconds after which a master that does not answer is taken for gone. */
  readonly downAfter?: number
}

/** A master with replicas, and three sentinels that watch over them. */
export class RedisSentinels {
  /** The name of the master, as sentinels know it. */
  readonly name = 'lariat'
  readonly servers: readonly RedisServer[]
  readonly #options: SentinelsOptions
  #master: RedisServer
  #sentinels: readonly RedisServer[] = []

  constructor(options: SentinelsOptions = {}) {
    const { replicas = 1, downAfter: _, ...given } = options
    this.#options = options
    this.servers = Array.from({ length: 1 + replicas }, () => new RedisServer(given))
    this.#master = this.servers[0]!
  }

  get master(): RedisServer {
    return this.#master
  }

  get replicas(): readonly RedisServer[] {
    return this.servers.filter((server) => server !== this.#master)
  }

  get sentinels(): readonly RedisServer[] {
    return this.#sentinels
  }

  /** For `createSentinel`. */
  get sentinelRootNodes(): readonly { readonly host: string; readonly port: number }[] {
    return this.#sentinels.map(({ host, port }) => ({ host, port }))
  }

  /** Resolves when all replicas have what the master has, and all sentinels know them and each other. */
  async start(): Promise<void> {
    const { name } = this
    const { password, downAfter = 500, program } = this.#options
    await Promise.all(this.servers.map((server) => server.start()))
    await Promise.all(this.replicas.map((replica) => replica.replicate(this.#master)))
    const { host, port } = this.#master
    this.#sentinels = [0, 1, 2].map(
      () =>
        new RedisServer({
          ...(program && { program }),
          sentinel: true,
          config: [
            `sentinel monitor ${name} ${host} ${port} 2`,
            `sentinel down-after-milliseconds ${name} ${downAfter}`,
            `sentinel failover-timeout ${name} 3000`,
            ...(password ? [`sentinel auth-pass ${name} ${password}`] : []),
          ],
        }),
    )
    await Promise.all(this.#sentinels.map((sentinel) => this.#startOne(sentinel)))
    await this.settled()
  }

  /** Ends the master as a crash does; `takenOver` waits for what comes of it. */
  async kill(): Promise<void> {
    await this.#master.stop()
  }

  /** Waits until the sentinels have made a replica the master, and all know so. */
  async takenOver(): Promise<void> {
    const before = this.#master
    await until('another master', async () => {
      const ports = await Promise.all(this.#sentinels.map((sentinel) => this.#known(sentinel)))
      const next = this.servers.find((server) => ports.every((port) => port === server.port))
      if (!next || next === before) return false
      if ((await next.command<string[]>('ROLE'))[0] !== 'master') return false
      this.#master = next
      return true
    })
  }

  /** The sentinels make a replica the master while the master is there; all know so once this resolves. */
  async promote(): Promise<void> {
    // a sentinel may have no replica that it would take just now
    await until(
      'a failover',
      async () => (await this.#sentinels[0]!.command('SENTINEL', 'FAILOVER', this.name)) === 'OK',
    )
    await this.takenOver()
  }

  /** The master is killed, and a replica takes over without what is written in between. */
  async loseTail(write: () => unknown): Promise<void> {
    const { replicas } = this
    for (const replica of replicas) {
      await replica.caughtUp(this.#master)
      await replica.save()
      // as it was started by: without it, it would come back as a master of its own
      await replica.command('CONFIG', 'REWRITE')
      await replica.stop()
    }
    await write()
    await this.#master.stop()
    for (const replica of replicas) await replica.start()
    await this.takenOver()
  }

  /** Waits until all sentinels know each other and all replicas that run, and these are linked. */
  async settled(): Promise<void> {
    const running = this.replicas.filter(({ isRunning }) => isRunning)
    await Promise.all(running.map((replica) => replica.caughtUp(this.#master)))
    await Promise.all(
      this.#sentinels.map((sentinel) =>
        until(`sentinel ${sentinel.port} knows all`, async () => {
          const asked = (...what: string[]) => sentinel.command<string[][]>('SENTINEL', ...what, this.name)
          const replicas = (await asked('REPLICAS')).map(fields)
          const isKnown = ({ port }: RedisServer) =>
            replicas.some(
              (each) =>
                each.port === String(port) && each.flags === 'slave' && each['master-link-status'] === 'ok',
            )
          const others = (await asked('SENTINELS')).map(fields)
          return (
            running.every(isKnown) &&
            others.filter(({ flags }) => flags === 'sentinel').length === this.#sentinels.length - 1 &&
            (await this.#known(sentinel)) === this.#master.port
          )
        }),
      ),
    )
  }

  async close(): Promise<void> {
    await Promise.all([...this.#sentinels, ...this.servers].map((server) => server.close()))
  }

  async #startOne(sentinel: RedisServer): Promise<void> {
    await sentinel.start()
    // They would look around each second or two, and ask replicas each ten: since Redis 7 that can be told. Of four
    // publish periods one passes before the others undo a promotion that they have not heard of.
    const often = { 'INFO-PERIOD': 200, 'PUBLISH-PERIOD': 500, 'PING-PERIOD': 200, 'ASK-PERIOD': 200 }
    await sentinel.command('SENTINEL', 'DEBUG', ...Object.entries(often).flat()).catch(() => {})
  }

  async #known(sentinel: RedisServer): Promise<number> {
    const [, port] = await sentinel.command<string[]>('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', this.name)
    return Number(port)
  }
}

/** A flat list of names and values. */
function fields(list: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(list.flatMap((name, index) => (index % 2 ? [] : [[name, list[index + 1] ?? '']])))
}
