import type { EventEmitter } from 'node:events'
import { createServer } from 'node:http'
import type { Socket } from 'node:net'
import { expect } from 'chai'
import compression from 'compression'
import type { Express, RequestHandler } from 'express'
import { clock } from '../../lib/clock.js'
import { type Endpoint, resource, resources } from '../../lib/index.js'
import type { Ask, Client } from '../support/raw.js'
import { patience, type ServeOptions, type Site, stage, waiting } from '../support/stage.js'
import { Plot } from './plot.js'
import type { Options, Target } from './targets.js'

/** What is around an endpoint. */
export const settings = {
  'Express 5': {},
  'Express 4': { with: 'Express 4' },
  // it wraps the response's write
  'behind compression()': { before: [compression() as unknown as RequestHandler] },
} as const satisfies Record<string, ServeOptions>
export type SettingName = keyof typeof settings

const paths = { stream: '/stream', rest: '/rest' }

/** What answers at once, beside the stream. */
const rest = () =>
  resource({
    isAuthorized: async (): Promise<true> => true,
    generateEtag: () => '"1"',
    contentTypesProvided: { 'application/json': () => ({ is: 'served' }) },
  })

/** Looks for requests that take too long more often than every 30 seconds. */
const listen = (app: Express) => createServer({ connectionsCheckingInterval: 10 }, app)

/** An app with a stream and a plain resource, the clients of it, and all that can be counted of them. */
export class Scene {
  readonly plot: Plot
  readonly site: Site
  readonly endpoint: Endpoint
  readonly #ask: Ask
  readonly #clients: Client[] = []
  /** The connections that have come to the server. */
  readonly arrived: Socket[] = []
  readonly #before: unknown
  readonly #deadlines: number
  /** The endpoint was closed: who comes is told to come back. */
  isClosed = false

  static async open(
    target: Target,
    setting: ServeOptions,
    options: Options | ((plot: Plot) => Options),
  ): Promise<Scene> {
    // its time is that of all that is made from here on
    const { now } = stage
    const plot = new Plot()
    const deadlines = clock.size
    const made = target.make(plot, typeof options === 'function' ? options(plot) : options)
    const endpoint = resources({ [paths.stream]: made, [paths.rest]: rest() })
    const site = await now.serve(endpoint, { ...setting, listen })
    return new Scene(plot, endpoint, site, target.ask ?? {}, deadlines)
  }

  private constructor(plot: Plot, endpoint: Endpoint, site: Site, ask: Ask, deadlines: number) {
    this.plot = plot
    this.endpoint = endpoint
    this.site = site
    this.#ask = ask
    site.server.on('connection', (socket) => this.arrived.push(socket))
    this.#before = this.#listeners()
    this.#deadlines = deadlines
  }

  get time() {
    return stage.now.time
  }

  /** What has reached the app's error handler. */
  get errors(): unknown[] {
    return stage.now.errors
  }

  /** Takes a process warning, which has to have come. */
  warning(): Promise<Error> {
    return stage.now.warning()
  }

  /** A connection without a request. */
  connect(how?: { reads?: boolean }): Client {
    const client = this.site.connect(how)
    this.#clients.push(client)
    return client
  }

  /** Asks for the stream. */
  ask(how: Ask & { reads?: boolean } = {}): Client {
    const { reads = true, ...ask } = how
    return this.connect({ reads }).ask(paths.stream, this.how(ask))
  }

  askForRest(ask: Ask = {}): Client {
    return this.connect().ask(paths.rest, ask)
  }

  readonly paths = paths

  how(ask: Ask = {}): Ask {
    return { ...this.#ask, ...ask, headers: { ...this.#ask.headers, ...ask.headers } }
  }

  /** A client that has the stream. */
  async held(how: Ask & { reads?: boolean } = {}): Promise<Client> {
    const before = this.plot.listening
    const client = this.ask(how)
    await this.until(() => this.plot.listening > before, 'a stream')
    return client
  }

  /** A client that has the stream, and an event of it. */
  async streaming(how: Ask = {}): Promise<Client> {
    const client = await this.held(how)
    this.plot.emit('first')
    await client.until('first')
    return client
  }

  /** Waits until something is so; what never is fails with what there is. */
  async until(isSo: () => boolean | Promise<boolean>, what: string): Promise<void> {
    const isTime = waiting(patience)
    for (let turn = 0; isTime(); turn++) {
      if (await isSo()) return
      await new Promise<void>((resolve) => (turn < 3000 ? setImmediate(resolve) : setTimeout(resolve, 1)))
    }
    const { given, log } = this.plot
    const states = given.map(
      (each) => `${each.released} of ${each.taken} ${each.reasons.map(({ kind }) => kind)}`,
    )
    throw new Error(
      `Waited in vain for ${what}: ${states.slice(0, 10).join('; ')} (${log.entries.slice(-10)})`,
    )
  }

  get #isOver(): boolean {
    return [...this.endpoint.streams].length === 0 && this.plot.given.every((each) => each.isOver)
  }

  /** All that was subscribed is let go, and terminated, once each. */
  over(): Promise<void> {
    return this.until(() => this.#isOver, 'the end of all streams')
  }

  /** The kinds of reasons that `terminate` was told. */
  get kinds(): string[] {
    return this.plot.given.flatMap(({ reasons }) => reasons.map(({ kind }) => kind))
  }

  /** Streams are open: they end when their clients leave. */
  async goesOn(): Promise<void> {
    expect([...this.endpoint.streams], 'streams').not.to.deep.equal([])
    const before = this.plot.log.entries.length
    await this.#leave()
    await this.over()
    const told = this.plot.log.entries.slice(before).filter((entry) => entry !== 'released')
    expect([...new Set(told)]).to.deep.equal(['disconnect'])
  }

  /** So many connections have come to the server, and are gone. */
  async gone(count: number): Promise<void> {
    await this.until(() => this.arrived.length >= count, `${count} connections`)
    await this.until(async () => (await this.#connections()) === 0, 'all connections to be gone')
    expect(this.arrived).to.have.length(count)
  }

  /** Nothing is left of it, and whoever comes next is served. */
  async after(): Promise<void> {
    await this.over()
    await this.until(() => clock.size === this.#deadlines, `${this.#deadlines} deadlines, not ${clock.size}`)
    await this.#leave()
    this.plot.isMended = true
    expect(this.#listeners(), 'listeners of the server and the process').to.deep.equal(this.#before)
    expect(this.errors, 'errors that reached the app').to.deep.equal([])
    if (this.site.server.listening) await this.#serves()
  }

  async #leave(): Promise<void> {
    for (const client of this.#clients.splice(0)) client.leave()
    await this.until(async () => (await this.#connections()) === 0, 'all connections to be gone')
  }

  async #serves(): Promise<void> {
    const { status, body } = await this.askForRest().whole()
    if (this.isClosed) {
      expect(status).to.equal(503)
      expect((await this.ask().whole()).headers['retry-after']).to.match(/^\d+$/)
    } else {
      expect([status, body]).to.deep.equal([200, '{"is":"served"}'])
      const before = this.plot.given.length
      const client = await this.held()
      this.plot.emit('next')
      await client.until('next')
      client.leave()
      await this.over()
      expect(this.kinds.slice(before)).to.deep.equal(['disconnect'])
    }
    await this.#leave()
  }

  #connections(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.site.server.getConnections((error, count) => (error ? reject(error) : resolve(count)))
    })
  }

  #listeners(): unknown {
    return [this.site.server, process].map((emitter: EventEmitter) =>
      Object.fromEntries(emitter.eventNames().map((name) => [String(name), emitter.listenerCount(name)])),
    )
  }
}
