import { expect } from 'chai'
import express, { type RequestHandler } from 'express'
import { createHub, loop, ndjson, type OpenStream, resource, resources, sse } from '../../lib/index.js'
import { Log } from '../support/log.js'
import type { Client } from '../support/raw.js'
import { flood, type Site, stage, staged, turns } from '../support/stage.js'

const quiet = { subscribe: () => {} }
const all = (endpoint: { streams: Iterable<OpenStream> }) => [...endpoint.streams]
const paths = (endpoint: { streams: Iterable<OpenStream> }) => all(endpoint).map(({ path }) => path)

/** Waits for the heads of streams. */
/** Clients that have come one after the other: of connections that are made at once, any may be first. */
async function held(site: Site, ...asked: string[]) {
  const clients: Client[] = []
  for (const path of asked) {
    const client = site.get(path)
    clients.push(client)
    await client.head()
  }
  return clients
}

describe('endpoint.streams: the open streams (docs/operate/operating.md)', () => {
  staged()

  it('`route` is the key of the table, or the pattern of the mount; `state` is that of the request', async () => {
    const made = () =>
      resource({
        init: ({ req }) => ({ asked: req.originalUrl }),
        contentTypesProvided: [ndjson()],
        subscribe: () => {},
      })
    const mounted = { used: made(), all: made(), rooted: made(), nested: made(), tabled: made() }
    const table = resources({
      '/books/:isbn': mounted.tabled,
      '/plain': { contentTypesProvided: [ndjson()], subscribe: () => {} },
    })
    const app = express.Router()
    app.use('/used/:id', mounted.used)
    app.all('/all/:id', mounted.all)
    app.use('/api/:version', express.Router({ mergeParams: true }).get('/nested/:id', mounted.nested))
    app.use('/table', table)
    app.use(mounted.rooted)
    const site = await stage.now.serve(app)
    const asked: Record<string, string> = {
      '/used/7/below': '/used/:id',
      '/all/7': '/all/:id',
      '/api/2/nested/7%20a': '/api/:version/nested/:id',
      '/table/books/12': '/books/:isbn',
      '/elsewhere': '/',
    }
    for (const path of Object.keys(asked)) await site.get(path).head()
    const streams = Object.values(mounted).flatMap((endpoint) => [...endpoint.streams])
    expect(Object.fromEntries(streams.map(({ state, route }) => [state.asked, route]))).to.deep.equal(asked)
    await site.get('/table/plain').head()
    expect([...table.streams].map(({ route, state }) => [route, state])).to.deep.include([
      '/plain',
      undefined,
    ])
  })

  it('is empty, then has those that are open, in the order in which they came, then is empty', async () => {
    const endpoint = loop({ format: ndjson(), ...quiet })
    const site = await stage.now.serve(endpoint)
    expect(all(endpoint)).to.deep.equal([])
    const [first] = await held(site, '/a', '/b', '/c')
    expect(paths(endpoint)).to.deep.equal(['/a', '/b', '/c'])
    first?.leave()
    while (paths(endpoint).length > 2) await turns(1)
    expect(paths(endpoint)).to.deep.equal(['/b', '/c'])
    for (const stream of endpoint.streams) stream.close()
    expect(all(endpoint)).to.deep.equal([])
  })

  it('can be gone over again and again, and while streams come and go', async () => {
    const endpoint = loop({ format: ndjson(), ...quiet })
    const site = await stage.now.serve(endpoint)
    await held(site, '/a', '/b', '/c')
    const { streams } = endpoint
    expect([...streams]).to.have.length(3)
    const seen: string[] = []
    for (const stream of streams) {
      seen.push(stream.path)
      stream.close()
    }
    expect(seen).to.deep.equal(['/a', '/b', '/c'])
    expect([...streams]).to.deep.equal([])
  })

  it('says the truth of each: what was asked for, by whom, since when, in which format', async () => {
    const endpoint = resource({ contentTypesProvided: [sse(), ndjson()], subscribe: () => {} })
    const before = Date.now()
    const site = await stage.now.serve(express.Router().use('/api', endpoint as RequestHandler))
    const client = site.get('/api/prices?token=secret', { headers: { Accept: 'application/x-ndjson' } })
    await client.head()
    const [stream] = all(endpoint) as [OpenStream]
    expect(stream).to.include({
      path: '/api/prices',
      format: 'application/x-ndjson',
      client: '127.0.0.1',
      sent: 0,
      bytes: 0,
      queued: 0,
      dropped: 0,
    })
    expect(stream.id).to.be.a('string').and.not.to.equal('')
    expect(stream.openedAt.getTime()).to.be.within(before, Date.now())
  })

  it('ids are those of no other stream, of no other endpoint either', async () => {
    const table = resources({
      '/a': loop({ format: ndjson(), ...quiet }),
      '/b': loop({ format: sse(), ...quiet }),
    })
    const site = await stage.now.serve(table)
    await held(site, '/a', '/b', '/a', '/b')
    expect(new Set(all(table).map(({ id }) => id)).size).to.equal(4)
  })

  it('counts events and bytes of a channel, group or not, as they came to the client', async () => {
    const channel = createHub().channel<string>('counted')
    for (const info of [
      undefined,
      (message: unknown, { write }: { write(data: unknown): unknown }) => void write(message),
    ]) {
      const endpoint = loop<undefined, unknown, unknown, undefined>({
        format: sse(),
        subscribe: channel,
        ...(info && { info }),
      })
      const site = await stage.now.serve(endpoint)
      const client = site.get()
      await client.until(':\n')
      const [stream] = all(endpoint) as [OpenStream]
      await channel.publish('one')
      await channel.publish('two')
      await Promise.all([channel.publish('three'), channel.publish('four')])
      await client.until('four\n\n')
      expect(stream).to.include({ sent: 4, queued: 0, dropped: 0, bytes: Buffer.byteLength(client.body) })
      client.leave()
    }
  })

  it('counts the opening, the retry, heartbeats and notices as bytes, and not as events', async () => {
    const endpoint = loop({ format: sse(), stream: { retry: 1000, heartbeat: 500 }, ...quiet })
    const site = await stage.now.serve(endpoint)
    const client = site.get()
    await client.until('retry: 1000\n')
    const [stream] = all(endpoint) as [OpenStream]
    stage.now.time.advance(1000)
    await client.until('retry: 1000\n:\n:\n')
    expect(stream).to.include({ sent: 0, bytes: Buffer.byteLength(client.body) })
  })

  it('`queued` and `dropped` are those of a client that is behind', async () => {
    const channel = createHub().channel('behind')
    const endpoint = loop({
      format: sse(),
      stream: { maxQueuedBytes: 2 ** 26, maxQueued: 5, overflow: 'dropOldest' },
      subscribe: channel,
    })
    const site = await stage.now.serve(endpoint)
    const slow = site.get('/', { reads: false })
    const fast = site.get('/')
    await fast.head()
    while (all(endpoint).length < 2) await turns(1)
    await channel.publish(flood.toString())
    await fast.taken(flood.length)
    for (let number = 0; number < 8; number++) await channel.publish(number)
    await fast.until('data: 7')
    const counts = all(endpoint).map(({ queued, dropped }) => ({ queued, dropped }))
    expect(counts).to.have.deep.members([
      { queued: 0, dropped: 0 },
      { queued: 5, dropped: 3 },
    ])
    slow.leave()
  })

  it('a stream is there while `subscribe` is pending, and not once it has failed', async () => {
    const endpoint = loop({
      format: ndjson(),
      subscribe: () => new Promise<void>((_, reject) => setImmediate(() => reject(new Error('broken')))),
    })
    const site = await stage.now.serve(endpoint)
    const seen: number[] = []
    const client = site.get()
    while (stage.now.errors.length === 0) {
      seen.push(all(endpoint).length)
      await turns(1)
    }
    expect(seen).to.include(1)
    expect((await client.whole()).status).to.equal(500)
    expect(all(endpoint)).to.deep.equal([])
  })

  it('a plain answer, a HEAD, a refusal and a `stop()` are no streams', async () => {
    const seen: number[] = []
    const endpoint = resource({
      contentTypesProvided: {
        'application/json': () => {
          seen.push(all(endpoint).length)
          return { a: 1 }
        },
        'text/event-stream': sse(),
      },
      forbidden: ({ req }) => req.path === '/secret',
      ...quiet,
    })
    const site = await stage.now.serve(endpoint)
    await site.get('/').whole()
    await site.get('/', { method: 'HEAD', headers: { Accept: 'text/event-stream' } }).whole()
    await site.get('/secret', { headers: { Accept: 'text/event-stream' } }).whole()
    expect(seen.concat(all(endpoint).length)).to.deep.equal([0, 0])
  })

  it('a list of a provider, and an answer to a POST that is a format, are streams', async () => {
    const seen: string[] = []
    const endpoint = resource({
      allowedMethods: ['GET', 'POST'],
      contentTypesProvided: {
        'application/x-ndjson': () =>
          ndjson().once(
            (function* () {
              seen.push(...all(endpoint).map(({ format }) => format))
              yield 1
            })(),
          ),
      },
      contentTypesAccepted: { '*/*': () => sse() },
      ...quiet,
    })
    const site = await stage.now.serve(endpoint)
    expect((await site.get().whole()).body).to.equal('1\n')
    expect(seen).to.deep.equal(['application/x-ndjson'])
    const headers = { 'Content-Type': 'text/plain' }
    const posted = await site.get('/', { method: 'POST', headers, body: 'x' }).head()
    expect(posted.status).to.equal(200)
    expect(all(endpoint).map(({ format }) => format)).to.deep.equal(['text/event-stream'])
  })
})

describe('A stream that is over is still known for what it was (docs/operate/operating.md)', () => {
  staged()

  it('to those who keep it: to `leave` of a channel as well, first asked for then', async () => {
    const channel = createHub().channel('known')
    const left: object[] = []
    channel.on('leave', ({ id, path, client, format, sent }) => left.push({ id, path, client, format, sent }))
    const endpoint = loop({ format: ndjson(), subscribe: channel })
    const site = await stage.now.serve(endpoint)
    const [client] = await held(site, '/a')
    const [stream] = all(endpoint) as [OpenStream]
    await channel.publish(1)
    await client!.until('1\n')
    client!.leave()
    while (left.length === 0) await turns(1)
    const { id } = stream
    expect(left).to.deep.equal([
      { id, path: '/a', client: '127.0.0.1', format: 'application/x-ndjson', sent: 1 },
    ])
    expect(stream).to.include({ path: '/a', client: '127.0.0.1', sent: 1, queued: 0 })
  })
})

describe('stream.close() revokes one (docs/operate/operating.md)', () => {
  staged()

  it('it ends complete with reason revoked, and the others stay', async () => {
    const log = new Log()
    const endpoint = loop({
      format: sse(),
      stream: { endEvent: true },
      subscribe:
        ({ req }) =>
        () =>
          log.add(`unsubscribe ${req.path}`),
      terminate: ({ kind }, { req }) => log.add(`${kind} ${req.path}`),
    })
    const site = await stage.now.serve(endpoint)
    const [a, b] = await held(site, '/a', '/b')
    all(endpoint)[0]?.close()
    expect((await a!.whole()).body).to.match(/event: reconnect\ndata: \{"reason":"revoked"\}\n\n$/)
    expect(log.entries).to.deep.equal(['unsubscribe /a', 'revoked /a'])
    expect(paths(endpoint)).to.deep.equal(['/b'])
    b!.leave()
    await log.until('disconnect /b')
  })

  it('while `subscribe` is pending: 503, unsubscribed once it has answered', async () => {
    const log = new Log()
    let resolve = (_unsubscribe: () => void) => {}
    const endpoint = loop({
      format: sse(),
      subscribe: () => {
        log.add('subscribe')
        return new Promise<() => void>((done) => {
          resolve = done
        })
      },
      terminate: ({ kind }) => log.add(kind),
    })
    const site = await stage.now.serve(endpoint)
    const client = site.get()
    await log.until('subscribe')
    for (const stream of endpoint.streams) stream.close()
    expect((await client.whole()).status).to.equal(503)
    resolve(() => log.add('unsubscribe'))
    await log.until('revoked')
    expect(log.entries).to.deep.equal(['subscribe', 'unsubscribe', 'revoked'])
  })

  it('a selection can be closed at once, by what is known of them', async () => {
    const endpoint = loop({
      format: ndjson(),
      stream: { clientKey: ({ req }) => req.get('user') ?? '' },
      ...quiet,
    })
    const site = await stage.now.serve(endpoint)
    const clients = ['ann', 'bob', 'ann', 'cid'].map((user) => site.get('/', { headers: { User: user } }))
    for (const client of clients) await client.head()
    for (const stream of endpoint.streams) if (stream.client === 'ann') stream.close()
    expect(all(endpoint).map(({ client }) => client)).to.deep.equal(['bob', 'cid'])
    for (const at of [0, 2]) expect((await clients[at]!.whole()).isWhole).to.equal(true)
  })
})

describe('Streams are of the endpoint, however it is mounted (docs/operate/operating.md)', () => {
  staged()

  it('an endpoint that is mounted twice shares them', async () => {
    const endpoint = loop({ format: ndjson(), ...quiet })
    const handler = endpoint as RequestHandler
    const site = await stage.now.serve(express.Router().use('/a', handler).use('/b', handler))
    await held(site, '/a', '/b')
    expect(paths(endpoint)).to.deep.equal(['/a', '/b'])
  })

  it('a table joins those of its entries, endpoints and specs alike', async () => {
    const own = loop({ format: ndjson(), ...quiet })
    const inner = resources({ '/inner': { contentTypesProvided: [sse()], subscribe: () => {} } })
    const table = resources({
      '/own': own,
      '/spec': { contentTypesProvided: [sse()], subscribe: () => {} },
      '/inner': inner,
    })
    const site = await stage.now.serve(table)
    await held(site, '/own', '/spec', '/own', '/inner')
    expect(paths(table)).to.have.members(['/own', '/own', '/spec', '/inner'])
    expect(paths(own)).to.deep.equal(['/own', '/own'])
    expect(paths(inner)).to.deep.equal(['/inner'])
    for (const stream of table.streams) stream.close()
    expect(all(own)).to.deep.equal([])
  })

  it('in tables with defaults, and alone as well: they are its own everywhere', async () => {
    const endpoint = loop({ format: sse(), stream: { maxStreams: 3 }, ...quiet })
    const one = resources({ '/one': endpoint }, { stream: { heartbeat: 500 } })
    const two = resources({ '/two': endpoint }, { stream: { heartbeat: 700 } })
    const site = await stage.now.serve(
      express
        .Router()
        .use(one as RequestHandler)
        .use(two as RequestHandler)
        .use(endpoint as RequestHandler),
    )
    await held(site, '/one', '/two', '/alone')
    expect(paths(endpoint)).to.deep.equal(['/one', '/two', '/alone'])
    expect(paths(one)).to.deep.equal(['/one', '/two', '/alone'])
    expect((await site.get('/one').whole()).status, 'they count together').to.equal(503)
  })

  it('two endpoints of one spec have streams of their own', async () => {
    const spec = { format: ndjson(), ...quiet }
    const [one, two] = [loop(spec), loop(spec)]
    const site = await stage.now.serve(resources({ '/one': one, '/two': two }))
    await held(site, '/one')
    expect(paths(one)).to.deep.equal(['/one'])
    expect(paths(two)).to.deep.equal([])
  })
})
