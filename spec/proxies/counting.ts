import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { event, loop, sse } from '../../lib/index.js'

// A server that is started to be killed: three events after the last that a client has seen, and no end.

const endpoint = loop({
  format: sse(),
  subscribe: async function* ({ lastEventId, signal }) {
    const seen = Number(lastEventId ?? 0)
    for (let id = seen + 1; id <= seen + 3; id++) yield event('', { id: String(id) })
    await once(signal, 'abort')
  },
})

const app = express().set('trust proxy', 1)
app.get('/health', (_req, res) => void res.end())
app.use(endpoint)

const server = createServer(app)
server.listen(Number(process.argv[2] ?? 0), '127.0.0.1', () => {
  process.send?.((server.address() as AddressInfo).port)
})
process.once('disconnect', () => process.exit())
