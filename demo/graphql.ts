// GraphQL over SSE, in distinct connections mode: a subscription's resolver may return a channel. Streams have limits,
// heartbeats and a graceful restart; a client that names its last id misses nothing, or is told. The client is that of
// graphql-sse, which Apollo, urql and Relay take as it is. To copy: graphql/over-sse.ts; docs/recipes/graphql.md
//
//   npx tsx demo/graphql.ts
//   curl -N localhost:3000/graphql --json '{"query":"subscription { posted(topic: tea) { text at } }"}' # in another terminal:
//   curl -N localhost:3000/graphql --json '{"query":"mutation { post(topic: tea, text: \"Milk first?\") }"}'
//   curl -N localhost:3000/graphql --json '{"query":"{ posts(topic: tea) { text } }"}'
//   curl -N localhost:3000/graphql --json '{"query":"{ cups }"}'                    # errors, as a stream tells them
import type { AddressInfo } from 'node:net'
import express from 'express'
import { buildSchema } from 'graphql'
import { createHub } from '../lib/index.js' // elsewhere: 'express-lariat'
import { overSse } from './graphql/over-sse.js'

const schema = buildSchema(`
  enum Topic { tea coffee }
  type Post { topic: Topic! text: String! at: String! }
  type Query { posts(topic: Topic!): [Post!]! }
  type Mutation { post(topic: Topic!, text: String!): ID! }
  type Subscription { posted(topic: Topic!): Post! countdown(from: Int!): Int! }
`)

interface Post {
  topic: string
  text: string
  at: string
}

const hub = createHub()
const posts = hub.channel<Post>('posts', { history: 1000 })
const all: Post[] = []
const rootValue = {
  posts: ({ topic }: Post) => all.filter((post) => post.topic === topic),
  post({ topic, text }: Post) {
    const at = new Date().toJSON()
    all.push({ topic, text, at })
    return posts.publish({ topic, text, at })
  },
  posted: ({ topic }: Post) => posts.filter((post) => post.topic === topic).map((posted) => ({ posted })),
  countdown({ from }: { from: number }) {
    if (from > 100) throw new Error(`From ${from}? That takes too long`)
    return down(from)
  },
}

async function* down(from: number) {
  for (let countdown = from; countdown >= 0; countdown--) yield { countdown }
}

const endpoint = overSse({ schema, rootValue, log: console.log }, { maxStreamsPerClient: 20 })
const app = express().use('/graphql', endpoint)
const server = app.listen(Number(process.env.PORT || 3000))
server.on('listening', () => {
  console.log(`GraphQL is at http://localhost:${(server.address() as AddressInfo).port}/graphql`)
})

const shutDown = () => Promise.all([server.close(), endpoint.close(), hub.close()])
process.once('SIGINT', shutDown).once('SIGTERM', shutDown)
