// An endpoint for OpenAI's clients, and for all that speak as they do: Chat Completions and Responses. The body says whether
// the answer is JSON or a stream. A client that leaves stops the model. A model that fails before its first token is an
// answer with a status of its own; one that fails later says so in the stream.
//
//   npx tsx demo/openai.ts        # for any client: baseURL http://localhost:3000/v1, and any key
//   curl -N --json '{"model":"rope-1","messages":[{"role":"user","content":"Hold on to"}],"stream":true}' localhost:3000/v1/chat/completions
//   curl --json '{"model":"rope-1","messages":[{"role":"user","content":"Hold on to"}]}' localhost:3000/v1/chat/completions
//   curl -N --json '{"model":"rope-1","input":"Throw the","stream":true}' localhost:3000/v1/responses
//   curl --json '{"model":"rope-1","input":"Throw the","max_output_tokens":3}' localhost:3000/v1/responses
//   curl -i --json '{"model":"rope-9","input":"Throw the"}' localhost:3000/v1/responses                      # 404: no such model
//   curl -i --json '{"model":"busy-rope-1","input":"Throw the","stream":true}' localhost:3000/v1/responses   # 503, no stream yet
//   curl -N --json '{"model":"frayed-rope-1","input":"Throw the","stream":true}' localhost:3000/v1/responses # breaks in mid-stream
//   curl localhost:3000/v1/models
import type { AddressInfo } from 'node:net'
import express from 'express'
import { event, type Format, type Problem, resource, resources, sse } from '../lib/index.js' // elsewhere: 'express-lariat'
import { type Asked, askedBy, Failure, models, speak, told } from './openai/asked.js'
import * as completions from './openai/completions.js'
import * as responses from './openai/responses.js'

/** How one of the two APIs asks and answers. */
interface Api {
  prompt: 'messages' | 'input'
  format: Format
  whole(asked: Asked, tokens: AsyncIterable<string>): Promise<object>
  pieces(asked: Asked, tokens: AsyncIterable<string>): AsyncIterable<object>
}

const chat: Api = {
  prompt: 'messages',
  format: sse({
    notice(kind, { error }) {
      if (kind === 'end') return '[DONE]'
      return kind === 'error' ? event(told(error)) : undefined
    },
  }),
  whole: completions.whole,
  pieces: completions.chunks,
}

// its events tell the end and the failure themselves
const response: Api = {
  prompt: 'input',
  format: sse({ notice: () => undefined }),
  whole: responses.whole,
  pieces: responses.events,
}

const answering = ({ prompt, format, whole, pieces }: Api) =>
  resource({
    allowedMethods: ['POST', 'OPTIONS'],
    contentTypesAccepted: {
      'application/json': async ({ json, signal }) => {
        const asked = askedBy(await json(), prompt)
        return asked.stream ? format : { body: await whole(asked, speak(asked, signal)) }
      },
    },
    subscribe: async ({ json, signal }) => {
      const asked = askedBy(await json(), prompt)
      return pieces(asked, speak(asked, signal))
    },
    stream: { head: 'first', endEvent: true, errorEvent: 'complete' },
    decisionTimeout: 600_000, // a whole answer, or a first token, may take its time
    terminate() {}, // each failure has been told
  })

const model = (id: string) => ({ id, object: 'model', created: 0, owned_by: 'demo' })

const endpoint = resources(
  {
    '/v1/chat/completions': answering(chat),
    '/v1/responses': answering(response),
    '/v1/models': {
      contentTypesProvided: { 'application/json': () => ({ object: 'list', data: models.map(model) }) },
    },
  },
  // what the library refuses, such as a body that is no JSON
  { problem: ({ status, title, detail }: Problem) => ({ body: told(new Failure(status, detail ?? title)) }) },
)

const app = express().use(endpoint)
app.use((req, _res, next) => next(new Failure(404, `Unknown request URL: ${req.method} ${req.path}`)))
app.use(((error, _req, res, _next) => {
  res.status(error.status ?? 500).json(told(error))
}) satisfies express.ErrorRequestHandler)

const server = app.listen(Number(process.env.PORT || 3000))
server.keepAliveTimeout = 65_000 // longer than clients and proxies keep a connection that they will use again
server.on('listening', () => {
  console.log(`The models are at http://localhost:${(server.address() as AddressInfo).port}/v1`)
})

const shutDown = () => Promise.all([server.close(), endpoint.close()])
process.once('SIGINT', shutDown).once('SIGTERM', shutDown)
