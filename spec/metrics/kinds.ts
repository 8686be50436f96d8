import { DataPointType, type Histogram, MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics'
import { Registry } from 'prom-client'
import { dotted, instruments } from '../../lib/metrics/instruments.js'
import { type MetricsOptions, metrics, openTelemetry } from '../../lib/metrics.js'

type Name = keyof typeof instruments
type Values = Readonly<Record<string, string>>

/** What was read at one time: of a histogram, how many values, and their sum. */
export interface Scrape {
  /** The value of a set of labels; undefined if there is no such set. */
  value(name: Name, labels?: Values): number | undefined
  sum(name: Name, labels: Values): number | undefined
  /** The sets of labels, in order. */
  sets(name: Name): Values[]
}

/** One of the two ways to measure. */
interface Kind {
  readonly name: string
  /** Begins to measure; stopped with the test. */
  measure(subjects: Pick<MetricsOptions, 'of' | 'hub' | 'channels'>): { read(): Promise<Scrape> }
}

const stops: (() => unknown)[] = []

/** Said in a suite: what it measures is stopped with each test. */
export function measuring(): void {
  afterEach(async () => {
    for (const stop of stops.splice(0)) await stop()
  })
}

/** Is called when the test is over. */
export function atEnd(stop: () => unknown): void {
  stops.push(stop)
}

const prometheus: Kind = {
  name: 'prom-client',
  measure(subjects) {
    const register = new Registry()
    atEnd(metrics({ ...subjects, register }).stop)
    return { read: async () => parsed(await register.metrics()) }
  },
}

class Reader extends MetricReader {
  protected async onShutdown(): Promise<void> {}
  protected async onForceFlush(): Promise<void> {}
}

const telemetry: Kind = {
  name: 'OpenTelemetry',
  measure(subjects) {
    const reader = new Reader()
    const provider = new MeterProvider({ readers: [reader] })
    atEnd(openTelemetry({ ...subjects, meter: provider.getMeter('specs') }).stop)
    atEnd(() => provider.shutdown())
    return { read: async () => collected(reader) }
  },
}

/** The same specs for both kinds. */
export function onEach(title: string, specs: (kind: Kind) => void): void {
  for (const kind of [prometheus, telemetry]) {
    describe(`${title} (${kind.name})`, () => {
      measuring()
      specs(kind)
    })
  }
}

interface Line {
  readonly name: string
  readonly labels: Values
  readonly value: number
}

/** Reads the text format of Prometheus. */
export function linesOf(text: string): Line[] {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const { name, labels, value } = /^(?<name>[\w:]+)(?:\{(?<labels>.*)\})? (?<value>\S+)$/.exec(line)!
        .groups!
      const pairs = [...(labels ?? '').matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)]
      const unescaped = (text: string) => text.replace(/\\(.)/g, (_, one) => (one === 'n' ? '\n' : one))
      return {
        name: name!,
        labels: Object.fromEntries(pairs.map(([, key, own]) => [key!, unescaped(own!)])),
        value: Number(value),
      }
    })
}

export function parsed(text: string, prefix = 'lariat_'): Scrape {
  const lines = linesOf(text)
  const of = (name: string) => lines.filter((line) => line.name === prefix + name)
  const find = (name: string, labels: Values) => of(name).find((line) => isSame(line.labels, labels))?.value
  const counted = (name: Name) => (instruments[name].kind === 'histogram' ? `${name}_count` : name)
  return {
    value: (name, labels = {}) => find(counted(name), labels),
    sum: (name, labels) => find(`${name}_sum`, labels),
    sets: (name) => of(counted(name)).map(({ labels }) => labels),
  }
}

async function collected(reader: MetricReader): Promise<Scrape> {
  const { resourceMetrics, errors } = await reader.collect()
  if (errors.length > 0) throw errors[0]
  const all = resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics)
  const points = (name: Name) => {
    const found = all.find(({ descriptor }) => descriptor.name === dotted(name))
    if (!found) return []
    const isHistogram = found.dataPointType === DataPointType.HISTOGRAM
    return found.dataPoints.map(({ attributes, value }) => {
      const { count, sum } = isHistogram ? (value as Histogram) : { count: value as number, sum: undefined }
      return { labels: attributes as Values, count, sum }
    })
  }
  const find = (name: Name, labels: Values) => points(name).find((point) => isSame(point.labels, labels))
  return {
    value: (name, labels = {}) => find(name, labels)?.count,
    sum: (name, labels) => find(name, labels)?.sum,
    sets: (name) => points(name).map(({ labels }) => labels),
  }
}

function isSame(one: Values, other: Values): boolean {
  const keys = Object.keys(one)
  return keys.length === Object.keys(other).length && keys.every((key) => one[key] === other[key])
}
