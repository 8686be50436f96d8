import type { OpenStream } from '../values/open-stream.js'

/** The loop behind a stream, as far as the stream shows it. */
export interface Behind extends Pick<OpenStream, 'path' | 'format' | 'client' | 'queued'> {
  readonly number: number
  /** Milliseconds since the epoch. */
  readonly openedAt: number
  end(reason: { kind: 'revoked' }): void
}

/** A held response, as those see it who look after it: made for them, since most are never looked at. */
export class Stream implements OpenStream {
  readonly #loop: Behind
  readonly #counts: Pick<OpenStream, 'sent' | 'bytes' | 'dropped'>

  constructor(loop: Behind, counts: Pick<OpenStream, 'sent' | 'bytes' | 'dropped'>) {
    this.#loop = loop
    this.#counts = counts
  }

  get id(): string {
    return this.#loop.number.toString(36)
  }

  get path(): string {
    return this.#loop.path
  }

  get format(): string {
    return this.#loop.format
  }

  get client(): string {
    return this.#loop.client
  }

  get openedAt(): Date {
    return new Date(this.#loop.openedAt)
  }

  get sent(): number {
    return this.#counts.sent
  }

  get bytes(): number {
    return this.#counts.bytes
  }

  get queued(): number {
    return this.#loop.queued
  }

  get dropped(): number {
    return this.#counts.dropped
  }

  close(): void {
    this.#loop.end({ kind: 'revoked' })
  }
}
