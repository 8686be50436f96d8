// The door to metrics: `metrics` counts with prom-client, `openTelemetry` with a meter of OpenTelemetry.
import { type Endpoint, resource } from './endpoint.js'
import { Measuring } from './metrics/measuring.js'
import { OpenTelemetryInstruments, type OpenTelemetryMeter } from './metrics/open-telemetry.js'
import { checkOpenTelemetry, checkPrometheus, type Measured } from './metrics/options.js'
import { findPromClient, type PrometheusClient, type PrometheusRegistry } from './metrics/prom-client.js'
import { measureIn } from './metrics/registered.js'
import { hidden } from './values/inside.js'

export type { OpenTelemetryMeter, PrometheusClient, PrometheusRegistry }

/** The options of `metrics`. */
export interface MetricsOptions extends Measured<Endpoint> {
  /** The registry that the instruments are in. Default: the default registry of the prom-client that the app has. */
  readonly register?: PrometheusRegistry | undefined
  /** What the names of the instruments begin with. Default: `lariat_` */
  readonly prefix?: string | undefined
  /** prom-client itself, where it cannot be found by its name: in an app that is one bundled file. */
  readonly client?: PrometheusClient | undefined
}

/** The options of `openTelemetry`. */
export interface OpenTelemetryOptions extends Measured<Endpoint> {
  /** The meter that makes the instruments, such as `metrics.getMeter('shop')` of @opentelemetry/api. */
  readonly meter: OpenTelemetryMeter
}

/** Counts until it is stopped. */
export interface Stoppable {
  /** Stops counting. The instruments of a registry go with the last that counts in them. */
  stop(): void
}

/**
 * Counts what endpoints, channels and backends do, in instruments of prom-client, and answers with all that the registry
 * has: `app.use('/metrics', metrics({ of: endpoint }))`. Its own requests are not counted. A second call with the same
 * registry and prefix adds to the same instruments.
 *
 * @throws TypeError for an option that is wrong, and where prom-client is not installed
 */
export function metrics(options: MetricsOptions): Endpoint & Stoppable {
  const subjects = checkPrometheus(options)
  const { prefix = 'lariat_' } = options
  const client = () => options.client ?? findPromClient()
  const register = options.register ?? client().register
  const stop = measureIn(register, prefix, client, subjects)
  const endpoint = resource(
    hidden({
      // the registry may be told to write OpenMetrics, at any time; a scraper reads what comes
      contentTypesProvided: () => ({ [register.contentType]: () => register.metrics() }),
      negotiation: 'lenient' as const,
    }),
  )
  return Object.assign(endpoint, { stop })
}

/**
 * Counts the same with a meter of OpenTelemetry, under names such as `lariat.streams.open`.
 *
 * @throws TypeError for an option that is wrong
 */
export function openTelemetry(options: OpenTelemetryOptions): Stoppable {
  const subjects = checkOpenTelemetry(options)
  const instruments = new OpenTelemetryInstruments(options.meter, () => measuring.read())
  const measuring: Measuring = new Measuring(instruments)
  const stop = () => {
    measuring.stop()
    instruments.remove()
  }
  try {
    measuring.add(subjects)
  } catch (error) {
    // a meter of the user's
    stop()
    throw error
  }
  return { stop }
}
