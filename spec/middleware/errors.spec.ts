import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { request } from 'node:http'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import compression from 'compression'
import type { ErrorRequestHandler } from 'express'
import helmet from 'helmet'
import { loop, ndjson, type PlainSpec, resources, sse } from '../../lib/index.js'
import { expresses, onBoth } from '../support/http.js'
import { Log } from '../support/log.js'
import { stage, staged, turns } from '../support/stage.js'

function broken(status?: number): never {
  throw Object.assign(new Error('secret'), status && { status })
}

/** What throws before the head, each by its path. */
const thrown: Record<string, PlainSpec> = {
  '/callback': { isAuthorized: () => broken(), contentTypesProvided: [sse()], subscribe: () => {} },
  '/provider': { contentTypesProvided: { 'text/plain': () => broken() } },
  '/subscribe': { contentTypesProvided: [sse()], subscribe: () => broken(502), terminate() {} },
  '/later': { contentTypesProvided: [sse()], subscribe: async () => broken(502), terminate() {} },
}

/** What is refused, each by its path. */
const refused: Record<string, PlainSpec> = {
  '/401': { isAuthorized: 'Bearer', contentTypesProvided: [sse()], subscribe: () => {} },
  '/403': { forbidden: true, contentTypesProvided: [sse()], subscribe: () => {} },
  '/404': { resourceExists: false, contentTypesProvided: [sse()], subscribe: () => {} },
  '/503': { serviceAvailable: 10, contentTypesProvided: [sse()], subscribe: () => {} },
}

onBoth('Error handlers of the app (docs/guide/existing-app.md)', () => {
  staged()

  it('get what was thrown before the head, with its status, and nothing of a stream is on the answer', async () => {
    const site = await stage.now.serve(resources(thrown), { before: [helmet(), compression()] })
    for (const [path, status] of [
      ['/callback', 500],
      ['/provider', 500],
      ['/subscribe', 502],
      ['/later', 502],
    ] as const) {
      const message = await site.get(path, { headers: { 'Accept-Encoding': 'gzip' } }).whole()
      expect(message, path).to.include({ status, body: 'the app failed' })
      expect(message.headers).not.to.have.any.keys('cache-control', 'x-accel-buffering', 'content-type')
      expect(message.headers).to.include({ 'x-content-type-options': 'nosniff' })
    }
    expect(stage.now.errors.map((error) => (error as Error).message)).to.deep.equal(Array(4).fill('secret'))
  })

  it('get no refusal: those are answered by the endpoint', async () => {
    const site = await stage.now.serve(resources(refused))
    for (const path of Object.keys(refused)) {
      const message = await site.get(path).whole()
      expect(message.status).to.equal(Number(path.slice(1)))
      expect(message.headers['content-type']).to.equal('application/problem+json')
    }
    expect(stage.now.errors).to.deep.equal([])
  })

  it('get nothing that fails after the head: only `terminate` is told', async () => {
    const log = new Log()
    const site = await stage.now.serve(
      loop({
        format: ndjson(),
        async *subscribe() {
          yield 1
          broken()
        },
        terminate: ({ kind, error }) => log.add(`${kind} ${(error as Error).message}`),
      }),
    )
    expect((await site.get().closed()).isWhole).to.equal(false)
    expect(log.entries).to.deep.equal(['error secret'])
    expect(stage.now.errors).to.deep.equal([])
  })

  it('that pass it on, and others after them, are all asked in turn', async () => {
    const log = new Log()
    const pass: ErrorRequestHandler = (error, _req, _res, next) => {
      log.add('first')
      next(error)
    }
    const answer: ErrorRequestHandler = (error, _req, res, _next) => {
      log.add('second')
      res.status(error.status ?? 500).json({ error: error.message })
    }
    const site = await stage.now.serve(resources(thrown), { after: [pass, answer] })
    expect(await site.get('/later').whole()).to.include({ status: 502, body: '{"error":"secret"}' })
    expect(log.entries).to.deep.equal(['first', 'second'])
  })

  it('that write to a stream by mistake do not end the process', async () => {
    const log = new Log()
    const site = await stage.now.serve(
      loop({ format: ndjson(), subscribe: () => log.add('open'), terminate: ({ kind }) => log.add(kind) }),
      {
        before: [
          (_req, res, next) => {
            void log.until('open').then(async () => {
              await turns()
              // as a handler does that does not look at res.headersSent
              expect(() => res.status(500).json({ error: 'late' })).to.throw('after they are sent')
              res.end('{"error":"late"}\n')
            })
            next()
          },
        ],
      },
    )
    expect((await site.get().whole()).body).to.equal('{"error":"late"}\n')
    await log.until('disconnect')
  })
})

describe('With NODE_ENV=production (docs/guide/existing-app.md)', function () {
  this.timeout(30_000)
  let child: ChildProcess
  let ports: number[]

  before(async () => {
    child = fork(fileURLToPath(new URL('production.ts', import.meta.url)), {
      env: { ...process.env, NODE_ENV: 'production' },
      execArgv: ['--import', 'tsx'],
      silent: true,
    })
    ;[ports] = (await once(child, 'message')) as [number[]]
  })

  after(() => child.kill('SIGKILL'))

  for (const [index, version] of Object.keys(expresses).entries()) {
    it(`neither Express nor the endpoint tells a stack, or the way of a decision (${version})`, async () => {
      for (const [path, status] of [
        ['/throws', 500],
        ['/refuses', 401],
        ['/items/1', 200],
        ['/items/%', 400],
        ['/nowhere', 404],
      ] as const) {
        const asked = request({ port: ports[index], host: '127.0.0.1', path, agent: false }).end()
        const [response] = await once(asked, 'response')
        let text = JSON.stringify(response.headers)
        for await (const chunk of response) text += chunk
        expect(response.statusCode, path).to.equal(status)
        expect(text).not.to.match(/secret|node_modules|production\.ts|decision-trace/i)
      }
    })
  }
})
