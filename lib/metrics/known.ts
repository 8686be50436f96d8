// Makes the sets of labels known that will come up, so that counters begin at 0: a rate does not see a first 1.
import type { Publication } from '../values/diagnostics.js'
import type { Reason } from '../values/open-stream.js'
import type { Labels, Of, Sink } from './instruments.js'
import type { Watched } from './watched.js'

const reasons = Object.keys({
  stop: true,
  end: true,
  down: true,
  disconnect: true,
  expired: true,
  revoked: true,
  shutdown: true,
  overflow: true,
  error: true,
} satisfies Record<Reason['kind'], true>)

/** What a resume comes to: `found` has `earliest` in it. */
const places = ['live', 'found', 'trimmed', 'unknown']

/** What a publish comes to: `ok` is confirmed, or a duplicate. */
export const published = {
  confirmed: 'ok',
  duplicate: 'ok',
  refused: 'refused',
  uncertain: 'uncertain',
} as const satisfies Record<Publication['outcome'], string>

export class Known {
  readonly #sink: Sink
  readonly #done = new Set<string>()

  constructor(sink: Sink) {
    this.#sink = sink
  }

  /** Adds what has become known since the last time: a mount by `app.use` has a route once a request has come. */
  look(watched: Watched): void {
    for (const mount of watched.mounts()) {
      const { route, formats, maxStreams, maxStreamsPerClient } = mount
      if (maxStreams !== undefined) this.#refusal(route, 503, 'maxStreams')
      if (maxStreamsPerClient !== undefined) this.#refusal(route, 429, 'maxStreamsPerClient')
      for (const format of formats) this.#once(`${route}\n${format}`, () => this.#streams({ route, format }))
    }
    if (watched.hubs.length === 0) return
    for (const { backend } of watched.hubs)
      this.#once(`backend\n${backend}`, () => this.#zero('backend_lost_total', { backend }))
    for (const channel of watched.channels.known) this.#once(`\n${channel}`, () => this.#channel(channel))
  }

  #refusal(route: string, status: number, question: string): void {
    const labels = { route, status: String(status), question }
    this.#once(`${route}\n\n${question}`, () => this.#zero('refused_total', labels))
  }

  #streams(labels: Labels<'streams_open'>): void {
    this.#zero('streams_opened_total', labels)
    for (const reason of reasons) this.#zero('streams_ended_total', { ...labels, reason })
    for (const outcome of places) this.#zero('resumed_total', { route: labels.route, outcome })
    for (const name of ['head_seconds', 'first_event_seconds', 'stream_life_seconds'] as const)
      this.#sink.know(name, labels)
  }

  #channel(channel: string): void {
    for (const outcome of new Set(Object.values(published))) {
      this.#zero('published_total', { channel, outcome })
      this.#sink.know('publish_seconds', { channel, outcome })
    }
    this.#sink.know('delivery_seconds', { channel })
  }

  #zero<Name extends Of<'counter'>>(name: Name, labels: Labels<Name>): void {
    this.#sink.count(name, labels, 0)
  }

  /** Histograms that have begun may not be made to begin again. */
  #once(key: string, make: () => void): void {
    if (this.#done.has(key)) return
    this.#done.add(key)
    make()
  }
}
