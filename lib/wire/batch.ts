// Joins the events of one turn into one write that all streams of a group share.
import type { Socket } from 'node:net'
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

/** Writes batches to the sockets of streams that keep up, past their outlets, and counts for all of them. */
export interface FastLane {
  /** The events and bytes of all batches so far. */
  readonly sent: number
  readonly bytes: number
  /** The time of the last one, by the clock. */
  readonly lastWrite: number
  /** Returns the batch in progress if the stream has not got it yet: it will take it. */
  leave(taker: Taker): Batch | undefined
}

/** Takes batches: the outlet of a stream. No method throws. */
export interface Taker {
  take(batch: Batch): void
  /** The socket, if it may get the next batch as it is. */
  readonly direct: Socket | undefined
  /** The place in the fast lane; the lane's own. */
  slot: number
  /** Called just before a batch is written: the lane's last write is the stream's from then on. */
  enterLane(lane: FastLane): void
  leaveLane(): void
  /** The socket has taken a batch, and asks to wait. */
  stalled(): void
  /** The socket threw, and has not taken the batch. */
  unwritten(batch: Batch, error: unknown): void
}
