import express from 'express'
import SSE from 'express-sse'
import type { Peer } from '../peer.js'

export function expressSse(): Peer {
  const sse = new SSE()
  const listener = express()
  listener.get('/events', sse.init)
  return { listener, publish: (tick) => sse.send(tick) }
}
