import { once } from 'node:events'
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect as connectHttp2,
  constants,
} from 'node:http2'
import { connect as connectTcp, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import { type Ask, Client } from '../support/raw.js'

export interface Head {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
}

/** How a response ended, as far as its framing tells. */
export type Ending = 'complete' | 'cut'

/** A request that was made of a proxy, and what comes of it. */
export interface Visit {
  readonly body: string
  head(): Promise<Head>
  /** Waits for a text in the body. */
  until(text: string): Promise<string>
  ended(): Promise<Ending>
  /** Wants no more of it. */
  leave(): void
  /** Takes no more of it for now. */
  pause(): void
  /** Takes what there is of it. */
  resume(): void
}

export type Version = 'HTTP/1.1' | 'HTTP/2'

/** A client of a proxy, which makes its requests on connections as its version does. */
export interface Visitor {
  readonly version: Version
  visit(path: string, ask?: Ask): Visit
  close(): void
}

interface How {
  isSecure?: boolean
  /** The client's own address. */
  from?: string
}

/** HTTP/1.1: a connection for each request. */
export class Http1 implements Visitor {
  readonly version = 'HTTP/1.1'
  readonly #port: number
  readonly #isSecure: boolean
  readonly #from: string
  readonly #clients: Client[] = []

  constructor(port: number, { isSecure = false, from = '127.0.0.1' }: How = {}) {
    this.#port = port
    this.#isSecure = isSecure
    this.#from = from
  }

  /** A connection on which anything may be said. */
  connect(): { client: Client; tcp: Socket } {
    const tcp = connectTcp({ port: this.#port, host: '127.0.0.1', localAddress: this.#from })
    const socket = this.#isSecure
      ? connectTls({ socket: tcp, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] })
      : tcp
    const client = new Client(socket)
    this.#clients.push(client)
    return { client, tcp }
  }

  visit(path: string, ask: Ask = {}): Visit & { client: Client; reset(): void } {
    const { client, tcp } = this.connect()
    client.ask(path, ask)
    return {
      client,
      get body() {
        return client.body
      },
      head: () => client.head(),
      until: (text) => client.until(text),
      ended: () => endingOf(client),
      leave: () => client.leave(),
      pause: () => client.socket.pause(),
      resume: () => client.socket.resume(),
      reset: () => tcp.resetAndDestroy(),
    }
  }

  close(): void {
    for (const client of this.#clients) client.leave()
  }
}

/** How a response ends. A look reads all that has come: there is one for whatever comes in a turn. */
function endingOf(client: Client): Promise<Ending> {
  return new Promise((resolve) => {
    const isWhole = () => client.messages.at(-1)?.isWhole === true
    let isToLook = false
    const lookLater = () => {
      if (!isToLook) setImmediate(look)
      isToLook = true
    }
    const look = () => {
      isToLook = false
      if (!isWhole()) return
      client.socket.off('data', lookLater)
      resolve('complete')
    }
    client.socket.on('data', lookLater)
    lookLater()
    void client.ended.then(() => resolve(isWhole() ? 'complete' : 'cut'))
  })
}

/** HTTP/2: all requests on one connection. */
export class Http2 implements Visitor {
  readonly version = 'HTTP/2'
  readonly #connect: () => ClientHttp2Session
  #session: ClientHttp2Session

  constructor(port: number, how: How = {}) {
    this.#connect = () => Http2.#to(port, how)
    this.#session = this.#connect()
  }

  static #to(port: number, { from = '127.0.0.1' }: How): ClientHttp2Session {
    const session = connectHttp2(`https://127.0.0.1:${port}`, {
      createConnection: () =>
        connectTls({
          port,
          host: '127.0.0.1',
          localAddress: from,
          rejectUnauthorized: false,
          ALPNProtocols: ['h2'],
        } as ConnectionOptions),
    })
    session.on('error', () => {})
    return session
  }

  visit(path: string, { method = 'GET', headers = {}, body }: Ask = {}): Visit {
    // a proxy may close a connection that has been idle for a while, or has got errors: then there is another
    if (this.#session.closed || this.#session.destroyed) this.#session = this.#connect()
    const stream = this.#session.request({ ...headers, ':method': method, ':path': path })
    stream.end(body)
    return new Http2Visit(stream)
  }

  close(): void {
    this.#session.destroy()
  }
}

class Http2Visit implements Visit {
  readonly #stream: ClientHttp2Stream
  readonly #head: Promise<Head>
  readonly #ended: Promise<Ending>
  #body = ''
  readonly #looks = new Set<() => void>()
  #isClosed = false

  constructor(stream: ClientHttp2Stream) {
    this.#stream = stream
    this.#head = once(stream, 'response').then(([{ ':status': status, ...headers }]) => ({ status, headers }))
    this.#head.catch(() => {})
    let hasEnd = false
    stream.setEncoding('utf8')
    stream.on('data', (text: string) => {
      this.#body += text
      this.#look()
    })
    stream.on('end', () => {
      hasEnd = true
    })
    stream.on('error', () => {})
    this.#ended = new Promise((resolve) => {
      stream.on('close', () => {
        this.#isClosed = true
        this.#look()
        const isWhole = hasEnd && !stream.aborted && stream.rstCode === constants.NGHTTP2_NO_ERROR
        resolve(isWhole ? 'complete' : 'cut')
      })
    })
  }

  get body(): string {
    return this.#body
  }

  head(): Promise<Head> {
    return this.#head
  }

  until(text: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const look = () => {
        if (this.#body.includes(text)) resolve(this.#body)
        else if (this.#isClosed)
          reject(new Error(`The stream ended without ${text}: ${this.#body.slice(0, 2000)}`))
        else return
        this.#looks.delete(look)
      }
      this.#looks.add(look)
      look()
    })
  }

  ended(): Promise<Ending> {
    return this.#ended
  }

  leave(): void {
    this.#stream.close(constants.NGHTTP2_CANCEL)
  }

  pause(): void {
    this.#stream.pause()
  }

  resume(): void {
    this.#stream.resume()
  }

  #look(): void {
    for (const look of this.#looks) look()
  }
}
