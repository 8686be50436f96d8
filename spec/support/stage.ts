import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import type express from 'express'
import type { ErrorRequestHandler, Express, RequestHandler } from 'express'
import { clock } from '../../lib/clock.js'
import { ManualTime } from './clock.js'
import { currentExpress, expresses } from './http.js'
import { type Ask, Client } from './raw.js'

/** An Express app that listens. */
export interface Site {
  readonly server: Server
  readonly port: number
  readonly url: string
  /** A connection without a request. */
  connect(options?: { reads?: boolean }): Client
  /** A connection with a request sent. */
  get(path?: string, options?: Ask & { reads?: boolean }): Client
}

export interface ServeOptions {
  /** Settings of the app. */
  set?: (app: Express) => unknown
  /** Middleware before the endpoint. */
  before?: readonly RequestHandler[]
  /** What is mounted after the endpoint, and before the app's own error handler. */
  after?: readonly (RequestHandler | ErrorRequestHandler)[]
  /** What listens, where it is not a plain server. */
  listen?: (app: Express) => Server
  /** The Express that serves; if nothing is said, the one of `onBoth`, or the fifth. */
  with?: keyof typeof expresses
  /** The port that another server has left; any that is free, if nothing is said. */
  port?: number
}

/** A store that answers in real time, while the stage's stands still. */
export interface OwnStore {
  /** Something was asked since it was at rest last. */
  readonly isBusy: boolean
  /** Waits until all that was asked is answered, and all told that was published by then. */
  rest(): Promise<unknown>
}

/**
 * What held responses are tested on: real servers and raw clients on a time that stands still. After each test
 * all is closed, and nothing may be left over: no deadline on the clock, no unhandled rejection (which mocha
 * lets pass), no warning that was not asked for.
 */
class Stage {
  readonly time = new ManualTime()
  readonly #restore = clock.use(this.time)
  /** What has reached the app's own error handler. */
  readonly errors: unknown[] = []
  /** Process warnings that no test has asked for. */
  readonly warnings: Error[] = []
  readonly #servers: Server[] = []
  readonly #clients: Client[] = []
  readonly #stores = new Map<OwnStore, { close(): Promise<unknown> }>()
  readonly #deadlines = clock.size
  readonly #warned = (warning: Error) => {
    this.warnings.push(warning)
  }

  readonly #rejections: unknown[] = []
  readonly #rejected = (reason: unknown) => {
    this.#rejections.push(reason)
  }

  constructor() {
    process.on('warning', this.#warned).on('unhandledRejection', this.#rejected)
  }

  async serve(endpoint: RequestHandler | object, options: ServeOptions = {}): Promise<Site> {
    const make = options.with === undefined ? currentExpress() : expresses[options.with]!
    const app = make()
    // Express prints what reaches its own handler, but in a test
    app.set('env', 'test')
    options.set?.(app)
    for (const each of options.before ?? []) app.use(each)
    app.use(endpoint as RequestHandler)
    for (const each of options.after ?? []) app.use(each)
    app.use(((error, _req, res, next) => {
      this.errors.push(error)
      if (res.headersSent) return next(error)
      res.status(error?.status ?? 500).end('the app failed')
    }) as express.ErrorRequestHandler)
    const server = (options.listen ?? createServer)(app)
    this.#servers.push(server)
    await once(server.listen(options.port ?? 0, '127.0.0.1'), 'listening')
    const { port } = server.address() as AddressInfo
    const connect = (how?: { reads?: boolean }) => {
      const client = new Client(port, how)
      this.#clients.push(client)
      return client
    }
    return {
      server,
      port,
      url: `http://127.0.0.1:${port}`,
      connect,
      get: (path = '/', { reads = true, ...ask } = {}) => connect({ reads }).ask(path, ask),
    }
  }

  /** Hands over a store that answers in real time: `settled` and `turns` wait for it. Who uses it is closed with the stage. */
  own(store: OwnStore, user: { close(): Promise<unknown> }): void {
    this.#stores.set(store, user)
  }

  /** Waits until all stores have answered and told all. False if there was nothing since the last call. */
  async rested(): Promise<boolean> {
    const stores = [...this.#stores.keys()]
    if (!stores.some(({ isBusy }) => isBusy)) return false
    // what one has published others are told
    for (const store of stores) await store.rest()
    return true
  }

  /** Takes a process warning of the library, which has to have come by now. */
  async warning(): Promise<Error> {
    await turns()
    const warning = this.warnings.shift()
    if (!warning) throw new Error('No warning was given')
    return warning
  }

  async end(): Promise<void> {
    for (const client of this.#clients) client.leave()
    for (const server of this.#servers) {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    }
    await turns()
    for (const user of this.#stores.values()) await user.close()
    const left = clock.size - this.#deadlines
    this.#restore()
    process.off('warning', this.#warned).off('unhandledRejection', this.#rejected)
    expect(this.#rejections, 'unhandled rejections').to.deep.equal([])
    expect(this.warnings, 'process warnings').to.deep.equal([])
    // one of a suite without a stage may ring in it
    expect(left, 'deadlines left on the clock').to.be.at.most(0)
  }
}

let now: Stage | undefined
/** Suites that a test runs in whose stage it may use. */
let suites = 0

/** The stage of the test that runs: set when it is first asked for, in a suite that has said `staged()`. */
export const stage = {
  get now(): Stage {
    // one that nobody ends would leave its time to all tests that come after it
    if (suites === 0)
      throw new Error('There is no stage: say staged() in the suite, and use it within a test')
    now ??= new Stage()
    return now
  },
}

/** Said in a suite: its tests may use the stage, and each has one of its own, which ends with it. */
export function staged(): void {
  beforeEach(() => {
    suites += 1
  })
  afterEach(async () => {
    suites -= 1
    if (suites > 0) return
    const ending = now
    now = undefined
    await ending?.end()
  })
}

/**
 * Lets the event loop go round, so that all that is ready has happened. Where the stage has stores that answer in real
 * time, also all that they have to say.
 */
export async function turns(count = 20): Promise<void> {
  do {
    for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
  } while (await now?.rested())
}

/** Until all is delivered that was published, and who subscribes has begun to. */
export async function settled(): Promise<void> {
  await turns(1)
}

/**
 * Milliseconds that whatever is awaited may take on a busy machine; less than mocha's own limit, which does not tell what
 * was awaited.
 */
export const patience = 20_000

/**
 * Tells, turn by turn, whether to wait on. A count of turns alone would be a time, and a short one: turns in which nothing
 * happens are over in a moment, while the kernel, a thread or another process has not had its own. A time alone would be
 * over after a stall of this process, in which nothing could happen.
 */
export function waiting(milliseconds = 2000, count = 10_000): () => boolean {
  const began = performance.now()
  let turn = 0
  return () => ++turn < count || performance.now() - began < milliseconds
}

/** Lets the event loop go round until a condition holds; a test that has failed must not go round for ever. */
export async function turnsUntil(holds: () => boolean): Promise<void> {
  for (const isTime = waiting(patience); !holds(); ) {
    if (!isTime()) throw new Error(`This did not come to hold: ${holds}`)
    await turns(1)
  }
}

/** Bytes that no kernel takes at once from a client that does not read. */
export const flood = Buffer.alloc(2 ** 24, '.')
