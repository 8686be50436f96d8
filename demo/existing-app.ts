// A stream behind common middleware and a login: a user who logs out loses it within a second. docs/guide/existing-app.md
//
//   npx tsx demo/existing-app.ts
//   curl -i localhost:3000/news                                         # 401
//   curl -i -c jar -d 'name=bob&password=loop' localhost:3000/login     # 204
//   curl -i -b jar localhost:3000/news                                  # 403: bob may not read it
//   curl -i -c jar -d 'name=ada&password=rope' localhost:3000/login     # 204
//   curl -N -b jar localhost:3000/news                                  # goes on; then, in another terminal:
//   curl -b jar 'localhost:3000/inspector/feed?view=streams'            # what is open; /inspector/ is a page
//   curl -i -b jar -X POST localhost:3000/logout                        # 204
import type { AddressInfo } from 'node:net'
import { setInterval } from 'node:timers/promises'
import { promisify } from 'node:util'
import compression from 'compression'
import cors from 'cors'
import express, { type Request } from 'express'
import session from 'express-session'
import helmet from 'helmet'
import morgan from 'morgan'
import { resource, sse } from '../lib/index.js' // elsewhere: 'express-lariat'
import { inspector } from '../lib/inspector.js' // 'express-lariat/inspector'

declare module 'express-session' {
  interface SessionData {
    user: string
  }
}

const passwords: Record<string, string> = { ada: 'rope', bob: 'loop' } // hard-coded: for the demo only
const app = express()
app.use(morgan('tiny'), helmet(), cors({ origin: 'http://localhost:5173', credentials: true }), compression())
app.use(express.json(), express.urlencoded())
app.use(session({ secret: crypto.randomUUID(), resave: false, saveUninitialized: false }))
app.get('/me', (req, res) => res.json({ user: req.session.user ?? null }))
app.post('/login', async (req, res) => {
  const { name, password } = req.body ?? {}
  if (!password || passwords[name] !== password) return res.sendStatus(401)
  await promisify(req.session.regenerate.bind(req.session))()
  req.session.user = name
  res.sendStatus(204)
})
app.post('/logout', (req, res) => req.session.destroy((error) => res.sendStatus(error ? 500 : 204)))

/** Asks the store: the `req.session` of a request that is held stays as it was when the request came. */
const userOf = async ({ sessionStore: store, sessionID }: Request) =>
  (await promisify(store.get.bind(store))(sessionID))?.user

const news = resource({
  isAuthorized: async ({ req }) => (await userOf(req)) !== undefined || 'Session realm="news"',
  forbidden: async ({ req }) => (await userOf(req)) !== 'ada',
  contentTypesProvided: [sse()],
  subscribe: ({ signal }) => setInterval(500, 'No news is good news.', { signal }),
  stream: { reauthorize: 1000, endEvent: true, interrupted: 'complete' }, // the clock has no end to reach
})
app.use('/news', news)
app.use('/inspector', inspector({ of: news, isAuthorized: async ({ req }) => (await userOf(req)) === 'ada' }))
const server = app.listen(Number(process.env.PORT || 3000))
server.on('listening', () => {
  console.log(`The app is at http://localhost:${(server.address() as AddressInfo).port}`)
})
