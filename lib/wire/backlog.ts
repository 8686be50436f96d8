// Keeps the events that wait for a client within its limits, counts those that are dropped, and hands out batches.
import type { Deadline } from '../clock.js'
import { dropped, type Streaming } from '../values/diagnostics.js'
import { batchBytes } from './batch.js'
import { type Chunk, type Encoded, gather } from './chunk.js'
import { type Elsewhere, type Limits, type Measure, Queue } from './queue.js'

/** Notices are queued like events, and never dropped. */
const measure: Measure<Encoded> = {
  count: (encoded) => encoded.events || 1,
  size: (encoded) => encoded.size,
  data: (encoded) => encoded.data,
  isKept: (encoded) => encoded.events === 0,
}

/** From this size on, copying an event into a batch costs more than a write of its own. */
const largeEvent = 2 ** 12

/** How many times the limits may wait for the end of a turn: only then is it known what the kernel takes. */
const leeway = 16

/** The client that the events wait for. */
interface Client {
  /** Whether the limits can only be judged at the end of this turn, by `settle`. */
  readonly mayCatchUp: boolean
}

/** A queue of references to bytes that all streams of a format share. */
export class Backlog {
  readonly #limits: Limits
  /** The stream that the events belong to. */
  readonly #streaming: Streaming
  readonly #queue: Queue<Encoded>
  /** When the events that are gathered go out. */
  due: Deadline | undefined
  /** Events that were dropped, and how many of them the client was not told of yet. */
  dropped = 0
  #untold = 0

  constructor(limits: Limits, streaming: Streaming) {
    this.#limits = limits
    this.#streaming = streaming
    this.#queue = new Queue(measure, limits)
  }

  get size(): number {
    return this.#queue.size
  }

  get bytes(): number {
    return this.#queue.bytes
  }

  /** Events, or a notice of dropped ones, go out before the next event. */
  get isPending(): boolean {
    return this.#queue.size > 0 || this.#untold > 0
  }

  hasRoom(encoded: Encoded, elsewhere: Elsewhere): boolean {
    return this.#queue.hasRoom(encoded, elsewhere)
  }

  /** Adds events, regardless of the limits. */
  put(encoded: Encoded): void {
    encoded.keep()
    this.#queue.put(encoded)
  }

  /**
   * Adds an event, within the limits.
   *
   * @returns whether it was accepted; undefined when the client is past its limits
   */
  offer(encoded: Encoded, elsewhere: Elsewhere, client: Client): boolean | undefined {
    const queue = this.#queue
    const isEarly =
      !queue.hasRoom(encoded, elsewhere) && queue.hasRoom(encoded, elsewhere, leeway) && client.mayCatchUp
    if (isEarly) {
      this.put(encoded)
      return true
    }
    encoded.keep()
    const count = queue.offer(encoded, elsewhere)
    if (count === undefined) return undefined
    this.drop(count)
    // the other policies drop older events
    return count === 0 || this.#limits.overflow !== 'dropNewest'
  }

  /** Applies the limits to events that were accepted early. Returns false when the client is past its limits. */
  settle(elsewhere: Elsewhere): boolean {
    const count = this.#queue.settle(elsewhere)
    this.drop(count ?? 0)
    return count !== undefined
  }

  /** The limit that a client is past, in words. */
  passed(elsewhere: Elsewhere): string {
    const { maxQueued, maxQueuedBytes } = this.#limits
    const isMany = this.size + elsewhere.count >= maxQueued
    return isMany ? `${maxQueued} events` : `${maxQueuedBytes} bytes`
  }

  drop(count: number): void {
    this.dropped += count
    this.#untold += count
    if (count > 0) dropped(this.#streaming, count)
  }

  /** The number of dropped events that the client is told of now. */
  takeUntold(): number {
    const untold = this.#untold
    this.#untold = 0
    return untold
  }

  /** The events that were gathered go out now, or never. */
  stopGathering(): void {
    this.due?.cancel()
    this.due = undefined
  }

  clear(): void {
    this.stopGathering()
    this.#queue.clear()
  }

  /** Takes the next events for one write: small ones together. A large one starts a write of its own: it is not copied. */
  takeBatch(separated: (encoded: Encoded) => Chunk): { chunk: Chunk; events: number } {
    const queue = this.#queue
    const chunks: Chunk[] = []
    let size = 0
    let events = 0
    do {
      const encoded = queue.take()
      chunks.push(separated(encoded))
      size += encoded.size
      events += encoded.events
    } while (queue.size > 0 && size < batchBytes && queue.next.size < largeEvent)
    return { chunk: gather(chunks), events }
  }
}
