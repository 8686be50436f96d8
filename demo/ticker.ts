// A price ticker: one source, four formats. The client chooses by Accept; the source knows of no format.
// Nothing ticks while nobody listens: the first stream starts the source, and it stops three seconds after the last one
// has left. docs/guide/formats.md, docs/guide/channels.md#sources
//
//   npx tsx demo/ticker.ts
//   curl -N localhost:3000/prices                              # Server-Sent Events
//   curl -N -H 'Accept: application/x-ndjson' localhost:3000/prices
//   curl -N -H 'Accept: text/csv' localhost:3000/prices
//   curl -N -H 'Accept: multipart/mixed' localhost:3000/prices
//   curl -i -H 'Accept: text/html' localhost:3000/prices       # 406, and what there is
import type { AddressInfo } from 'node:net'
import express from 'express'
import { createHub, csv, multipart, ndjson, resource, sse } from '../lib/index.js' // elsewhere: 'express-lariat'

const hub = createHub()

const prices = hub.channel<{ symbol: string; price: number; at: Date }>('prices', {
  linger: 3000,
  source: (channel) => {
    console.log('Somebody listens: it ticks')
    let price = 100
    const timer = setInterval(() => {
      price = Math.round(price * (99 + 2 * Math.random())) / 100
      void channel.publish({ symbol: 'ABC', price, at: new Date() })
    }, 250)
    return () => {
      clearInterval(timer)
      console.log('Nobody has listened for three seconds: it has stopped')
    }
  },
})

const endpoint = resource({
  contentTypesProvided: [
    sse(),
    ndjson(),
    csv({ columns: ['symbol', 'price', 'at'] }),
    multipart('application/json'),
  ],
  subscribe: prices,
})

const app = express().use('/prices', endpoint)
const server = app.listen(Number(process.env.PORT || 3000))
server.on('listening', () => {
  console.log(`The ticker is at http://localhost:${(server.address() as AddressInfo).port}/prices`)
})

const shutDown = () => Promise.all([server.close(), endpoint.close(), hub.close()])
process.once('SIGINT', shutDown).once('SIGTERM', shutDown)
