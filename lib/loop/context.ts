// Shows a held response to `subscribe`, `info`, `onGap` and `terminate`.
import type { LoopContext as PublicLoopContext, Watched } from '../declare/context.js'
import { Context } from '../request/context.js'
import type { Exchange } from '../request/exchange.js'
import type { OpenStream, Wrote } from '../values/open-stream.js'
import { lastEventIdOf } from './last-event-id.js'

/** The functions that only a loop's context has. */
type Acts = Pick<PublicLoopContext<unknown>, 'send' | 'write' | 'fail' | 'drained' | 'monitor' | 'stream'>

export class LoopContext extends Context implements PublicLoopContext<unknown> {
  readonly #acts: Acts

  constructor(exchange: Exchange, acts: Acts) {
    super(exchange)
    this.#acts = acts
  }

  get send(): (message: unknown) => void {
    return (message) => this.#acts.send(message)
  }

  get write(): (data: unknown) => Wrote {
    return (data) => this.#acts.write(data)
  }

  get fail(): (error: unknown) => void {
    return (error) => this.#acts.fail(error)
  }

  get drained(): () => Promise<'ok' | 'closed'> {
    return () => this.#acts.drained()
  }

  get monitor(): (target: Watched, message?: unknown) => void {
    return (target, message) => this.#acts.monitor(target, message)
  }

  get stream(): OpenStream {
    return this.#acts.stream
  }

  get lastEventId(): string | undefined {
    return lastEventIdOf(this.req)
  }
}
