import { createClient } from '@redis/client'
import type { Backend, Log, Retention } from '../../../lib/hub/backend.js'
import { retainsNothing as none } from '../../../lib/hub/backend.js'
import { createHub } from '../../../lib/index.js'
import { type RedisStreamsOptions, redisStreams } from '../../../lib/redis.js'
import { Kept } from '../../../lib/testing/backends/logs.js'
import type { Hub } from '../../../lib/values/feed.js'
import { Passage } from './passage.js'
import type { RedisServer } from './server.js'
import { until } from './until.js'

/** What a process has: a backend, the way to its server, and what was said of that. */
export interface Process {
  readonly backend: Backend
  readonly passage: Passage
  /** `down` and `up`, in the order in which they were told. */
  readonly told: ('down' | 'up')[]
  log(name: string, retention?: Partial<Retention>): Log
  /** A hub on the backend. */
  hub(): Hub
}

type Options = Partial<RedisStreamsOptions> & {
  readonly config?: Parameters<typeof createClient>[0]
  /** Of the server's, with any password. */
  readonly user?: string
}

let tests = 0

/**
 * Said in a suite: processes that share a server, each on a way of its own. Those of one test share the channels, which no
 * other test has. All are closed after it, and the process warnings that came are kept.
 */
export class Processes {
  readonly #server: RedisServer
  readonly #closing: (() => unknown)[] = []
  readonly warnings: Error[] = []
  readonly #warned = (warning: Error) => {
    if (warning.name === 'LariatWarning') this.warnings.push(warning)
  }
  #prefix = ''

  constructor(server: RedisServer) {
    this.#server = server
    beforeEach(() => {
      this.#prefix = `test${++tests}:`
      this.warnings.length = 0
      process.on('warning', this.#warned)
    })
    afterEach(async () => {
      for (const close of this.#closing.splice(0).reverse()) await close()
      process.off('warning', this.#warned)
    })
  }

  get prefix(): string {
    return this.#prefix
  }

  /** Called after the test, the last first. */
  after(close: () => unknown): void {
    this.#closing.push(close)
  }

  /** With a short `poll`, unless it says otherwise. */
  async start({ config, user, ...options }: Options = {}): Promise<Process> {
    const passage = new Passage(this.#server)
    await passage.up()
    this.after(() => passage.close())
    const url = new URL(passage.url)
    if (user) {
      url.username = user
      url.password = 'any'
    }
    const client = createClient(config?.socket ? config : { url: url.href, ...config })
    const backend = redisStreams({ client, prefix: this.#prefix, poll: 50, ...options })
    let hub: Hub | undefined
    let isClosed = false
    const close = () => {
      isClosed = true
      return backend.close()
    }
    const closable = { ...backend, close }
    this.after(() => (hub ? hub.close() : isClosed || close()))
    const told: ('down' | 'up')[] = []
    for (const name of ['down', 'up'] as const) backend.on(name, () => void told.push(name))
    return {
      backend: closable,
      passage,
      told,
      log: (name, retention = { history: 1000 }) => backend.open(name, { ...none, ...retention }, () => {}),
      hub: () => {
        hub ??= createHub(closable)
        return hub
      },
    }
  }

  /** Listens until the test has ended, as soon as the store lets it. */
  async listen(log: Log): Promise<Kept> {
    return until('it listens', async () => {
      const kept = new Kept()
      const stop = await log.listen(kept)
      this.after(stop)
      return kept
    })
  }
}
