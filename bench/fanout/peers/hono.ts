import { getRequestListener } from '@hono/node-server'
import { Hono } from 'hono'
import { type SSEStreamingApi, streamSSE } from 'hono/streaming'
import type { Peer } from '../peer.js'

export function honoSse(): Peer {
  const held = new Set<SSEStreamingApi>()
  const app = new Hono()
  app.get('/events', (c) =>
    streamSSE(
      c,
      (stream) =>
        new Promise((resolve) => {
          held.add(stream)
          stream.onAbort(() => {
            held.delete(stream)
            resolve()
          })
        }),
    ),
  )
  const answer = getRequestListener(app.fetch)
  return {
    listener: (req, res) => void answer(req, res),
    publish: (tick) => {
      const data = JSON.stringify(tick)
      for (const stream of held) void stream.writeSSE({ data })
    },
  }
}
