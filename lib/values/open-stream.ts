// An open stream, as those see it who look after it, and why a stream ended.

/**
 * What `write` says: on its way; accepted, but the client is behind; or not taken, because the stream has ended.
 */
export type Wrote = 'ok' | 'wait' | 'closed'

/** A held response, as those see it who look after it. */
export interface OpenStream {
  /** Unique in this process. */
  readonly id: string
  /** The path of the request, without its query. */
  readonly path: string
  /** The media type that is streamed. */
  readonly format: string
  /** Who reads: what `clientKey` says, by default the client's address as Express knows it. */
  readonly client: string
  readonly openedAt: Date
  /** Events handed to the response. */
  readonly sent: number
  /** Bytes handed to the response. */
  readonly bytes: number
  /** Messages that wait in the mailbox, and events that wait for the client. */
  readonly queued: number
  /** Events that were dropped because the client is slow. */
  readonly dropped: number
  /** Ends the stream with reason `revoked`. */
  close(): void
}

/**
 * Why a loop ended.
 *
 * Complete on the wire: `stop` (returned by `subscribe` or `info`), `end` (of the source), `down` (a monitored
 * target or the channel's source died), `revoked` (no longer authorised, or `stream.close()`), `expired`
 * (`maxDuration`), `shutdown` (`endpoint.close()`). Cut: `overflow` (the client is too slow) and
 * `error` (a source or callback threw). `disconnect`: the client left.
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
