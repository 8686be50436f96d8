// Lists every instrument once: its kind, labels, unit, buckets and words. The makers and the documentation read it.

export type Label = 'route' | 'format' | 'reason' | 'status' | 'question' | 'outcome' | 'channel' | 'backend'

export interface Instrument {
  /**
   * `counter` and `histogram` are told of each event of the diagnostics channels. `total`, a counter, and `gauge` are read
   * when they are asked for.
   */
  readonly kind: 'counter' | 'total' | 'gauge' | 'histogram'
  readonly labels: readonly Label[]
  /** In UCUM. */
  readonly unit: string
  readonly help: string
  /** Upper bounds, of a histogram. */
  readonly buckets?: readonly number[]
  /** What the values of several processes come to, if not their sum. */
  readonly across?: 'min' | 'max'
}

/** Seconds: 5 ms to 10 s. */
const requests = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
/** Seconds: what takes less than a request, too. */
const deliveries = [0.001, 0.0025, ...requests]
/** Seconds: 1 s to 1 day, with the usual limits of proxies between them. */
const lives = [1, 5, 15, 30, 60, 120, 300, 600, 1800, 3600, 14_400, 86_400]

const ofStream = ['route', 'format'] as const
const ofChannel = ['channel'] as const
const ofPublish = ['channel', 'outcome'] as const

export const instruments = {
  streams_open: { kind: 'gauge', labels: ofStream, unit: '{stream}', help: 'Streams that are open.' },
  streams_limit: {
    kind: 'gauge',
    labels: ['route'],
    unit: '{stream}',
    help: 'Streams that may be open: the maxStreams of the endpoints that have one.',
  },
  queued_events: {
    kind: 'gauge',
    labels: ofStream,
    unit: '{event}',
    help: 'Events and messages that wait in mailboxes and for clients.',
  },
  queued_bytes: {
    kind: 'gauge',
    labels: ofStream,
    unit: 'By',
    help: 'Bytes that are encoded and wait for clients.',
  },
  slow_streams: {
    kind: 'gauge',
    labels: ofStream,
    unit: '{stream}',
    help: 'Streams whose client has not taken all that was written.',
  },
  streams_opened_total: {
    kind: 'counter',
    labels: ofStream,
    unit: '{stream}',
    help: 'Streams whose head was sent.',
  },
  streams_ended_total: {
    kind: 'counter',
    labels: [...ofStream, 'reason'],
    unit: '{stream}',
    help: 'Streams that ended after their head was sent, by reason.',
  },
  refused_total: {
    kind: 'counter',
    labels: ['route', 'status', 'question'],
    unit: '{request}',
    help: 'Requests answered with a status of 400 or more, and the question or limit that decided it.',
  },
  head_seconds: {
    kind: 'histogram',
    labels: ofStream,
    unit: 's',
    buckets: requests,
    help: 'Time from the decision to stream until the head was sent.',
  },
  first_event_seconds: {
    kind: 'histogram',
    labels: ofStream,
    unit: 's',
    buckets: requests,
    help: 'Time from the decision to stream until the first event was sent.',
  },
  stream_life_seconds: {
    kind: 'histogram',
    labels: ofStream,
    unit: 's',
    buckets: lives,
    help: 'Time from the decision to stream until the stream ended.',
  },
  events_sent_total: {
    kind: 'total',
    labels: ofStream,
    unit: '{event}',
    help: 'Events handed to responses.',
  },
  bytes_sent_total: { kind: 'total', labels: ofStream, unit: 'By', help: 'Bytes handed to responses.' },
  dropped_total: {
    kind: 'total',
    labels: ofStream,
    unit: '{event}',
    help: 'Events that were dropped because the client is slow.',
  },
  resumed_total: {
    kind: 'counter',
    labels: ['route', 'outcome'],
    unit: '{resume}',
    help: 'Places of clients in a feed that were looked up, or lost in mid-stream, by outcome.',
  },
  published_total: {
    kind: 'counter',
    labels: ofPublish,
    unit: '{event}',
    help: 'Publishes whose outcome is known.',
  },
  publish_seconds: {
    kind: 'histogram',
    labels: ofPublish,
    unit: 's',
    buckets: deliveries,
    help: 'Time until the outcome of a publish was known.',
  },
  delivery_seconds: {
    kind: 'histogram',
    labels: ofChannel,
    unit: 's',
    buckets: deliveries,
    help: 'Time from appending an event until it was handed to the last stream.',
  },
  channel_subscribers: {
    kind: 'gauge',
    labels: ofChannel,
    unit: '{subscriber}',
    help: 'Streams and iterations that receive the events of a channel.',
  },
  retained_events: {
    kind: 'gauge',
    labels: ofChannel,
    unit: '{event}',
    across: 'max',
    help: 'Events that a channel retains.',
  },
  retained_bytes: {
    kind: 'gauge',
    labels: ofChannel,
    unit: 'By',
    across: 'max',
    help: 'Bytes that a channel retains, as far as its backend tells.',
  },
  backend_up: {
    kind: 'gauge',
    labels: ['backend'],
    unit: '{backend}',
    across: 'min',
    help: 'Whether the backend of the hub is there: 1 or 0.',
  },
  backend_lost_total: {
    kind: 'counter',
    labels: ['backend'],
    unit: '{loss}',
    help: 'Times that the backend of the hub was lost.',
  },
} as const satisfies Readonly<Record<string, Instrument>>

type Table = typeof instruments

/** The names of the instruments of a kind. */
export type Of<Kind extends Instrument['kind']> = {
  [Name in keyof Table]: Table[Name]['kind'] extends Kind ? Name : never
}[keyof Table]

/** The labels of an instrument, with their values. */
export type Labels<Name extends keyof Table> = Readonly<Record<Table[Name]['labels'][number], string>>

/** What an instrument says of one set of labels when it is asked. */
export type Reading = {
  [Name in Of<'gauge' | 'total'>]: {
    readonly name: Name
    readonly labels: Labels<Name>
    readonly value: number
  }
}[Of<'gauge' | 'total'>]

/** What is told of each event: what prom-client or OpenTelemetry has made of the table. */
export interface Sink {
  /** @param by 0 makes the set of labels known */
  count<Name extends Of<'counter'>>(name: Name, labels: Labels<Name>, by: number): void
  time<Name extends Of<'histogram'>>(name: Name, labels: Labels<Name>, seconds: number): void
  /** Makes a set of labels known before the first time, where that can be done. */
  know<Name extends Of<'histogram'>>(name: Name, labels: Labels<Name>): void
}

/** Every instrument by its name, as one type. */
export const list: readonly (readonly [name: keyof Table, instrument: Instrument])[] = Object.entries(
  instruments,
) as [keyof Table, Instrument][]

/** The name that OpenTelemetry has for an instrument: exporters to Prometheus make the other of it, with the unit. */
export function dotted(name: string): string {
  return `lariat.${name.replace(/_(?:total|seconds)$/, '').replaceAll('_', '.')}`
}
