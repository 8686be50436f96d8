import { expect } from 'chai'
import cookieParser from 'cookie-parser'
import type { RequestHandler } from 'express'
import session, { type SessionOptions } from 'express-session'
import { type LoopContext, loop, ndjson, resource, sse } from '../../lib/index.js'
import { onBoth } from '../support/http.js'
import { Log } from '../support/log.js'
import { stage, staged, turns } from '../support/stage.js'

/** A store in memory that says what is done to it, and answers later, as one in a database does. */
class Store extends session.MemoryStore {
  readonly log = new Log()

  override set(...[id, data, done]: Parameters<session.MemoryStore['set']>): void {
    this.log.add('set')
    setImmediate(() => super.set(id, data, done))
  }

  override touch(...[id, data, done]: Parameters<session.MemoryStore['touch']>): void {
    this.log.add('touch')
    setImmediate(() => super.touch(id, data, done))
  }
}

/** A session as it is commonly set up, and an endpoint that holds. */
async function held(options: Partial<SessionOptions>, more: readonly RequestHandler[] = []) {
  const store = new Store()
  const log = new Log()
  const contexts: LoopContext<undefined>[] = []
  const site = await stage.now.serve(
    loop({
      format: ndjson(),
      subscribe: (context) => void contexts.push(context),
      terminate: ({ kind }) => log.add(kind),
    }),
    {
      before: [
        session({ secret: 'rope', resave: false, saveUninitialized: false, ...options, store }),
        (req, res, next) => {
          if (req.path !== '/login') return next()
          Object.assign(req.session, { user: 'ada' })
          res.sendStatus(204)
        },
        ...more,
      ],
    },
  )
  const login = async () => {
    const { headers } = await site.get('/login').whole()
    store.log.entries.length = 0
    return { Cookie: headers['set-cookie']!.split(';', 1)[0]! }
  }
  const open = async (headers: Record<string, string> = {}) => {
    const client = site.get('/', { headers })
    await client.head()
    return { client, context: contexts.at(-1)! }
  }
  return { site, store, log, login, open }
}

onBoth('Behind express-session (docs/guide/existing-app.md)', () => {
  staged()

  it('a stream arrives at once, and its complete end is whole, with a store that takes its time', async () => {
    const { open, login } = await held({})
    const { client, context } = await open(await login())
    for (const n of [1, 2]) {
      expect(context.write(n)).to.equal('ok')
      await client.until(`${n}\n`)
    }
    context.stream.close()
    expect((await client.whole()).body).to.equal('1\n2\n')
    // the connection takes another
    await client.ask('/').head()
  })

  it('a new session’s cookie goes out with the head, `saveUninitialized`; the session is saved at the end', async () => {
    const { open, store } = await held({ saveUninitialized: true })
    const { client, context } = await open()
    expect(client.message.headers['set-cookie']).to.match(/^connect\.sid=.*HttpOnly$/)
    expect(store.log.entries).to.deep.equal([])
    context.stream.close()
    await client.whole()
    expect(store.log.entries).to.deep.equal(['set'])
  })

  it('a session that was changed before is saved at the end; `save()` in `subscribe` does so at once', async () => {
    const store = new Store()
    const site = await stage.now.serve(
      loop({
        format: sse(),
        subscribe: ({ req }) => new Promise<void>((resolve) => req.session.save(() => resolve())),
      }),
      {
        before: [
          session({ secret: 'rope', resave: false, saveUninitialized: false, store }),
          (req, _res, next) => next(void Object.assign(req.session, { visits: 1 })),
        ],
      },
    )
    const client = site.get()
    expect((await client.head()).headers).to.have.property('set-cookie')
    expect(store.log.entries).to.deep.equal(['set'])
    client.leave()
  })

  it('`rolling` sends the cookie again with the head, and the store is touched at the end', async () => {
    const { open, login, store } = await held({ rolling: true, cookie: { maxAge: 60_000 } })
    const { client, context } = await open(await login())
    expect(client.message.headers['set-cookie']).to.include('Expires=')
    expect(store.log.entries).to.deep.equal([])
    context.stream.close()
    await client.whole()
    expect(store.log.entries).to.deep.equal(['touch'])
  })

  it('a session that is not there gets no cookie, and the store is left alone', async () => {
    const { open, store } = await held({})
    const { client, context } = await open()
    expect(client.message.headers).not.to.have.property('set-cookie')
    context.stream.close()
    await client.whole()
    expect(store.log.entries).to.deep.equal([])
  })

  it('a client that leaves ends the loop; the package saves and touches nothing then', async () => {
    const { open, login, store, log } = await held({ rolling: true, resave: true })
    const { client } = await open(await login())
    client.leave()
    await log.until('disconnect')
    await turns()
    expect(store.log.entries).to.deep.equal([])
  })

  it('with `resave: false` the end of a stream does not bring back a session that was destroyed meanwhile', async () => {
    for (const [resave, left] of [
      [false, 0],
      // why the page says so
      [true, 1],
    ] as const) {
      const { open, login, store } = await held({ resave })
      const { client, context } = await open(await login())
      store.destroy(context.req.sessionID)
      context.stream.close()
      await client.whole()
      await turns()
      const sessions = await new Promise<object>((resolve) => store.all((_error, all) => resolve(all!)))
      expect(Object.keys(sessions), `resave: ${resave}`).to.have.length(left)
    }
  })

  it('a session that cannot be saved at the end is for the app’s error handler; the stream is whole', async () => {
    const { open, login, store } = await held({ resave: true })
    store.set = (_id, _data, done) => void setImmediate(() => done?.(new Error('the store is away')))
    const { client, context } = await open(await login())
    context.write('before')
    context.stream.close()
    expect((await client.whole()).body).to.equal('"before"\n')
    await turns()
    expect(stage.now.errors.map(String)).to.deep.equal(['Error: the store is away'])
  })

  it('plain answers are whole: a body, a refusal, a 304, HEAD and OPTIONS', async () => {
    const site = await stage.now.serve(
      resource({ contentTypesProvided: { 'text/plain': () => 'hello' }, generateEtag: '"1"' }),
      { before: [session({ secret: 'rope', resave: true, saveUninitialized: true, store: new Store() })] },
    )
    for (const [status, body, method, headers] of [
      [200, 'hello', 'GET', {}],
      [406, /^{"type":"about:blank".*}$/, 'GET', { Accept: 'image/png' }],
      [304, '', 'GET', { 'If-None-Match': '"1"' }],
      [200, '', 'HEAD', {}],
      [200, '', 'OPTIONS', {}],
    ] as const) {
      const message = await site.get('/', { method, headers }).whole()
      expect(message.status).to.equal(status)
      expect(message.headers).to.have.property('set-cookie')
      expect(message.body).to.match(body instanceof RegExp ? body : new RegExp(`^${body}$`))
    }
  })

  it('signed cookies of cookie-parser are there for every callback', async () => {
    const cookies = cookieParser('rope')
    const site = await stage.now.serve(
      resource({
        isAuthorized: ({ req }) => req.signedCookies.user === 'ada' || 'Session realm="news"',
        contentTypesProvided: [sse()],
        subscribe: ({ req }) => [req.signedCookies.user],
      }),
      {
        before: [
          cookies,
          (req, res, next) =>
            req.path === '/login' ? void res.cookie('user', 'ada', { signed: true }).sendStatus(204) : next(),
        ],
      },
    )
    const { headers } = await site.get('/login').whole()
    const Cookie = headers['set-cookie']!.split(';', 1)[0]!
    expect((await site.get('/', { headers: { Cookie } }).whole()).body).to.include('data: ada')
    expect((await site.get('/', { headers: { Cookie: `${Cookie}x` } }).whole()).status).to.equal(401)
  })
})
