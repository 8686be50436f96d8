import express from 'express'
import type { StreamOptions } from '../../../lib/index.js'
import { type Lariat, lariatOf } from '../../lariat.js'
import type { Peer } from '../peer.js'
import type { Tick } from '../tick.js'

interface How {
  readonly which?: 'here' | 'beside'
  readonly mount?: (app: express.Express, library: Lariat, spec: Spec) => unknown
  readonly stream?: StreamOptions
}
type Spec = Parameters<Lariat['resources']>[0][string] & object

export async function lariat({ which = 'here', mount = use, stream = {} }: How = {}): Promise<Peer> {
  const library = await lariatOf(which)
  const channel = library.createHub().channel<Tick>('ticks')
  const listener = express()
  mount(listener, library, { contentTypesProvided: [library.sse()], subscribe: channel, stream })
  return { listener, publish: (tick) => void channel.publish(tick) }
}

/** As a middleware of an app. */
function use(app: express.Express, { resource }: Lariat, spec: Spec) {
  app.use('/events', resource(spec as never))
}

/** As the README shows it. */
export function table(app: express.Express, { resources }: Lariat, spec: Spec) {
  app.use(resources({ '/events': spec }))
}
