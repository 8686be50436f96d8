// A server of the Durable Streams Protocol, each stream of which is a channel: in memory, or on Redis, where streams outlive
// the process. PUT makes one, POST appends to it, GET reads it from an offset: what there is, the next (long-poll), or live
// (SSE). What requests may say is in durable-streams/headers.ts, what they do in writing.ts, what a stream is in stream.ts.
//
//   npx tsx demo/durable-streams.ts                                       # REDIS_URL=redis://localhost:6379 for Redis
//   curl -i -X PUT -H 'Content-Type: text/plain' localhost:3000/streams/tea     # 201
//   curl -i -H 'Content-Type: text/plain' -d 'Milk first' localhost:3000/streams/tea          # 204
//   curl -i localhost:3000/streams/tea                                    # all that there is, and Stream-Next-Offset
//   curl -N 'localhost:3000/streams/tea?offset=-1&live=sse'               # that, and what follows
//   curl -i -X POST -H 'Stream-Closed: true' localhost:3000/streams/tea   # 204, for good
//   curl -i -X DELETE localhost:3000/streams/tea                          # 204
//   curl -i localhost:3000/streams/tea                                    # 404
import type { AddressInfo } from 'node:net'
import express from 'express'
import { type Event, event, resource, stop } from '../lib/index.js' // elsewhere: 'express-lariat'
import { answered, askedOf } from './durable-streams/headers.js'
import { control, live, read, type State } from './durable-streams/reading.js'
import type { Deed } from './durable-streams/stream.js'
import { Streams } from './durable-streams/streams.js'
import { append, make } from './durable-streams/writing.js'

const streams = await Streams.on(process.env.REDIS_URL)

const endpoint = resource({
  init: async ({ req }): Promise<State> => {
    const stream = await streams.open(req.originalUrl.split('?')[0] ?? '')
    if (req.method === 'GET' && stream.config && !stream.isGone) await stream.touch()
    const asked = askedOf(req)
    const from = Math.min(asked.from, stream.tail)
    return { stream, asked, from, page: { chunks: [], end: stream.tail } }
  },
  allowedMethods: ['GET', 'HEAD', 'PUT', 'POST', 'DELETE', 'OPTIONS'],
  malformedRequest: ({ state: { asked } }) => Number.isNaN(asked.from),
  options: { 'Access-Control-Allow-Headers': '*', 'Access-Control-Allow-Methods': '*' },
  bodyLimit: 64 << 20,
  resourceExists: ({ state: { stream } }) => stream.config !== undefined && !stream.isGone,
  previouslyExisted: ({ state: { stream } }) => stream.isGone,
  allowMissingPost: false,
  contentTypesAccepted: {
    '*/*': async ({ req, bytes, state: { stream } }) => {
      const body = Buffer.from(await bytes())
      return stream.alone(() =>
        answered(async () => {
          await stream.refresh()
          return req.method === 'PUT' ? make(streams, stream, req, body) : append(stream, req, body)
        }),
      )
    },
  },
  deleteResource: ({ state: { stream } }) => stream.alone(() => streams.remove(stream)),
  negotiation: 'lenient',
  contentTypesProvided: ({ state: { stream, asked } }) =>
    asked.live === 'sse' ? [live] : { [stream.config?.type ?? 'application/octet-stream']: read },
  generateEtag: async ({ req, state }) => {
    const { stream, asked, from } = state
    if (req.method !== 'GET' || asked.live === 'sse') return undefined
    state.page = await stream.read(from)
    const isLasting = !asked.live && !asked.isNow
    return isLasting ? `"${stream.made}:${from}:${state.page.end}:${stream.isClosed}"` : undefined
  },
  headers: ({ state: { stream } }) => ({
    'Cache-Control': 'no-cache, no-transform',
    ...(!stream.isText && { 'Stream-SSE-Data-Encoding': 'base64' }),
  }),
  subscribe: ({ state, write }) => {
    const { stream, from } = state
    if (from >= stream.tail) write(control(state))
    return from >= stream.tail && stream.isClosed ? [] : stream.feed(from)
  },
  info: async ({ id = '', data }: Event<Deed>, { state, write }) => {
    const end = await state.stream.endAt(id)
    if (data.deletes) return stop()
    if (end === undefined) return
    const text = state.stream.textOf(data, state.from, end)
    state.from = end
    if (text) write(event(text, { type: 'data' }))
    write(control(state))
    if (data.closes) return stop()
  },
  onGap: () => stop(), // it was deleted, and made anew
  stream: { maxDuration: 60_000 },
})

const app = express()
app.use((_req, res, next) => {
  res.set({ 'Access-Control-Allow-Origin': '*', 'Access-Control-Expose-Headers': '*' })
  res.set({ 'Cross-Origin-Resource-Policy': 'cross-origin', 'X-Content-Type-Options': 'nosniff' })
  next()
})
app.use(endpoint)
const server = app.listen(Number(process.env.PORT || 3000))
server.keepAliveTimeout = 65_000 // longer than clients and proxies keep a connection that they will use again
server.on('listening', () => {
  console.log(`The streams are at http://localhost:${(server.address() as AddressInfo).port}/streams/…`)
})

const shutDown = () => Promise.all([server.close(), endpoint.close().then(() => streams.close())])
process.once('SIGINT', shutDown).once('SIGTERM', shutDown)
