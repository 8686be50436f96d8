import type { Response } from 'express'
import type { Negotiated, Context as PublicContext, Request } from '../declare/context.js'
import type { Exchange } from './exchange.js'

/**
 * The one argument that every callback gets. A view of the exchange: its fields are made when they are asked
 * for, and its functions work when they are taken out of it.
 */
export class Context implements PublicContext<unknown> {
  readonly req: Request
  readonly res: Response
  readonly #exchange: Exchange

  constructor(exchange: Exchange) {
    this.req = exchange.req
    this.res = exchange.res
    this.#exchange = exchange
  }

  get state(): unknown {
    return this.#exchange.state
  }

  set state(state: unknown) {
    this.#exchange.state = state
  }

  get negotiated(): Negotiated {
    return this.#exchange.negotiated
  }

  get signal(): AbortSignal {
    return this.#exchange.signal
  }

  get json(): () => Promise<unknown> {
    return () => this.#exchange.body.json()
  }

  get text(): () => Promise<string> {
    return () => this.#exchange.body.text()
  }

  get bytes(): () => Promise<Uint8Array> {
    return () => this.#exchange.body.bytes()
  }
}
