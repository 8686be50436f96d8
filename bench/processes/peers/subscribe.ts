import { createClient } from '@redis/client'
import express, { type Response } from 'express'
import { head } from '../../fanout/peer.js'
import type { Publish, Serving } from '../peers.js'

const channel = 'ticks'

/** What is written by hand: nothing is stored, and what comes while the connection is away is lost. */
export async function serve(url: string): Promise<Serving> {
  const held = new Set<Response>()
  const client = await createClient({ url, name: 'server' }).on('error', console.error).connect()
  await client.subscribe(channel, (json) => {
    // framed once for all
    const frame = Buffer.from(`data: ${json}\n\n`)
    for (const res of held) res.write(frame)
  })
  const listener = express()
  listener.get('/events', (_req, res) => {
    res.writeHead(200, head).flushHeaders()
    held.add(res)
    res.on('close', () => held.delete(res))
  })
  return { listener }
}

export async function publisher(url: string): Promise<Publish> {
  const client = await createClient({ url, name: 'publisher' }).on('error', console.error).connect()
  return (tick) => client.publish(channel, JSON.stringify(tick))
}
