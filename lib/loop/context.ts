import type { LoopContext as PublicLoopContext, Watched } from '../declare/context.js'
import { Context } from '../request/context.js'
import type { Exchange } from '../request/exchange.js'
import type { OpenStream, Wrote } from '../values/open-stream.js'
import { lastEventIdOf } from './last-event-id.js'

/** What the context of a loop offers beyond that of a request. */
type Offers = Pick<PublicLoopContext<unknown>, 'send' | 'write' | 'drained' | 'monitor' | 'stream'>

/** The context of `subscribe`, `info` and `terminate`. */
export class LoopContext extends Context implements PublicLoopContext<unknown> {
  readonly #loop: Offers

  constructor(exchange: Exchange, loop: Offers) {
    super(exchange)
    this.#loop = loop
  }

  get send(): (message: unknown) => void {
    return (message) => this.#loop.send(message)
  }

  get write(): (data: unknown) => Wrote {
    return (data) => this.#loop.write(data)
  }

  get drained(): () => Promise<'ok' | 'closed'> {
    return () => this.#loop.drained()
  }

  get monitor(): (target: Watched, message?: unknown) => void {
    return (target, message) => this.#loop.monitor(target, message)
  }

  get stream(): OpenStream {
    return this.#loop.stream
  }

  get lastEventId(): string | undefined {
    return lastEventIdOf(this.req)
  }
}
