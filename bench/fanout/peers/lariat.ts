import express from 'express'
import { createHub, resource, type StreamOptions, sse } from '../../../lib/index.js'
import type { Peer } from '../peer.js'
import type { Tick } from '../tick.js'

export function lariat(stream: StreamOptions = {}): Peer {
  const channel = createHub().channel<Tick>('ticks')
  const listener = express()
  listener.use('/events', resource({ contentTypesProvided: [sse()], subscribe: channel, stream }))
  return { listener, publish: (tick) => void channel.publish(tick) }
}
