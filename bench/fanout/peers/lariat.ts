import { subscribe } from 'node:diagnostics_channel'
import { cpSync } from 'node:fs'
import express from 'express'
import type { Endpoint, StreamOptions } from '../../../lib/index.js'
import { type Lariat, lariatOf } from '../../lariat.js'
import type { Peer } from '../peer.js'
import type { Tick } from '../tick.js'

interface How {
  readonly which?: 'here' | 'beside'
  readonly mount?: (app: express.Express, library: Lariat, spec: Spec) => Endpoint
  readonly stream?: StreamOptions
  /** Somebody listens to every diagnostics channel. */
  readonly isObserved?: boolean
  /** Metrics are counted, and can be asked for. */
  readonly isMeasured?: boolean
  /** The inspector is there. */
  readonly isInspected?: boolean
}
type Spec = Parameters<Lariat['resources']>[0][string] & object

export async function lariat({
  which = 'here',
  mount = use,
  stream = {},
  isObserved,
  isMeasured,
  isInspected,
}: How = {}): Promise<Peer> {
  if (isObserved) observe()
  const library = await lariatOf(which)
  const hub = library.createHub()
  const channel = hub.channel<Tick>('ticks')
  const listener = express()
  const endpoint = mount(listener, library, {
    contentTypesProvided: [library.sse()],
    subscribe: channel,
    stream,
  })
  if (isMeasured) {
    const { metrics } = await import('../../../lib/metrics.js')
    listener.use('/metrics', metrics({ of: endpoint, hub, channels: ['ticks'] }))
  }
  if (isInspected) {
    // what is compiled leaves its page behind
    cpSync('lib/inspector/page', new URL('../../../lib/inspector/page', import.meta.url), { recursive: true })
    const { inspector } = await import('../../../lib/inspector.js')
    listener.use('/inspector', inspector({ of: endpoint, hub }))
  }
  return { listener, publish: (tick) => void channel.publish(tick) }
}

/** Counts what is told, as metrics do. */
function observe() {
  const counts = new Map<string, number>()
  for (const name of ['decisions', 'open', 'first', 'end', 'overflow', 'resume', 'publish', 'backend'])
    subscribe(`express-lariat:${name}`, () => counts.set(name, (counts.get(name) ?? 0) + 1))
}

/** As a middleware of an app. */
function use(app: express.Express, { resource }: Lariat, spec: Spec): Endpoint {
  const endpoint = resource(spec as never) as Endpoint
  app.use('/events', endpoint)
  return endpoint
}

/** As the README shows it. */
export function table(app: express.Express, { resources }: Lariat, spec: Spec): Endpoint {
  const endpoint = resources({ '/events': spec })
  app.use(endpoint)
  return endpoint
}
