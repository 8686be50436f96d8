// Defines a snapshot as a subscription sees it: taken up to its first event, then read event by event.
import type { Awaitable } from '../promise.js'
import type { Event } from '../values/event.js'
import type { StopValue } from '../values/stop.js'

/** An event that is written to the client as it is, past `info`, and that no policy drops. */
export class SnapshotEvent {
  readonly event: Event

  constructor(event: Event) {
    this.event = event
  }
}

/** The whole, for a client that has no place to continue from. */
export interface Snapshot {
  /**
   * Takes it, up to its first event. Called once.
   *
   * @returns a `stop()` that the user's function has returned
   */
  take(): Awaitable<StopValue | void>
  /** The next event. The last of them has the place as its id. */
  next(place: string): Awaitable<IteratorResult<SnapshotEvent>>
  /** Whether there was no event; known once they were read. */
  readonly isEmpty: boolean
  /** Lets go of it, at any time: what is still to come is closed then. */
  close(): void
}
