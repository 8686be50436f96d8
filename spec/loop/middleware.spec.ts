import { createGunzip } from 'node:zlib'
import { expect } from 'chai'
import compression from 'compression'
import type { RequestHandler, Response } from 'express'
import { type LoopContext, loop, ndjson, raw, resource, sse } from '../../lib/index.js'
import { expresses } from '../support/http.js'
import { Log } from '../support/log.js'
import type { Client } from '../support/raw.js'
import { flood, stages, turns } from '../support/stage.js'

const stage = stages()

const gzip = { 'Accept-Encoding': 'gzip' }

/** As `helmet()`, `cors()` and request ids do. */
const setters: RequestHandler = (_req, res, next) => {
  res.setHeader('X-Content-Type-Options', 'nosniff')
  res.setHeader('Access-Control-Allow-Origin', '*')
  res.setHeader('Vary', 'Origin')
  res.removeHeader('X-Powered-By')
  next()
}

/** Calls back when the head goes out. */
function onHead(res: Response, call: () => void): void {
  const writeHead = res.writeHead.bind(res) as (...args: unknown[]) => Response
  res.writeHead = (...args: unknown[]) => {
    call()
    return writeHead(...args)
  }
}

/** As `morgan()` and sessions do: looks at the head when it goes out, and at the end. */
function logger(log: Log): RequestHandler {
  return (_req, res, next) => {
    onHead(res, () => log.add(`head ${res.statusCode}`))
    res.once('finish', () => log.add('finish'))
    next()
  }
}

const cacheable: RequestHandler = (_req, res, next) => {
  res.setHeader('Cache-Control', 'no-cache')
  next()
}

/** A reader of a compressed body as it comes. */
function gunzip(client: Client) {
  const stream = createGunzip()
  let text = ''
  let size = 0
  const log = new Log()
  stream.on('data', (bytes: Buffer) => {
    text += bytes.toString()
    for (const line of text.split('\n').slice(0, -1)) log.add(line)
    text = text.slice(text.lastIndexOf('\n') + 1)
  })
  stream.on('end', () => log.add('end'))
  stream.on('error', ({ message }) => log.add(message))
  const feed = () => {
    const { bytes, isWhole } = client.message
    stream.write(bytes.subarray(size))
    size = bytes.length
    if (isWhole) stream.end()
  }
  client.socket.on('data', feed)
  feed()
  return log
}

for (const version of Object.keys(expresses)) {
  describe(`Behind compression() (docs/loop.md; ${version})`, () => {
    async function held(format = sse(), before: readonly RequestHandler[] = [compression()]) {
      const log = new Log()
      const contexts: LoopContext<undefined>[] = []
      const site = await stage.now.serve(
        loop({
          format,
          subscribe: (context) => void contexts.push(context),
          terminate: ({ kind }) => log.add(kind),
        }),
        { with: version, before },
      )
      const client = site.get('/', { headers: gzip })
      await client.head()
      return { site, client, context: contexts[0] as LoopContext<undefined>, log }
    }

    it('a stream says no-transform, and is not compressed: each event arrives at once', async () => {
      const { client, context } = await held()
      expect(client.message.headers).not.to.have.property('content-encoding')
      for (const count of [1, 2, 3]) {
        expect(context.write(count)).to.equal('ok')
        await client.until(`data: ${count}\n\n`)
      }
      context.stream.close()
      expect((await client.whole()).body).to.equal(':\n\ndata: 1\n\ndata: 2\n\ndata: 3\n\n')
    })

    it('where the resource says otherwise it is compressed: each event arrives at once all the same', async () => {
      const { client, context } = await held(sse(), [cacheable, compression()])
      expect(client.message.headers).to.include({ 'cache-control': 'no-cache', 'content-encoding': 'gzip' })
      const lines = gunzip(client)
      await lines.until(':')
      for (const count of [1, 2, 3]) {
        context.write(count)
        await lines.until(`data: ${count}`)
      }
      context.stream.close()
      await client.whole()
      await lines.until('end')
      expect(client.ask('/') && (await client.head()).status).to.equal(200)
    })

    it('a heartbeat of a compressed stream arrives at once as well', async () => {
      const { client } = await held(sse(), [cacheable, compression()])
      const lines = gunzip(client)
      await lines.until(':')
      stage.now.time.advance(15_000)
      await lines.until(':', 2)
    })

    it('a compressed stream that fails is cut, and does not look whole', async () => {
      const seen = new Log()
      const site = await stage.now.serve(
        loop({
          format: sse(),
          async *subscribe() {
            yield 'before'
            await seen.until('before')
            throw new Error('broken')
          },
          terminate() {},
        }),
        { with: version, before: [cacheable, compression()] },
      )
      const client = site.get('/', { headers: gzip })
      await client.head()
      const lines = gunzip(client)
      await lines.until('data: before')
      seen.add('before')
      expect((await client.closed()).isWhole).to.equal(false)
      expect(lines.count('end')).to.equal(0)
    })

    it('a compressed stream has one drain listener, however often it is behind', async () => {
      const { client, context } = await held(raw('text/plain'), [cacheable, compression({ level: 0 })])
      expect(client.message.headers).to.include({ 'content-encoding': 'gzip' })
      const { res } = context
      const counts = () => ['drain', 'close', 'error', 'finish'].map((name) => res.listenerCount(name))
      const before = counts()
      let total = 0
      for (let round = 0; round < 15; round++) {
        expect(context.write(flood.subarray(0, 2 ** 20))).to.equal('wait')
        total += 2 ** 20
        expect(await context.drained()).to.equal('ok')
        await client.taken(total)
      }
      // Node's own warning of too many listeners would fail the test at its end
      expect(counts()).to.deep.equal(before)
    })

    it('a client that leaves ends the loop', async () => {
      for (const before of [[compression()], [cacheable, compression()]]) {
        const { client, log } = await held(sse(), before)
        client.leave()
        await log.until('disconnect')
      }
    })

    it('HEAD has the head alone', async () => {
      const { site } = await held()
      const client = site.get('/', { method: 'HEAD', headers: gzip })
      expect((await client.whole()).status).to.equal(200)
      expect((await client.ask('/', { method: 'HEAD' }).whole()).status).to.equal(200)
    })
  })

  describe(`Behind other middleware (docs/loop.md; ${version})`, () => {
    it('headers that were set before stay, and Vary is added to', async () => {
      const site = await stage.now.serve(
        resource({ contentTypesProvided: [sse(), ndjson()], subscribe: () => [1] }),
        { with: version, before: [setters] },
      )
      const { headers } = await site.get().whole()
      expect(headers).to.include({
        'x-content-type-options': 'nosniff',
        'access-control-allow-origin': '*',
        vary: 'Origin, Accept',
        'content-type': 'text/event-stream',
      })
      expect(headers).not.to.have.property('x-powered-by')
    })

    it('what wraps `writeHead` sees the head when it goes out, and the finish of a complete end', async () => {
      const log = new Log()
      const contexts: LoopContext<undefined>[] = []
      const site = await stage.now.serve(
        loop({ format: ndjson(), subscribe: (context) => void contexts.push(context) }),
        { with: version, before: [logger(log)] },
      )
      const client = site.get()
      await client.head()
      expect(log.entries).to.deep.equal(['head 200'])
      contexts[0]!.stream.close()
      await client.whole()
      await log.until('finish')
      expect(log.entries).to.deep.equal(['head 200', 'finish'])
    })

    it('a middleware whose `writeHead` sets a header as late as that', async () => {
      const late: RequestHandler = (_req, res, next) => {
        onHead(res, () => res.setHeader('Set-Cookie', 'sid=1'))
        next()
      }
      const site = await stage.now.serve(loop({ format: sse(), subscribe: () => {} }), {
        with: version,
        before: [late],
      })
      expect((await site.get().head()).headers).to.include({ 'set-cookie': 'sid=1' })
    })

    it("an error before the head reaches the app's own handler, with its status, and nothing of a stream", async () => {
      const site = await stage.now.serve(
        resource({
          contentTypesProvided: [sse()],
          subscribe: async () => {
            throw Object.assign(new Error('secret'), { status: 502 })
          },
          terminate() {},
        }),
        { with: version, before: [setters, compression()] },
      )
      const message = await site.get('/', { headers: gzip }).whole()
      expect(message).to.include({ status: 502, body: 'the app failed' })
      expect(message.headers).not.to.have.any.keys('cache-control', 'x-accel-buffering', 'content-type')
      expect(stage.now.errors.map((error) => (error as Error).message)).to.deep.equal(['secret'])
    })

    it('an error after the head reaches nobody but `terminate`', async () => {
      const log = new Log()
      const site = await stage.now.serve(
        loop({
          format: ndjson(),
          // biome-ignore lint/correctness/useYield: it fails first
          async *subscribe() {
            throw new Error('secret')
          },
          terminate: ({ kind }) => log.add(kind),
        }),
        { with: version },
      )
      expect((await site.get().closed()).isWhole).to.equal(false)
      expect(log.entries).to.deep.equal(['error'])
      expect(stage.now.errors).to.deep.equal([])
    })

    it('a middleware that answers in its place, while `subscribe` is pending, is respected', async () => {
      const log = new Log()
      const site = await stage.now.serve(
        loop({
          format: ndjson(),
          async subscribe() {
            await log.until('timed out')
            return () => log.add('unsubscribe')
          },
          terminate: ({ kind }) => log.add(kind),
        }),
        {
          with: version,
          before: [
            (_req, res, next) => {
              setImmediate(() => {
                res.status(503).end('too late')
                log.add('timed out')
              })
              next()
            },
          ],
        },
      )
      expect(await site.get().whole()).to.include({ status: 503, body: 'too late' })
      await log.until('unsubscribe')
      await turns()
      expect(log.entries).to.have.length(3)
      expect(stage.now.errors).to.deep.equal([])
    })
  })
}
