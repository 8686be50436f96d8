import { createClient } from '@redis/client'
import { createAdapter } from '@socket.io/redis-streams-adapter'
import express from 'express'
import { Server } from 'socket.io'
import type { Publish, Serving } from '../peers.js'

/** The adapter reads answers as they are in RESP 2, and nothing at all from others. */
const connected = (url: string, name: string) =>
  createClient({ url, name, RESP: 2 }).on('error', console.error).connect()

/** As its documentation shows it. */
export async function serve(url: string): Promise<Serving> {
  const adapter = createAdapter(await connected(url, 'server'))
  return {
    listener: express(),
    attach: (server) => void new Server(server, { transports: ['websocket'], adapter }),
  }
}

/** The adapter's own constants for what is for everybody. */
const broadcast = '3'
const emitter = 'emitter'
const event = 2

/**
 * Writes what `io.emit` of the adapter writes. A server that is there only to emit would read all of it as well, which
 * is work that the other peers' publishers do not have; and it does not tell when Redis has confirmed.
 */
export async function publisher(url: string): Promise<Publish> {
  const client = await connected(url, 'publisher')
  return (tick) => {
    const packet = { type: event, data: ['tick', tick], nsp: '/' }
    const data = JSON.stringify({ packet, opts: { rooms: [], except: [], flags: {} } })
    const entry = { uid: emitter, nsp: '/', type: broadcast, data }
    return client.xAdd('socket.io', '*', entry, {
      TRIM: { strategy: 'MAXLEN', strategyModifier: '~', threshold: 10_000 },
    })
  }
}
