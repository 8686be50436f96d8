import express, { type Response } from 'express'
import { head, type Peer } from '../peer.js'

/** A route as its author would write it who needs no library. */
export function plainExpress(): Peer {
  const held = new Set<Response>()
  const listener = express()
  listener.get('/events', (_req, res) => {
    res.writeHead(200, head).flushHeaders()
    held.add(res)
    res.on('close', () => held.delete(res))
  })
  return {
    listener,
    publish: (tick) => {
      const text = `data: ${JSON.stringify(tick)}\n\n`
      for (const res of held) res.write(text)
    },
  }
}
