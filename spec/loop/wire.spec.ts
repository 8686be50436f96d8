import { expect } from 'chai'
import { jsonArray, type LoopContext, loop, ndjson, raw, resource, sse, text } from '../../lib/index.js'
import { expresses } from '../support/http.js'
import { Log } from '../support/log.js'
import { request } from '../support/raw.js'
import { flood, stage, staged, turns } from '../support/stage.js'

const endless = () => {}

describe('The head of a held response (docs/guide/loop.md)', () => {
  staged()

  for (const version of Object.keys(expresses)) {
    it(`${version}: chunked, not to be stored, transformed or buffered, and without a Connection of its own`, async () => {
      const site = await stage.now.serve(loop({ format: sse(), subscribe: endless }), { with: version })
      const { status, headers, names } = await site.get().head()
      expect(status).to.equal(200)
      expect(headers).to.include({
        'content-type': 'text/event-stream',
        'transfer-encoding': 'chunked',
        'cache-control': 'no-store, no-transform',
        'x-accel-buffering': 'no',
        // Node's own, for this connection
        connection: 'keep-alive',
      })
      expect(headers).not.to.have.any.keys('content-length', 'etag', 'last-modified', 'accept-ranges')
      expect(new Set(names).size).to.equal(names.length)
    })
  }

  it('what the resource or a middleware has set stays', async () => {
    const site = await stage.now.serve(
      loop({
        format: sse(),
        subscribe({ res }) {
          res.setHeader('X-Accel-Buffering', 'yes')
        },
      }),
      {
        before: [
          (_req, res, next) => {
            res.setHeader('Cache-Control', 'private')
            next()
          },
        ],
      },
    )
    expect((await site.get().head()).headers).to.include({
      'cache-control': 'private',
      'x-accel-buffering': 'yes',
    })
  })

  it('`status` and `headers` of a loop are its own, over the defaults', async () => {
    const site = await stage.now.serve(
      loop({
        format: sse(),
        status: 202,
        headers: { 'Cache-Control': 'no-cache', 'X-Feed': 'a' },
        subscribe: endless,
      }),
    )
    const { status, headers } = await site.get().head()
    expect(status).to.equal(202)
    expect(headers).to.include({ 'cache-control': 'no-cache', 'x-feed': 'a' })
  })

  it('goes out at once with the opening bytes of the format, before anything is written', async () => {
    const site = await stage.now.serve(loop({ format: sse(), subscribe: endless }))
    expect(await site.get().until(':\n')).to.equal(':\n')
    const array = await stage.now.serve(loop({ format: jsonArray(), subscribe: endless }))
    expect(await array.get().until('[')).to.equal('[')
  })

  it('goes out at once where the format has no opening bytes', async () => {
    const site = await stage.now.serve(loop({ format: ndjson(), subscribe: endless }))
    const { status, body } = await site.get().head()
    expect({ status, body }).to.deep.equal({ status: 200, body: '' })
  })

  it('each write goes out at once, as a chunk of its own', async () => {
    const contexts: LoopContext<undefined>[] = []
    const site = await stage.now.serve(
      loop({ format: ndjson(), subscribe: (context) => void contexts.push(context) }),
    )
    const client = site.get()
    await client.head()
    for (const count of [1, 2, 3]) {
      contexts[0]?.write(count)
      await client.until(`${count}\n`)
    }
    expect(client.message.chunks).to.deep.equal([2, 2, 2])
  })
})

describe('HEAD (docs/guide/getting-started.md; RFC 9110 9.3.2)', () => {
  staged()

  for (const version of Object.keys(expresses)) {
    it(`${version}: the head of GET, nobody is subscribed, and the connection is used again`, async () => {
      let subscribed = 0
      const site = await stage.now.serve(
        resource({
          contentTypesProvided: [sse()],
          subscribe() {
            subscribed += 1
          },
        }),
        { with: version },
      )
      const client = site.get('/', { method: 'HEAD' })
      const { status, headers } = await client.whole()
      expect(status).to.equal(200)
      expect(subscribed).to.equal(0)
      const get = await client.ask('/').head()
      expect(subscribed).to.equal(1)
      const { date: _, ...head } = headers
      expect(get.headers).to.include(head)
      expect(Object.keys(get.headers)).to.have.members(Object.keys(headers))
    })
  }

  it('of a loop from the onset as well, with its status', async () => {
    const site = await stage.now.serve(
      loop({
        format: sse(),
        status: 202,
        subscribe() {
          throw new Error('nobody should be subscribed')
        },
      }),
    )
    const client = site.get('/', { method: 'HEAD' })
    expect(await client.whole()).to.include({ status: 202, body: '' })
    expect((await client.ask('/', { method: 'HEAD' }).whole()).status).to.equal(202)
  })

  it('over HTTP/1.0', async () => {
    const site = await stage.now.serve(loop({ format: sse(), subscribe: endless }))
    const client = site.get('/', { method: 'HEAD', version: '1.0' })
    expect(await client.ended).to.equal('fin')
    expect(client.message.headers).not.to.have.property('transfer-encoding')
    expect(client.raw.toString()).to.match(/\r\n\r\n$/)
  })
})

describe('Connections', () => {
  staged()

  it('HTTP/1.0: the same bytes, not chunked, ended by close', async () => {
    const site = await stage.now.serve(loop({ format: sse(), subscribe: () => ['a', { b: 1 }] }))
    const chunked = await site.get().whole()
    const client = site.get('/', { version: '1.0' })
    expect(await client.ended).to.equal('fin')
    expect(client.message.headers).not.to.have.any.keys('transfer-encoding', 'content-length')
    expect(client.body).to.equal(chunked.body)
  })

  it('are used again after a complete stream', async () => {
    const site = await stage.now.serve(loop({ format: ndjson(), subscribe: () => [1, 2] }))
    const client = site.get()
    for (let count = 0; count < 5; count++) {
      expect((await client.whole()).body).to.equal('1\n2\n')
      client.ask('/')
    }
    expect((await client.whole()).status).to.equal(200)
    expect(client.messages).to.have.length(6)
  })

  it('a half-closed client has left, as Node sees it', async () => {
    const log = new Log()
    const site = await stage.now.serve(
      loop({ format: ndjson(), subscribe: endless, terminate: ({ kind }) => log.add(kind) }),
    )
    const client = site.get()
    await client.head()
    client.halfClose()
    await log.until('disconnect')
  })

  it('one that half-closes over HTTP/1.0 just as it is cut: the connection is closed', async () => {
    const log = new Log()
    const site = await stage.now.serve(
      loop({
        format: ndjson(),
        stream: { maxQueued: 1 },
        subscribe({ req, send }) {
          req.socket.once('close', () => log.add('closed'))
          req.socket.once('end', () => {
            for (let count = 0; count < 3; count++) send(count)
          })
        },
        info: () => new Promise<void>(() => {}),
        terminate: ({ kind }) => log.add(kind),
      }),
    )
    const client = site.get('/', { version: '1.0' })
    await client.head()
    client.halfClose()
    await log.until('overflow')
    await log.until('closed')
  })

  it('a POST whose body was consumed is open until the client really leaves', async () => {
    for (const [version, express] of Object.entries(expresses)) {
      const log = new Log()
      const contexts: LoopContext<undefined>[] = []
      const site = await stage.now.serve(
        resource({
          allowedMethods: ['POST'],
          contentTypesProvided: [sse()],
          contentTypesAccepted: { 'application/json': ({ negotiated }) => negotiated.format },
          subscribe: (context) => void contexts.push(context),
          terminate: ({ kind }) => log.add(kind),
        }),
        { with: version, before: [express.json()] },
      )
      const client = site.get('/', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: '{"a":1}',
      })
      await client.head()
      await turns()
      expect(log.entries).to.deep.equal([])
      expect(contexts[0]?.write(await contexts[0].json())).to.equal('ok')
      await client.until('data: {"a":1}\n\n')
      client.leave()
      await log.until('disconnect')
      expect(contexts[0]?.write('late')).to.equal('closed')
    }
  })

  it('a client that resets at any time ends the loop with disconnect, once, and harms nobody', async () => {
    const log = new Log()
    const site = await stage.now.serve(
      loop({
        format: ndjson(),
        stream: { maxQueuedBytes: 2 ** 30 },
        async *subscribe() {
          for (;;) yield flood.toString('latin1', 0, 2 ** 16)
        },
        terminate: ({ kind }) => log.add(kind),
      }),
    )
    const text = request('/')
    for (let at = 1; at < text.length; at += 7) {
      const client = site.connect().write(text.slice(0, at))
      await turns(1)
      client.reset()
    }
    expect(log.entries).to.deep.equal([])
    for (const bytes of [0, 1, 100, 2 ** 16, 2 ** 20]) {
      const client = site.get()
      await client.taken(bytes)
      client.reset()
    }
    await turns(200)
    const asked = log.entries.length
    expect(log.count('disconnect')).to.equal(asked).and.to.be.within(4, 5)
    const last = site.get()
    await last.taken(1)
    last.leave()
    await log.until('disconnect', asked + 1)
  })
})

describe('Pipelined requests', () => {
  staged()

  /** Two streams on one connection: the second has no socket until the first has ended. */
  async function pipelined(subscribe: (context: LoopContext<undefined>) => unknown, options = {}) {
    const log = new Log()
    const contexts: LoopContext<undefined>[] = []
    const site = await stage.now.serve(
      loop({
        format: raw('a/b'),
        stream: options,
        subscribe(context) {
          contexts.push(context)
          log.add('subscribed')
          return contexts.length === 1 ? undefined : (subscribe(context) as undefined)
        },
        terminate: ({ kind }) => log.add(kind),
      }),
    )
    const client = site.connect().write(request('/first') + request('/second'))
    await log.until('subscribed', 2)
    return { client, log, first: contexts[0]!, second: contexts[1]! }
  }

  it('the second stream comes after the end of the first', async () => {
    const { client, first, log } = await pipelined(() => [Buffer.from('x'), Buffer.from('y')])
    first.write('a')
    await client.until('a')
    await log.until('end')
    expect(client.messages).to.have.length(1)
    expect(client.body).to.equal('a')
    first.stream.close()
    await client.write('').whole()
    expect(client.messages.map(({ body, isWhole }) => ({ body, isWhole }))).to.deep.equal([
      { body: 'a', isWhole: true },
      { body: 'xy', isWhole: true },
    ])
  })

  it('when the client goes both end with disconnect, and the source of the second is stopped', async () => {
    const { client, log, second } = await pipelined(() => () => log.add('unsubscribe'))
    client.leave()
    await log.until('disconnect', 2)
    expect(log.entries.slice(2).sort()).to.deep.equal(['disconnect', 'disconnect', 'unsubscribe'])
    expect(second.signal.aborted).to.equal(true)
    expect(second.write('late')).to.equal('closed')
  })

  it('a push source of the second that goes past the limits is cut: its memory is bounded', async () => {
    const { client, second, log } = await pipelined(() => undefined, { maxQueuedBytes: 1000 })
    const chunk = Buffer.alloc(100)
    let count = 0
    while (second.write(chunk) !== 'closed') expect(++count).to.be.lessThan(2000)
    expect(log.entries).to.deep.equal(['subscribed', 'subscribed', 'overflow'])
    client.leave()
    await log.until('disconnect')
  })

  it('a pulled source of the second does not run ahead', async () => {
    let pulled = 0
    const { client, first, log } = await pipelined(async function* () {
      for (;;) {
        pulled += 1
        yield flood.subarray(0, 2 ** 16)
      }
    })
    await turns(100)
    const before = pulled
    expect(before).to.be.lessThan(10)
    await turns(100)
    expect(pulled).to.equal(before)
    first.stream.close()
    await client.taken(2 ** 20)
    expect(pulled).to.be.greaterThan(before)
    client.leave()
    await log.until('disconnect')
  })

  it('one that waits for its turn is not taken for a client that takes nothing', async () => {
    const { client, first, second, log } = await pipelined(() => undefined, { writeTimeout: 1000 })
    expect(second.write(flood)).to.equal('wait')
    stage.now.time.advance(10_000)
    await turns()
    expect(log.entries).to.deep.equal(['subscribed', 'subscribed'])
    first.stream.close()
    await client.taken(flood.length)
    expect(await second.drained()).to.equal('ok')
  })

  it('one that has ended while it waits for its turn is whole', async () => {
    const { client, first, second } = await pipelined(() => undefined, { writeTimeout: 1000 })
    second.write('x')
    second.stream.close()
    stage.now.time.advance(10_000)
    first.stream.close()
    await client.write('').whole()
    expect(client.messages.map(({ body, isWhole }) => ({ body, isWhole }))).to.deep.equal([
      { body: '', isWhole: true },
      { body: 'x', isWhole: true },
    ])
  })

  it('one that is cut while it waits for its turn never looks whole', async () => {
    const { client, first } = await pipelined(async function* () {
      yield 'x'
      throw new Error('broken')
    })
    await turns()
    first.write('a')
    first.stream.close()
    await client.ended
    expect(client.write('').messages.at(0)).to.include({ body: 'a', isWhole: true })
    expect(client.messages.at(1)?.isWhole ?? false).to.equal(false)
  })

  it('ten at once: each gets its own, without a warning of too many listeners', async () => {
    const log = new Log()
    const site = await stage.now.serve(
      loop({
        format: text(),
        subscribe({ req }) {
          log.add('subscribed')
          return [req.url]
        },
      }),
    )
    const paths = Array.from({ length: 10 }, (_, index) => `/${index}`)
    const client = site.connect()
    for (const path of paths) client.ask(path)
    await client.whole()
    expect(client.messages.map(({ body }) => body)).to.deep.equal(paths)
    const held = await stage.now.serve(
      loop({
        format: text(),
        subscribe: () => log.add('held'),
        terminate: ({ kind }) => log.add(kind),
      }),
    )
    const other = held.connect()
    for (const path of paths) other.ask(path)
    await log.until('held', 10)
    other.leave()
    await log.until('disconnect', 10)
  })
})
