// Shows an open stream to users: `context.stream` and `endpoint.streams`. Created on demand.
import { shared } from '../brand.js'
import type { Request } from '../declare/context.js'
import type { Plan } from '../declare/plan.js'
import { addressOf } from '../request/address.js'
import { routeOf } from '../request/route.js'
import { inside, type StreamInside } from '../values/inside.js'
import type { OpenStream } from '../values/open-stream.js'
import type { Outlet } from '../wire/outlet.js'
import { InsideOfStream } from './inside.js'

/** The held response that a stream shows. */
export interface Observed extends Pick<OpenStream, 'format' | 'state'> {
  readonly plan: Pick<Plan, 'route' | 'owner'>
  /** The time of opening, by `sinceStart`. */
  readonly opened: number
  /** Messages queued before the outlet. */
  readonly unhandled: number
  readonly outlet: Outlet
  end(reason: { kind: 'revoked' }): void
}

const started = Date.now()

/** Milliseconds since the process started: a small integer takes no room of its own on the heap. */
export function sinceStart(): number {
  return Date.now() - started
}

const looked = shared('streams', () => ({ count: 0 }))

export class Stream implements OpenStream {
  readonly #observed: Observed
  #client: string | undefined
  /** That of a mount is told from the path: metrics ask again and again. */
  #route: string | undefined
  readonly id = (++looked.count).toString(36)

  /** @param client the client's key; by default `req.ip`, read on demand */
  constructor(observed: Observed, client?: string) {
    this.#observed = observed
    this.#client = client
  }

  get path(): string {
    return this.#observed.outlet.path
  }

  get route(): string {
    this.#route ??= routeOf(this.#observed.plan, this.#observed.outlet.res.req as Request)
    return this.#route
  }

  get state(): unknown {
    return this.#observed.state
  }

  get format(): string {
    return this.#observed.format
  }

  get client(): string {
    this.#client ??= addressOf(this.#observed.outlet.res.req as Request)
    return this.#client
  }

  get openedAt(): Date {
    return new Date(started + this.#observed.opened)
  }

  get sent(): number {
    return this.#observed.outlet.sent
  }

  get bytes(): number {
    return this.#observed.outlet.bytes
  }

  get queued(): number {
    return this.#observed.unhandled + this.#observed.outlet.queued
  }

  get dropped(): number {
    return this.#observed.outlet.dropped
  }

  close(): void {
    this.#observed.end({ kind: 'revoked' })
  }

  get [inside](): StreamInside {
    const { plan, outlet } = this.#observed
    return new InsideOfStream(plan.owner.endpoint, outlet)
  }
}
