import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from './client.js'
import type { Name } from './peers.js'
import type { Publishing } from './publisher.js'
import type { Watched } from './readers.js'
import { cores, Remote } from './remote.js'
import type { Server } from './server.js'
import type { Memory } from './serving.js'

export interface Run extends Watched {
  /** Microseconds of the server's CPU for each event delivered. */
  readonly cpu: number
}

export interface Idle {
  /** Bytes for each stream that is open. */
  readonly heap: number
  readonly rss: number
  /** Microseconds of the server's CPU to open one. */
  readonly opening: number
}

/** The server of one peer, with a client that all stations share. */
export class Station {
  readonly name: Name
  readonly #server: Remote<Server>
  readonly #client: Remote<Client>
  readonly port: number

  private constructor(name: Name, server: Remote<Server>, client: Remote<Client>, port: number) {
    this.name = name
    this.#server = server
    this.#client = client
    this.port = port
  }

  static async start(name: Name, client: Remote<Client>): Promise<Station> {
    const file = new URL('server.js', import.meta.url)
    const server = await Remote.start<Server>(file, cores.server, name)
    return new Station(name, server, client, await server.ask('port', null))
  }

  /** Opens streams, and tells what opening and holding them takes. */
  async open(count: number, stalled = 0): Promise<Idle> {
    const before = await this.memory(true)
    const cpu = await this.#server.ask('cpu', null)
    await this.#client.ask('open', { port: this.port, count, stalled })
    const opening = ((await this.#server.ask('cpu', null)) - cpu) / count
    await sleep(100)
    const after = await this.memory(true)
    return { opening, heap: (after.heap - before.heap) / count, rss: (after.rss - before.rss) / count }
  }

  async close(): Promise<void> {
    await this.#client.ask('close', null)
    for (let tries = 0; (await this.#server.ask('connections', null)) > 0; tries++) {
      if (tries > 500) throw new Error(`${this.name} does not let go of connections`)
      await sleep(20)
    }
    await this.memory(true)
  }

  /** Publishes, and waits until all is delivered or the time is over. */
  async run(publishing: Publishing, within: number): Promise<Run> {
    const cpu = await this.#server.ask('cpu', null)
    await this.#client.ask('watch', { events: publishing.events, within })
    const published = this.#server.ask('publish', publishing)
    const watched = await this.#client.ask('watched', null)
    const took = (await this.#server.ask('cpu', null)) - cpu
    await this.#server.ask('stop', null)
    await published
    return { ...watched, cpu: took / watched.delivered }
  }

  memory(collect: boolean): Promise<Memory> {
    return this.#server.ask('memory', { collect })
  }

  stop(): void {
    this.#server.stop()
  }
}
