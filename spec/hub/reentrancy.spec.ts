import { once } from 'node:events'
import { connect } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect } from 'chai'
import type { RequestHandler, Response } from 'express'
import { createHub, ndjson, type Reason, resource, sse } from '../../lib/index.js'
import { request } from '../support/raw.js'
import { stage, staged, turns } from '../support/stage.js'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

describe('Callbacks that act in the midst of a delivery (docs/guide/channels.md)', () => {
  staged()

  it('a filter that answers a promise lets nothing through: its streams are cut, the others go on', async () => {
    const channel = createHub().channel<{ isPublic: boolean }>('a')
    const reasons: Reason[] = []
    const isPublic = (async ({ isPublic }: { isPublic: boolean }) => isPublic) as never
    const site = await stage.now.serve(
      resource({
        contentTypesProvided: [ndjson()],
        subscribe: ({ req }) => (req.path === '/filtered' ? channel.filter(isPublic) : channel),
        terminate: (reason) => reasons.push(reason),
      }),
    )
    const [filtered, other] = [site.get('/filtered'), site.get('/')]
    await Promise.all([filtered.head(), other.head()])
    await channel.publish({ isPublic: false })
    expect((await filtered.closed()).body).to.equal('')
    expect(await other.until('}\n')).to.equal('{"isPublic":false}\n')
    expect(reasons.map(({ kind, error }) => [kind, String(error)])).to.deep.equal([
      ['error', 'TypeError: filter() returned a promise; it must be synchronous'],
    ])
  })

  it('what is published while a long snapshot is written comes after it: nothing is lost between', async () => {
    const channel = createHub().channel<number>('a', { history: 10 })
    const rows = 3000
    const site = await stage.now.serve(
      resource({
        contentTypesProvided: [ndjson()],
        subscribe: ({ send }) => {
          for (let row = 0; row < rows; row++) send(row)
          setImmediate(() => channel.publish(rows))
          return channel
        },
      }),
    )
    const client = site.get()
    await client.until(`\n${rows}\n`)
    await channel.publish(rows + 1)
    const body = await client.until(`\n${rows + 1}\n`)
    expect(body.trim().split('\n').map(Number)).to.deep.equal(Array.from({ length: rows + 2 }, (_, n) => n))
  })

  it('a stream that is closed by the terminate of another has got all that was published before', async () => {
    const channel = createHub().channel<number>('a')
    const endpoint = resource({
      contentTypesProvided: [ndjson()],
      subscribe: channel,
      stream: { maxQueued: 2 },
      terminate: ({ kind }, { req }) => {
        if (req.path === '/first' && kind === 'error') for (const each of endpoint.streams) each.close()
      },
    })
    /** A response that fails to write as soon as it is told to. */
    let isBroken = false
    const breaking: RequestHandler = (req, res, next) => {
      const { write } = res
      if (req.path === '/first') {
        res.write = function broken(this: Response, ...args: unknown[]) {
          if (isBroken) throw new Error('broken')
          return Reflect.apply(write, this, args) as boolean
        }
      }
      next()
    }
    const site = await stage.now.serve(endpoint, { before: [breaking] })
    const first = site.get('/first')
    await first.head()
    const others = [site.get('/'), site.get('/')]
    for (const other of others) await other.head()
    isBroken = true
    await Promise.all([channel.publish(1), channel.publish(2)])
    for (const other of others) expect((await other.whole()).body).to.equal('1\n2\n')
    expect(channel.subscribers).to.equal(0)
  })

  it('a heartbeat that cannot be written ends its stream, and nothing else', async () => {
    const channel = createHub().channel<number>('a')
    const reasons: Reason[] = []
    let isBroken = false
    const breaking: RequestHandler = (_req, res, next) => {
      const { write } = res
      res.write = function broken(this: Response, ...args: unknown[]) {
        if (isBroken) throw new Error('broken')
        return Reflect.apply(write, this, args) as boolean
      }
      next()
    }
    const site = await stage.now.serve(
      resource({
        contentTypesProvided: [sse()],
        subscribe: channel,
        stream: { heartbeat: 1000 },
        terminate: (reason) => reasons.push(reason),
      }),
      { before: [breaking] },
    )
    const client = site.get()
    await client.until('\n')
    isBroken = true
    stage.now.time.advance(1000)
    expect((await client.closed()).isWhole).to.equal(false)
    expect(reasons.map(({ kind }) => kind)).to.deep.equal(['error'])
  })

  it('a signal that was taken before the loop is aborted with it, however it ends', async () => {
    const channel = createHub().channel<number>('a')
    const signals: AbortSignal[] = []
    const endpoint = resource({
      init: ({ signal }) => {
        signals.push(signal)
      },
      contentTypesProvided: [sse()],
      subscribe: channel,
    })
    const site = await stage.now.serve(endpoint)
    const client = site.get()
    await client.head()
    expect(signals.map(({ aborted }) => aborted)).to.deep.equal([false])
    await endpoint.close()
    await client.whole()
    expect(signals.map(({ aborted }) => aborted)).to.deep.equal([true])
  })
})

describe('Clients cannot make the server keep more (docs/guide/slow-clients.md)', () => {
  staged()

  it('a burst of one turn counts as what it is: events, one by one', async () => {
    const channel = createHub().channel<string>('a')
    const reasons: Reason[] = []
    const site = await stage.now.serve(
      resource({
        contentTypesProvided: [ndjson()],
        subscribe: channel,
        stream: { maxQueuedBytes: 2 ** 20, maxQueued: 5 },
        terminate: (reason) => reasons.push(reason),
      }),
    )
    const client = site.get('/', { reads: false })
    while (channel.subscribers === 0) await turns(1)
    const event = 'x'.repeat(2 ** 20)
    await Promise.all(Array.from({ length: 32 }, () => channel.publish(event)))
    await turns()
    expect(reasons.map(({ kind }) => kind)).to.deep.equal(['overflow'])
    client.leave()
  })

  it('formats that are made for a request leave nothing behind in the history', async () => {
    const channel = createHub().channel<string>('a', { history: 500 })
    for (let n = 0; n < 500; n++) void channel.publish('x'.repeat(1000))
    const site = await stage.now.serve(
      resource({
        contentTypesProvided: { 'application/x-ndjson': ({ req }) => (req.query.never ? 'no' : ndjson()) },
        subscribe: channel,
      }),
    )
    const come = async (count: number) => {
      // not the clients of the stage, which keep all that they got
      for (let n = 0; n < count; n++) {
        let size = 0
        const socket = connect(site.port, '127.0.0.1').on('data', (bytes) => {
          size += bytes.length
          if (size > 500 * 1000) socket.destroy()
        })
        socket.write(request('/?lastEventId=earliest'))
        await once(socket, 'close')
      }
      while (channel.subscribers > 0) await turns(1)
      await turns()
      collectGarbage()
      collectGarbage()
      const { heapUsed, arrayBuffers } = process.memoryUsage()
      return heapUsed + arrayBuffers
    }
    const before = await come(5)
    // each would leave half a megabyte
    expect((await come(40)) - before).to.be.below(10 * 2 ** 20)
  })
})
