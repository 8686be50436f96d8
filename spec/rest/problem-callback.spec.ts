import { Readable } from 'node:stream'
import { expect } from 'chai'
import {
  type Endpoint,
  loop,
  type Problem,
  type ProblemAnswer,
  type ProblemContext,
  resource,
  sse,
  stop,
} from '../../lib/index.js'
import { onBoth, type Spec, tableOf } from '../support/http.js'
import { Log } from '../support/log.js'
import { type Site, stage, staged, turns } from '../support/stage.js'

/** As OpenAI's clients read it. */
const openai = ({ title, status, detail }: Problem): ProblemAnswer => ({
  body: { error: { message: detail ?? title, type: 'invalid_request_error', code: status } },
})

/** As JSON:API has it (jsonapi.org, Error Objects). */
const jsonApi = ({ title, status, detail }: Problem): ProblemAnswer => ({
  headers: { 'Content-Type': 'application/vnd.api+json' },
  body: { errors: [{ status: String(status), title, detail }] },
})

/** As JSON-RPC 2.0 has it: the id of a call that was not read is null. */
const jsonRpc = (problem: Problem): ProblemAnswer => ({
  body: {
    jsonrpc: '2.0',
    id: null,
    error: { code: -32000 - problem.status, message: problem.title, data: problem },
  },
})

/** Says of each refusal what it is, so that it can be seen to have been asked. */
const said = ({ status }: Problem): ProblemAnswer => ({ body: `refused: ${status}` })

const hello: Spec = { contentTypesProvided: { 'text/plain': () => 'hello' } }
const never = () => new Promise<never>(() => {})
const raise = (value: unknown): never => {
  throw value
}

interface Refused {
  readonly spec: Spec
  readonly status: number
  readonly ask?: Parameters<Site['get']>[1]
  /** A field that the refusal needs. */
  readonly field?: readonly [name: string, value: string | RegExp]
}

const post = { method: 'POST', headers: { 'Content-Type': 'text/plain' }, body: 'a body' }
const taking: Spec = { ...hello, allowedMethods: ['POST'], bodyLimit: 1 }

/** Whatever refuses a request. */
const refusals: Readonly<Record<string, Refused>> = {
  unavailable: { spec: { ...hello, serviceAvailable: 7 }, status: 503, field: ['retry-after', '7'] },
  'an unknown method': { spec: hello, status: 501, ask: { method: 'LOCK' } },
  'a method that is not allowed': {
    spec: hello,
    status: 405,
    ask: { method: 'DELETE' },
    field: ['allow', 'GET, HEAD, OPTIONS'],
  },
  malformed: { spec: { ...hello, malformedRequest: true }, status: 400 },
  'a challenge': {
    spec: { ...hello, isAuthorized: ['Bearer', 'Basic'] },
    status: 401,
    field: ['www-authenticate', 'Bearer, Basic'],
  },
  forbidden: { spec: { ...hello, forbidden: true }, status: 403 },
  'a rate limit': { spec: { ...hello, rateLimited: 3 }, status: 429, field: ['retry-after', '3'] },
  'no acceptable type': {
    spec: hello,
    status: 406,
    ask: { headers: { Accept: 'a/b' } },
    field: ['vary', 'Accept'],
  },
  missing: { spec: { ...hello, resourceExists: false }, status: 404, field: ['vary', 'Accept'] },
  gone: { spec: { ...hello, resourceExists: false, previouslyExisted: true }, status: 410 },
  'a failed precondition': { spec: hello, status: 412, ask: { headers: { 'If-Match': '"a"' } } },
  'a range': {
    spec: { ...hello, rangesProvided: 'auto' },
    status: 416,
    ask: { headers: { Range: 'bytes=9-' } },
    field: ['content-range', 'bytes */5'],
  },
  'a type that is not accepted': {
    spec: { ...taking, contentTypesAccepted: { 'a/b': () => true } },
    status: 415,
    ask: post,
    field: ['accept', 'a/b'],
  },
  'a body that is too large': {
    spec: { ...taking, contentTypesAccepted: { '*/*': async ({ text }) => (await text()) === '' } },
    status: 413,
    ask: post,
  },
  'a body that is refused': {
    spec: { ...taking, contentTypesAccepted: { '*/*': () => false } },
    status: 400,
    ask: post,
  },
  'a failed DELETE': {
    spec: { allowedMethods: ['DELETE'], deleteResource: false },
    status: 500,
    ask: { method: 'DELETE' },
  },
  'stop() without a body': {
    spec: { ...hello, forbidden: () => stop(402, { headers: { 'Retry-After': '5' } }) },
    status: 402,
    field: ['retry-after', '5'],
  },
  'a source that is dead': {
    spec: { contentTypesProvided: [sse()], subscribe: ({ monitor }) => monitor(AbortSignal.abort()) },
    status: 503,
  },
  'stop() from `subscribe`': {
    spec: { contentTypesProvided: [sse()], subscribe: () => stop(409) },
    status: 409,
  },
}

onBoth('problem() gives every refusal another body (RFC 9457 is the default)', () => {
  staged()

  for (const [what, { spec, status, ask, field }] of Object.entries(refusals)) {
    for (const [how, problem] of [
      ['at once', said],
      ['later', async (problem: Problem) => said(problem)],
    ] as const) {
      it(`${status}: ${what}, ${how}; the status and what the client must know stay`, async () => {
        const site = await stage.now.serve(resource({ ...spec, problem }))
        const message = await site.get('/', ask).whole()
        expect(message).to.include({ status, body: `refused: ${status}` })
        expect(message.headers['content-type']).to.equal('text/plain; charset=utf-8')
        expect(message.headers['content-length']).to.equal(String(message.body.length))
        if (field)
          expect(message.headers[field[0]]).to.match(
            new RegExp(`^${field[1].toString().replace(/[*/]/g, '\\$&')}$`),
          )
        expect(stage.now.errors).to.deep.equal([])
      })
    }
  }

  it('HEAD gets the head of GET, and no body (RFC 9110 9.3.2)', async () => {
    for (const problem of [openai, async (problem: Problem) => openai(problem)]) {
      const site = await stage.now.serve(resource({ ...hello, resourceExists: false, problem }))
      const got = await site.get().whole()
      const client = site.get('/', { method: 'HEAD' })
      const head = await client.whole()
      expect(head.status).to.equal(404)
      expect(head.headers['content-length']).to.equal(String(Buffer.byteLength(got.body)))
      expect(head.headers['content-type']).to.equal('application/json')
      await turns()
      expect(client.raw.toString()).to.match(/\r\n\r\n$/)
    }
  })

  it('a deadline that a callback has missed: 503', async () => {
    const log = new Log()
    const forbidden = () => {
      log.add('asked')
      return never()
    }
    const site = await stage.now.serve(resource({ ...hello, forbidden, problem: said, decisionTimeout: 5 }))
    const client = site.get()
    await log.until('asked')
    stage.now.time.advance(5)
    expect(await client.whole()).to.include({ status: 503, body: 'refused: 503' })
  })

  it('caps: 503 and 429, each with Retry-After', async () => {
    for (const [stream, status] of [
      [{ maxStreams: 1 }, 503],
      [{ maxStreamsPerClient: 1 }, 429],
    ] as const) {
      const site = await stage.now.serve(loop({ format: sse(), stream, subscribe: () => {}, problem: said }))
      await site.get().head()
      const message = await site.get().whole()
      expect(message).to.include({ status, body: `refused: ${status}` })
      expect(message.headers['retry-after']).to.match(/^\d+$/)
    }
  })

  it('an endpoint that closes: 503 with Retry-After, before `init` has made a state', async () => {
    const states: unknown[] = []
    const endpoint = resource({
      init: () => ({ user: 'ann' }),
      contentTypesProvided: { 'text/plain': () => 'hello' },
      forbidden: true,
      problem: ({ status }, { state, req }) => {
        states.push(state)
        return { body: `${status} ${req.url} ${state?.user}` }
      },
    })
    const site = await stage.now.serve(endpoint)
    expect((await site.get('/a').whole()).body).to.equal('403 /a ann')
    await endpoint.close()
    const message = await site.get('/b').whole()
    expect(message).to.include({ status: 503, body: '503 /b undefined' })
    expect(message.headers['retry-after']).to.match(/^\d+$/)
    expect(states).to.deep.equal([{ user: 'ann' }, undefined])
  })

  it('a client that waits for `subscribe` when the endpoint closes', async () => {
    const log = new Log()
    let answer = () => {}
    const endpoint = loop({
      format: sse(),
      subscribe() {
        log.add('subscribe')
        return new Promise<void>((resolve) => {
          answer = resolve
        })
      },
      problem: async (problem) => said(problem),
    })
    const site = await stage.now.serve(endpoint)
    const client = site.get()
    await log.until('subscribe')
    const closed = endpoint.close()
    expect(await client.whole()).to.include({ status: 503, body: 'refused: 503' })
    answer()
    await closed
  })
})

describe('The shapes that clients expect', () => {
  staged()

  for (const [name, problem, type, body] of [
    [
      'OpenAI',
      openai,
      'application/json',
      {
        error: {
          message: 'The method DELETE is not allowed here.',
          type: 'invalid_request_error',
          code: 405,
        },
      },
    ],
    [
      'JSON:API',
      jsonApi,
      'application/vnd.api+json',
      {
        errors: [
          { status: '405', title: 'Method Not Allowed', detail: 'The method DELETE is not allowed here.' },
        ],
      },
    ],
    [
      'JSON-RPC',
      jsonRpc,
      'application/json',
      {
        jsonrpc: '2.0',
        id: null,
        error: {
          code: -32405,
          message: 'Method Not Allowed',
          data: {
            type: 'about:blank',
            title: 'Method Not Allowed',
            status: 405,
            detail: 'The method DELETE is not allowed here.',
            offered: ['GET', 'HEAD', 'OPTIONS'],
          },
        },
      },
    ],
  ] as const) {
    it(name, async () => {
      const site = await stage.now.serve(resource({ ...hello, problem }))
      const message = await site.get('/', { method: 'DELETE' }).whole()
      expect(message.headers['content-type']).to.equal(type)
      expect(JSON.parse(message.body)).to.deep.equal(body)
    })
  }
})

describe('What problem() answers', () => {
  staged()

  const refusing = (problem: (problem: Problem, context: ProblemContext<undefined>) => unknown): Endpoint =>
    resource({ ...hello, resourceExists: false, decisionTimeout: 5, problem: problem as never })

  it('may be text, bytes, JSON or a stream; its headers may say what it is', async () => {
    for (const [answer, type, body] of [
      [{ body: 'a' }, 'text/plain; charset=utf-8', 'a'],
      [{ body: Buffer.from('a') }, 'application/octet-stream', 'a'],
      [{ body: null }, 'application/json', 'null'],
      [{ body: Readable.from(['a', 'b']) }, 'application/octet-stream', 'ab'],
      [{ body: '<p>', headers: { 'content-type': 'text/html' } }, 'text/html', '<p>'],
    ] as const) {
      const site = await stage.now.serve(refusing(() => answer))
      const message = await site.get().whole()
      expect(message).to.include({ status: 404, body })
      expect(message.headers['content-type']).to.equal(type)
    }
  })

  it('is written in the charset that its own Content-Type names, whatever was negotiated or set before', async () => {
    const spec: Spec = {
      ...hello,
      charsetsProvided: ['iso-8859-1'],
      resourceExists: ({ res }) => {
        res.set('Content-Type', 'text/html; charset=utf-16le')
        return false
      },
    }
    for (const [headers, bytes] of [
      [{}, Buffer.from('ä')],
      [{ 'Content-Type': 'text/plain; charset=iso-8859-1' }, Buffer.from('ä', 'latin1')],
    ] as const) {
      const site = await stage.now.serve(resource({ ...spec, problem: () => ({ body: 'ä', headers }) }))
      expect((await site.get().whole()).bytes).to.deep.equal(bytes)
    }
  })

  it('adds headers, but takes none away that the refusal needs; Vary is added to', async () => {
    const site = await stage.now.serve(
      resource({
        ...hello,
        isAuthorized: 'Bearer',
        problem: () => ({ body: '', headers: { 'www-authenticate': 'None', Vary: 'Cookie', 'X-Own': '1' } }),
      }),
    )
    const { headers, status } = await site.get().whole()
    expect(status).to.equal(401)
    expect(headers).to.include({ 'www-authenticate': 'Bearer', 'x-own': '1' })
    const site2 = await stage.now.serve(
      resource({
        ...hello,
        resourceExists: false,
        problem: () => ({ body: '', headers: { Vary: 'Cookie' } }),
      }),
    )
    expect((await site2.get().whole()).headers.vary).to.equal('Accept, Cookie')
  })

  it('may come by `res` itself', async () => {
    const site = await stage.now.serve(refusing((_problem, { res }) => void res.status(418).end('mine')))
    expect(await site.get().whole()).to.include({ status: 418, body: 'mine' })
  })

  it('cannot change what the client gets where it changes the problem and then fails', async () => {
    const site = await stage.now.serve(
      refusing((problem) => {
        problem.status = 200
        throw new Error('no')
      }),
    )
    const message = await site.get().whole()
    expect(message.status).to.equal(404)
    expect(JSON.parse(message.body)).to.deep.equal({ type: 'about:blank', title: 'Not Found', status: 404 })
    await stage.now.warning()
  })

  const secret = new Error('secret')
  const circular: Record<string, unknown> = {}
  circular.self = circular

  for (const [what, problem, why] of [
    [
      'throws',
      () => {
        throw secret
      },
      /secret/,
    ],
    [
      'throws what is no error',
      () => {
        return raise('secret')
      },
      /secret/,
    ],
    [
      'rejects',
      async () => {
        throw secret
      },
      /secret/,
    ],
    [
      'answers nothing',
      () => undefined,
      /problem answered: expected an object with headers, body, not undefined; write \{ body: … \}/,
    ],
    ['answers a text', () => 'sorry', /not 'sorry'; write \{ body: 'sorry' \}/],
    [
      'answers no body',
      () => ({ headers: {} }),
      /`body` is undefined: expected a string, bytes, a stream or a JSON value/,
    ],
    [
      'answers stop()',
      () => stop(200, { body: 'fine' }),
      /expected an object with headers, body, not \{ status: 200/,
    ],
    ['answers another status', () => ({ status: 200, body: '' }), /unknown key `status`: the status stays/],
    [
      'answers the body alone',
      () => ({ error: 'sorry' }),
      /unknown key `error`: the body is one key of the answer: write \{ body: \{ error: … \} \}/,
    ],
    [
      'answers a header that is none',
      () => ({ body: '', headers: { 'X-A': 'a\r\nb' } }),
      /this is not a valid header/,
    ],
    [
      'answers a body that has no JSON',
      () => ({ body: circular, headers: { 'Content-Encoding': 'gzip' } }),
      /circular/,
    ],
    [
      'answers a body in a charset that Node cannot write',
      () => ({ body: 'ж', headers: { 'Content-Type': 'a/b; charset=koi8-r' } }),
      /koi8-r/,
    ],
    [
      'answers a stream that fails at once',
      () => ({
        body: new Readable({
          read() {
            this.destroy(secret)
          },
        }),
      }),
      /secret/,
    ],
  ] as const) {
    it(`that ${what}: the problem body of RFC 9457, a process warning, and nothing of it for the client`, async () => {
      const site = await stage.now.serve(refusing(problem))
      const message = await site.get('/some/path?token=1').whole()
      expect(message.status).to.equal(404)
      expect(message.headers['content-type']).to.equal('application/problem+json')
      expect(message.headers).not.to.have.any.keys('content-encoding', 'transfer-encoding')
      expect(JSON.parse(message.body)).to.deep.equal({ type: 'about:blank', title: 'Not Found', status: 404 })
      const warning = await stage.now.warning()
      expect(warning.message)
        .to.match(/^problem failed at \/some\/path, /)
        .and.to.match(why)
      expect(stage.now.errors).to.deep.equal([])
    })
  }

  it('that never comes: the problem body once `decisionTimeout` has passed; what comes later is closed', async () => {
    const log = new Log()
    let settle = (_answer: unknown) => {}
    const site = await stage.now.serve(
      refusing(() => {
        log.add('asked')
        return new Promise((resolve) => {
          settle = resolve
        })
      }),
    )
    const client = site.get()
    await log.until('asked')
    stage.now.time.advance(5)
    const message = await client.whole()
    expect(message.status).to.equal(404)
    expect(message.headers['content-type']).to.equal('application/problem+json')
    expect((await stage.now.warning()).message).to.contain('problem did not settle within 5 ms')
    const late = Readable.from(['late'])
    settle({ body: late })
    await turns()
    expect(late.destroyed).to.equal(true)
  })

  it('for a client that has left: closed, and nothing is said', async () => {
    const log = new Log()
    let settle = (_answer: unknown) => {}
    const site = await stage.now.serve(
      refusing((_problem, { res }) => {
        log.add('asked')
        res.once('close', () => log.add('closed'))
        return new Promise((resolve) => {
          settle = resolve
        })
      }),
    )
    const client = site.get()
    await log.until('asked')
    client.leave()
    await log.until('closed')
    const late = Readable.from(['late'])
    settle({ body: late })
    await turns()
    expect(late.destroyed).to.equal(true)
  })
})

onBoth('problem() of a table', () => {
  staged()

  it('is for all entries, whatever they are; what an entry has of its own wins', async () => {
    const missing: Spec = { ...hello, resourceExists: false }
    const problem = (): ProblemAnswer => ({ body: 'of the table' })
    const own = (): ProblemAnswer => ({ body: 'its own' })
    const endpoint = resource(missing)
    const table = tableOf(
      {
        '/spec': missing,
        '/own': { ...missing, problem: own },
        '/endpoint': endpoint,
        '/endpoint/own': resource({ ...missing, problem: own }),
        '/loop': loop({ format: sse(), subscribe: () => stop(404) }),
        '/table': tableOf({ '/table': missing }),
        '/inner': tableOf({ '/inner': missing }, { problem: own }),
      },
      { problem },
    )
    const site = await stage.now.serve(table, { after: [endpoint as never] })
    for (const [path, body] of [
      ['/spec', 'of the table'],
      ['/own', 'its own'],
      ['/endpoint', 'of the table'],
      ['/endpoint/own', 'its own'],
      ['/loop', 'of the table'],
      ['/table', 'of the table'],
      ['/inner', 'its own'],
    ] as const)
      expect(await site.get(path).whole(), path).to.include({ status: 404, body })
    // elsewhere it is as it was
    expect((await site.get('/elsewhere').whole()).headers['content-type']).to.equal(
      'application/problem+json',
    )
  })

  it('is for a path that cannot be decoded, too: 400', async () => {
    for (const problem of [openai, async (problem: Problem) => openai(problem)]) {
      const site = await stage.now.serve(tableOf({ '/:a': hello }, { problem }))
      const message = await site.get('/%ff').whole()
      expect(message.status).to.equal(400)
      expect(JSON.parse(message.body)).to.deep.equal({
        error: { message: 'The path cannot be decoded.', type: 'invalid_request_error', code: 400 },
      })
    }
  })
})
