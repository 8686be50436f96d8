import { expect } from 'chai'
import type { RequestHandler } from 'express'
import * as OpenApiValidator from 'express-openapi-validator'
import { ndjson, resources, sse } from '../../lib/index.js'
import { currentExpress, onBoth } from '../support/http.js'
import { Log } from '../support/log.js'
import { stage, staged } from '../support/stage.js'

const item = { type: 'object', required: ['title'], properties: { title: { type: 'string' } } } as const

const apiSpec = {
  openapi: '3.0.3',
  info: { title: 'News', version: '1' },
  paths: {
    '/news': {
      get: {
        parameters: [{ name: 'limit', in: 'query', schema: { type: 'integer', maximum: 10 } }],
        responses: {
          200: {
            description: 'The news, as they come',
            content: {
              'text/event-stream': { schema: { type: 'string' } },
              'application/x-ndjson': { schema: { type: 'string' } },
              'application/json': { schema: { type: 'array', items: item } },
            },
          },
        },
      },
      post: {
        requestBody: { required: true, content: { 'application/json': { schema: item } } },
        responses: { 201: { description: 'Told' } },
      },
    },
  },
} as const

/** It compiles its document when it is first asked, which takes a while. */
const validator = OpenApiValidator.middleware({
  apiSpec: apiSpec as never,
  validateRequests: true,
  validateResponses: true,
}) as RequestHandler[]

async function validated(log = new Log()) {
  const told: unknown[] = []
  const before = [currentExpress().json(), ...validator]
  const endpoint = resources({
    '/news': {
      allowedMethods: ['GET', 'HEAD', 'POST', 'OPTIONS'],
      contentTypesProvided: {
        'text/event-stream': sse(),
        'application/x-ndjson': ndjson(),
        'application/json': () => [{ title: 'Rope' }],
      },
      contentTypesAccepted: {
        'application/json': async ({ json }) => {
          told.push(await json())
          return { created: '/news/1' }
        },
      },
      subscribe: ({ req, send }) => send(typeof req.query.limit),
      terminate: ({ kind }) => log.add(kind),
    },
  })
  return { site: await stage.now.serve(endpoint, { before }), told }
}

onBoth('Behind express-openapi-validator (docs/guide/existing-app.md)', () => {
  staged()

  it('a valid request is answered by a stream, whose events arrive at once; its client’s leaving is noticed', async () => {
    const log = new Log()
    const { site } = await validated(log)
    for (const [Accept, event] of [
      ['text/event-stream', 'data: '],
      ['application/x-ndjson', '"\n'],
    ] as const) {
      const client = site.get('/news?limit=3', { headers: { Accept } })
      await client.until(event)
      client.leave()
    }
    await log.until('disconnect', 2)
  })

  it('a body, a 406, and the answers to HEAD and to a valid POST pass as they are', async () => {
    const { site, told } = await validated()
    const body = await site.get('/news', { headers: { Accept: 'application/json' } }).whole()
    expect(JSON.parse(body.body)).to.deep.equal([{ title: 'Rope' }])
    const refused = await site.get('/news', { headers: { Accept: 'image/png' } }).whole()
    expect(refused.status).to.equal(406)
    const created = await site
      .get('/news', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: '{"title":"Loop"}',
      })
      .whole()
    expect(created.status).to.equal(201)
    expect(created.headers.location).to.equal('/news/1')
    expect(told).to.deep.equal([{ title: 'Loop' }])
    expect(stage.now.errors).to.deep.equal([])
  })

  it('an invalid request is its error, for the app’s error handler; the endpoint is not asked', async () => {
    const { site, told } = await validated()
    expect((await site.get('/news?limit=11').whole()).status).to.equal(400)
    const headers = { 'Content-Type': 'application/json' }
    expect((await site.get('/news', { method: 'POST', headers, body: '{}' }).whole()).status).to.equal(400)
    expect(told).to.deep.equal([])
    expect(stage.now.errors).to.have.length(2)
  })

  it('a path and a method that its document does not have are its 404 and 405, before those of the endpoint', async () => {
    const { site } = await validated()
    expect((await site.get('/other').whole()).status).to.equal(404)
    expect((await site.get('/news', { method: 'DELETE' }).whole()).status).to.equal(405)
    expect(stage.now.errors).to.have.length(2)
  })
})
