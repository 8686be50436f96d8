// The options of a held response.
import type { InitContext } from './context.js'

/** What happens to a client past its limits. */
export type Overflow = 'close' | 'dropOldest' | 'dropNewest' | { conflate(data: unknown): PropertyKey }

/** Options of a held response, under `stream` in a spec. */
export interface StreamOptions {
  /** Milliseconds of silence after which the format's heartbeat is sent. Default 15 000; false for none. */
  heartbeat?: number | false
  /** The reconnection time that SSE clients are told, in milliseconds. Default: none told. */
  retry?: number
  /** Bytes encoded and not yet taken by the kernel. Default 1 MiB. */
  maxQueuedBytes?: number
  /** Messages in mailbox and queue. Default 10 000. */
  maxQueued?: number
  /**
   * What happens past those. `close`, the default, cuts the client; `dropOldest` and `dropNewest` drop events of
   * those that wait; `{ conflate }` keeps the newest of each key. Drops are counted, and the client is told of them.
   */
  overflow?: Overflow
  /** Milliseconds that a client may take no byte while bytes wait; then it is cut. Default 30 000. */
  writeTimeout?: number
  /** Milliseconds, less up to 10 % at random, after which a stream ends with reason `expired`. Default: never. */
  maxDuration?: number
  /**
   * Milliseconds after which `isAuthorized` and `forbidden` are asked again, and so on; anything but yes ends the
   * stream with reason `revoked`. Default: never. Not for `loop()`.
   */
  reauthorize?: number
  /** The most open streams of the endpoint; one more is a 503 with Retry-After. Default: no limit. */
  maxStreams?: number
  /** The most open streams of a client; one more is a 429 with Retry-After. Default: no limit. */
  maxStreamsPerClient?: number
  /** Who a client is. Default: `req.ip`. */
  clientKey?(context: InitContext): string
  /** Marks a complete end in the format (SSE event `end`), for clients that would reconnect. Default false. */
  endEvent?: boolean
  /** Says in the format that the stream failed (SSE event `failed`), then cuts. Default false. */
  errorEvent?: boolean
}
