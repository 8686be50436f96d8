// Subscriptions of a tRPC app, served from channels. Queries and mutations stay with tRPC's own adapter. A subscription is a
// procedure as ever, with input, context and middleware, and may return a channel: its client, tRPC's own, then misses
// nothing over a reconnect, or is told. To copy: trpc/subscriptions.ts; docs/recipes/trpc.md
//
//   npx tsx demo/trpc.ts
//   curl -N 'localhost:3000/live/onPost?input=%7B%22topic%22:%22tea%22%7D'    # as the client reads; in another terminal:
//   curl -i --json '{"topic":"tea","text":"Milk first?"}' localhost:3000/trpc/post
//   curl -N 'localhost:3000/live/say?input=%22Hold%20on%22'                   # a generator, and its end
//   curl -N 'localhost:3000/live/say?input=7'                                 # an error, as tRPC tells it
import type { AddressInfo } from 'node:net'
import { initTRPC, TRPCError } from '@trpc/server'
import { createExpressMiddleware } from '@trpc/server/adapters/express'
import express, { type Request } from 'express'
import { z } from 'zod'
import { createHub } from '../lib/index.js' // elsewhere: 'express-lariat'
import { live, subscriptions } from './trpc/subscriptions.js'

interface Post {
  topic: string
  text: string
  by: string
}

const hub = createHub()
const posts = hub.channel<Post>('posts', { history: 1000 })

const createContext = ({ req }: { req: Request }) => ({ user: req.get('x-user') ?? 'nobody' })
const t = initTRPC.context<typeof createContext>().create()
const topic = z.enum(['tea', 'coffee'])

const router = t.router({
  post: t.procedure
    .input(z.object({ topic, text: z.string().max(500) }))
    .mutation(({ input, ctx }) => posts.publish({ ...input, by: ctx.user })),
  onPost: t.procedure
    .input(z.object({ topic, lastEventId: z.string().optional() }))
    .subscription(({ input: { topic, lastEventId = 'now' } }) =>
      live(posts.filter((post) => post.topic === topic).from(lastEventId)),
    ),
  say: t.procedure.input(z.string()).subscription(async function* ({ input }) {
    for (const word of input.split(' ')) {
      if (word === 'no') throw new TRPCError({ code: 'UNPROCESSABLE_CONTENT', message: 'It said no' })
      yield word
    }
  }),
})
export type AppRouter = typeof router

const endpoint = subscriptions(router, createContext, { maxStreamsPerClient: 20 }, console.log)
const app = express()
app.use('/trpc', createExpressMiddleware({ router, createContext }))
app.use('/live/:path', endpoint)
const server = app.listen(Number(process.env.PORT || 3000))
server.on('listening', () => {
  console.log(`tRPC is at http://localhost:${(server.address() as AddressInfo).port}`)
})

const shutDown = () => Promise.all([server.close(), endpoint.close(), hub.close()])
process.once('SIGINT', shutDown).once('SIGTERM', shutDown)
