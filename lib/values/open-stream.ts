// Defines an open stream as operators see it, and the reasons for which a stream ends.

/**
 * The result of `write`. `ok`: sent. `wait`: accepted, but the client is behind. `dropped`: not accepted, since the
 * client is past its limits and the policy is `dropNewest`; it is counted in `dropped`. `closed`: the stream has ended.
 */
export type Wrote = 'ok' | 'wait' | 'dropped' | 'closed'

/** An open stream, as operators see it. `State` is what `init` returned for its request. */
export interface OpenStream<out State = unknown> {
  /** Unique in this process. */
  readonly id: string
  /** The path of the request, without its query. */
  readonly path: string
  /**
   * The route that it is mounted at: the key of its table, else the pattern of the mount, such as `/books/:isbn`. A
   * pattern of `app.use()` is told from the path and its parameters.
   */
  readonly route: string
  /** The state of the request. */
  readonly state: State
  /** The media type of the stream. */
  readonly format: string
  /** The client: the result of `clientKey`, by default `req.ip`. */
  readonly client: string
  readonly openedAt: Date
  /** Events handed to the response. */
  readonly sent: number
  /** Bytes handed to the response. */
  readonly bytes: number
  /** Messages waiting in the mailbox, plus events waiting for the client. */
  readonly queued: number
  /** Events dropped because the client is slow. */
  readonly dropped: number
  /** Ends the stream with reason `revoked`. */
  close(): void
}

/**
 * Why a loop ended.
 *
 * Complete on the wire: `stop` (returned by `subscribe` or `info`), `end` (the source, or the channel, has ended), `down` (a monitored target
 * or the channel's source died in peace). Cut: `down` with an `error` (it failed), `overflow` (the client is too slow),
 * `error` (a source or callback threw, or `fail()`). `revoked` (no longer authorised, or `stream.close()`), `expired`
 * (`maxDuration`), `shutdown` (`endpoint.close()`): cut if the stream pulls from a source that has not reached its end,
 * else complete; see `interrupted`. `disconnect`: the client left.
 */
export interface Reason {
  readonly kind:
    | 'stop'
    | 'end'
    | 'down'
    | 'disconnect'
    | 'expired'
    | 'revoked'
    | 'shutdown'
    | 'overflow'
    | 'error'
  readonly error?: unknown
}
