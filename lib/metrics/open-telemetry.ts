// Makes the instruments of the table with a meter of OpenTelemetry.
import { dotted, type Instrument, list, type Of, type Reading, type Sink } from './instruments.js'

type Attributes = Readonly<Record<string, string>>

interface Options {
  readonly description: string
  readonly unit: string
  readonly advice?: { explicitBucketBoundaries: number[] }
}

interface Observer {
  observe(observable: never, value: number, attributes?: Attributes): void
}

/** A `Meter` of @opentelemetry/api, as far as it is needed here. */
export interface OpenTelemetryMeter {
  createCounter(name: string, options: Options): { add(value: number, attributes?: Attributes): void }
  createHistogram(name: string, options: Options): { record(value: number, attributes?: Attributes): void }
  createObservableCounter(name: string, options: Options): object
  createObservableGauge(name: string, options: Options): object
  createObservableUpDownCounter(name: string, options: Options): object
  addBatchObservableCallback(
    callback: (observer: Observer) => void | Promise<void>,
    observables: never[],
  ): void
  removeBatchObservableCallback(
    callback: (observer: Observer) => void | Promise<void>,
    observables: never[],
  ): void
}

type Counter = ReturnType<OpenTelemetryMeter['createCounter']>
type Histogram = ReturnType<OpenTelemetryMeter['createHistogram']>

export class OpenTelemetryInstruments implements Sink {
  readonly #meter: OpenTelemetryMeter
  readonly #counters = new Map<string, Counter>()
  readonly #histograms = new Map<string, Histogram>()
  readonly #observables = new Map<string, object>()
  readonly #observe: (observer: Observer) => Promise<void>

  /** @param read reads all gauges and totals: called when a reader collects */
  constructor(meter: OpenTelemetryMeter, read: () => Promise<readonly Reading[]>) {
    this.#meter = meter
    for (const [name, instrument] of list) this.#make(name, instrument)
    this.#observe = async (observer) => {
      for (const { name, labels, value } of await read())
        observer.observe(this.#observables.get(name) as never, value, labels)
    }
    meter.addBatchObservableCallback(this.#observe, this.#listed)
  }

  #make(name: string, { kind, unit, help, buckets, across }: Instrument): void {
    const meter = this.#meter
    const full = dotted(name)
    const options = { description: help, unit }
    if (kind === 'counter') this.#counters.set(name, meter.createCounter(full, options))
    else if (kind === 'histogram') {
      const advice = { explicitBucketBoundaries: [...(buckets ?? [])] }
      this.#histograms.set(name, meter.createHistogram(full, { ...options, advice }))
    } else if (kind === 'total') this.#observables.set(name, meter.createObservableCounter(full, options))
    // what adds up over processes is an up-down counter
    else if (across) this.#observables.set(name, meter.createObservableGauge(full, options))
    else this.#observables.set(name, meter.createObservableUpDownCounter(full, options))
  }

  count(name: Of<'counter'>, labels: Attributes, by: number): void {
    this.#counters.get(name)?.add(by, labels)
  }

  time(name: Of<'histogram'>, labels: Attributes, seconds: number): void {
    this.#histograms.get(name)?.record(seconds, labels)
  }

  /** A histogram of OpenTelemetry begins with its first value. */
  know(): void {}

  remove(): void {
    this.#meter.removeBatchObservableCallback(this.#observe, this.#listed)
  }

  get #listed(): never[] {
    return [...this.#observables.values()] as never[]
  }
}
