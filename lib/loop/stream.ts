// An open stream as others see it: `context.stream` and `endpoint.streams`. Made when somebody looks.
import type { OpenStream } from '../values/open-stream.js'
import type { Outlet } from '../wire/outlet.js'

/** The life behind a stream. */
export interface Behind extends Pick<OpenStream, 'format'> {
  /** When it was opened, as `sinceStart` tells it. */
  readonly opened: number
  /** Messages that wait in front of the outlet. */
  readonly unhandled: number
  readonly outlet: Outlet
  end(reason: { kind: 'revoked' }): void
}

const started = Date.now()

/** Milliseconds since the process started: unlike a time of day, a small integer that takes no room on the heap. */
export function sinceStart(): number {
  return Date.now() - started
}

let looked = 0

export class Stream implements OpenStream {
  readonly #life: Behind
  #client: string | undefined
  readonly id = (++looked).toString(36)

  /** @param client who reads; else its address, asked for when somebody wants it */
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
    return new Date(started + this.#life.opened)
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
