// Shares bytes: collects the events of a turn once for all streams of a feed in one format.

import { clock, type Deadline } from '../clock.js'
import { isWatched } from '../diagnostics.js'
import type { Format } from '../formats/format.js'
import { setImmediate } from '../turn.js'
import { begun, type Streaming } from '../values/diagnostics.js'
import { Batch, batchBytes, type Taker } from '../wire/batch.js'
import type { Encoded } from '../wire/chunk.js'
import { type Gathered, gathered } from './delivering.js'
import type { Gap } from './gap.js'
import { Lanes } from './lanes.js'
import type { Published } from './published.js'
import type { Origin, Sink } from './sink.js'

/** A batch is written early at this number of events, or at `batchBytes`, so that one turn cannot gather without limit. */
const batchEvents = 1000

/** The groups with events to write at the end of this turn. */
const due: Group[] = []

function flushAll(): void {
  // events caused by a write belong to the next turn
  for (const group of due.splice(0)) group.flush()
}

/**
 * The streams of one feed in one format. The events of one turn of the event loop, or of `gather` milliseconds, are
 * gathered once, and each stream gets the same bytes in one write.
 */
export class Group implements Sink {
  readonly format: Format
  /** Milliseconds that an event may wait for others; 0 for those of one turn. */
  readonly gather: number
  readonly #origin: Origin
  readonly #lanes = new Lanes()
  #events: Encoded[] = []
  #bytes = 0
  #last: string | undefined
  /** When the gathered events go out, unless at the end of the turn. */
  #deadline: Deadline | undefined
  /** The streams that have no event yet, while somebody listens for the first. */
  #newcomers: Map<Taker, Streaming> | undefined

  /** What the gathered events are of, while somebody listens to how long they take. */
  #deliveries: Gathered[] | undefined

  constructor(format: Format, gather: number, origin: Origin) {
    this.format = format
    this.gather = gather
    this.#origin = origin
  }

  get subscribers(): number {
    return this.#lanes.size
  }

  /** The id of the last event that it has taken in, whether or not it is written yet. */
  get last(): string | undefined {
    return this.#last
  }

  /** Events wait to be written. */
  get isGathering(): boolean {
    return this.#events.length > 0
  }

  /**
   * The outlet gets events from now on, not those already gathered.
   *
   * @param streaming the stream of the outlet
   */
  add(outlet: Taker, sink: Sink, streaming: Partial<Streaming>): void {
    this.flush()
    this.#lanes.add(outlet, sink)
    if (isWatched() && streaming.plan?.owner.isHidden === false && streaming.stream?.sent === 0) {
      this.#newcomers ??= new Map()
      this.#newcomers.set(outlet, streaming as Streaming)
    }
    if (this.#lanes.size === 1) this.#origin.attach(this)
  }

  /** The outlet has received everything until now. */
  remove(outlet: Taker): void {
    this.#newcomers?.delete(outlet)
    if (!this.#lanes.remove(outlet) || this.#lanes.size > 0) return
    this.#clear()
    this.#origin.detach(this)
  }

  event(event: Published): void {
    let encoded: Encoded
    try {
      encoded = event.in(this.format)
    } catch (error) {
      return this.failed(error)
    }
    if (encoded.size === 0) return
    this.#last = encoded.id
    if (this.#bytes + encoded.size > batchBytes || this.#events.length === batchEvents) this.flush()
    this.#bytes += encoded.size
    this.#deliveries = gathered(this.#deliveries)
    if (this.#events.push(encoded) > 1) return
    if (this.gather > 0) this.#deadline = clock.after(this.gather, () => this.flush())
    else if (due.push(this) === 1) setImmediate(flushAll)
  }

  /** Writes the gathered events, in one write for each stream. */
  flush(): void {
    this.#lanes.finish()
    if (this.#events.length === 0) return
    const batch = new Batch(this.#events, clock.now())
    const deliveries = this.#deliveries
    this.#clear()
    this.#lanes.write(batch)
    for (const each of deliveries ?? []) each.handed(this.#lanes.size)
    if (this.#newcomers) this.#tellFirst(this.#newcomers)
  }

  /** A client that is behind gets its first event on its own. */
  #tellFirst(newcomers: ReadonlyMap<Taker, Streaming>): void {
    this.#newcomers = undefined
    for (const streaming of newcomers.values()) if (streaming.stream.sent > 0) begun(streaming)
  }

  #clear(): void {
    this.#deadline?.cancel()
    this.#deadline = undefined
    this.#events = []
    this.#bytes = 0
    this.#deliveries = undefined
  }

  gap(gap: Gap): void {
    this.flush()
    for (const sink of this.#lanes.sinks) sink.gap(gap)
  }

  failed(error: unknown): void {
    this.flush()
    for (const sink of this.#lanes.sinks) sink.failed(error)
  }

  ended(): void {
    for (const sink of this.#takeAll()) sink.ended()
  }

  down(error?: unknown): void {
    for (const sink of this.#takeAll()) sink.down(error)
  }

  #takeAll(): readonly Sink[] {
    this.flush()
    const { sinks } = this.#lanes
    this.#lanes.clear()
    this.#newcomers = undefined
    return sinks
  }
}
