import { availableParallelism } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Publishing } from '../fanout/publisher.js'
import type { Watched } from '../fanout/readers.js'
import { Remote } from '../fanout/remote.js'
import type { Client } from './client.js'
import { entry, type Name } from './peers.js'
import type { PublisherProcess, Rush } from './publisher.js'
import type { Server } from './server.js'
import { type Commands, Store } from './store.js'

const last = availableParallelism() - 1
/** Servers share all cores but the last; clients, the publisher and Redis share the last one. */
export const coreOf = { server: (at: number) => at % Math.max(1, last), others: last }

export interface Run extends Watched {
  /** Microseconds of all servers' CPU for each event delivered. */
  readonly cpu: number
  /** Microseconds of Redis's CPU for each event. */
  readonly redis: number
}

export interface Rushed {
  /** Events that the store has confirmed, a second. */
  readonly confirmed: number
  /** A second, to all streams. */
  readonly delivered: number
  /** Part of its core that the client took. */
  readonly busy: number
}

/** Milliseconds that what should come at once may take. */
const patience = 60_000

/** Some processes of one peer with a Redis and a publisher of their own; the client is shared by all stations. */
export class Station {
  readonly name: Name
  readonly processes: number
  readonly #store: Store
  readonly #servers: readonly Remote<Server>[]
  readonly #publisher: Remote<PublisherProcess>
  readonly #client: Remote<Client>
  #ports: readonly number[] = []
  #streams = 0

  private constructor(
    name: Name,
    store: Store,
    servers: readonly Remote<Server>[],
    publisher: Remote<PublisherProcess>,
    client: Remote<Client>,
  ) {
    this.name = name
    this.processes = servers.length
    this.#store = store
    this.#servers = servers
    this.#publisher = publisher
    this.#client = client
  }

  static async start(name: Name, processes: number, client: Remote<Client>): Promise<Station> {
    const store = await Store.start(coreOf.others)
    const file = (name: string) => new URL(name, import.meta.url)
    const servers = await Promise.all(
      Array.from({ length: processes }, (_, at) =>
        Remote.start<Server>(file('server.js'), coreOf.server(at), name, store.url),
      ),
    )
    const publisher = await Remote.start<PublisherProcess>(
      file('publisher.js'),
      coreOf.others,
      name,
      store.url,
    )
    const station = new Station(name, store, servers, publisher, client)
    station.#ports = await Promise.all(servers.map((server) => server.ask('port', null)))
    return station
  }

  /** Opens so many streams, spread evenly. */
  async open(count: number): Promise<void> {
    this.#streams = count
    const { protocol } = entry(this.name)
    await this.#client.ask('open', { ports: this.#ports, count, protocol })
    await Promise.all(this.#servers.map((server) => server.ask('memory', { collect: true })))
    await sleep(100)
  }

  async close(): Promise<void> {
    await this.#client.ask('close', null)
    for (let tries = 0; (await this.#connections()) > 0; tries++) {
      if (tries > 500) throw new Error(`${this.name} does not let go of connections`)
      await sleep(20)
    }
  }

  /** Publishes, and waits until every stream has every event. */
  async run(publishing: Publishing): Promise<Run> {
    const { events, interval, perTurn } = publishing
    const within = (events / perTurn) * interval + patience
    const cpu = await this.#cpu()
    const redis = await this.#store.cpu()
    await this.#client.ask('watch', { events, within, each: true })
    const published = this.#publisher.ask('publish', publishing)
    const watched = await this.#client.ask('watched', null)
    const took = (await this.#cpu()) - cpu
    const tookRedis = (await this.#store.cpu()) - redis
    await published
    this.#check(watched, events)
    return { ...watched, cpu: took / watched.delivered, redis: tookRedis / events }
  }

  /** The commands of a run, which is slower by being watched. */
  async commands(publishing: Publishing): Promise<Commands> {
    const counted = await this.#store.count()
    await this.run(publishing)
    return await counted()
  }

  /** Publishes as fast as it is confirmed, and waits until every stream has every event. */
  async rush(asked: Rush): Promise<Rushed> {
    await this.#client.ask('watch', { events: asked.events, within: patience, each: false })
    const publishing = this.#publisher.ask('rush', asked)
    const watched = await this.#client.ask('watched', null)
    const { began, confirmed } = await publishing
    this.#check(watched, asked.events)
    const perSecond = (count: number, until: number) => (count / (until - began)) * 1e6
    return {
      delivered: perSecond(watched.delivered, watched.ended),
      confirmed: perSecond(asked.events, confirmed),
      busy: watched.busy,
    }
  }

  /** The store last: those that lost it would complain. */
  async end(): Promise<void> {
    await Promise.all([...this.#servers, this.#publisher].map((each) => each.end()))
    await this.#store.end()
  }

  #check({ complete, delivered, closed, gaps }: Watched, events: number): void {
    if (complete && closed + gaps === 0) return
    const all = `${delivered} of ${events * this.#streams} delivered`
    throw new Error(`${this.name}: ${all}, ${closed} streams closed, ${gaps} gaps`)
  }

  async #cpu(): Promise<number> {
    return sum(await Promise.all(this.#servers.map((server) => server.ask('cpu', null))))
  }

  async #connections(): Promise<number> {
    return sum(await Promise.all(this.#servers.map((server) => server.ask('connections', null))))
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0)
}
