// Finds prom-client, and makes its instruments of the table.
import nodeModule from 'node:module'
import { join } from 'node:path'
import { wrong } from '../rules.js'
import { type Instrument, list, type Of, type Reading, type Sink } from './instruments.js'

/** A registry of prom-client, as far as it is needed here. */
export interface PrometheusRegistry {
  readonly contentType: string
  metrics(): Promise<string>
  getSingleMetric(name: string): unknown
  removeSingleMetric(name: string): void
}

/** prom-client itself, as far as it is needed here. */
export interface PrometheusClient {
  readonly register: PrometheusRegistry
  readonly Counter: new (configuration: never) => object
  readonly Gauge: new (configuration: never) => object
  readonly Histogram: new (configuration: never) => object
}

type Values = Readonly<Record<string, string>>

/** What one of its instruments can do: each kind a part of it. */
interface Made {
  inc(labels: Values, by: number): void
  set(labels: Values, value: number): void
  observe(labels: Values, value: number): void
  zero(labels: Values): void
  reset(): void
}

/**
 * The copy of prom-client that the application has: its default registry is the one that the application means.
 *
 * @throws TypeError if there is none
 */
export function findPromClient(): PrometheusClient {
  const [, main] = process.argv
  const here = typeof __filename === 'string' ? __filename : import.meta.url
  for (const from of [main, join(process.cwd(), 'index.js'), here]) {
    const found = from === undefined ? undefined : requireFrom(from)
    if (found) return found
  }
  wrong(
    'metrics: prom-client was not found: npm install prom-client. Where the app is one bundled file, write metrics({ client: promClient, … })',
  )
}

function requireFrom(file: string): PrometheusClient | undefined {
  try {
    // by its module's name: bundles often have a `createRequire` of their own
    return nodeModule.createRequire(file)('prom-client') as PrometheusClient
  } catch (error) {
    const { code, message } = error as { code?: unknown; message?: unknown }
    // no such package, or no such file: code from the command line has no name
    if (code === 'MODULE_NOT_FOUND' && String(message).includes("'prom-client'")) return undefined
    if (code === 'ERR_INVALID_ARG_VALUE') return undefined
    throw error
  }
}

/** The instruments of a registry. */
export class PrometheusInstruments implements Sink {
  readonly #register: PrometheusRegistry
  readonly #prefix: string
  readonly #made = new Map<string, Made>()

  /** @param read reads all gauges and totals: called when the registry is asked for its metrics */
  constructor(
    client: PrometheusClient,
    register: PrometheusRegistry,
    prefix: string,
    read: () => Promise<readonly Reading[]>,
  ) {
    this.#register = register
    this.#prefix = prefix
    const { Counter, Gauge, Histogram } = client
    const classes = { counter: Counter, total: Counter, gauge: Gauge, histogram: Histogram }
    try {
      for (const [name, instrument] of list) {
        const configuration = {
          ...configurationOf(prefix + name, instrument),
          registers: [register],
          collect: async () => this.#show(name, instrument, await read()),
        }
        this.#made.set(name, new classes[instrument.kind](configuration as never) as Made)
      }
    } catch (error) {
      // a name is taken: half of them would be in the way of the next try
      this.remove()
      throw error
    }
  }

  count(name: Of<'counter'>, labels: Values, by: number): void {
    this.#made.get(name)?.inc(labels, by)
  }

  time(name: Of<'histogram'>, labels: Values, seconds: number): void {
    this.#made.get(name)?.observe(labels, seconds)
  }

  know(name: Of<'histogram'>, labels: Values): void {
    this.#made.get(name)?.zero(labels)
  }

  /** False once the registry was cleared. */
  get areRegistered(): boolean {
    return [...this.#made].every(
      ([name, made]) => this.#register.getSingleMetric(this.#prefix + name) === made,
    )
  }

  remove(): void {
    for (const [name, made] of this.#made) {
      const full = this.#prefix + name
      if (this.#register.getSingleMetric(full) === made) this.#register.removeSingleMetric(full)
    }
  }

  #show(name: string, { kind }: Instrument, readings: readonly Reading[]): void {
    const made = this.#made.get(name)
    if (!made || (kind !== 'gauge' && kind !== 'total')) return
    // what is not there any more is not shown any more
    made.reset()
    for (const reading of readings) {
      if (reading.name !== name) continue
      if (kind === 'gauge') made.set(reading.labels, reading.value)
      else made.inc(reading.labels, reading.value)
    }
  }
}

function configurationOf(name: string, { help, labels, across, buckets }: Instrument) {
  return {
    name,
    help,
    labelNames: [...labels],
    aggregator: across ?? 'sum',
    ...(buckets && { buckets: [...buckets] }),
  }
}
