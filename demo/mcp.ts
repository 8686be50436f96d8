// A server of the Model Context Protocol over Streamable HTTP, with resume. Each call of a tool is a channel: a client whose
// connection breaks comes back with the last id that it saw and gets the rest, once and in order, while the tool goes on.
// What the server offers, under the names that the conformance suite asks for, is in mcp/offers.ts.
//
//   npx tsx demo/mcp.ts
//   curl -i --json '{"jsonrpc":"2.0","id":1,"method":"initialize"}' localhost:3000/mcp   # and its Mcp-Session-Id
//   curl -i --json '{"jsonrpc":"2.0","id":2,"method":"ping"}' localhost:3000/mcp         # 400: of which session?
//   curl -i -H 'Origin: http://evil.example' localhost:3000/mcp                          # 403: a page of somebody else
//   npx @modelcontextprotocol/conformance server --suite all --url http://localhost:3000/mcp
import type { AddressInfo } from 'node:net'
import express from 'express'
import { createHub, event, merge, resource, sse, stop } from '../lib/index.js' // elsewhere: 'express-lariat'
import { type Message, type Session, Sessions, speaks } from './mcp/session.js'

const hub = createHub()

/** What a session says on one of its streams. It is merged, so that its name is in its ids: they tell which stream it was. */
const channelOf = (id: string, stream: number) =>
  hub.channel<object>(`${id}.${stream}`, { history: 1000, maxAge: 300_000 })

const sessions = new Sessions({
  say: (id, stream, message) => channelOf(id, stream).publish(message),
  forget: (id, stream) => hub.delete(`${id}.${stream}`),
  hangUp,
})

function hangUp(id: string, stream: number, but?: object) {
  for (const held of mcp.streams)
    if (held.state !== but && held.state.session?.id === id && held.state.stream === stream) held.close()
}

/** Runs a tool to its end, whether its client is there or not. */
async function run(session: Session, stream: number, message: Message) {
  const reply = await session.answer(message, stream)
  if (reply) await channelOf(session.id, stream).publish(reply)
  await channelOf(session.id, stream).end()
}

const mcp = resource({
  init: ({ req }) => ({ session: sessions.seen(req.get('mcp-session-id')), stream: 0 }),
  allowedMethods: ['GET', 'POST', 'DELETE', 'OPTIONS'],
  malformedRequest: ({ req, state: { session } }) => {
    const hosts = [`http://${req.get('host')}`, req.get('origin') ?? 'http://localhost']
    if (!hosts.every((host) => /^http:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/.test(host)))
      return stop(403)
    if (!speaks(req.get('mcp-protocol-version'))) return stop(400, { detail: 'Unknown MCP-Protocol-Version' })
    if (session || (req.method === 'POST' && !req.get('mcp-session-id'))) return false
    return stop(404, { detail: 'Mcp-Session-Id: expected that of a session which is not over' })
  },
  contentTypesAccepted: {
    'application/json': async ({ json, state, res, negotiated }) => {
      const message = Object(await json()) as Message
      if (message.jsonrpc !== '2.0') return stop(400, { detail: 'Expected one message of JSON-RPC 2.0' })
      if (message.method === 'initialize') state.session = sessions.open()
      const { session } = state
      if (!session) return stop(400, { detail: 'Mcp-Session-Id: expected one' })
      res.set('Mcp-Session-Id', session.id)
      if (message.method === undefined || message.id === undefined) return session.take(message) ?? stop(202)
      if (negotiated.mediaType === 'application/json')
        return { body: (await session.answer(message)) ?? null }
      state.stream = ++session.streams
      run(session, state.stream, message).catch(() => {}) // the session was closed meanwhile
      return negotiated.format
    },
  },
  contentTypesProvided: {
    // a message without data, as MCP wants it, tells a client at once where it is
    'text/event-stream': sse({
      notice: (kind, { id, ...details }) =>
        kind === 'position' ? event('', { id }) : event(details, { type: kind, id }),
    }),
    'application/json': () => stop(406),
  },
  subscribe: ({ lastEventId = '', state }) => {
    const [, was = state.stream] = /^\w+\.(\d+)=/.exec(lastEventId) ?? []
    state.stream = Number(was)
    if (!state.session) return undefined
    hangUp(state.session.id, state.stream, state) // a message goes to one connection: the latest
    return merge(channelOf(state.session.id, state.stream)).from('earliest')
  },
  deleteResource: async ({ state: { session } }) => {
    await session?.close()
    return true
  },
  problem: ({ title, detail = title }) => ({
    body: { jsonrpc: '2.0', id: null, error: { code: -32600, message: detail } },
  }),
  stream: { retry: 500, maxDuration: 1_800_000 }, // comes back before its session is forgotten
})

const server = express()
  .all('/mcp', mcp)
  .listen(Number(process.env.PORT || 3000))
server.on('listening', () => {
  console.log(`The server is at http://localhost:${(server.address() as AddressInfo).port}/mcp`)
})

const shutDown = () => Promise.all([server.close(), mcp.close()])
process.once('SIGINT', shutDown).once('SIGTERM', shutDown)
