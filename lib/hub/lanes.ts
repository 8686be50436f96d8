// Writes a batch to the streams of a group: straight to the sockets of those that keep up, else through their outlets.
import type { Socket } from 'node:net'
import type { Batch, FastLane, Taker } from '../wire/batch.js'
import type { Sink } from './sink.js'

/** A batch in progress. */
interface Writing {
  readonly batch: Batch
  /** Streams of the fast lane before this slot have not got it yet. */
  slot: number
  /** Others that have not got it yet, the next one last. */
  readonly others: Taker[]
}

/**
 * The streams of a group, in two lanes. Streams start in the slow lane, where their outlets take each batch. A stream
 * that may take one as it is moves to the fast lane first: a list of sockets. There a write touches nothing else of the
 * stream, since each object that it touches costs more than the code that runs.
 */
export class Lanes implements FastLane {
  readonly #slow = new Map<Taker, Sink>()
  /** The fast lane. What belongs to one stream has the same index: its slot. */
  readonly #sockets: Socket[] = []
  readonly #takers: Taker[] = []
  readonly #sinks: Sink[] = []
  sent = 0
  bytes = 0
  lastWrite = 0
  #writing: Writing | undefined

  get size(): number {
    return this.#slow.size + this.#takers.length
  }

  get sinks(): readonly Sink[] {
    return [...this.#sinks, ...this.#slow.values()]
  }

  add(taker: Taker, sink: Sink): void {
    this.#slow.set(taker, sink)
  }

  /** Returns false for one that is not there. */
  remove(taker: Taker): boolean {
    taker.leaveLane()
    return this.#slow.delete(taker)
  }

  clear(): void {
    this.#vacate()
    this.#slow.clear()
  }

  write(batch: Batch): void {
    // halves are joined in each stream
    if (batch.whole.halves) this.#vacate()
    else for (const taker of this.#slow.keys()) this.#enter(taker)
    this.sent += batch.events.length
    this.bytes += batch.whole.size
    this.lastWrite = batch.now
    this.#writing = { batch, slot: this.#sockets.length, others: [...this.#slow.keys()].reverse() }
    this.finish()
  }

  /** Finishes the batch in progress, so that a stream that another one ends has got everything before its end. */
  finish(): void {
    const writing = this.#writing
    if (!writing) return
    while (writing.slot > 0) this.#writeFast(writing)
    for (let taker = writing.others.pop(); taker; taker = writing.others.pop()) {
      taker.take(writing.batch)
    }
    this.#writing = undefined
  }

  #writeFast(writing: Writing): void {
    const { batch } = writing
    const { framed } = batch.whole
    let taker: Taker | undefined
    try {
      while (writing.slot > 0) {
        const slot = writing.slot - 1
        const socket = this.#sockets[slot] as Socket
        taker = this.#takers[slot] as Taker
        if (socket.writable) {
          // first: a write may call back
          writing.slot = slot
          if (!socket.write(framed)) taker.stalled()
        } else taker.leaveLane()
      }
    } catch (error) {
      taker?.unwritten(batch, error)
    }
  }

  /** Moves a stream that keeps up to the fast lane. */
  #enter(taker: Taker): void {
    const sink = this.#slow.get(taker)
    const socket = taker.direct
    if (!sink || !socket) return
    this.#slow.delete(taker)
    taker.slot = this.#takers.push(taker) - 1
    this.#sockets.push(socket)
    this.#sinks.push(sink)
    taker.enterLane(this)
  }

  /** Returns the batch in progress if the stream has not got it yet: its outlet takes it. */
  leave(taker: Taker): Batch | undefined {
    const writing = this.#writing
    this.#slow.set(taker, this.#sinks[taker.slot] as Sink)
    const isDue = writing !== undefined && taker.slot < writing.slot
    if (isDue) {
      writing.others.push(taker)
      writing.slot -= 1
      this.#move(writing.slot, taker.slot)
      taker.slot = writing.slot
    }
    this.#move(this.#takers.length - 1, taker.slot)
    this.#takers.pop()
    this.#sockets.pop()
    this.#sinks.pop()
    return isDue ? writing.batch : undefined
  }

  #move(from: number, to: number): void {
    const taker = this.#takers[from] as Taker
    this.#takers[to] = taker
    this.#sockets[to] = this.#sockets[from] as Socket
    this.#sinks[to] = this.#sinks[from] as Sink
    taker.slot = to
  }

  #vacate(): void {
    for (const taker of [...this.#takers]) taker.leaveLane()
  }
}
