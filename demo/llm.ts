// An answer that outlives its page, token by token: a run of the model is a channel. Its reader may reload the page, or be
// another window, and gets all of it. The model begins with the first reader, and really stops when nobody has read for
// three seconds. docs/guide/channels.md#an-llms-answer
//
//   npx tsx demo/llm.ts                                                             # open http://localhost:3000
//   curl -i --json '{"prompt":"Hold on to","maxTokens":500}' localhost:3000/runs    # 201, and where the run is
//   curl -N localhost:3000/runs/…                                # Ctrl-C, and again: from its first token on
//   curl -N -H 'Accept: application/json' localhost:3000/runs/…                     # as an array
//   curl -i -X DELETE localhost:3000/runs/…                                         # 204; look at the others
//   curl -i --json '{"maxTokens":500}' localhost:3000/runs                          # 400, and what is wrong
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import express from 'express'
import { jsonArray, ndjson, resources, sse, stop } from '../lib/index.js' // elsewhere: 'express-lariat'
import { forget, hub, runs, start } from './llm/runs.js'

const idOf = ({ req }: { req: express.Request }) => String(req.params.id)

const endpoint = resources({
  '/runs': {
    allowedMethods: ['POST', 'OPTIONS'],
    contentTypesAccepted: {
      'application/json': async ({ json }) => {
        const { prompt, maxTokens = 20 } = Object(await json()) as { prompt?: unknown; maxTokens?: unknown }
        if (typeof prompt !== 'string') return stop(400, { detail: 'prompt: expected a string' })
        if (!Number.isInteger(maxTokens)) return stop(400, { detail: 'maxTokens: expected a whole number' })
        return { created: `/runs/${start(prompt, Math.min(Math.max(Number(maxTokens), 1), 1000))}` }
      },
    },
  },
  '/runs/:id': {
    allowedMethods: ['GET', 'HEAD', 'DELETE', 'OPTIONS'],
    resourceExists: (context) => runs.has(idOf(context)),
    deleteResource: (context) => forget(idOf(context)),
    contentTypesProvided: [sse(), ndjson(), jsonArray()],
    subscribe: (context) => runs.get(idOf(context))?.from('earliest'),
    stream: { endEvent: true, interrupted: 'cut' }, // an answer that is not whole must not look whole
  },
})

const page = fileURLToPath(new URL('llm/page.html', import.meta.url))
const app = express()
app.get('/', (_req, res) => res.sendFile(page))
app.use(endpoint)
const server = app.listen(Number(process.env.PORT || 3000))
server.on('listening', () => {
  console.log(`The model is at http://localhost:${(server.address() as AddressInfo).port}`)
})

const shutDown = () => Promise.all([server.close(), endpoint.close().then(() => hub.close())])
process.once('SIGINT', shutDown).once('SIGTERM', shutDown)
