// A user's notifications on one stream: those for him, for his teams, and for all. Who reconnects gets what he has missed of
// each, whichever teams he is in by then. Who is online is told by `join` and `leave`, with the state of the stream.
//
//   npx tsx demo/notifications.ts                                           # and open http://localhost:3000/?user=ada
//   curl -N localhost:3000/notifications/ada                                # stays; in another terminal:
//   curl -i --json '{"text":"Tea?"}' localhost:3000/notify/user:ada         # 204
//   curl -i --json '{"text":"Milk is out"}' localhost:3000/notify/team:tea  # 204, to all of the team
//   curl -i --json '{"text":"Closing at 6"}' localhost:3000/notify/all      # 204
//   curl -i -X PUT localhost:3000/teams/coffee/ada                          # 204, from the next visit on
//   curl -N 'localhost:3000/notifications/ada?lastEventId=earliest'         # all that there was for her, and goes on
//   curl localhost:3000/online                                              # who is there
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import express from 'express'
import { createHub, merge, ndjson, type OpenStream, resource, sse, stop } from '../lib/index.js' // elsewhere: 'express-lariat'

const hub = createHub()
const channelOf = (name: string) => hub.channel<{ text: string }>(name, { history: 100 })
const users = new Set(['ada', 'bob'])
const members = new Map([['tea', new Set(['ada', 'bob'])]]).set('coffee', new Set(['bob']))
const all = channelOf('all')

const online = new Map<string, string>()
all.on('join', ({ id, state }: OpenStream<{ user: string }>) => online.set(id, state.user))
all.on('leave', ({ id }) => online.delete(id))

const notifications = resource({
  init: ({ req }) => {
    const user = String(req.params.user)
    return users.has(user) ? { user } : stop(404, { detail: 'There is no such user.' })
  },
  contentTypesProvided: [sse(), ndjson()],
  subscribe: ({ state: { user } }) => {
    const teams = [...members.keys()].filter((team) => members.get(team)?.has(user))
    return merge(channelOf(`user:${user}`), ...teams.map((team) => channelOf(`team:${team}`)), all)
  },
})

const app = express().use(express.json()).all('/notifications/:user', notifications)
app.get('/', (_req, res) => res.sendFile(fileURLToPath(new URL('notifications/page.html', import.meta.url))))
app.post('/notify/:name', async ({ params: { name }, body }, res) => {
  const [kind, who = ''] = name.split(':')
  const isKnown = kind === 'user' ? users.has(who) : kind === 'team' ? members.has(who) : name === 'all'
  if (isKnown && typeof body?.text === 'string') await channelOf(name).publish({ text: body.text })
  res.sendStatus(!isKnown ? 404 : typeof body?.text === 'string' ? 204 : 400)
})
app.put('/teams/:team/:user', ({ params: { team, user } }, res) =>
  res.sendStatus(members.get(team)?.add(user) ? 204 : 404),
)
app.get('/online', (_req, res) => res.json([...new Set(online.values())]))
const server = app.listen(Number(process.env.PORT || 3000))
server.on('listening', () => {
  console.log(
    `The notifications are at http://localhost:${(server.address() as AddressInfo).port}/notifications/ada`,
  )
})

const shutDown = () => Promise.all([server.close(), notifications.close()])
process.once('SIGINT', shutDown).once('SIGTERM', shutDown)
