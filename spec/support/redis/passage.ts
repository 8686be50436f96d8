import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { atEnd } from '../at-end.js'
import { commandsIn } from './commands.js'
import { Place } from './place.js'
import type { RedisServer } from './server.js'

/**
 * A way to a server, through which one backend's connections are lost and come back while those of others stay.
 * Without one of its methods called it passes on everything as it comes, ends included.
 */
export class Passage {
  readonly host = '127.0.0.1'
  #server: RedisServer
  #place = new Place()
  #listener: Server | undefined
  #hasBeenUp = false
  readonly #forget: () => void
  #isStalled = false
  readonly #ways = new Set<Way>()
  readonly #commands = new Map<string, number>()
  /** Bytes that were passed on. */
  sent = 0
  received = 0

  constructor(server: RedisServer) {
    this.#server = server
    this.#forget = atEnd(() => this.#place.release())
  }

  /** One to each server, all listening. */
  static async to(servers: readonly RedisServer[]): Promise<readonly Passage[]> {
    const passages = servers.map((server) => new Passage(server))
    await Promise.all(passages.map((passage) => passage.up()))
    return passages
  }

  get server(): RedisServer {
    return this.#server
  }

  /** May change when it comes up for the first time, because the port is taken; never again after that. */
  get port(): number {
    return this.#place.port
  }

  get url(): string {
    const url = new URL(this.#server.path ? 'redis://any' : this.#server.url)
    url.host = `${this.host}:${this.port}`
    return url.href
  }

  /** Connections of clients. */
  get connections(): number {
    return this.#ways.size
  }

  /** How often each command was passed on to the server, by its name in upper case. */
  get commands(): ReadonlyMap<string, number> {
    return this.#commands
  }

  /** Counts from zero again. */
  reset(): void {
    this.#commands.clear()
    this.sent = 0
    this.received = 0
  }

  /** Listens, each time at the same port. */
  async up(): Promise<void> {
    if (this.#listener) return
    const listener = createServer((client) => this.#pass(client))
    for (;;) {
      listener.listen(this.port, this.host)
      const error = await once(listener, 'listening').then(
        () => undefined,
        (reason) => reason,
      )
      if (!error) break
      if (error.code !== 'EADDRINUSE' || this.#hasBeenUp) throw error
      this.#place.release()
      this.#place = new Place()
    }
    this.#hasBeenUp = true
    this.#listener = listener
  }

  /** Refuses connections, and ends those that there are; resolves when all are closed. */
  async down(): Promise<void> {
    const listener = this.#listener
    this.#listener = undefined
    const closed = listener && new Promise((resolve) => listener.close(resolve))
    await Promise.all([this.cut(), closed])
  }

  /** Ends all connections, and takes new ones; resolves when all are closed. */
  async cut(): Promise<void> {
    await Promise.all([...this.#ways].map((way) => way.end()))
  }

  /** From now on nothing passes in either direction, ends neither, and connections stay open: new ones, too. */
  stall(): void {
    this.#isStalled = true
    for (const way of this.#ways) way.stall()
  }

  /** As `stall`, for the connections alone that this command, in upper case, has passed. */
  stallThoseWith(command: string): void {
    for (const way of this.#ways) if (way.commands.has(command)) way.stall()
  }

  /** Everything passes again, with what has come meanwhile. */
  flow(): void {
    this.#isStalled = false
    for (const way of this.#ways) way.flow()
  }

  /**
   * On connections that are open now, requests go on to the server, and nothing comes back any more; new ones are as ever.
   * Once the server has done what was asked, `cut()` makes it a request "that came without an answer".
   */
  swallowReplies(): void {
    for (const way of this.#ways) way.isDeaf = true
  }

  /** Leads to another server, as an address does that moves to the one promoted; connections that there are end. */
  async leadTo(server: RedisServer): Promise<void> {
    this.#server = server
    await this.cut()
  }

  async close(): Promise<void> {
    await this.down()
    this.#forget()
    this.#place.release()
  }

  #pass(client: Socket): void {
    const counted = commandsIn((name) => {
      way.commands.add(name)
      this.#commands.set(name, (this.#commands.get(name) ?? 0) + 1)
    })
    const way: Way = new Way(client, connect(this.#server.at as { path: string }), {
      sent: (bytes) => {
        this.sent += bytes.length
        counted(bytes)
      },
      received: (bytes) => {
        this.received += bytes.length
      },
    })
    this.#ways.add(way)
    void way.closed.then(() => this.#ways.delete(way))
    if (this.#isStalled) way.stall()
  }
}

/** One connection of a client, and the one to the server that it goes on with. */
class Way {
  /** Both have closed. */
  readonly closed: Promise<unknown>
  /** The names of those that have passed. */
  readonly commands = new Set<string>()
  /** The client gets nothing any more. */
  isDeaf = false
  #isStalled = false
  /** Ends that have come while it is stalled: a paused socket still tells of its own. */
  #ends: (() => void)[] = []
  readonly #sockets: readonly Socket[]

  constructor(client: Socket, server: Socket, on: Record<'sent' | 'received', (bytes: Buffer) => void>) {
    this.#sockets = [client, server]
    this.closed = Promise.all(this.#sockets.map((socket) => new Promise((is) => socket.once('close', is))))
    this.#join(client, server, (bytes) => {
      on.sent(bytes)
      return true
    })
    this.#join(server, client, (bytes) => {
      if (!this.isDeaf) on.received(bytes)
      return !this.isDeaf
    })
  }

  stall(): void {
    this.#isStalled = true
    for (const socket of this.#sockets) socket.pause()
  }

  flow(): void {
    this.#isStalled = false
    for (const socket of this.#sockets) socket.resume()
    for (const end of this.#ends.splice(0)) end()
  }

  async end(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await this.closed
  }

  #join(from: Socket, to: Socket, passes: (bytes: Buffer) => boolean): void {
    from.setNoDelay(true)
    from.on('data', (bytes) => {
      if (!passes(bytes) || to.write(bytes)) return
      from.pause()
      to.once('drain', () => {
        if (!this.#isStalled) from.resume()
      })
    })
    const ends = (end: () => void) => (this.#isStalled ? void this.#ends.push(end) : end())
    from.on('end', () => ends(() => to.end()))
    // what was sent before a reset is lost with it, as on any way
    from.on('error', () => ends(() => to.destroy()))
    from.on('close', () => ends(() => to.end()))
  }
}

/** For `nodeAddressMap` of a cluster's or a sentinel's client: leads it through the passages, whatever address it learns. */
export function throughPassages(passages: readonly Passage[]) {
  return (address: string) => {
    const passage = passages.find(({ server }) => address === `${server.host}:${server.port}`)
    return passage && { host: passage.host, port: passage.port }
  }
}
