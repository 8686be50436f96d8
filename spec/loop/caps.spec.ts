import { expect } from 'chai'
import express, { type RequestHandler } from 'express'
import { createHub, type Endpoint, loop, ndjson, resource, resources, sse, stop } from '../../lib/index.js'
import { linesOf } from '../support/lines.js'
import { Log } from '../support/log.js'
import type { Client } from '../support/raw.js'
import { flood, type Site, stage, staged, turns } from '../support/stage.js'

const count = (endpoint: Endpoint) => [...endpoint.streams].length

async function held(site: Site, number: number, headers: Record<string, string> = {}): Promise<Client[]> {
  const clients = Array.from({ length: number }, () => site.get('/', { headers }))
  for (const client of clients) expect((await client.head()).status).to.equal(200)
  return clients
}

/** Who asks says who it is. */
const clientKey = ({ req }: { req: { get(name: string): string | undefined } }) => req.get('user') ?? ''

describe('maxStreams: the newcomer is rejected (docs/operate/operating.md)', () => {
  staged()

  it('503 with Retry-After and a problem body, and nobody who is there is sent away', async () => {
    const endpoint = loop({ format: sse(), stream: { maxStreams: 3 }, subscribe: () => {} })
    const site = await stage.now.serve(endpoint)
    const clients = await held(site, 3)
    for (let time = 0; time < 5; time++) {
      const message = await site.get().whole()
      expect(message.status).to.equal(503)
      expect(message.headers['content-type']).to.equal('application/problem+json')
      expect(JSON.parse(message.body)).to.include({ status: 503, title: 'Service Unavailable' })
    }
    expect(count(endpoint)).to.equal(3)
    for (const client of clients) expect(client.message.isWhole).to.equal(false)
    expect(stage.now.errors).to.deep.equal([])
  })

  it('Retry-After is whole seconds, and not the same for all: they do not come back in step', async () => {
    const endpoint = loop({ format: sse(), stream: { maxStreams: 1 }, subscribe: () => {} })
    const site = await stage.now.serve(endpoint)
    await held(site, 1)
    const seen = new Set<string>()
    for (let time = 0; time < 50; time++) {
      seen.add((await site.get().whole()).headers['retry-after'] ?? 'none')
    }
    for (const each of seen) expect(each).to.match(/^[1-9]\d?$/)
    expect(seen.size).to.be.above(1)
  })

  it('is judged before `subscribe`: nobody is subscribed for a rejected one', async () => {
    const log = new Log()
    const endpoint = loop({
      format: sse(),
      stream: { maxStreams: 1 },
      subscribe: () => void log.add('subscribe'),
      terminate: ({ kind }) => log.add(kind),
    })
    const site = await stage.now.serve(endpoint)
    const [first] = await held(site, 1)
    await site.get().whole()
    await turns()
    expect(log.entries).to.deep.equal(['subscribe'])
    first!.leave()
    await log.until('disconnect')
    expect(log.entries).to.deep.equal(['subscribe', 'disconnect'])
  })

  it('counts those whose `subscribe` is pending', async () => {
    const log = new Log()
    let resolve = () => {}
    const endpoint = loop({
      format: sse(),
      stream: { maxStreams: 1 },
      subscribe() {
        log.add('subscribe')
        return new Promise<void>((done) => {
          resolve = done
        })
      },
    })
    const site = await stage.now.serve(endpoint)
    const client = site.get()
    await log.until('subscribe')
    expect((await site.get().whole()).status).to.equal(503)
    resolve()
    expect((await client.head()).status).to.equal(200)
  })

  it('of one endpoint has nothing to do with another, nor with plain answers of its own', async () => {
    const table = resources(
      {
        '/a': loop({ format: sse(), subscribe: () => {} }),
        '/b': {
          contentTypesProvided: { 'text/event-stream': sse(), 'application/json': () => ({ a: 1 }) },
          subscribe: () => {},
        },
      },
      { stream: { maxStreams: 1 } },
    )
    const site = await stage.now.serve(table)
    for (const path of ['/a', '/b']) {
      expect((await site.get(path).head()).status).to.equal(200)
      expect((await site.get(path).whole()).status).to.equal(503)
    }
    const plain = site.get('/b', { headers: { Accept: 'application/json' } })
    expect((await plain.whole()).status).to.equal(200)
  })

  it('HEAD does not count, and is answered as GET would be', async () => {
    const endpoint = loop({ format: sse(), stream: { maxStreams: 1 }, subscribe: () => {} })
    const site = await stage.now.serve(endpoint)
    for (let time = 0; time < 3; time++) {
      expect((await site.get('/', { method: 'HEAD' }).whole()).status).to.equal(200)
    }
    await held(site, 1)
    for (const method of ['HEAD', 'GET']) {
      const message = await site.get('/', { method }).whole()
      expect(message.status).to.equal(503)
      expect(message.headers['retry-after']).to.match(/^[1-9]\d?$/)
    }
  })

  it('HEAD of a list at the cap is 503, too, and the list is closed', async () => {
    const log = new Log()
    async function* list() {
      try {
        yield 1
      } finally {
        log.add('closed')
      }
    }
    const endpoint = resource({
      contentTypesProvided: {
        'application/x-ndjson': async () => {
          const made = list()
          await made.next()
          return ndjson().once(made)
        },
        'text/event-stream': sse(),
      },
      stream: { maxStreams: 1 },
      subscribe: () => {},
    })
    const site = await stage.now.serve(endpoint)
    await held(site, 1, { Accept: 'text/event-stream' })
    expect((await site.get('/', { method: 'HEAD' }).whole()).status).to.equal(503)
    await log.until('closed')
  })

  it('what the callbacks refuse comes first, and takes no place', async () => {
    const endpoint = resource({
      contentTypesProvided: [sse()],
      isAuthorized: ({ req }) => req.get('user') !== undefined || 'Bearer',
      stream: { maxStreams: 1 },
      subscribe: () => {},
    })
    const site = await stage.now.serve(endpoint)
    for (let time = 0; time < 3; time++) expect((await site.get().whole()).status).to.equal(401)
    await held(site, 1, { User: 'ann' })
    expect((await site.get().whole()).status).to.equal(401)
  })

  it('Infinity is no limit', async () => {
    const endpoint = loop({
      format: sse(),
      stream: { maxStreams: Infinity, maxStreamsPerClient: Infinity },
      subscribe: () => {},
    })
    await held(await stage.now.serve(endpoint), 20)
  })
})

describe('maxStreamsPerClient: a client is rejected, and no other (docs/operate/operating.md)', () => {
  staged()

  it('429 with Retry-After and a problem body', async () => {
    const endpoint = loop({
      format: sse(),
      stream: { maxStreamsPerClient: 2, clientKey },
      subscribe: () => {},
    })
    const site = await stage.now.serve(endpoint)
    await held(site, 2, { User: 'ann' })
    const message = await site.get('/', { headers: { User: 'ann' } }).whole()
    expect(message.status).to.equal(429)
    expect(message.headers['retry-after']).to.match(/^[1-9]\d?$/)
    expect(JSON.parse(message.body)).to.include({ status: 429, title: 'Too Many Requests' })
    await held(site, 2, { User: 'bob' })
    expect(count(endpoint)).to.equal(4)
    for (const [User, status] of [
      ['ann', 429],
      ['eve', 200],
    ] as const) {
      const head = await site.get('/', { method: 'HEAD', headers: { User } }).whole()
      expect(head.status).to.equal(status)
    }
  })

  it('without a clientKey a client is its address', async () => {
    const endpoint = loop({ format: sse(), stream: { maxStreamsPerClient: 1 }, subscribe: () => {} })
    const trusting: RequestHandler = (req, _res, next) => {
      req.app.set('trust proxy', true)
      next()
    }
    const site = await stage.now.serve(endpoint, { before: [trusting] })
    await held(site, 1, { 'X-Forwarded-For': '192.0.2.1' })
    await held(site, 1, { 'X-Forwarded-For': '192.0.2.2' })
    await held(site, 1)
    expect((await site.get('/', { headers: { 'X-Forwarded-For': '192.0.2.1' } }).whole()).status).to.equal(
      429,
    )
    expect((await site.get().whole()).status).to.equal(429)
    expect([...endpoint.streams].map(({ client }) => client)).to.deep.equal([
      '192.0.2.1',
      '192.0.2.2',
      '127.0.0.1',
    ])
  })

  it('where both are reached the endpoint is full: 503', async () => {
    const endpoint = loop({
      format: sse(),
      stream: { maxStreams: 1, maxStreamsPerClient: 1 },
      subscribe: () => {},
    })
    const site = await stage.now.serve(endpoint)
    await held(site, 1)
    expect((await site.get().whole()).status).to.equal(503)
  })

  it('a place is free again for that client, once one of its streams is over', async () => {
    const endpoint = loop({
      format: sse(),
      stream: { maxStreamsPerClient: 1, clientKey },
      subscribe: () => {},
    })
    const site = await stage.now.serve(endpoint)
    for (let time = 0; time < 3; time++) {
      const [client] = await held(site, 1, { User: 'ann' })
      expect((await site.get('/', { headers: { User: 'ann' } }).whole()).status).to.equal(429)
      client!.leave()
      while (count(endpoint) > 0) await turns(1)
    }
  })

  it('counts the streams of one endpoint under the tables that have it, and takes off those alone', async () => {
    const log = new Log()
    // who is told of the end has the client of each: known, it is not counted yet
    const endpoint = loop({ format: sse(), subscribe: () => {}, terminate: () => log.add('over') })
    const site = await stage.now.serve(
      express
        .Router()
        .use('/a', resources({ '/': endpoint }, { stream: { maxStreamsPerClient: 2 } }) as RequestHandler)
        .use('/b', resources({ '/': endpoint }) as RequestHandler),
    )
    const status = async (path: string) => (await site.get(path).head()).status
    const statuses = async (count: number) => {
      const seen: number[] = []
      for (let time = 0; time < count; time++) seen.push(await status('/a'))
      return seen
    }
    expect(await statuses(3)).to.deep.equal([200, 200, 429])
    for (let time = 1; time <= 4; time++) {
      const other = site.get('/b')
      expect((await other.head()).status).to.equal(200)
      other.leave()
      await log.until('over', time)
    }
    expect(await statuses(3)).to.deep.equal([429, 429, 429])
    expect(count(endpoint)).to.equal(2)
    for (const stream of endpoint.streams) stream.close()
    expect(await statuses(3), 'their places are free again').to.deep.equal([200, 200, 429])
  })

  for (const key of ['__proto__', 'constructor', '']) {
    it(`a client may be '${key}'`, async () => {
      const endpoint = loop({
        format: sse(),
        stream: { maxStreamsPerClient: 1, clientKey: () => key },
        subscribe: () => {},
      })
      const site = await stage.now.serve(endpoint)
      const [client] = await held(site, 1)
      expect((await site.get().whole()).status).to.equal(429)
      client!.leave()
      while (count(endpoint) > 0) await turns(1)
      await held(site, 1)
    })
  }
})

interface End {
  stream?: object
  subscribe?: (context: { signal: AbortSignal }, log: Log) => unknown
  run?: (client: Client, endpoint: Endpoint, site: Site) => unknown
  reads?: boolean
  /** What the client gets. */
  status?: number
}

const ends: Readonly<Record<string, End>> = {
  'the client leaves': { run: (client) => client.leave() },
  'the client resets': { run: (client) => client.reset() },
  'the client closes its half': { run: (client) => client.halfClose() },
  'it is revoked': {
    run: (_, endpoint) => {
      for (const stream of endpoint.streams) {
        stream.close()
        stream.close()
      }
    },
  },
  'its time is over': {
    stream: { maxDuration: 1000 },
    run: () => stage.now.time.advance(1000),
  },
  'the source ends': { subscribe: () => [1, 2] },
  'the source fails': {
    // biome-ignore lint/correctness/useYield: it fails first
    *subscribe() {
      throw new Error('broken')
    },
  },
  '`subscribe` throws': {
    subscribe: () => {
      throw new Error('broken')
    },
    status: 500,
  },
  '`subscribe` rejects': { subscribe: async () => Promise.reject(new Error('broken')), status: 500 },
  '`subscribe` answers what it may not': { subscribe: () => 17, status: 500 },
  '`subscribe` stops': { subscribe: () => stop(204), status: 204 },
  '`subscribe` stops in time': { subscribe: async () => stop(410), status: 410 },
  '`subscribe` passes its deadline, and rejects then': {
    subscribe: () =>
      new Promise((_, reject) => {
        setImmediate(() => {
          stage.now.time.advance(30_000)
          reject(new Error('late'))
        })
      }),
    status: 503,
  },
  'the client leaves while `subscribe` is pending': {
    subscribe: ({ signal }) =>
      new Promise((resolve) => {
        signal.addEventListener('abort', () => resolve(undefined))
      }),
    run: (client) => client.leave(),
    status: 0,
  },
  'it is too slow': {
    stream: { maxQueuedBytes: 1000 },
    subscribe: (context) => {
      const { write } = context as unknown as { write(data: unknown): unknown }
      setImmediate(() => {
        write(flood.toString())
        write('and one more')
      })
    },
    reads: false,
    status: 0,
  },
}

describe('A place is freed exactly once, in every way to end (docs/operate/operating.md)', () => {
  staged()

  for (const [
    name,
    { stream = {}, subscribe = () => {}, run = () => {}, reads = true, status = 200 },
  ] of Object.entries(ends)) {
    it(`when ${name}`, async () => {
      const log = new Log()
      let isOrdinary = false
      const endpoint = loop<undefined, unknown, unknown, undefined>({
        format: ndjson(),
        stream: { maxStreams: 2, maxStreamsPerClient: 2, ...stream },
        subscribe(context) {
          log.add('subscribe')
          return (isOrdinary ? undefined : subscribe(context, log)) as undefined
        },
        terminate: ({ kind }) => {
          log.add('terminate')
          log.add(kind)
        },
      })
      const site = await stage.now.serve(endpoint)
      for (let time = 1; time <= 5; time++) {
        const client = site.get('/', { reads })
        await log.until('subscribe', time)
        if (status > 0) expect((await client.head()).status).to.equal(status)
        await run(client, endpoint, site)
        await log.until('terminate', time)
        await turns()
        client.leave()
      }
      // neither fewer nor more than before
      isOrdinary = true
      await held(site, 2)
      expect((await site.get().whole()).status).to.equal(503)
      expect(count(endpoint)).to.equal(2)
    })
  }

  it('one that is left while `subscribe` is pending keeps its place until that has answered', async () => {
    const log = new Log()
    const resolves: (() => void)[] = []
    const endpoint = loop({
      format: sse(),
      stream: { maxStreams: 1 },
      subscribe() {
        log.add('subscribe')
        return new Promise<() => void>((resolve) =>
          resolves.push(() => resolve(() => log.add('unsubscribe'))),
        )
      },
      terminate: ({ kind }) => log.add(kind),
    })
    const site = await stage.now.serve(endpoint)
    const client = site.get()
    await log.until('subscribe')
    client.leave()
    await turns(50)
    // what was asked for is still on its way: who comes and goes may not pile it up
    expect((await site.get().whole()).status).to.equal(503)
    resolves[0]?.()
    await log.until('disconnect')
    expect(log.entries).to.deep.equal(['subscribe', 'unsubscribe', 'disconnect'])
    const next = site.get()
    await log.until('subscribe', 2)
    resolves[1]?.()
    expect((await next.head()).status).to.equal(200)
  })

  it('of a channel, as of any other `subscribe`', async () => {
    const channel = createHub().channel('capped')
    const endpoint = loop({ format: sse(), stream: { maxStreams: 2 }, subscribe: channel })
    const site = await stage.now.serve(endpoint)
    for (let time = 0; time < 3; time++) {
      const clients = await held(site, 2)
      expect((await site.get().whole()).status).to.equal(503)
      expect(channel.subscribers).to.equal(2)
      for (const client of clients) client.leave()
      while (channel.subscribers > 0) await turns(1)
    }
  })

  it('when clients come and leave in one go, hundreds of times', async () => {
    const endpoint = loop({
      format: sse(),
      stream: { maxStreams: 5, maxStreamsPerClient: 5 },
      subscribe: async () => {
        await turns(2)
      },
    })
    const site = await stage.now.serve(endpoint)
    for (let time = 0; time < 200; time++) {
      const client = site.get()
      if (time % 3) await turns(time % 7)
      client.leave()
    }
    await turns(100)
    expect(count(endpoint)).to.equal(0)
    await held(site, 5)
    expect((await site.get().whole()).status).to.equal(503)
  })
})

describe('clientKey says who a client is (docs/operate/operating.md)', () => {
  staged()

  it('of the context, with the state and the body; `stream.client` is what it says', async () => {
    const endpoint = resource<{ user: string }>({
      init: ({ req }) => ({ user: req.get('user') ?? 'nobody' }),
      contentTypesProvided: [sse()],
      stream: { clientKey: (context) => (context as unknown as { state: { user: string } }).state.user },
      subscribe: () => {},
    })
    const site = await stage.now.serve(endpoint)
    await held(site, 1, { User: 'ann' })
    expect([...endpoint.streams].map(({ client }) => client)).to.deep.equal(['ann'])
  })

  it('is asked once for a stream, or for its HEAD, and never for a plain answer', async () => {
    let asked = 0
    const endpoint = resource({
      contentTypesProvided: { 'text/event-stream': sse(), 'application/json': () => 1 },
      stream: {
        maxStreams: 5,
        maxStreamsPerClient: 5,
        clientKey: () => {
          asked += 1
          return 'one'
        },
      },
      subscribe: () => {},
    })
    const site = await stage.now.serve(endpoint)
    await site.get('/', { headers: { Accept: 'application/json' } }).whole()
    expect(asked).to.equal(0)
    await site.get('/', { method: 'HEAD' }).whole()
    expect(asked).to.equal(1)
    await held(site, 2)
    for (const { client } of endpoint.streams) expect(client).to.equal('one')
    expect(asked).to.equal(3)
  })

  for (const [name, key] of [
    ['undefined', undefined],
    ['a number', 17],
    ['null', null],
    ['a promise', Promise.resolve('ann')],
  ] as const) {
    it(`${name} is an error that names it, for the app's own handler; nobody is subscribed`, async () => {
      const endpoint = loop({
        format: sse(),
        stream: { maxStreams: 1, clientKey: () => key as never },
        subscribe: () => expect.fail('subscribed'),
      })
      const site = await stage.now.serve(endpoint)
      for (let time = 0; time < 2; time++) {
        expect(await site.get().whole()).to.include({ status: 500, body: 'the app failed' })
      }
      expect(stage.now.errors).to.have.length(2)
      expect(stage.now.errors[0]).to.be.instanceOf(TypeError)
      expect((stage.now.errors[0] as Error).message).to.match(/^clientKey answered .*expected a string/)
      expect(count(endpoint)).to.equal(0)
    })
  }

  it('one that throws is an error with its status', async () => {
    const endpoint = loop({
      format: sse(),
      stream: {
        maxStreams: 1,
        clientKey() {
          throw Object.assign(new Error('who?'), { status: 400 })
        },
      },
      subscribe: () => expect.fail('subscribed'),
    })
    const site = await stage.now.serve(endpoint)
    for (let time = 0; time < 2; time++) {
      expect(await site.get().whole()).to.include({ status: 400, body: 'the app failed' })
    }
    expect(stage.now.errors.map((error) => (error as Error).message)).to.deep.equal(['who?', 'who?'])
  })

  for (const [name, stream, trusts, expected] of [
    ['by default', '{ maxStreamsPerClient: 9 }', false, 1],
    ['without caps either', '{}', false, 1],
    ['not where `trust proxy` is set', '{ maxStreamsPerClient: 9 }', true, 0],
    ['not where there is a clientKey', "{ maxStreamsPerClient: 9, clientKey: () => 'me' }", false, 0],
  ] as const) {
    it(`X-Forwarded-For without \`trust proxy\` is warned of, once in the life of a process: ${name}`, async () => {
      // in a process of its own: what was warned of here, in another spec, is not warned of again
      const warnings = await linesOf(`
        import express from 'express'
        import { loop, sse } from './lib/index.ts'
        const app = express()
        if (${trusts}) app.set('trust proxy', true)
        app.use(loop({ format: sse(), stream: ${stream}, subscribe: () => [1] }))
        const server = app.listen(0, '127.0.0.1', async () => {
          const url = 'http://127.0.0.1:' + server.address().port
          for (let time = 0; time < 3; time++) await (await fetch(url)).text()
          console.log('without')
          const headers = { 'X-Forwarded-For': '192.0.2.1' }
          for (let time = 0; time < 3; time++) await (await fetch(url, { headers })).text()
          await new Promise(setImmediate)
          console.log('over')
          process.exit()
        })
        process.on('warning', ({ name, message }) => console.log(name, message))
      `)
      expect(warnings[0], 'nothing before').to.equal('without')
      expect(warnings.at(-1)).to.equal('over')
      expect(warnings).to.have.length(2 + expected)
      if (expected) expect(warnings[1]).to.match(/^LariatWarning X-Forwarded-For .*trust proxy.*clientKey/)
    })
  }
})
