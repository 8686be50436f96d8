import { expect } from 'chai'
import express, { type RequestHandler } from 'express'
import {
  createHub,
  type Endpoint,
  jsonArray,
  loop,
  ndjson,
  raw,
  resource,
  resources,
  sse,
  stop,
} from '../../lib/index.js'
import { Log } from '../support/log.js'
import type { Client } from '../support/raw.js'
import { flood, type Site, stage, staged, turns } from '../support/stage.js'

const open = (endpoint: Endpoint) => [...endpoint.streams].length
const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND']

async function held(site: Site, count: number, path = '/'): Promise<Client[]> {
  const clients: Client[] = []
  // of connections that are made at once, any may be first
  while (clients.length < count) {
    const client = site.get(path)
    clients.push(client)
    await client.head()
  }
  return clients
}

/** A promise, and whether it has settled. */
function watched(promise: Promise<unknown>) {
  const state = { isSettled: false, promise }
  void promise.then(() => {
    state.isSettled = true
  })
  return state
}

describe('endpoint.close() answers new requests 503 with Retry-After (docs/operate/operating.md)', () => {
  staged()

  const kinds: Readonly<Record<string, () => Endpoint>> = {
    resource: () =>
      resource({
        init: () => expect.fail('nothing of the spec is asked'),
        allowedMethods: ['GET', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'HEAD'],
        contentTypesProvided: [sse()],
        contentTypesAccepted: { '*/*': () => true },
        deleteResource: true,
        subscribe: () => {},
      }),
    loop: () => loop({ format: sse(), subscribe: () => expect.fail('nobody is subscribed') }),
    resources: () => resources({ '/': loop({ format: sse(), subscribe: () => {} }) }),
  }
  for (const [kind, make] of Object.entries(kinds)) {
    it(`${kind}: whatever the method`, async () => {
      const endpoint = make()
      const site = await stage.now.serve(endpoint)
      await endpoint.close()
      for (const method of methods) {
        const message = await site.get('/', { method }).whole()
        expect(message.status, method).to.equal(503)
        expect(message.headers['content-type']).to.equal('application/problem+json')
        expect(message.headers).to.have.property('retry-after')
        expect(message.body, 'no body for HEAD').to.match(method === 'HEAD' ? /^$/ : /"status":503/)
      }
      expect(stage.now.errors).to.deep.equal([])
    })
  }

  it('at once, while streams are still open', async () => {
    const endpoint = loop({ format: sse(), subscribe: () => {} })
    const site = await stage.now.serve(endpoint)
    await held(site, 3)
    const closing = endpoint.close({ over: 10_000 })
    expect((await site.get().whole()).status).to.equal(503)
    expect(open(endpoint)).to.equal(2)
    stage.now.time.advance(10_000)
    await closing
  })

  for (const [retryAfter, from, to] of [
    [undefined, 5, 10],
    [1, 1, 2],
    [30, 30, 60],
    [0, 0, 0],
    [0.5, 1, 1],
  ] as const) {
    it(`Retry-After of ${retryAfter ?? 'nothing said'}: whole seconds from ${from} to ${to}, not the same for all`, async () => {
      const endpoint = loop({ format: sse(), subscribe: () => {} })
      const site = await stage.now.serve(endpoint)
      await endpoint.close(retryAfter === undefined ? {} : { retryAfter })
      const client = site.connect()
      const seen = new Set<string>()
      for (let time = 0; time < 60; time++) {
        seen.add((await client.ask('/').whole()).headers['retry-after'] ?? 'none')
        if (!client.message.headers.connection?.includes('keep-alive')) break
      }
      for (let time = 0; time < 60; time++) {
        seen.add((await site.get().whole()).headers['retry-after'] ?? 'none')
      }
      for (const each of seen) {
        expect(each).to.match(/^\d+$/)
        expect(Number(each)).to.be.within(from, to)
      }
      if (to - from > 1) expect(seen.size).to.be.above(1)
    })
  }

  it('paths that a table does not have still pass', async () => {
    const table = resources({ '/stream': loop({ format: sse(), subscribe: () => {} }) })
    const router = express.Router().use(table as RequestHandler)
    router.get('/other', (_req, res) => void res.end('still here'))
    const site = await stage.now.serve(router)
    await table.close()
    expect((await site.get('/stream').whole()).status).to.equal(503)
    expect(await site.get('/other').whole()).to.include({ status: 200, body: 'still here' })
    expect((await site.get('/none').whole()).status).to.equal(404)
  })

  it('closes all entries of a table, wherever they are mounted, and no other endpoint', async () => {
    const one = loop({ format: sse(), subscribe: () => {} })
    const other = loop({ format: sse(), subscribe: () => {} })
    const table = resources({ '/one': one, '/two': { contentTypesProvided: [sse()], subscribe: () => {} } })
    const site = await stage.now.serve(
      express
        .Router()
        .use(table as RequestHandler)
        .use('/again', one as RequestHandler)
        .use('/other', other as RequestHandler),
    )
    const clients = [...(await held(site, 2, '/one')), ...(await held(site, 2, '/two'))]
    const [stays] = await held(site, 1, '/other')
    await table.close()
    for (const client of clients) expect((await client.whole()).isWhole).to.equal(true)
    expect((await site.get('/again').whole()).status).to.equal(503)
    expect((await site.get('/other').head()).status).to.equal(200)
    expect(stays!.message.isWhole).to.equal(false)
    expect(open(other)).to.equal(2)
  })

  it('a request that is on its way through the callbacks is a 503 where it comes to a stream', async () => {
    const log = new Log()
    let resolve = (_value: boolean) => {}
    const endpoint = resource({
      contentTypesProvided: [sse()],
      serviceAvailable: () => {
        log.add('asked')
        return new Promise<boolean>((done) => {
          resolve = done
        })
      },
      subscribe: () => void log.add('subscribe'),
    })
    const site = await stage.now.serve(endpoint)
    const client = site.get()
    await log.until('asked')
    const closing = endpoint.close()
    resolve(true)
    const { status, headers } = await client.whole()
    expect(status).to.equal(503)
    expect(headers).to.have.property('retry-after')
    await closing
    expect(log.entries).to.deep.equal(['asked'])
  })
})

describe('endpoint.close() ends the open streams (docs/operate/operating.md)', () => {
  staged()

  it('complete, with the tail and the end event, and reason shutdown', async () => {
    for (const [format, body] of [
      [jsonArray(), '["x"]'],
      [ndjson(), '"x"\n'],
      [sse(), ':\ndata: x\n\nevent: reconnect\ndata: {"reason":"shutdown"}\n\n'],
    ] as const) {
      const log = new Log()
      const endpoint = loop({
        format,
        stream: { endEvent: true },
        subscribe({ write }) {
          write('x')
          return () => log.add('unsubscribe')
        },
        terminate: ({ kind }) => log.add(kind),
      })
      const site = await stage.now.serve(endpoint)
      const clients = await held(site, 3)
      await endpoint.close()
      for (const client of clients) expect((await client.whole()).body).to.equal(body)
      expect(log.entries).to.deep.equal(Array(3).fill(['unsubscribe', 'shutdown']).flat())
      expect(open(endpoint)).to.equal(0)
    }
  })

  it('with what was published, sent and written right before', async () => {
    const channel = createHub().channel<string>('last')
    for (const subscribe of [channel, () => channel]) {
      const endpoint = loop({ format: ndjson(), subscribe })
      const site = await stage.now.serve(endpoint)
      const clients = await held(site, 3)
      void channel.publish('one')
      void channel.publish('two')
      await endpoint.close()
      for (const client of clients) expect((await client.whole()).body).to.equal('"one"\n"two"\n')
    }
    const sends: ((message: unknown) => void)[] = []
    const endpoint = loop({ format: ndjson(), subscribe: ({ send }) => void sends.push(send) })
    const site = await stage.now.serve(endpoint)
    const [client] = await held(site, 1)
    sends[0]?.('sent')
    await endpoint.close()
    expect((await client!.whole()).body).to.equal('"sent"\n')
  })

  it('at once, without `over`', async () => {
    const endpoint = loop({ format: ndjson(), subscribe: () => {} })
    const site = await stage.now.serve(endpoint)
    await held(site, 10)
    void endpoint.close()
    expect(open(endpoint)).to.equal(0)
  })

  it('spread evenly over `over`: at no time are more or fewer left than their share', async () => {
    const endpoint = loop({ format: ndjson(), stream: { heartbeat: false }, subscribe: () => {} })
    const site = await stage.now.serve(endpoint)
    const clients = await held(site, 50)
    const closing = watched(endpoint.close({ over: 10_000 }))
    let before = 50
    for (let time = 0; time < 10_000; time += 500) {
      const left = open(endpoint)
      expect(left, `after ${time} ms`).to.be.within(50 - time / 200 - 2, 50 - time / 200)
      expect(left).to.be.at.most(before)
      before = left
      expect(closing.isSettled).to.equal(false)
      stage.now.time.advance(500)
      await turns(1)
    }
    expect(open(endpoint)).to.equal(0)
    await closing.promise
    for (const client of clients) expect((await client.whole()).isWhole).to.equal(true)
  })

  it('a few over a long time, and very many over a short one', async () => {
    const few = loop({ format: ndjson(), stream: { heartbeat: false }, subscribe: () => {} })
    const site = await stage.now.serve(few)
    await held(site, 2)
    const closing = few.close({ over: 100_000 })
    stage.now.time.advance(49_000)
    expect(open(few)).to.equal(1)
    stage.now.time.advance(51_000)
    expect(open(few)).to.equal(0)
    await closing
    const many = loop({ format: ndjson(), subscribe: () => {} })
    await held(await stage.now.serve(many), 100)
    const short = many.close({ over: 20 })
    stage.now.time.advance(10)
    expect(open(many)).to.be.within(40, 60)
    stage.now.time.advance(10)
    await short
  })

  it('goes on while clients leave on their own, and is done when all have', async () => {
    const endpoint = loop({ format: ndjson(), stream: { heartbeat: false }, subscribe: () => {} })
    const clients = await held(await stage.now.serve(endpoint), 10)
    const closing = endpoint.close({ over: 10_000 })
    for (const client of clients) client.leave()
    await closing
  })

  it('is done when the last has ended, not when the time is over', async () => {
    for (const count of [1, 4]) {
      const endpoint = loop({ format: ndjson(), stream: { heartbeat: false }, subscribe: () => {} })
      const clients = await held(await stage.now.serve(endpoint), count)
      const closing = endpoint.close({ over: 10_000 })
      stage.now.time.advance(10_000 - 10_000 / count)
      await closing
      for (const client of clients) expect((await client.whole()).isWhole).to.equal(true)
    }
  })

  it('an endpoint without streams is closed at once', async () => {
    const endpoint = loop({ format: ndjson(), subscribe: () => {} })
    await endpoint.close()
    const table = resources({ '/a': loop({ format: ndjson(), subscribe: () => {} }) })
    await table.close()
  })

  it('streams that are left stay as they are until it is their turn: events arrive', async () => {
    const channel = createHub().channel<number>('meanwhile')
    const endpoint = loop({ format: ndjson(), stream: { heartbeat: false }, subscribe: channel })
    const clients = await held(await stage.now.serve(endpoint), 4)
    const closing = endpoint.close({ over: 4000 })
    for (let number = 0; number < 4; number++) {
      await channel.publish(number)
      await turns()
      stage.now.time.advance(1000)
      await turns()
    }
    await closing
    const bodies = await Promise.all(clients.map(async (client) => (await client.whole()).body))
    expect(bodies[0]).to.equal('')
    expect(bodies[3]).to.equal('0\n1\n2\n')
  })
})

describe('endpoint.close() resolves when all are gone (docs/operate/operating.md)', () => {
  staged()

  it('clients that never read are cut', async () => {
    const log = new Log()
    const endpoint = loop({
      format: raw('a/b'),
      stream: { maxQueuedBytes: 2 ** 26 },
      subscribe: ({ write }) => void write(flood),
      terminate: ({ kind }) => log.add(kind),
    })
    const site = await stage.now.serve(endpoint)
    const stalled = [1, 2, 3].map(() => site.get('/', { reads: false }))
    while (open(endpoint) < 3) await turns(1)
    await turns(50)
    await endpoint.close()
    expect(log.entries).to.deep.equal(['shutdown', 'shutdown', 'shutdown'])
    for (const client of stalled) {
      client.socket.resume()
      expect((await client.closed()).isWhole).to.equal(false)
    }
  })

  it('with `over`, they have until then', async () => {
    const endpoint = loop({
      format: raw('a/b'),
      stream: { maxQueuedBytes: 2 ** 26, heartbeat: false },
      subscribe: ({ write }) => void write(flood),
    })
    const site = await stage.now.serve(endpoint)
    const [slow, stalled] = [site.get('/', { reads: false }), site.get('/', { reads: false })]
    while (open(endpoint) < 2) await turns(1)
    const closing = watched(endpoint.close({ over: 10_000 }))
    stage.now.time.advance(9000)
    await turns()
    slow.socket.resume()
    await slow.taken(flood.length)
    expect((await slow.whole()).isWhole).to.equal(true)
    expect(closing.isSettled).to.equal(false)
    stage.now.time.advance(1000)
    await closing.promise
    stalled.socket.resume()
    expect((await stalled.closed()).isWhole).to.equal(false)
  })

  it('one whose `subscribe` is pending is a 503 with Retry-After, unsubscribed when it has answered', async () => {
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
    await endpoint.close({ retryAfter: 7 })
    const { status, headers } = await client.whole()
    resolve(() => log.add('unsubscribe'))
    await log.until('shutdown')
    expect(status).to.equal(503)
    expect(Number(headers['retry-after'])).to.be.within(7, 14)
    expect(log.entries).to.deep.equal(['subscribe', 'unsubscribe', 'shutdown'])
  })

  it('a source that never answers keeps nobody, and is cut', async () => {
    const endpoint = loop({
      format: sse(),
      async *subscribe() {
        yield 1
        await new Promise(() => {})
      },
    })
    const [client] = await held(await stage.now.serve(endpoint), 1)
    await endpoint.close()
    expect((await client!.closed()).isWhole).to.equal(false)
  })

  it('an `info` that never answers keeps nobody', async () => {
    const endpoint = loop({
      format: sse(),
      subscribe: ({ send }) => send(1),
      info: () => new Promise<void>(() => {}),
    })
    const [client] = await held(await stage.now.serve(endpoint), 1)
    await endpoint.close()
    expect((await client!.whole()).isWhole).to.equal(true)
  })

  it('a second call is the first, whatever it says', async () => {
    const endpoint = loop({ format: ndjson(), stream: { heartbeat: false }, subscribe: () => {} })
    await held(await stage.now.serve(endpoint), 4)
    const first = watched(endpoint.close({ over: 4000 }))
    const second = watched(endpoint.close())
    await turns()
    expect(open(endpoint)).to.equal(3)
    expect([first.isSettled, second.isSettled]).to.deep.equal([false, false])
    stage.now.time.advance(4000)
    await Promise.all([first.promise, second.promise])
    await endpoint.close({ over: 10 ** 6 })
  })

  for (const [how, says] of [
    [{ over: -1 }, 'over'],
    [{ over: '1s' }, 'over'],
    [{ over: Infinity }, 'over'],
    [{ over: Number.NaN }, 'over'],
    [{ retryAfter: -1 }, 'retryAfter'],
    [{ retryAfter: new Date() }, 'retryAfter'],
    [{ ofer: 1 }, 'Did you mean `over`?'],
    [null, 'object'],
    [5, 'object'],
  ] as const) {
    it(`of ${JSON.stringify(how)} is refused, and closes nothing`, async () => {
      for (const make of [
        () => loop({ format: ndjson(), subscribe: () => {} }),
        () => resources({ '/': loop({ format: ndjson(), subscribe: () => {} }) }),
        () => resources({}),
      ]) {
        const endpoint = make()
        let thrown: unknown
        try {
          await endpoint.close(how as never)
        } catch (error) {
          thrown = error
        }
        expect(thrown).to.be.instanceOf(TypeError)
        expect((thrown as Error).message).to.include(says)
      }
      const endpoint = loop({ format: ndjson(), subscribe: () => {} })
      await endpoint.close(how as never).catch(() => {})
      expect((await (await stage.now.serve(endpoint)).get().head()).status).to.equal(200)
    })
  }

  it('taken out of the endpoint it still works', async () => {
    const { close } = loop({ format: ndjson(), subscribe: () => {} })
    await close()
  })

  it('the server itself can close then', async () => {
    const endpoint = loop({ format: ndjson(), subscribe: () => {} })
    const site = await stage.now.serve(endpoint)
    const clients = await held(site, 5)
    const closed = new Promise<void>((resolve) => site.server.close(() => resolve()))
    await endpoint.close()
    for (const client of clients) await client.whole()
    await closed
  })

  it('a connection that was kept alive is answered, or closed in between, never left hanging', async () => {
    const endpoint = loop({ format: ndjson(), subscribe: ({ write }) => void write(1) })
    const site = await stage.now.serve(endpoint)
    const [client] = await held(site, 1)
    await endpoint.close()
    await client!.whole()
    await turns()
    if (client!.socket.readyState !== 'open') return
    const answer = await client!
      .ask('/')
      .whole()
      .catch(() => undefined)
    // it may be closed while the request is on its way
    if (answer) expect(answer.status).to.equal(503)
    else expect(client!.messages).to.have.length(1)
  })

  it('HTTP/1.0 clients end by a FIN', async () => {
    const endpoint = loop({ format: jsonArray(), subscribe: ({ write }) => void write(1) })
    const site = await stage.now.serve(endpoint)
    const client = site.get('/', { version: '1.0' })
    await client.until('1')
    await endpoint.close()
    expect((await client.closed()).body).to.equal('[1]')
    expect(await client.ended).to.equal('fin')
  })

  it('a pipelined request behind a stream does not keep it', async () => {
    const endpoint = loop({ format: ndjson(), subscribe: () => {} })
    const log = new Log()
    const before: RequestHandler = (_req, _res, next) => {
      log.add('request')
      next()
    }
    const site = await stage.now.serve(endpoint, { before: [before] })
    const client = site.get()
    await client.head()
    client.ask('/')
    await log.until('request', 2)
    await endpoint.close()
    await client.whole()
    expect(client.messages.map(({ isWhole }) => isWhole)).to.deep.equal([true, true])
  })

  it('a stop() from `subscribe`, and a plain answer, that are under way, are their own', async () => {
    const log = new Log()
    let resolve = (_value: unknown) => {}
    const endpoint = resource({
      contentTypesProvided: {
        'text/plain': () => {
          log.add('asked')
          return new Promise<string>((done) => {
            resolve = done as never
          })
        },
      },
    })
    const site = await stage.now.serve(endpoint)
    const client = site.get()
    await log.until('asked')
    await endpoint.close()
    resolve('body')
    expect(await client.whole()).to.include({ status: 200, body: 'body' })
    const stopping = loop({ format: sse(), subscribe: () => stop(204) })
    const other = await stage.now.serve(stopping)
    expect((await other.get().whole()).status).to.equal(204)
    await stopping.close()
  })
})
