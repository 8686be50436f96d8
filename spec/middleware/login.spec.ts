import { expect } from 'chai'
import type { RequestHandler } from 'express'
import { auth, requiredScopes } from 'express-oauth2-jwt-bearer'
import { SignJWT } from 'jose'
import passport from 'passport'
import { Strategy } from 'passport-http-bearer'
import { type Context, ndjson, type Request, resource, sse } from '../../lib/index.js'
import { onBoth } from '../support/http.js'
import { Log } from '../support/log.js'
import { stage, staged } from '../support/stage.js'

const bearer = (token: string) => ({ Authorization: `Bearer ${token}` })

const provided = { contentTypesProvided: { 'text/event-stream': sse(), 'text/plain': () => 'hello' } }

onBoth('With passport (docs/guide/existing-app.md)', () => {
  staged()

  const users = new Map<string, { name: string }>()
  beforeEach(() => {
    users.clear()
    users.set('ada', { name: 'Ada' })
  })
  const strategy = new Strategy((token, done) =>
    setImmediate(() =>
      token === 'away' ? done(new Error('no database')) : done(null, users.get(token) ?? false),
    ),
  )

  /** As on the page. */
  const authenticated = ({ req, res }: Context<undefined>): Promise<true | string> =>
    new Promise((resolve, reject) => {
      const answer = (error: unknown, user?: Express.User | false, challenge?: string) => {
        if (error) return reject(error)
        if (user) req.user = user
        resolve(user ? true : (challenge ?? 'Bearer realm="Users"'))
      }
      passport.authenticate(strategy, { session: false }, answer)(req, res, reject)
    })

  const news = (log = new Log()) =>
    resource({
      isAuthorized: authenticated,
      ...provided,
      subscribe: ({ req, send }) => send(req.user),
      terminate: ({ kind }) => log.add(kind),
      stream: { reauthorize: 1000 },
    })

  it('called in `isAuthorized` it lets in who has a token, to a stream and to a body', async () => {
    const site = await stage.now.serve(news())
    const client = site.get('/', { headers: bearer('ada') })
    await client.until('data: {"name":"Ada"}')
    const plain = await site.get('/', { headers: { ...bearer('ada'), Accept: 'text/plain' } }).whole()
    expect(plain.body).to.equal('hello')
  })

  it('its challenge is that of a 401 with a problem body; where it has none, that of the resource', async () => {
    const site = await stage.now.serve(news())
    for (const [path, headers, challenge] of [
      ['/', {}, 'Bearer realm="Users"'],
      ['/', bearer('bob'), 'Bearer realm="Users", error="invalid_token"'],
      // a token twice is a 400 for the package, without a challenge
      ['/?access_token=ada', bearer('ada'), 'Bearer realm="Users"'],
    ] as const) {
      const { status, headers: answered, body } = await site.get(path, { headers }).whole()
      expect(status).to.equal(401)
      expect(answered).to.include({
        'www-authenticate': challenge,
        'content-type': 'application/problem+json',
      })
      expect(JSON.parse(body)).to.include({ status: 401 })
    }
    expect(stage.now.errors).to.deep.equal([])
  })

  it('an error of its strategy is for the app’s error handler', async () => {
    const site = await stage.now.serve(news())
    expect(await site.get('/', { headers: bearer('away') }).whole()).to.include({ status: 500 })
    expect(stage.now.errors.map(String)).to.deep.equal(['Error: no database'])
  })

  it('with `reauthorize` it is asked again, and a token that was withdrawn ends the stream', async () => {
    const log = new Log()
    const site = await stage.now.serve(news(log))
    const client = site.get('/', { headers: bearer('ada') })
    await client.until('Ada')
    users.clear()
    stage.now.time.advance(1000)
    expect((await client.whole()).isWhole).to.equal(true)
    expect(log.entries).to.deep.equal(['revoked'])
  })

  it('as plain middleware before it answers 401 itself, and the resource sees `req.user`', async () => {
    const site = await stage.now.serve(
      resource({ ...provided, subscribe: ({ req, send }) => send(req.user) }),
      { before: [passport.authenticate(strategy, { session: false }) as RequestHandler] },
    )
    await site.get('/', { headers: bearer('ada') }).until('data: {"name":"Ada"}')
    const refused = await site.get('/').whole()
    expect(refused).to.include({ status: 401, body: 'Unauthorized' })
    expect(refused.headers['www-authenticate']).to.equal('Bearer realm="Users"')
  })
})

onBoth('With express-oauth2-jwt-bearer (docs/guide/existing-app.md)', () => {
  staged()

  const [issuer, audience, secret] = [
    'https://login.example/',
    'https://api.example',
    'a secret of 32 characters or more',
  ]
  const seconds = Math.floor(Date.now() / 1000)

  const token = (claims: Record<string, unknown> = {}, expires = seconds + 3600) =>
    new SignJWT({ scope: 'read:news', ...claims })
      .setProtectedHeader({ alg: 'HS256' })
      .setIssuer(issuer)
      .setAudience(audience)
      .setSubject('ada')
      .setIssuedAt()
      .setExpirationTime(expires)
      .sign(new TextEncoder().encode(secret))

  const check = auth({ issuer, audience, secret, tokenSigningAlg: 'HS256' })

  /** As on the page. */
  const verified = ({ req, res }: Context<undefined>): Promise<true | string> =>
    new Promise((resolve, reject) =>
      check(req, res, (error?: { status?: number; headers?: Record<string, string> } | string) => {
        if (!error) resolve(true)
        else if (typeof error === 'object' && error.status === 401)
          resolve(error.headers?.['WWW-Authenticate'] ?? 'Bearer')
        else reject(error)
      }),
    )

  const news = resource({
    isAuthorized: verified,
    forbidden: ({ req, res }) =>
      new Promise<boolean>((resolve) => requiredScopes('read:news')(req, res, (error) => resolve(!!error))),
    contentTypesProvided: [sse(), ndjson()],
    subscribe: ({ req, send }) => send(req.auth?.payload.sub),
    stream: { reauthorize: 1000 },
  })

  it('called in `isAuthorized` it lets in who has a token, and callbacks see `req.auth`', async () => {
    const site = await stage.now.serve(news)
    await site.get('/', { headers: bearer(await token()) }).until('data: ada')
  })

  it('its challenges are those of a 401, and a scope that lacks is a 403', async () => {
    const site = await stage.now.serve(news)
    for (const [headers, status, challenge] of [
      [{}, 401, /^Bearer realm="api"/],
      [bearer('nonsense'), 401, /error="invalid_token"/],
      [bearer(await token({}, seconds - 60)), 401, /error="invalid_token".*exp/],
      [bearer(await token({ scope: 'read:weather' })), 403, undefined],
    ] as const) {
      const message = await site.get('/', { headers }).whole()
      expect(message.status).to.equal(status)
      expect(message.headers['content-type']).to.equal('application/problem+json')
      if (challenge) expect(message.headers['www-authenticate']).to.match(challenge)
    }
    expect(stage.now.errors).to.deep.equal([])
  })

  it('what is no question of rights is for the app’s error handler, with its status', async () => {
    const site = await stage.now.serve(news)
    const jwt = await token()
    const message = await site.get(`/?access_token=${jwt}`, { headers: bearer(jwt) }).whole()
    expect(message.status).to.equal(400)
    expect(stage.now.errors).to.have.length(1)
  })

  it('with `reauthorize` a stream ends once its token has expired', async () => {
    const log = new Log()
    const requests: Request[] = []
    const site = await stage.now.serve(
      resource({
        isAuthorized: verified,
        contentTypesProvided: [sse()],
        subscribe: ({ req }) => void requests.push(req),
        terminate: ({ kind }) => log.add(kind),
        stream: { reauthorize: 1000 },
      }),
    )
    const client = site.get('/', { headers: bearer(await token()) })
    await client.head()
    // the package goes by the system's time, which nobody waits for here
    requests[0]!.headers.authorization = `Bearer ${await token({}, seconds - 60)}`
    stage.now.time.advance(1000)
    await client.whole()
    expect(log.entries).to.deep.equal(['revoked'])
  })
})
