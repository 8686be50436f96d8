// Shows a request to the callbacks of a spec.
import type { Response } from 'express'
import type { Context as PublicContext, Request } from '../declare/context.js'
import type { RequestBody } from './body.js'
import type { Negotiated } from './negotiated.js'

/** The parts of a request that callbacks see. */
export interface Shown {
  readonly req: Request
  readonly res: Response
  state: unknown
  readonly negotiated: Negotiated
  readonly signal: AbortSignal
  readonly body: RequestBody
}

/**
 * The argument that every callback gets. Its fields are created on demand, and its functions also work when
 * destructured.
 */
export class Context implements PublicContext<unknown> {
  readonly req: Request
  readonly res: Response
  readonly #shown: Shown

  constructor(shown: Shown) {
    this.req = shown.req
    this.res = shown.res
    this.#shown = shown
  }

  get state(): unknown {
    return this.#shown.state
  }

  set state(state: unknown) {
    this.#shown.state = state
  }

  get negotiated(): Negotiated {
    return this.#shown.negotiated
  }

  get signal(): AbortSignal {
    return this.#shown.signal
  }

  get json(): () => Promise<unknown> {
    return () => this.#shown.body.json()
  }

  get text(): () => Promise<string> {
    return () => this.#shown.body.text()
  }

  get bytes(): () => Promise<Uint8Array> {
    return () => this.#shown.body.bytes()
  }
}
