// What an endpoint is to those who mount it: a handler of Express, the streams that are open, a way to close them.
import type { IncomingMessage } from 'node:http'
import type { NextFunction, Response } from 'express'
import type { Request } from '../declare/context.js'
import type { OpenStream } from '../values/open-stream.js'
import type { Sends, SendsByPath } from '../values/sends.js'
import type { Closing } from './shutdown.js'

/** A request of Express, without its params: so, the handlers after an endpoint get those of their route. */
export type Requested = IncomingMessage & Pick<Request, 'baseUrl' | 'originalUrl'>

/** A request handler for `app.use`, `app.all` or a table. It calls `next` only with an error. */
export interface Endpoint<State = unknown, Data = unknown> extends Sends<Data> {
  (req: Requested, res: Response, next: NextFunction): void
  /** The open streams. */
  readonly streams: Iterable<OpenStream<State>>
  /**
   * Answers new requests 503 with Retry-After and ends the open streams cleanly, spread over `over` milliseconds
   * (default 0). Cuts streams that are still open then; a stream whose end a middleware delays gets one more second.
   * Resolves when all streams have closed, and keeps the process alive until then. A second call waits for the
   * first.
   *
   * @param how `over`; `retryAfter` in seconds (default 5), to which up to as much again is added at random
   */
  close(how?: Closing): Promise<void>
}

/** The endpoint of a table, of which clients know what it sends at each path: `follow<typeof table, '/prices'>(url)`. */
export interface Table<out Entries> extends Endpoint, SendsByPath<Entries> {}
