// A chat: POST a message, GET the messages. A client that reconnects sends the last id it saw and receives every later
// message, once and in order, and then the live ones.
//
//   npx tsx demo/rooms.ts
//   curl -N localhost:3000/rooms/tea                                                # stays; in another terminal:
//   curl -i --json '{"from":"Ada","text":"Milk first?"}' localhost:3000/rooms/tea   # 204
//   curl -N 'localhost:3000/rooms/tea?lastEventId=earliest'                         # all that was said, and goes on
//   curl -N -H 'Last-Event-ID: 1f0c-1' localhost:3000/rooms/tea                     # put an id that you have got
//   curl -H 'Accept: application/json' localhost:3000/rooms/tea                     # all that was said, and ends
//   curl -i --json '{"from":"Ada"}' localhost:3000/rooms/tea                        # 400, and what is wrong
//   curl -i localhost:3000/rooms/attic                                              # 404, and which rooms there are
import type { AddressInfo } from 'node:net'
import express from 'express'
import { createHub, jsonArray, ndjson, resource, sse, stop } from '../lib/index.js' // elsewhere: 'express-lariat'

interface Message {
  from: string
  text: string
}

const hub = createHub()
const names = ['tea', 'coffee']
const rooms = new Map(names.map((name) => [name, hub.channel<Message>(name, { history: 1000 })]))

const room = resource({
  init: ({ req }) =>
    rooms.get(String(req.params.room)) ?? stop(404, { detail: `The rooms are ${names.join(' and ')}.` }),
  allowedMethods: ['GET', 'HEAD', 'POST', 'OPTIONS'],
  contentTypesProvided: {
    'text/event-stream': sse(),
    'application/x-ndjson': ndjson(),
    'application/json': ({ state: channel }) => jsonArray().once(channel.replay('earliest')),
  },
  contentTypesAccepted: {
    'application/json': async ({ state: channel, json }) => {
      const { from, text } = Object(await json()) as { from?: unknown; text?: unknown }
      if (!isText(from)) return stop(400, { detail: 'from: expected 1 to 500 characters' })
      if (!isText(text)) return stop(400, { detail: 'text: expected 1 to 500 characters' })
      await channel.publish({ from, text })
      return true
    },
  },
  subscribe: ({ state: channel }) => channel,
})

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== '' && value.length <= 500
}

const app = express().all('/rooms/:room', room)
const server = app.listen(Number(process.env.PORT || 3000))
server.on('listening', () => {
  console.log(`The rooms are at http://localhost:${(server.address() as AddressInfo).port}/rooms/tea`)
})

const shutDown = () => Promise.all([server.close(), room.close()])
process.once('SIGINT', shutDown).once('SIGTERM', shutDown)
