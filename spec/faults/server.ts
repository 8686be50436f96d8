// A server as docs/operate/operating.md has it, in a process of its own. Arguments: events for each burst, milliseconds between.
// It prints its port, and then the kind of each reason that `terminate` is told.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { createHub, ndjson, resources, sse } from '../../lib/index.js'

const [, , count = '1', every = '10'] = process.argv

const hub = createHub()
const news = hub.channel<{ n: number; text: string }>('news', { history: 100 })
const endpoint = resources({
  '/stream': {
    contentTypesProvided: [sse(), ndjson()],
    subscribe: news,
    terminate: ({ kind }) => console.log(kind),
  },
  '/rest': { contentTypesProvided: { 'application/json': () => ({ is: 'served' }) } },
})
const app = express()
app.use(endpoint as express.RequestHandler)

let n = 0
const publishing = setInterval(() => {
  for (let each = 0; each < Number(count); each++) void news.publish({ n: n++, text: 'x'.repeat(100) })
}, Number(every))

const server = createServer(app)
server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port))

process.once('SIGTERM', async () => {
  const closed = new Promise((resolve) => server.close(resolve))
  await endpoint.close({ over: 50 })
  await hub.close()
  setTimeout(() => server.closeAllConnections(), 5000).unref()
  await closed
  clearInterval(publishing)
  process.exit()
})
