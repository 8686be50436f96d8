import { once } from 'node:events'
import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type express from 'express'
import type { ErrorRequestHandler, RequestHandler } from 'express'
import { createHub, type Endpoint, loop, ndjson, raw, resource, sse } from '../../lib/index.js'
import type { Question } from '../../spec/hostile/wire.js'
import { type Spec, tableOf } from '../../spec/support/http.js'
import { bodyLimit, etag, methods, read } from './answers.js'

/** A request that Node has taken, and its response. */
export interface Taken extends Question {
  readonly req: IncomingMessage
  readonly res: ServerResponse
}

/** A connection, as the server sees it. */
export interface Connection {
  readonly socket: Socket
  readonly taken: Taken[]
  /** What Node's parser has said against what came. */
  refusal: Error | undefined
}

/** An app with everything on, and what it is asked. */
export class Target {
  readonly server: http.Server
  /** What has reached the app's error handler and is no refusal of somebody else's. */
  readonly errors: unknown[] = []
  /** What `/any` and `/json` serve. */
  current: Endpoint = resource({})
  #endpoints: readonly Endpoint[] = []
  readonly #connections = new Map<number, Connection>()

  constructor(make: typeof express) {
    // Node would answer on its own
    this.server = http.createServer({ requireHostHeader: false }, this.#app(make))
    this.server.on('connection', (socket: Socket) => {
      const { remotePort = 0 } = socket
      this.#connections.set(remotePort, { socket, taken: [], refusal: undefined })
      socket.on('close', () => this.#connections.delete(remotePort))
    })
    this.server.prependListener('request', (req, res) => this.#take(req, res))
    // what Node does where nobody listens, which would go unseen
    this.server.on('checkExpectation', (req, res) => {
      this.#take(req, res)
      res.writeHead(417).end()
    })
    const { emit } = this.server
    this.server.emit = (name: string, ...given: unknown[]) => {
      if (name === 'clientError') {
        const [error, { remotePort = 0 }] = given as [Error, Socket]
        const connection = this.#connections.get(remotePort)
        if (connection) connection.refusal ??= error
      }
      return Reflect.apply(emit, this.server, [name, ...given]) as boolean
    }
  }

  async open(): Promise<this> {
    this.server.listen(0, '127.0.0.1')
    await once(this.server, 'listening')
    return this
  }

  close(): void {
    this.server.close()
    this.server.closeAllConnections()
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port
  }

  /** The connection from a port. */
  from(port: number): Connection | undefined {
    return this.#connections.get(port)
  }

  /** The open streams. */
  get streams() {
    return [this.current, ...this.#endpoints].flatMap((endpoint) => [...endpoint.streams])
  }

  #take(req: IncomingMessage, res: ServerResponse): void {
    const { method = '', httpVersion: version } = req
    this.#connections.get(req.socket.remotePort ?? 0)?.taken.push({ method, version, req, res })
  }

  #app(make: typeof express) {
    const app = make()
    app.set('env', 'test')
    const channel = createHub().channel<unknown>('feed', { history: 10 })
    for (const data of ['event one', { event: 2 }]) void channel.publish(data, { type: 'tick' })
    const feed = resource({
      contentTypesProvided: [sse(), ndjson(), ndjson({ envelope: true, mediaType: 'application/json' })],
      subscribe: channel,
    })
    const song = loop({ format: raw('audio/mpeg'), subscribe: () => [Buffer.from('la')] })
    const table = tableOf({ '/:id': this.#file(), '/:id/:rest': this.#acceptor(), '/': feed })
    this.#endpoints = [feed, song, table]
    const any: RequestHandler = (req, res, next) => this.current(req as never, res, next)
    app.use('/any', any)
    app.use('/json', make.json({ limit: bodyLimit }), make.text({ limit: bodyLimit }), any)
    app.use('/feed', feed as RequestHandler)
    app.use('/loop', song as RequestHandler)
    app.use('/file', resource(this.#file()) as RequestHandler)
    app.use('/accept', resource(this.#acceptor()) as RequestHandler)
    app.use('/table', table as RequestHandler)
    app.use(((error, _req, res, next) => {
      const { status, type } = Object(error) as { status?: number; type?: string }
      // a body parser has refused the request before we were asked
      const isRefusal = type !== undefined && status !== undefined && status < 500
      if (!isRefusal) this.errors.push(error)
      if (res.headersSent) return next(error)
      res.status(isRefusal ? status : 500).end()
    }) as ErrorRequestHandler)
    return app
  }

  #file(): Spec {
    return {
      allowedMethods: methods.filter(
        (method) => !['POST', 'PUT', 'PATCH', 'DELETE', 'QUERY'].includes(method),
      ),
      contentTypesProvided: {
        'text/plain': () => 'hello, world',
        'application/octet-stream': () => Buffer.alloc(300),
      },
      rangesProvided: 'auto',
      generateEtag: etag,
      lastModified: new Date(0),
    }
  }

  #acceptor(): Spec {
    return {
      allowedMethods: methods,
      bodyLimit,
      contentTypesAccepted: {
        'application/json': read('json'),
        'text/*': read('text'),
        '*/*': read('bytes'),
      },
      contentTypesProvided: { 'text/plain': () => 'hello' },
      deleteResource: true,
    }
  }
}
