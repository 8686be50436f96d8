// Defines what an outlet asks of the stream that it belongs to, and tells it.
import type { Streaming } from '../values/diagnostics.js'
import type { Reason } from '../values/open-stream.js'

/** The stream that an outlet belongs to. */
export interface Holder extends Streaming {
  /** Messages queued before the outlet. */
  readonly unhandled: number
  /** The place to tell, if any: instead of a heartbeat, or after as long without ids. None beyond messages that wait. */
  placeToTell(isSilent: boolean): string | undefined
  /** Ends the stream: the client has left, is past its limits, or a write has failed. */
  end(reason: Reason): void
  /** The client has caught up. */
  caughtUp(): void
  /** The response has closed, for any reason. */
  responseClosed(): void
}
