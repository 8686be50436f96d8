// Runs an app for a test: a server on a port of this machine, its clients, and a clock that the test turns.
import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { show } from '../errors.js'
import { type Asking, askOf, checkAsking, checkOptions, type StageOptions } from './asking.js'
import { Connection } from './connection.js'
import { type Leftover, LeftoversError, leftoversOf } from './leftovers.js'
import { type Ground, Opened } from './opened.js'
import { after, turns, within } from './real.js'
import { type Taken, takeClock } from './taken.js'

/** A whole answer. */
export interface Answered {
  readonly status: number
  /** By names in lower case. Of several fields of one name all, joined by commas. */
  readonly headers: Readonly<Record<string, string>>
  readonly bytes: Buffer
  text(): string
  // biome-ignore lint/suspicious/noExplicitAny: as that of fetch
  json(): any
}

/** A connection of the stage's, with the port that its other end knows it by, once it is made. */
interface Line {
  readonly client: Connection
  port: number | undefined
}

/** Real milliseconds that the two ends of a connection may take to have the same. */
const patience = 1000

/** Real milliseconds that what is ending may take to be over. */
const grace = 500

/** Turns in which what has come is answered. */
const round = 20

export class Stage implements AsyncDisposable {
  /** Without a slash at its end. */
  readonly url: string
  readonly port: number
  readonly server: Server
  /** Turns the library's clock on, and lets what follows happen. Node's own timers go on as they do. */
  readonly clock: { advance(milliseconds: number): Promise<void> }
  readonly #options: StageOptions
  readonly #taken: Taken
  readonly #lines = new Set<Line>()
  /** The server's ends of all connections, by the port of the other. */
  readonly #sockets = new Map<number, Socket>()
  /** The ports of all that the server has had. */
  readonly #met = new Set<number>()
  /** The latest request on each. */
  readonly #asked = new WeakMap<Socket, string>()
  #closing: Promise<void> | undefined
  #isClosed = false

  private constructor(server: Server, options: StageOptions) {
    this.server = server
    this.#options = options
    this.#taken = takeClock()
    const { port } = server.address() as AddressInfo
    this.port = port
    this.url = `http://127.0.0.1:${port}`
    this.clock = { advance: (milliseconds) => this.#advance(milliseconds) }
    server.on('connection', (socket) => {
      const { remotePort = 0 } = socket
      this.#sockets.set(remotePort, socket)
      this.#met.add(remotePort)
      socket.once('close', () => this.#sockets.delete(remotePort))
    })
    server.prependListener('request', ({ method, url, socket }) => {
      this.#asked.set(socket, `${method} ${url}`)
    })
  }

  /** @throws TypeError for a server that listens already */
  static async of(server: Server, options: StageOptions): Promise<Stage> {
    checkOptions(options)
    if (server.listening) throw new TypeError('stage: expected a server that does not listen yet')
    await once(server.listen(0, '127.0.0.1'), 'listening')
    return new Stage(server, options)
  }

  /** Asks for a stream. Resolves when the head of the answer has come, whatever it is. */
  async open(path: string, asking: Asking = {}): Promise<Opened> {
    const { client, title, limit } = this.#ask(path, asking)
    const answer = await came(client, () => client.latest, limit, `${title}: no head`)
    const ground: Ground = { within: limit, advance: (ms) => this.#advance(ms), settle: () => this.#settle() }
    return new Opened(title, client, answer, ground, asking)
  }

  /** Asks for something, and waits for the whole answer. Rejects if the answer is cut, or goes on. */
  async request(path: string, asking: Asking = {}): Promise<Answered> {
    const { client, title, limit } = this.#ask(path, asking)
    const isWhole = () => (client.latest?.isWhole ? client.latest : undefined)
    const hint = 'no whole answer (a stream is asked for by open())'
    const { status, headers, bytes } = await came(client, isWhole, limit, `${title}: ${hint}`)
    client.leave()
    const text = () => bytes.toString()
    return { status, headers, bytes, text, json: () => JSON.parse(text()) }
  }

  #ask(path: string, asking: Asking) {
    checkAsking(path, asking)
    const { method = 'GET', within: limit = this.#options.within ?? 5000 } = asking
    return { client: this.connect().ask(path, askOf(asking)), title: `${method} ${path}`, limit }
  }

  /** A connection without a request. */
  connect(options?: { reads?: boolean }): Connection {
    // the port may be another's by now
    if (this.#isClosed) throw new Error('The stage is closed: nothing can be asked of it')
    const client = new Connection(this.port, options)
    const line: Line = { client, port: undefined }
    this.#lines.add(line)
    client.socket.once('connect', () => {
      line.port = client.socket.localPort
    })
    return client
  }

  /** Lets all clients of the stage leave, ends the server, and gives the clock back. Rejects if anything is left. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    for (const { client } of this.#lines) client.leave()
    await this.#settle()
    let left: readonly Leftover[] = []
    try {
      await this.#options.onClose?.()
      left = await this.#left()
    } finally {
      await this.#letGo(left.length > 0)
    }
    if (left.length > 0) throw new LeftoversError(left)
  }

  /** What is left, and stays so. */
  async #left(): Promise<readonly Leftover[]> {
    const isTime = within(Math.min(grace, this.#options.within ?? grace))
    for (;;) {
      this.server.closeIdleConnections()
      await turns(round)
      const connections = [...this.#sockets].flatMap(([port, socket]) => {
        const request = this.#asked.get(socket)
        // a client may hold a connection in store
        return request === undefined ? [] : { port, request }
      })
      const left = leftoversOf(this.port, this.#taken, connections)
      if (left.length === 0 || !isTime()) return left
    }
  }

  async #letGo(isLeft: boolean): Promise<void> {
    this.#isClosed = true
    this.server.closeAllConnections()
    for (const socket of this.#sockets.values()) socket.destroy()
    await new Promise((resolve) => this.server.close(resolve))
    if (isLeft && this.#taken.isLast) for (const { end } of this.#taken.entries) end()
    await turns(round)
    this.#taken.giveBack()
  }

  async #advance(milliseconds: number): Promise<void> {
    if (!(milliseconds >= 0 && milliseconds < Infinity))
      throw new TypeError(`advance(${show(milliseconds)}): expected milliseconds, 0 or more`)
    if (this.#isClosed) throw new Error('The stage is closed: its clock is given back')
    const { time } = this.#taken
    // of the call: advances that overlap pass together, as timers do
    const end = time.now() + milliseconds
    // what was sent before is there before
    await this.#settle()
    // what is due is told in its own turns, so that what follows of it may be due on the way
    for (let due = time.due; due !== undefined && due <= end; due = time.due) {
      time.advance(Math.max(0, due - time.now()))
      await turns(round)
    }
    time.advance(Math.max(0, end - time.now()))
    await this.#settle()
  }

  /** Until both ends of each connection have the same, and what follows of it has happened. */
  async #settle(): Promise<void> {
    const isTime = within(patience)
    do {
      await turns(round)
    } while (isTime() && ![...this.#lines].every((line) => this.#isLevel(line)))
    for (const line of this.#lines) if (line.client.isClosed) this.#lines.delete(line)
    await turns(round)
  }

  /** Whether what one end of a connection has sent has come to the other. */
  #isLevel({ client, port = 0 }: Line): boolean {
    const { socket } = client
    const server = this.#sockets.get(port)
    // one that does not read does not see its end
    if (!server) return client.isClosed || (this.#met.has(port) && socket.isPaused())
    if (client.isClosed) return false
    const isHeard = server.isPaused() || server.bytesRead === socket.bytesWritten
    const isRead = socket.isPaused() || server.writableCorked > 0 || client.size === server.bytesWritten
    return isHeard && isRead && (!socket.writableEnded || server.readableEnded)
  }
}

/** Waits until something of a connection is there. */
function came<T>(client: Connection, look: () => T | undefined, limit: number, missing: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const done = () => {
      forget()
      cancel()
    }
    const fail = (why: string) => {
      done()
      client.leave()
      const raw = show(client.raw.toString())
      reject(new Error(`${missing} ${why}. What came: ${client.size === 0 ? 'nothing' : raw}`))
    }
    const check = () => {
      const found = look()
      if (found !== undefined) {
        done()
        resolve(found)
      } else if (client.error) fail(`has come, but what is no HTTP: ${client.error.message}`)
      else if (client.isClosed) fail('has come before the connection ended')
    }
    const cancel = after(limit, () => fail(`has come within ${limit} ms`))
    const forget = client.onNews(check)
    check()
  })
}
