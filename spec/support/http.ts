import { once } from 'node:events'
import http, { type OutgoingHttpHeaders } from 'node:http'
import { createRequire } from 'node:module'
import net, { type AddressInfo } from 'node:net'
import { expect } from 'chai'
import express, { type Express, type NextFunction, type Request, type Response } from 'express'
import { type Defaults, type Endpoint, type ResourceSpec, resource, resources } from '../../lib/index.js'

export type Spec = ResourceSpec<undefined, unknown, unknown, undefined>
export type Middleware = (req: Request, res: Response, next: NextFunction) => unknown

/** The versions of Express that the library is made for. */
export const expresses: Readonly<Record<string, typeof express>> = {
  'Express 5': express,
  'Express 4': createRequire(import.meta.url)('express4') as typeof express,
}

let current = express

/** The Express that sites are made with at the moment. */
export const currentExpress = (): typeof express => current

/** One suite, over both versions of Express. */
export function onBoth(title: string, define: () => void): void {
  for (const [version, make] of Object.entries(expresses)) {
    describe(`${title} (${version})`, () => {
      before(() => {
        current = make
      })
      after(() => {
        current = express
      })
      define()
    })
  }
}

export interface Asked {
  method?: string
  url?: string
  /** Nothing else is sent but Host, Connection, and the length of a body. */
  headers?: Readonly<Record<string, string | readonly string[]>>
  body?: string | Uint8Array
}

export interface Answer {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly body: Buffer
  readonly text: string
  readonly json: unknown
  /** The names in Vary. */
  readonly vary: readonly string[]
  /** Whether the connection was cut before the body was whole. */
  readonly isCut: boolean
  /** What went to `next`. */
  readonly errors: readonly unknown[]
  /** All fields of a name. */
  all(name: string): readonly string[]
}

/** What mounts endpoints where it likes. */
export interface Mount {
  mount(app: Express): void
}

/** A table of specs that need not be plain. */
export function tableOf(table: Readonly<Record<string, Spec | Endpoint>>, defaults?: Defaults): Endpoint {
  return resources(table as Readonly<Record<string, Endpoint>>, defaults)
}

/** An app on a port of its own, that takes note of the errors that reach it. */
export class Site {
  readonly app: Express
  readonly errors: unknown[] = []
  readonly server: http.Server

  constructor(
    target: Spec | Endpoint | Mount,
    { before = [], options = {} }: { before?: readonly Middleware[]; options?: http.ServerOptions } = {},
  ) {
    this.app = current()
    // says nothing of errors on the console
    this.app.set('env', 'test')
    for (const each of before) this.app.use(each as express.RequestHandler)
    if (typeof target === 'function') this.app.use(target as express.RequestHandler)
    else if ('mount' in target) target.mount(this.app)
    else this.app.use(resource(target) as express.RequestHandler)
    this.app.use((error: unknown, _req: Request, res: Response, next: NextFunction) => {
      this.errors.push(error)
      if (res.headersSent) return next(error)
      const { status } = Object(error) as { status?: number }
      res.status(status ?? 500).send('The app answers.')
    })
    this.server = http.createServer(options, this.app)
  }

  async open(): Promise<this> {
    this.server.listen(0, '127.0.0.1')
    await once(this.server, 'listening')
    return this
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port
  }

  close(): void {
    this.server.close()
    this.server.closeAllConnections()
  }

  async ask({ method = 'GET', url = '/', headers = {}, body }: Asked = {}): Promise<Answer> {
    const request = http.request({
      port: this.port,
      host: '127.0.0.1',
      agent: false,
      method,
      path: url,
      headers: headers as OutgoingHttpHeaders,
    })
    // a string would take the head along into its own encoding
    request.end(body === undefined ? undefined : Buffer.from(body))
    const [response] = (await once(request, 'response')) as [http.IncomingMessage]
    return this.#read(response)
  }

  async #read(response: http.IncomingMessage): Promise<Answer> {
    const chunks: Buffer[] = []
    let isCut = false
    response.on('data', (chunk: Buffer) => chunks.push(chunk))
    response.on('error', () => {
      isCut = true
    })
    await new Promise((resolve) => response.once('close', resolve))
    const body = Buffer.concat(chunks)
    const { rawHeaders, headers } = response
    return {
      status: response.statusCode as number,
      headers,
      body,
      text: body.toString(),
      get json() {
        return JSON.parse(body.toString())
      },
      vary: (headers.vary ?? '').split(/, */).filter((name) => name !== ''),
      isCut,
      errors: this.errors,
      all: (name) =>
        rawHeaders.filter(
          (_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === name.toLowerCase(),
        ),
    }
  }

  /** Sends bytes as they are, and returns all that comes back until the server closes the connection. */
  async exchange(sent: string | Uint8Array): Promise<string> {
    const socket = net.connect(this.port, '127.0.0.1')
    const chunks: Buffer[] = []
    socket.on('data', (chunk) => chunks.push(chunk))
    socket.on('error', () => {})
    socket.write(sent)
    await new Promise((resolve) => socket.once('close', resolve))
    return Buffer.concat(chunks).toString('latin1')
  }
}

/** Runs something against a site that is closed afterwards. */
export async function withSite<T>(site: Site, run: (site: Site) => Promise<T>): Promise<T> {
  await site.open()
  try {
    return await run(site)
  } finally {
    site.close()
  }
}

/** What a resource answers to one request. */
export function ask(target: Spec | Endpoint | Site, asked: Asked = {}): Promise<Answer> {
  return withSite(target instanceof Site ? target : new Site(target), (site) => site.ask(asked))
}

/** One case of the table: a resource, a request, and the status that comes of them. */
export async function expectStatus(
  target: Spec | Endpoint | Site,
  asked: Asked,
  status: number,
): Promise<Answer> {
  const answer = await ask(target, asked)
  expect(answer.status, `${asked.method ?? 'GET'} ${JSON.stringify(asked.headers ?? {})}`).to.equal(status)
  return answer
}

/** A case that ends with an error in `next`. */
export async function expectError(
  target: Spec | Endpoint | Site,
  asked: Asked,
  message: RegExp | string,
): Promise<Answer> {
  const answer = await ask(target, asked)
  expect(answer.errors).to.have.length(1)
  expect(String((answer.errors[0] as Error).message)).to.match(
    message instanceof RegExp ? message : new RegExp(message.replace(/[[\]().?*+^$|\\]/g, '\\$&')),
  )
  expect(answer.text).to.equal(answer.isCut ? answer.text : 'The app answers.')
  return answer
}

/** A resource with one text, `hello`, in one type. */
export const hello: Spec = { contentTypesProvided: { 'text/plain': () => 'hello' } }

/** A resource that takes text, whatever method is asked for. */
export const writable: Spec = {
  allowedMethods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
  contentTypesProvided: { 'text/plain': () => 'hello' },
  contentTypesAccepted: { 'text/plain': () => true },
  deleteResource: true,
}

export const asText = { 'content-type': 'text/plain' }
