// A chat for `useChat` of the AI SDK, whose answers outlive their page: a reload, or a second window, gets all of the answer
// and goes on with it; only the button stops the model. With Redis an answer outlives a restart of the server too.
//
//   npx tsx demo/chat.ts                        # open http://localhost:3000, twice; with Redis: REDIS_URL=redis://localhost
//   curl -N --json '{"id":"a","messages":[{"id":"1","role":"user","parts":[{"type":"text","text":"Throw the"}]}],"length":500}' localhost:3000/api/chat
//   curl -N localhost:3000/api/chat/a/stream              # all of the answer, wherever it has got to
//   curl -i -X DELETE localhost:3000/api/chat/a/stream       # 204: stops it
//   curl -i localhost:3000/api/chat/b/stream                 # 204: nothing to resume
//   curl -H 'Accept: application/json' localhost:3000/api/chat/a   # what was said
//   curl -N localhost:3000/api/chat/a                        # its turns, for another window
//   curl -i --json '{"id":"a"}' localhost:3000/api/chat      # 400, and what is wrong
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { UIMessage } from 'ai'
import express from 'express'
import { resource, resources, sse, stop, timeout } from '../lib/index.js' // elsewhere: 'express-lariat'
import { ai } from './chat/ai.js'
import { begin, close, end, reading, standOf, turns } from './chat/chats.js'

const idOf = ({ req }: { req: express.Request }) => String(req.params.id)

// the AI SDK's UI message stream: chunks and [DONE], and nothing else
const chunks = sse({ notice: (kind) => (kind === 'end' ? '[DONE]' : undefined) })
const streaming = {
  headers: { 'x-vercel-ai-ui-message-stream': 'v1' },
  stream: { endEvent: true, interrupted: 'cut' }, // a restart must not look like the end of an answer
  timeout: 5000,
} as const

/** An answer that has been silent for so long has lost its process. A model that thinks would publish a sign of life. */
const info = async (message: unknown, id: string, write: (message: unknown) => unknown) => {
  if (message === timeout) await end(id, { type: 'error', errorText: 'The answer was lost.' })
  else write(message)
}

const endpoint = resources({
  '/api/chat': resource({
    init: () => ({ id: '', answer: '' }),
    allowedMethods: ['POST', 'OPTIONS'],
    contentTypesAccepted: {
      'application/json': async ({ json, state }) => {
        const { id, messages, length = 20 } = Object(await json()) as Record<string, unknown>
        if (typeof id !== 'string') return stop(400, { detail: 'id: expected a string' })
        if (!isMessages(messages)) return stop(400, { detail: 'messages: expected some, with parts' })
        Object.assign(state, { id, answer: await begin(id, messages, Math.min(Number(length) || 20, 1000)) })
        return chunks
      },
    },
    subscribe: ({ state }) => reading(state.answer),
    info: (message, { state, write }) => info(message, state.id, write),
    ...streaming,
  }),
  '/api/chat/:id/stream': resource({
    allowedMethods: ['GET', 'HEAD', 'DELETE', 'OPTIONS'],
    contentTypesProvided: [chunks],
    deleteResource: async (context) => end(idOf(context), { type: 'abort' }).then(() => true),
    subscribe: async (context) => {
      const { answer } = await standOf(idOf(context))
      return answer === undefined ? stop(204) : reading(answer)
    },
    info: (message, context) => info(message, idOf(context), context.write),
    ...streaming,
  }),
  '/api/chat/:id': resource({
    contentTypesProvided: {
      'text/event-stream': sse(),
      'application/json': (context) => standOf(idOf(context)),
    },
    subscribe: (context) => turns(idOf(context)).from({ last: 1 }),
  }),
})

function isMessages(value: unknown): value is UIMessage[] {
  return Array.isArray(value) && value.length > 0 && value.every((each) => hasParts(Object(each)))
}

function hasParts({ parts }: { parts?: unknown }): boolean {
  return Array.isArray(parts) && parts.every((part) => typeof Object(part).type === 'string')
}

const app = express().use(endpoint)
app.get('/', (_req, res) => res.sendFile(fileURLToPath(new URL('chat/page.html', import.meta.url))))
app.get('/ai.js', ai())

const server = app.listen(Number(process.env.PORT || 3000))
server.on('listening', () => {
  console.log(`The chat is at http://localhost:${(server.address() as AddressInfo).port}`)
})

const shutDown = () => Promise.all([server.close(), endpoint.close().then(close)])
process.once('SIGINT', shutDown).once('SIGTERM', shutDown)
