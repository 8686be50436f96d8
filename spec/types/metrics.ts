// What the door to metrics takes and refuses. Never run: spec/types.spec.ts compiles it.
import { metrics as api } from '@opentelemetry/api'
import { MeterProvider } from '@opentelemetry/sdk-metrics'
import { expectTypeOf } from 'expect-type'
import express from 'express'
import promClient, * as namespace from 'prom-client'
import { createHub, type Endpoint, loop, resource, resources, sse } from '../../lib/index.js'
import {
  type MetricsOptions,
  metrics,
  type OpenTelemetryOptions,
  openTelemetry,
  type Stoppable,
} from '../../lib/metrics.js'

const hub = createHub()
const one = resource({ init: () => 1, contentTypesProvided: [sse()], subscribe: () => [{ price: 1 }] })
const other = loop({ format: sse(), subscribe: hub.channel<string>('news') })
const table = resources({ '/one': one, '/other': other })

// ---- what they take

const handler = metrics({ of: table })
expectTypeOf(handler).toEqualTypeOf<Endpoint & Stoppable>()
express().use('/metrics', handler)
resources({ '/metrics': handler })
metrics({ of: one })
metrics({ of: [one, other, table], hub, channels: ['news'] })
metrics({
  of: [],
  hub: [hub, createHub()],
  channels: (name) => (name.startsWith('user:') ? 'user' : undefined),
})
metrics({ of: table, register: promClient.register, prefix: 'shop_' })
metrics({ of: table, register: new promClient.Registry() })
metrics({ of: table, register: new promClient.Registry<promClient.OpenMetricsContentType>() })
metrics({ of: table, register: new promClient.AggregatorRegistry() })
metrics({ of: table, client: promClient })
metrics({ of: table, client: namespace })
openTelemetry({ of: table, hub, meter: api.getMeter('shop') }).stop()
openTelemetry({ of: table, meter: new MeterProvider().getMeter('shop', '1.0.0') })
const options: MetricsOptions = { of: table, hub: undefined, register: undefined }
metrics(options)
expectTypeOf<OpenTelemetryOptions['hub']>().toEqualTypeOf<MetricsOptions['hub']>()

// ---- what they refuse

// @ts-expect-error nothing to count
metrics({})
// @ts-expect-error the endpoint alone
metrics(table)
// @ts-expect-error an app is no endpoint
metrics({ of: express() })
// @ts-expect-error a channel in the place of its name
metrics({ of: table, hub, channels: [hub.channel('news')] })
// @ts-expect-error a channel in the place of its hub
metrics({ of: table, hub: hub.channel('news') })
// @ts-expect-error prom-client is no registry
metrics({ of: table, register: promClient })
// @ts-expect-error a registry is no prom-client
metrics({ of: table, client: promClient.register })
// @ts-expect-error an unknown option
metrics({ of: table, registry: promClient.register })
// @ts-expect-error no meter
openTelemetry({ of: table, hub })
// @ts-expect-error the API is no meter
openTelemetry({ of: table, meter: api })
