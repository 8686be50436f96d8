// Measures endpoints and hubs: counts what happens to them, and reads how they are when it is asked.
import { setImmediate } from '../turn.js'
import type { OpenStream } from '../values/open-stream.js'
import { count } from './counting.js'
import type { Of, Reading, Sink } from './instruments.js'
import { Known } from './known.js'
import { readHubs, readRetained } from './stores.js'
import { addOpen, neverLess, type Sum, Sums } from './sums.js'
import { type Subjects, Watched } from './watched.js'

/** What is told of streams, and where in a sum it is. */
const ofStreams = {
  streams_open: 'open',
  slow_streams: 'slow',
  queued_events: 'queued',
  queued_bytes: 'queuedBytes',
  events_sent_total: 'events',
  bytes_sent_total: 'bytes',
  dropped_total: 'dropped',
} as const satisfies Partial<Record<Of<'gauge' | 'total'>, keyof Sum>>

/** Streams that are read in one turn of the event loop: some milliseconds, in which nothing else is done. */
const perTurn = 1000

export class Measuring {
  readonly #watched = new Watched()
  readonly #known: Known
  readonly #ended = new Sums()
  /** The totals that were told last. */
  readonly #told = new Sums()
  #reading: Promise<readonly Reading[]> | undefined
  /** Stops counting. */
  readonly stop: () => void

  constructor(sink: Sink) {
    this.#known = new Known(sink)
    this.stop = count(this.#watched, sink, this.#ended)
  }

  add(subjects: Subjects): void {
    this.#watched.add(subjects)
    this.#known.look(this.#watched)
  }

  /** Reads all gauges and totals: once for all instruments that ask meanwhile. Counters know all sets of labels before. */
  read(): Promise<readonly Reading[]> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined
    })
    return this.#reading
  }

  async #read(): Promise<readonly Reading[]> {
    this.#known.look(this.#watched)
    const found = [...this.#limits(), ...(await readHubs(this.#watched))]
    return [...found, ...(await this.#streams()), ...(await readRetained(this.#watched))]
  }

  async #streams(): Promise<Reading[]> {
    const sums = new Sums()
    for (const { route, formats } of this.#watched.mounts()) {
      for (const format of formats) sums.of(route, format)
    }
    for (const { labels, events, bytes, dropped } of this.#ended) {
      const sum = sums.of(labels.route, labels.format)
      sum.events += events
      sum.bytes += bytes
      sum.dropped += dropped
    }
    // after those that have ended: a stream that ends meanwhile is not counted twice
    for (const { endpoint, streams } of this.#watched.endpoints) await this.#addOpen(sums, endpoint, streams)
    for (const sum of sums) neverLess(sum, this.#told.of(sum.labels.route, sum.labels.format))
    return [...sums].flatMap((sum) =>
      Object.entries(ofStreams).map(
        ([name, part]) => ({ name, labels: sum.labels, value: sum[part] }) as Reading,
      ),
    )
  }

  /** There may be many streams, and have few routes: the label of each is looked up once. */
  async #addOpen(sums: Sums, endpoint: object, streams: Iterable<OpenStream>): Promise<void> {
    const labels = new Map<string, string>()
    let left = perTurn
    for (const stream of streams) {
      const { route, format } = stream
      const label = labels.get(route) ?? this.#watched.routeOf(endpoint, route)
      labels.set(route, label)
      addOpen(sums.of(label, this.#watched.formatOf(format)), stream)
      left -= 1
      if (left > 0) continue
      left = perTurn
      await new Promise<void>((resolve) => setImmediate(resolve))
    }
  }

  /** An endpoint has one limit, wherever it is mounted. */
  #limits(): Reading[] {
    const limits = new Map<string, number>()
    for (const endpoint of this.#watched.endpoints) {
      const own = new Map<string, number>()
      for (const { route, maxStreams } of this.#watched.mountsOf(endpoint))
        if (maxStreams !== undefined && maxStreams !== Infinity) own.set(route, maxStreams)
      for (const [route, limit] of own) limits.set(route, (limits.get(route) ?? 0) + limit)
    }
    return [...limits].map(([route, value]) => ({ name: 'streams_limit', labels: { route }, value }))
  }
}
