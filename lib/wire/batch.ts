// Joins the events of one turn into one write that all streams of a group share.
import { type Encoded, gatherEvents } from './chunk.js'

/** The most bytes gathered for one write. */
export const batchBytes = 2 ** 16

export class Batch {
  /** All events in one chunk. */
  readonly whole: Encoded
  /** The events one by one, for a client that may not take all of them. */
  readonly events: readonly Encoded[]
  /** When the batch goes out, by the clock. */
  readonly now: number

  constructor(events: readonly Encoded[], now: number) {
    this.whole = gatherEvents(events)
    this.events = events
    this.now = now
  }
}

/** Takes batches: the outlet of a stream. It never throws. */
export interface Taker {
  take(batch: Batch): void
}
