import { createClient } from '@redis/client'
import express from 'express'
import { createHub, resource, sse } from '../../../lib/index.js'
import { redisStreams } from '../../../lib/redis.js'
import type { Tick } from '../../fanout/tick.js'
import type { Publish, Serving } from '../peers.js'

/** As an app has it whose clients come back: the last thousand events are there for them. */
function channelOf(url: string, name: string) {
  const client = createClient({ url, name }).on('error', console.error)
  return createHub(redisStreams({ client })).channel<Tick>('ticks', { history: 1000 })
}

export async function serve(url: string): Promise<Serving> {
  const listener = express()
  const subscribe = channelOf(url, 'server')
  listener.use('/events', resource({ contentTypesProvided: [sse()], subscribe }))
  return { listener }
}

export async function publisher(url: string): Promise<Publish> {
  const channel = channelOf(url, 'publisher')
  return async (tick) => await channel.publish(tick)
}
