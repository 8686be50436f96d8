import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import express, { type RequestHandler } from 'express'
import { type Endpoint, type LoopContext, type LoopSpec, loop, sse } from '../../lib/index.js'
import { Log } from '../support/log.js'

export type Context = LoopContext<undefined, unknown>
export type Loop = Partial<LoopSpec<undefined, unknown, unknown, number | undefined>>

/** A request as it came to the app. */
export interface Arrival {
  readonly version: string
  readonly headers: IncomingHttpHeaders
  readonly socket: Socket
}

/** The app behind a proxy: one server for all tests of a file, which serves what the test gives it. */
export class Origin {
  readonly arrivals: Arrival[] = []
  #handler: RequestHandler = (_req, _res, next) => next()
  readonly #server: Server

  constructor() {
    const app = express().set('env', 'test').set('trust proxy', 1)
    app.get('/health', (_req, res) => void res.end())
    app.use((req, res, next) => {
      this.arrivals.push({ version: req.httpVersion, headers: req.headers, socket: req.socket })
      this.#handler(req, res, next)
    })
    this.#server = createServer(app)
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** @param port where it was before, when it comes again */
  async open(port = 0): Promise<this> {
    await once(this.#server.listen(port, '127.0.0.1'), 'listening')
    return this
  }

  serve(handler: RequestHandler | Endpoint): void {
    this.arrivals.length = 0
    this.#handler = handler as RequestHandler
  }

  /** Serves several, by the request's path. */
  route(pick: (path: string) => Endpoint): void {
    this.serve(((req, res, next) => (pick(req.path) as RequestHandler)(req, res, next)) as RequestHandler)
  }

  /** Serves a loop, and takes note of what becomes of it. */
  hold(spec: Loop = {}): Held {
    const held = new Held(spec)
    this.serve(held.endpoint)
    return held
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }
}

/** The held responses of an endpoint, and what has become of them: `subscribe`, and the kinds of the reasons. */
export class Held {
  readonly log = new Log()
  readonly contexts: Context[] = []
  readonly endpoint: Endpoint

  constructor({ subscribe, ...spec }: Loop) {
    this.endpoint = loop<undefined, unknown, unknown, number | undefined>({
      format: sse(),
      ...spec,
      subscribe: (context) => {
        this.contexts.push(context)
        this.log.add('subscribe')
        return (subscribe as ((context: Context) => undefined) | undefined)?.(context)
      },
      terminate: ({ kind }) => this.log.add(kind),
    })
  }

  /** The context of a stream, once it is subscribed. */
  async context(number = 1): Promise<Context> {
    await this.log.until('subscribe', number)
    return this.contexts[number - 1]!
  }
}
