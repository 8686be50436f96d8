import { Remote } from '../../../bench/fanout/remote.js'
import { RedisServer } from '../../../spec/support/redis/server.js'
import { until } from '../../../spec/support/redis/until.js'
import type { App, Left } from './app.js'
import { bundle, type Files } from './bundle.js'
import type { Balancer } from './proxy.js'
import type { Publisher } from './publisher.js'
import type { Reader } from './reader.js'
import type { Stored } from './truth.js'

/** Milliseconds. */
const times = { publishTimeout: 2000, retry: 500, over: 500 }

/** Connections to Redis, as it lists them, and what is subscribed there. */
export interface Held {
  readonly connections: readonly string[]
  readonly subscribed: readonly string[]
}

/** Several processes behind a proxy, who asks them, who publishes, and their Redis; each a process of its own. */
export class Farm {
  readonly redis = new RedisServer({ appends: true })
  readonly apps: Remote<App>[] = []
  readonly #ports: number[] = []
  #files!: Files
  proxy!: Remote<Balancer>
  publisher!: Remote<Publisher>
  reader!: Remote<Reader>

  static async start(processes: number): Promise<Farm> {
    const farm = new Farm()
    const [files] = await Promise.all([bundle(), farm.redis.start()])
    farm.#files = files
    const { url } = farm.redis
    const [proxy, publisher, reader] = await Promise.all([
      Remote.start<Balancer>(files.proxy, undefined),
      Remote.start<Publisher>(files.publisher, undefined, url, String(times.publishTimeout)),
      Remote.start<Reader>(files.reader, undefined),
    ])
    Object.assign(farm, { proxy, publisher, reader })
    await Promise.all(Array.from({ length: processes }, (_, at) => farm.startApp(at)))
    return farm
  }

  async startApp(at: number): Promise<void> {
    const given = [this.redis.url, times.publishTimeout, times.retry, times.over].map(String)
    const app = await Remote.start<App>(this.#files.app, undefined, ...given)
    this.apps[at] = app
    this.#ports[at] = await app.ask('port', null)
    await this.proxy.ask('to', { ports: this.#ports })
  }

  /** Ends a process, and starts another one in its place. */
  async restart(at: number, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    await this.apps[at]!.kill(signal)
    await this.startApp(at)
  }

  /**
   * From now on Redis keeps nothing: a restart brings back what there was before, as from an older RDB. Resolves to since
   * when: its clock is that of this process.
   */
  async forget(): Promise<number> {
    const at = Date.now()
    await this.redis.command('CONFIG', 'SET', 'appendonly', 'no')
    return at
  }

  /** Takes Redis away, and brings it back with what it had kept; resolves to when it was gone. */
  async restartRedis(after: number, meanwhile: () => Promise<void> = async () => undefined): Promise<number> {
    await this.redis.stop()
    const at = Date.now()
    await Promise.all([meanwhile(), pause(after)])
    await this.redis.start()
    return at
  }

  async freezeRedis(milliseconds: number): Promise<void> {
    this.redis.freeze()
    await pause(milliseconds)
    this.redis.thaw()
  }

  stored(rooms: readonly string[]): Promise<readonly Stored[]> {
    return Promise.all(rooms.map((room) => this.#storedOf(room)))
  }

  async #storedOf(room: string): Promise<Stored> {
    const key = `lariat:{${encodeURIComponent(room)}}`
    const entries = await this.redis.command<[id: string, fields: unknown][]>(
      'XRANGE',
      `${key}:log`,
      '-',
      '+',
    )
    const number = await this.redis.command<string | null>('HGET', `${key}:meta`, 'number')
    const events = entries.map(([id]) => {
      const [count, ms] = id.split('-')
      return { number: Number(count), ms: Number(ms) }
    })
    return { room, events, top: Number(number ?? 0) }
  }

  /** What each process has, once all streams are gone or it is clear that they do not go. */
  async left(): Promise<readonly Left[]> {
    const all = () => Promise.all(this.apps.map((app) => app.ask('left', null)))
    let left = await all()
    const isGone = async () => {
      left = await all()
      return left.every((each) => each.subscribers + each.streams + each.connections === 0)
    }
    await until('all streams are gone', isGone).catch(() => undefined)
    return left
  }

  /** What is held at Redis, once that is no more than it has to be, or it is clear that it stays. */
  async held(connections: number): Promise<Held> {
    const list = async (type: string) =>
      (await this.redis.command<string>('CLIENT', 'LIST', 'TYPE', type)).split('\n').filter(Boolean)
    const look = async (): Promise<Held> => ({
      // but for the one that asks
      connections: [...(await list('normal')), ...(await list('pubsub'))].filter(
        (client) => !/ cmd=client/.test(client),
      ),
      subscribed: await this.redis.command<string[]>('PUBSUB', 'CHANNELS'),
    })
    let held = await look()
    const isSo = async () => {
      held = await look()
      return held.subscribed.length === 0 && held.connections.length === connections
    }
    await until('nobody is subscribed', isSo).catch(() => undefined)
    return held
  }

  async stop(): Promise<void> {
    for (const each of [...this.apps, this.proxy, this.publisher, this.reader]) each?.stop()
    await this.redis.close()
  }
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}
