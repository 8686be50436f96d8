import { fastifySSE as sse } from '@fastify/sse'
import fastify, { type FastifyReply } from 'fastify'
import type { Peer } from '../peer.js'

export async function fastifySse(): Promise<Peer> {
  const held = new Set<FastifyReply['sse']>()
  const app = fastify()
  await app.register(sse)
  app.get('/events', { sse: 'only' }, async (_req, reply) => {
    const stream = reply.sse
    stream.keepAlive()
    stream.sendHeaders()
    reply.raw.flushHeaders()
    held.add(stream)
    stream.onClose(() => held.delete(stream))
  })
  await app.ready()
  return {
    listener: (req, res) => app.routing(req, res),
    publish: (data) => {
      const message = { data }
      for (const stream of held) stream.send(message).catch(() => held.delete(stream))
    },
  }
}
