// Lists the open streams: those that a query names, one page of them. Of thousands, a row is made for those on the page alone.
import { clock } from '../clock.js'
import { type EndpointInside, inside, type StreamInside, type WithStream } from '../values/inside.js'
import type { OpenStream } from '../values/open-stream.js'
import type { Query, StreamOrder } from './query.js'
import { type Page, pageOf, sorted } from './rows.js'
import { cut, redacted } from './text.js'

export interface StreamRow {
  readonly id: string
  readonly path: string
  readonly route: string
  readonly format: string
  readonly client: string
  /** Milliseconds, in whole seconds: where nothing happens, a row is the same for a while. */
  readonly age: number
  readonly sent: number
  readonly bytes: number
  /** Events in a second. */
  readonly rate: number
  readonly queued: number
  readonly queuedBytes: number
  readonly dropped: number
  readonly isBehind: boolean
  /** The id of its request, where that is kept. */
  readonly decision: string | null
}

/** The time over which a rate is measured: at least so many milliseconds. */
const sample = 2000

/** A client whose backlog is not gone for so long, or is so large, does not keep up. */
const slowAfter = 1000
const slowBytes = 65_536

/** The id of a request that is kept, by its header fields. */
export type DecisionOf = (headers: object) => string | null

/** A stream, with what does not change of it, read once. */
export class Known {
  readonly stream: OpenStream
  readonly #inside: StreamInside
  readonly route: string
  readonly format: string
  readonly openedAt: number
  #sampledAt: number
  #sampled = 0
  #rate: number | undefined
  #behindSince: number | undefined
  #path: string | undefined
  /** What is searched. */
  #text: string | undefined

  constructor(stream: OpenStream) {
    this.stream = stream
    this.#inside = (stream as unknown as WithStream)[inside]
    this.route = cut(stream.route)
    this.format = stream.format
    this.openedAt = stream.openedAt.getTime()
    this.#sampledAt = this.openedAt
  }

  get isBehind(): boolean {
    return this.#inside.isBehind
  }

  /** Bytes that the client has not taken. Of one that keeps up none, and its socket is not asked: most do. */
  get queuedBytes(): number {
    return this.isBehind ? this.#inside.queuedBytes : 0
  }

  get path(): string {
    this.#path ??= redacted(this.stream.path)
    return this.#path
  }

  /** Whether its client does not keep up: not merely in this moment. To be asked now and then. */
  isSlow(now: number): boolean {
    if (!this.isBehind) {
      this.#behindSince = undefined
      return false
    }
    this.#behindSince ??= now
    return now - this.#behindSince >= slowAfter || this.queuedBytes >= slowBytes
  }

  /** Events in a second, since it was last measured; at first since the stream was opened. */
  rate(now: number): number {
    const { sent } = this.stream
    const passed = now - this.#sampledAt
    const latest = passed > 0 ? ((sent - this.#sampled) * 1000) / passed : 0
    if (passed < sample) return this.#rate ?? latest
    this.#sampledAt = now
    this.#sampled = sent
    this.#rate = latest
    return latest
  }

  row(now: number, decisionOf: DecisionOf): StreamRow {
    const { stream } = this
    return {
      id: stream.id,
      path: this.path,
      route: this.route,
      format: cut(this.format),
      client: cut(stream.client, 100),
      age: Math.max(0, Math.floor((now - this.openedAt) / 1000) * 1000),
      sent: stream.sent,
      bytes: stream.bytes,
      rate: Math.round(this.rate(now) * 10) / 10,
      queued: stream.queued,
      queuedBytes: this.#inside.queuedBytes,
      dropped: stream.dropped,
      isBehind: this.isBehind,
      decision: decisionOf(this.#inside.headers),
    }
  }

  has(text: string): boolean {
    this.#text ??= `${this.path}\n${this.stream.client}`.toLowerCase()
    return this.#text.includes(text) || this.stream.id === text
  }
}

/** What the rows are in order of. */
const keys: Readonly<Record<StreamOrder, (known: Known, now: number) => number | string>> = {
  age: ({ openedAt }, now) => now - openedAt,
  rate: (known, now) => known.rate(now),
  sent: ({ stream }) => stream.sent,
  bytes: ({ stream }) => stream.bytes,
  queued: ({ stream }) => stream.queued,
  queuedBytes: (known) => known.queuedBytes,
  dropped: ({ stream }) => stream.dropped,
  route: ({ route }) => route,
  path: ({ path }) => path,
  client: ({ stream }) => stream.client,
  format: ({ format }) => format,
}

export interface StreamsPage extends Page<StreamRow> {
  /** Of all open streams: what can be chosen. */
  readonly routes: readonly string[]
  readonly formats: readonly string[]
}

export class Streams {
  readonly #endpoints: readonly EndpointInside[]
  readonly #decisionOf: DecisionOf
  readonly #known = new WeakMap<OpenStream, Known>()

  constructor(endpoints: readonly EndpointInside[], decisionOf: DecisionOf) {
    this.#endpoints = endpoints
    this.#decisionOf = decisionOf
  }

  get isClosing(): boolean {
    return this.#endpoints.every(({ isClosing }) => isClosing)
  }

  *[Symbol.iterator](): Iterator<Known> {
    for (const { streams } of this.#endpoints)
      for (const stream of streams) {
        let known = this.#known.get(stream)
        if (!known) {
          known = new Known(stream)
          this.#known.set(stream, known)
        }
        yield known
      }
  }

  find(id: string): OpenStream | undefined {
    for (const { streams } of this.#endpoints)
      for (const stream of streams) if (stream.id === id) return stream
    return undefined
  }

  page(query: Query): StreamsPage {
    const now = clock.date()
    const routes = new Set<string>()
    const formats = new Set<string>()
    const found: Known[] = []
    let total = 0
    for (const known of this) {
      total += 1
      routes.add(known.route)
      formats.add(known.format)
      if (isAskedFor(known, query)) found.push(known)
    }
    const key = keys[(query.sort || 'age') as StreamOrder]
    // the newest first, where nothing is said
    const ordered = sorted(found, (known) => key(known, now), query.isDescending)
    return {
      ...pageOf(ordered, total, query.page, (known) => known.row(now, this.#decisionOf)),
      routes: choices(routes),
      formats: choices(formats),
    }
  }
}

/** What a list offers to choose from. */
export function choices(names: Iterable<string>): readonly string[] {
  return [...names].sort().slice(0, 200)
}

function isAskedFor(known: Known, { q, route, format, state }: Query): boolean {
  if (route && known.route !== route) return false
  if (format && known.format !== format) return false
  if (state === 'behind' && !known.isBehind) return false
  if (state === 'ok' && known.isBehind) return false
  if (state === 'dropped' && known.stream.dropped === 0) return false
  return q === '' || known.has(q)
}
