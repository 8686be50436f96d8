import { expect } from 'chai'
import express, { type RequestHandler } from 'express'
import { type Context, ndjson, resource, sse } from '../../lib/index.js'
import { currentExpress, onBoth } from '../support/http.js'
import { Log } from '../support/log.js'
import { stage, staged } from '../support/stage.js'

type Read = 'json' | 'text' | 'bytes'

/** Answers with what a callback makes of the body. */
function echo(read: Read, bodyLimit = 100) {
  const take = async (context: Context<undefined>) => ({ body: { [read]: await context[read]() } as object })
  return resource({
    allowedMethods: ['POST'],
    contentTypesProvided: { 'application/json': () => '' },
    contentTypesAccepted: {
      '*/*': async (context) => {
        const { body } = await take(context)
        context.res.type('json')
        return { body, seeOther: '/done' }
      },
    },
    bodyLimit,
  })
}

type Parser = (express: typeof import('express')) => RequestHandler

const json = '{"a":[1]}'

const cases: readonly [how: string, parser: Parser, type: string, read: Read, sent: string, got: unknown][] =
  [
    ['express.json()', (e) => e.json(), 'application/json', 'json', json, { a: [1] }],
    ['express.json()', (e) => e.json(), 'application/json', 'text', json, json],
    ['express.json()', (e) => e.json(), 'text/plain', 'text', 'not parsed', 'not parsed'],
    ['express.json()', (e) => e.json(), 'application/vnd.api+json', 'json', json, { a: [1] }],
    [
      'express.urlencoded()',
      (e) => e.urlencoded({ extended: true }),
      'application/x-www-form-urlencoded',
      'json',
      'a[]=1&b=2',
      { a: ['1'], b: '2' },
    ],
    ['express.text()', (e) => e.text(), 'text/plain', 'text', 'héllo', 'héllo'],
    ['express.text()', (e) => e.text(), 'text/plain', 'json', json, { a: [1] }],
    ['express.raw()', (e) => e.raw(), 'application/octet-stream', 'text', 'raw', 'raw'],
    [
      'express.raw({ type: "*/*" })',
      (e) => e.raw({ type: '*/*' }),
      'application/json',
      'json',
      json,
      { a: [1] },
    ],
    ['no parser', () => (_req, _res, next) => next(), 'application/json', 'json', json, { a: [1] }],
  ]

const post = (type: string, body: string) => ({ method: 'POST', headers: { 'Content-Type': type }, body })

onBoth('Behind body parsers (docs/guide/existing-app.md)', () => {
  staged()

  for (const [how, parser, type, read, sent, got] of cases) {
    it(`${read}() of ${type} is what ${how} has left of it`, async () => {
      const site = await stage.now.serve(echo(read), { before: [parser(currentExpress())] })
      const { status, body } = await site.get('/', post(type, sent)).whole()
      expect(status).to.equal(303)
      expect(JSON.parse(body)).to.deep.equal({ [read]: got })
    })
  }

  it('a body that express.json() cannot parse is its error, for the app’s error handler', async () => {
    const site = await stage.now.serve(echo('json'), { before: [currentExpress().json()] })
    const message = await site.get('/', post('application/json', '{"a":')).whole()
    expect(message).to.include({ status: 400, body: 'the app failed' })
    expect((stage.now.errors[0] as { type: string }).type).to.equal('entity.parse.failed')
  })

  it('one past its limit is its 413, for the app’s error handler; ours is not asked', async () => {
    const site = await stage.now.serve(echo('json'), { before: [currentExpress().json({ limit: 10 })] })
    const message = await site.get('/', post('application/json', '{"long":"long"}')).whole()
    expect(message).to.include({ status: 413, body: 'the app failed' })
    expect((stage.now.errors[0] as { type: string }).type).to.equal('entity.too.large')
  })

  it('the `bodyLimit` of the endpoint is for what nobody has parsed: a 413 with a problem body', async () => {
    const long = `"${'x'.repeat(200)}"`
    const site = await stage.now.serve(echo('json'), { before: [currentExpress().json({ strict: false })] })
    const unparsed = await site.get('/', post('text/plain', long)).whole()
    expect(unparsed.status).to.equal(413)
    expect(unparsed.headers['content-type']).to.equal('application/problem+json')
    expect((await site.get('/', post('application/json', long)).whole()).status).to.equal(303)
    expect(stage.now.errors).to.deep.equal([])
  })

  it('a POST whose body was parsed is answered by a stream, and its client’s leaving is noticed', async () => {
    const log = new Log()
    const site = await stage.now.serve(
      resource({
        init: () => ({ prompt: '' }),
        allowedMethods: ['POST'],
        contentTypesProvided: [sse(), ndjson()],
        contentTypesAccepted: {
          'application/json': async ({ state, json, negotiated }) => {
            state.prompt = ((await json()) as { prompt: string }).prompt
            return negotiated.format
          },
        },
        subscribe: ({ state, send }) => send(state.prompt),
        terminate: ({ kind }) => log.add(kind),
      }),
      { before: [express.json()] },
    )
    const client = site.get('/', post('application/json', '{"prompt":"hello"}'))
    await client.until('data: hello')
    expect(log.entries).to.deep.equal([])
    client.leave()
    await log.until('disconnect')
  })

  it("req.setEncoding() of a middleware takes the bytes away: an error of the app's, not of the client's", async () => {
    const before: RequestHandler = (req, _res, next) => {
      req.setEncoding('utf8')
      next()
    }
    const site = await stage.now.serve(echo('json'), { before: [before] })
    const headers = { 'Content-Type': 'application/json' }
    const { status } = await site.get('/', { method: 'POST', headers, body: json }).whole()
    expect(status).to.equal(500)
    expect(String(stage.now.errors)).to.contain('setEncoding')
  })
})
