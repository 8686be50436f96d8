// An open stream as others see it: `context.stream` and `endpoint.streams`. Made when somebody looks.
import type { OpenStream } from '../values/open-stream.js'
import type { Outlet } from '../wire/outlet.js'

/** The life behind a stream. */
export interface Behind extends Pick<OpenStream, 'format' | 'client'> {
  readonly number: number
  /** Milliseconds since the epoch. */
  readonly openedAt: number
  /** Messages that wait in front of the outlet. */
  readonly unhandled: number
  readonly outlet: Outlet
  end(reason: { kind: 'revoked' }): void
}

export class Stream implements OpenStream {
  readonly #life: Behind

  constructor(life: Behind) {
    this.#life = life
  }

  get id(): string {
    return this.#life.number.toString(36)
  }

  get path(): string {
    return this.#life.outlet.path
  }

  get format(): string {
    return this.#life.format
  }

  get client(): string {
    return this.#life.client
  }

  get openedAt(): Date {
    return new Date(this.#life.openedAt)
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
