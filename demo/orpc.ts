// Event iterators of an oRPC app, served from channels. A procedure is as ever, with its input, its context and its
// middleware, and may return a channel: then a client misses nothing over a reconnect, or is told. The client is oRPC's
// own, with its `ClientRetryPlugin`. To copy: orpc/rpc.ts; docs/recipes/orpc.md
//
//   npx tsx demo/orpc.ts
//   curl -N --json '{"json":{"topic":"tea"}}' localhost:3000/rpc/onPost       # as the client reads; in another terminal:
//   curl -i --json '{"json":{"topic":"tea","text":"Milk first?"}}' localhost:3000/rpc/post
//   curl -N --json '{"json":"Hold on"}' localhost:3000/rpc/say                # a generator, and what it returns
//   curl -i --json '{"json":7}' localhost:3000/rpc/say                        # 400, as oRPC says it
import type { AddressInfo } from 'node:net'
import { ORPCError, os } from '@orpc/server'
import express, { type Request } from 'express'
import { z } from 'zod'
import { createHub } from '../lib/index.js' // elsewhere: 'express-lariat'
import { live, rpc } from './orpc/rpc.js'

interface Post {
  topic: string
  text: string
  by: string
  at: Date
}

const hub = createHub()
const posts = hub.channel<Post>('posts', { history: 1000 })

const createContext = (req: Request) => ({ user: req.get('x-user') ?? 'nobody' })
const base = os.$context<ReturnType<typeof createContext>>()
const topic = z.enum(['tea', 'coffee'])

const router = {
  post: base
    .input(z.object({ topic, text: z.string().max(500) }))
    .handler(({ input, context }) => posts.publish({ ...input, by: context.user, at: new Date() })),
  // from the first post on: oRPC's client has a place to come back to once it has got an event
  onPost: base
    .input(z.object({ topic }))
    .handler(({ input, lastEventId = 'earliest' }) =>
      live(posts.filter((post) => post.topic === input.topic).from(lastEventId)),
    ),
  say: base.input(z.string()).handler(async function* ({ input }) {
    for (const word of input.split(' ')) {
      if (word === 'no') throw new ORPCError('UNPROCESSABLE_CONTENT', { message: 'It said no' })
      yield word
    }
    return input.length
  }),
}
export type AppRouter = typeof router

const endpoint = rpc(router, createContext, { maxStreamsPerClient: 20 }, console.log)
const app = express().use('/rpc', endpoint)
const server = app.listen(Number(process.env.PORT || 3000))
server.on('listening', () => {
  console.log(`oRPC is at http://localhost:${(server.address() as AddressInfo).port}/rpc`)
})

const shutDown = () => Promise.all([server.close(), endpoint.close(), hub.close()])
process.once('SIGINT', shutDown).once('SIGTERM', shutDown)
