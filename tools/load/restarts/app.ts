import { readdirSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createClient } from '@redis/client'
import express from 'express'
import { serve } from '../../../bench/fanout/remote.js'
import { clock } from '../../../lib/clock.js'
import { createHub, merge, ndjson, resource, resources, sse } from '../../../lib/index.js'
import { redisStreams } from '../../../lib/redis.js'
import { isEven, limitsOf, type Said } from './rooms.js'

/** What there is in a process of what streams take. */
export interface Left {
  readonly subscribers: number
  readonly streams: number
  readonly connections: number
  readonly deadlines: number
  readonly files: number
  /** Bytes. */
  readonly heap: number
  /** Rejections and exceptions that nobody has caught. */
  readonly faults: readonly string[]
}

const [, , url, publishTimeout, retry, over] = process.argv
const faults: string[] = []
for (const event of ['unhandledRejection', 'uncaughtException'] as const) {
  process.on(event, (what: unknown) => faults.push(`${event}: ${what instanceof Error ? what.stack : what}`))
}
// Redis is taken away on purpose
process.removeAllListeners('warning')

const client = createClient({ url: url! }).on('error', () => undefined)
const hub = createHub(redisStreams({ client, publishTimeout: Number(publishTimeout) }))
const asked = new Set<string>()
const roomOf = (name: unknown) => {
  asked.add(String(name))
  return hub.channel<Said>(String(name), limitsOf(String(name)))
}
const stream = { retry: Number(retry) }
const formats = [sse()]

const endpoint = resources({
  '/plain/:room': resource({
    contentTypesProvided: formats,
    subscribe: ({ req }) => roomOf(req.params.room),
    stream,
  }),
  '/even/:room': resource({
    contentTypesProvided: formats,
    subscribe: ({ req }) => roomOf(req.params.room).filter(isEven),
    stream,
  }),
  '/told/:room': resource({
    contentTypesProvided: formats,
    subscribe: ({ req }) => roomOf(req.params.room),
    info: (message, { write }) => write(message),
    stream,
  }),
  '/records/:room': resource({
    contentTypesProvided: [ndjson({ envelope: true })],
    subscribe: ({ req }) => roomOf(req.params.room),
    stream,
  }),
  '/both/:one/:other': resource({
    contentTypesProvided: formats,
    subscribe: ({ req }) => merge(roomOf(req.params.one), roomOf(req.params.other)),
    stream,
  }),
})

const server = createServer(express().use(endpoint))
await new Promise<void>((resolve) => server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, resolve))

// as docs/operate/operating.md says
process.once('SIGTERM', async () => {
  const closed = new Promise((resolve) => server.close(resolve))
  await endpoint.close({ over: Number(over) })
  await hub.close()
  setTimeout(() => server.closeAllConnections(), 5000).unref()
  await closed
  process.exit()
})

const handlers = {
  port: (_: null) => (server.address() as AddressInfo).port,
  left: async (_: null): Promise<Left> => {
    for (let times = 0; times < 4; times++) {
      globalThis.gc?.()
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    const { heapUsed, external } = process.memoryUsage()
    return {
      subscribers: [...asked].reduce((sum, room) => sum + roomOf(room).subscribers, 0),
      streams: [...endpoint.streams].length,
      connections: await new Promise<number>((resolve) =>
        server.getConnections((_, count) => resolve(count)),
      ),
      deadlines: clock.size,
      files: readdirSync('/proc/self/fd').length,
      heap: heapUsed + external,
      faults,
    }
  },
}

export type App = typeof handlers
serve(handlers)
