// Shows an open stream to users: `context.stream` and `endpoint.streams`. Created on demand.
import type { OpenStream } from '../values/open-stream.js'
import type { Outlet } from '../wire/outlet.js'

/** The held response that a stream shows. */
export interface Behind extends Pick<OpenStream, 'format' | 'openedAt'> {
  /** Messages queued before the outlet. */
  readonly unhandled: number
  readonly outlet: Outlet
  end(reason: { kind: 'revoked' }): void
}

let looked = 0

export class Stream implements OpenStream {
  readonly #life: Behind
  #client: string | undefined
  readonly id = (++looked).toString(36)

  /** @param client the client's key; by default `req.ip`, read on demand */
  constructor(life: Behind, client?: string) {
    this.#life = life
    this.#client = client
  }

  get path(): string {
    return this.#life.outlet.path
  }

  get format(): string {
    return this.#life.format
  }

  get client(): string {
    this.#client ??= this.#life.outlet.res.req.ip ?? ''
    return this.#client
  }

  get openedAt(): Date {
    return this.#life.openedAt
  }

  get sent(): number {
    return this.#life.outlet.sent
  }

  get bytes(): number {
    return this.#life.outlet.bytes
  }

  get queued(): number {
    return this.#life.unhandled + this.#life.outlet.queued
  }

  get dropped(): number {
    return this.#life.outlet.dropped
  }

  close(): void {
    this.#life.end({ kind: 'revoked' })
  }
}
