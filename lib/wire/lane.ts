// Keeps a stream in the fast lane of its group until it writes by itself, is behind, or ends; counts what it was sent.
import type { Socket } from 'node:net'
import { offEnd, onEnd } from '../http/connection.js'
import type { Batch, FastLane, Taker } from './batch.js'
import type { Chunk } from './chunk.js'
import { isTapped, untap, wrote } from './tap.js'
import { Writer, type Written } from './writer.js'

/**
 * A writer that a group may write past. Meanwhile its counters follow from those of the lane: its own are what is to be
 * added to them.
 */
export abstract class LaneWriter extends Writer implements Taker {
  #lane: FastLane | undefined
  slot = -1
  #sent = 0
  #bytes = 0

  /** Events that were handed to the response. */
  get sent(): number {
    return this.#sent + (this.#lane?.sent ?? 0)
  }

  /** Bytes that were handed to the response. */
  get bytes(): number {
    return this.#bytes + (this.#lane?.bytes ?? 0)
  }

  /** The time of the last write, by the clock. */
  protected get latestWrite(): number {
    return Math.max(this.lastWrite, this.#lane?.lastWrite ?? 0)
  }

  /** Bytes of events that wait here. */
  abstract readonly backlogBytes: number

  /** Bytes that wait for the head. */
  get heldBytes(): number {
    return this.phase === 'waiting' ? this.backlogBytes : 0
  }

  /** Bytes encoded that the kernel has not taken. */
  get queuedBytes(): number {
    return this.backlogBytes + this.unsentBytes
  }

  protected override writeNow(chunk: Chunk, now: number): Written {
    const written = super.writeNow(chunk, now)
    // the bytes without their framing may have to be made
    if (isTapped(this) && written !== 'closed') wrote(this, chunk.bytes)
    return written
  }

  protected override endWith(tail: Uint8Array, keepsAlive: boolean): void {
    wrote(this, tail)
    untap(this)
    super.endWith(tail, keepsAlive)
  }

  protected count(events: number, bytes: number): void {
    this.#sent += events
    this.#bytes += bytes
  }

  abstract take(batch: Batch): void
  abstract readonly direct: Socket | undefined

  enterLane(lane: FastLane): void {
    this.count(-lane.sent, -lane.bytes)
    this.#lane = lane
    onEnd(this.res)
  }

  leaveLane(): void {
    const lane = this.#lane
    if (!lane) return
    this.lastWrite = this.latestWrite
    this.count(lane.sent, lane.bytes)
    this.#lane = undefined
    offEnd(this.res)
    const missed = lane.leave(this)
    if (missed) this.#uncount(missed)
  }

  /** By anybody: bytes written later would belong to another response. */
  ended(): void {
    this.leaveLane()
  }

  stalled(): void {
    if (this.took(false) === 'wait') this.leaveLane()
  }

  unwritten(batch: Batch, error: unknown): void {
    this.leaveLane()
    this.#uncount(batch)
    this.failed(error)
  }

  #uncount({ events, whole }: Batch): void {
    this.count(-events.length, -whole.size)
  }
}
