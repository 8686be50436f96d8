// Lists the endpoints, hubs and channels that are measured, and knows their labels.
import type { Hub } from '../values/feed.js'
import {
  type EndpointInside,
  type HubInside,
  inside,
  type Mount,
  type WithEndpoints,
  type WithHub,
} from '../values/inside.js'
import { Bounded, type ChannelLabels, Channels } from './labels.js'

/** What is measured. */
export interface Subjects {
  readonly of: readonly object[]
  readonly hubs: readonly Hub[]
  readonly channels: ChannelLabels
}

/** A place whose route is known. */
interface Placed extends Mount {
  readonly route: string
}

export class Watched {
  readonly channels = new Channels()
  readonly #endpoints = new Map<object, EndpointInside>()
  readonly #hubs = new Set<Hub>()
  readonly #routes = new Bounded('route')
  readonly #formats = new Bounded('format')
  /** Routes that requests have come by, of endpoints that no table names. */
  readonly #seen = new WeakMap<object, Set<string>>()

  add({ of, hubs, channels }: Subjects): void {
    for (const each of of) {
      for (const endpoint of (each as WithEndpoints)[inside]())
        this.#endpoints.set(endpoint.endpoint, endpoint)
    }
    for (const hub of hubs) this.#hubs.add(hub)
    this.channels.add(channels)
  }

  has(endpoint: object): boolean {
    return this.#endpoints.has(endpoint)
  }

  get endpoints(): Iterable<EndpointInside> {
    return this.#endpoints.values()
  }

  get hubs(): readonly HubInside[] {
    return [...this.#hubs].map(insideOf)
  }

  /** The hub of a message, if it is one of these. */
  hubOf(hub: Hub): HubInside | undefined {
    return this.#hubs.has(hub) ? insideOf(hub) : undefined
  }

  /** The label of a route that a request came by, which is a path where a mount is a pattern without a name. */
  routeOf(endpoint: object, route: string): string {
    const label = this.#routes.of(route)
    const seen = this.#seen.get(endpoint)
    if (seen) seen.add(label)
    else this.#seen.set(endpoint, new Set([label]))
    return label
  }

  formatOf(format: string): string {
    return this.#formats.of(format)
  }

  /** The places of all endpoints. */
  *mounts(): Iterable<Placed> {
    for (const endpoint of this.endpoints) yield* this.mountsOf(endpoint)
  }

  /** The places of an endpoint whose route is known. A mount by `app.use` is known by the requests that came. */
  *mountsOf({ endpoint, mounts }: EndpointInside): Iterable<Placed> {
    const named = [...mounts]
    const routes = new Set<string>()
    for (const mount of named) {
      const { route } = mount
      if (route === undefined) continue
      routes.add(route)
      this.#routes.know(route)
      yield this.#with(mount, route)
    }
    const unnamed = named.find(({ route }) => route === undefined)
    if (!unnamed) return
    for (const route of this.#seen.get(endpoint) ?? []) {
      if (!routes.has(route)) yield this.#with(unnamed, route)
    }
  }

  #with(mount: Mount, route: string): Placed {
    const { formats, maxStreams, maxStreamsPerClient } = mount
    for (const format of formats) this.#formats.know(format)
    return { route, formats, maxStreams, maxStreamsPerClient }
  }
}

function insideOf(hub: Hub): HubInside {
  return (hub as unknown as WithHub)[inside]
}
