import { expect } from 'chai'
import type { RequestHandler } from 'express'
import helmet from 'helmet'
import onHeaders from 'on-headers'
import { type Endpoint, loop, ndjson, resource, sse, stop } from '../../lib/index.js'
import { onBoth } from '../support/http.js'
import { stage, staged } from '../support/stage.js'

/** As `cors()` and sessions do. */
const setters: RequestHandler = (_req, res, next) => {
  res.vary('Origin')
  res.cookie('sid', '1')
  next()
}

const news = { contentTypesProvided: [sse(), ndjson()], subscribe: () => [1] }
const own = { vary: 'Cookie', 'Set-Cookie': 'own=2' }

const answers: readonly [what: string, endpoint: () => Endpoint, method?: string][] = [
  ['stop() from a callback', () => resource({ ...news, forbidden: () => stop(403, { headers: own }) })],
  ['a body of stop()', () => resource({ ...news, forbidden: () => stop(200, { headers: own, body: 'no' }) })],
  ['stop() from `subscribe`', () => resource({ ...news, subscribe: () => stop(204, { headers: own }) })],
  ['`options`', () => resource({ ...news, options: own }), 'OPTIONS'],
  ['the `headers` of a loop', () => loop({ format: sse(), headers: own, subscribe: () => [1] })],
]

onBoth('Headers of other middleware (docs/guide/existing-app.md)', () => {
  staged()

  for (const [what, endpoint, method = 'GET'] of answers) {
    it(`Vary and Set-Cookie of ${what} are added to what was there (RFC 9110 12.5.5, RFC 6265 3)`, async () => {
      const site = await stage.now.serve(endpoint(), { before: [setters] })
      const { headers } = await site.get('/', { method }).whole()
      expect(headers.vary?.split(', ')).to.include.members(['Origin', 'Cookie'])
      expect(headers['set-cookie']).to.equal('sid=1; Path=/, own=2')
    })
  }

  it('A Content-Type of stop() counts, also where middleware had set the same for all answers', async () => {
    const type = 'application/vnd.api+json'
    const typing: RequestHandler = (_req, res, next) => {
      res.setHeader('Content-Type', type)
      next()
    }
    for (const name of ['Content-Type', 'content-type']) {
      const forbidden = () => stop(200, { headers: { [name]: type }, body: { data: 1 } })
      const site = await stage.now.serve(resource({ forbidden }), { before: [typing] })
      const { headers } = await site.get().whole()
      expect(headers['content-type']).to.equal(type)
    }
  })

  it('Cache-Control stays on the error answer in place of a stream, and that of the stream does not', async () => {
    const failing: RequestHandler = (_req, res, next) => {
      onHeaders(res, () => {
        throw new Error('hooked')
      })
      next()
    }
    for (const control of ['private', undefined]) {
      const cached: RequestHandler = (_req, res, next) => {
        if (control !== undefined) res.set('Cache-Control', control)
        next()
      }
      const site = await stage.now.serve(resource(news), { before: [failing, cached] })
      const { status, headers } = await site.get().whole()
      expect(status).to.equal(500)
      expect(headers['cache-control']).to.equal(control)
    }
  })

  it('Vary may be written as it comes: several names, none, and what is no name is left out', async () => {
    const written = { 'Cookie,  Accept-Language': 2, 'Cookie,': 1, '': 0, 'a b': 0, '*': 1 }
    for (const [vary, count] of Object.entries(written)) {
      const site = await stage.now.serve(
        resource({ ...news, forbidden: () => stop(200, { headers: { vary }, body: 'yes' }) }),
      )
      const { status, headers } = await site.get().whole()
      expect(status, vary).to.equal(200)
      expect((headers.vary ?? '').split(',').filter(Boolean), vary).to.have.length(count)
    }
  })

  it('one that is undefined is none; null, and a list with a line break in it, are errors that name stop()', async () => {
    const headers: Record<string, unknown> = { 'X-Own': undefined }
    const site = await stage.now.serve(
      resource({
        ...news,
        forbidden: () => stop(200, { headers: headers as Record<string, string>, body: 'yes' }),
      }),
    )
    const { status, headers: sent } = await site.get().whole()
    expect(status).to.equal(200)
    expect(sent).not.to.have.property('x-own')
    for (const wrong of [null, ['fine', 'not\r\nfine'], {}]) {
      headers['X-Own'] = wrong
      expect((await site.get().whole()).status).to.equal(500)
      expect(String(stage.now.errors.pop())).to.contain('stop(').and.to.contain('X-Own')
    }
  })

  it('a header of which there is one is that of the endpoint', async () => {
    const before: RequestHandler = (_req, res, next) => {
      res.set({ 'Cache-Control': 'public', 'X-Frame-Options': 'DENY', 'Content-Type': 'text/html' })
      next()
    }
    const headers = { 'cache-control': 'no-cache', 'x-frame-options': 'SAMEORIGIN' }
    const site = await stage.now.serve(loop({ format: sse(), headers, subscribe: () => [1] }), {
      before: [before],
    })
    expect((await site.get().whole()).headers).to.include({
      ...headers,
      'content-type': 'text/event-stream',
    })
  })

  it('cookies that were set before, and in callbacks, go out with the head of a stream', async () => {
    const site = await stage.now.serve(
      resource({
        isAuthorized({ res }) {
          res.cookie('seen', 'yes')
          return true
        },
        contentTypesProvided: [sse()],
        subscribe: ({ res }) => void res.cookie('held', 'yes'),
      }),
      { before: [setters] },
    )
    expect((await site.get().head()).headers['set-cookie']).to.equal(
      'sid=1; Path=/, seen=yes; Path=/, held=yes; Path=/',
    )
  })

  it('those of helmet() are on a stream, a body, a 304, a refusal and the answer to OPTIONS alike', async () => {
    const site = await stage.now.serve(
      resource({
        contentTypesProvided: { 'text/event-stream': sse(), 'text/plain': () => 'hello' },
        generateEtag: ({ negotiated }) => (negotiated.mediaType === 'text/plain' ? '"1"' : undefined),
        subscribe: () => [1],
      }),
      { before: [helmet()] },
    )
    for (const [status, method, headers] of [
      [200, 'GET', { Accept: 'text/event-stream' }],
      [200, 'HEAD', { Accept: 'text/event-stream' }],
      [200, 'GET', { Accept: 'text/plain' }],
      [304, 'GET', { Accept: 'text/plain', 'If-None-Match': '"1"' }],
      [406, 'GET', { Accept: 'image/png' }],
      [405, 'DELETE', {}],
      [200, 'OPTIONS', {}],
    ] as const) {
      const message = await site.get('/', { method, headers }).whole()
      expect(message.status, method).to.equal(status)
      expect(message.headers, `${method} ${status}`).to.include({
        'x-content-type-options': 'nosniff',
        'cross-origin-resource-policy': 'same-origin',
        'referrer-policy': 'no-referrer',
      })
      expect(message.headers['content-security-policy']).to.include("default-src 'self'")
      expect(message.headers).not.to.have.property('x-powered-by')
    }
  })
})
