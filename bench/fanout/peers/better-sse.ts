import { createChannel, createSession } from 'better-sse'
import express from 'express'
import type { Peer } from '../peer.js'

export function betterSse(): Peer {
  const channel = createChannel()
  const listener = express()
  listener.get('/events', async (req, res) => {
    channel.register(await createSession(req, res))
  })
  return { listener, publish: (tick) => channel.broadcast(tick) }
}
