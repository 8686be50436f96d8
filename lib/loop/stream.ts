import type { OpenStream, Reason, Request } from '../spec.js'

/** The loop behind a stream, as far as the stream needs it. */
interface Behind {
  readonly queued: number
  end(reason: Reason): void
}

let opened = 0

/** A held response, as those see it who look after it. */
export class Stream implements OpenStream {
  readonly id = (++opened).toString(36)
  readonly path: string
  readonly client: string
  readonly openedAt = new Date()
  readonly format: string
  sent = 0
  bytes = 0
  dropped = 0
  readonly #loop: Behind

  constructor(req: Request, format: string, loop: Behind) {
    this.path = req.originalUrl.split('?', 1)[0] as string
    this.client = req.ip ?? ''
    this.format = format
    this.#loop = loop
  }

  get queued(): number {
    return this.#loop.queued
  }

  close(): void {
    this.#loop.end({ kind: 'revoked' })
  }
}
