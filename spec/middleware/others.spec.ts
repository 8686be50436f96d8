import { expect } from 'chai'
import type { Request, RequestHandler, Response } from 'express'
import { type Endpoint, type LoopContext, loop, ndjson, resource, sse } from '../../lib/index.js'
import { hold } from '../support/held.js'
import { onBoth } from '../support/http.js'
import { Log } from '../support/log.js'
import { stages, turns } from '../support/stage.js'

const stage = stages()

/** As on-headers does, for sessions, response-time and their like: calls back when the head goes out. */
function onHead(res: Response, call: () => void): void {
  const writeHead = res.writeHead.bind(res) as (...args: unknown[]) => Response
  res.writeHead = (...args: unknown[]) => {
    call()
    return writeHead(...args)
  }
}

/** As connect-timeout does, with a time that is called by hand: 503 to the app, unless the head is out. */
function timeouts(log: Log) {
  const waiting: (() => void)[] = []
  const middleware: RequestHandler = (_req, res, next) => {
    let isOut = false
    onHead(res, () => {
      isOut = true
    })
    waiting.push(() => {
      if (!isOut) next(Object.assign(new Error('Response timeout'), { status: 503 }))
      log.add('timed out')
    })
    next()
  }
  return { middleware, run: () => waiting.splice(0).forEach((each) => void each()) }
}

onBoth('Other middleware (docs/existing-app.md)', () => {
  /** Does not answer before the log says so. */
  const pending = (log: Log): Endpoint =>
    loop({
      format: ndjson(),
      async subscribe() {
        log.add('subscribe')
        await log.until('timed out')
        return () => log.add('unsubscribe')
      },
      terminate: ({ kind }) => log.add(kind),
    })

  it('that counts time until the head sets its header on a stream, and hears of its finish', async () => {
    const log = new Log()
    const responseTime: RequestHandler = (_req, res, next) => {
      onHead(res, () => {
        res.setHeader('X-Response-Time', '1ms')
        log.add(`head ${res.statusCode}`)
      })
      res.once('finish', () => log.add('finish'))
      next()
    }
    const { client, context } = await hold({}, {}, { before: [responseTime] })
    expect((await client.head()).headers).to.include({ 'x-response-time': '1ms' })
    expect(log.entries).to.deep.equal(['head 200'])
    context.stream.close()
    await client.whole()
    await log.until('finish')
    expect(log.entries).to.deep.equal(['head 200', 'finish'])
  })

  it('that passes an error on when an answer is late (connect-timeout) answers for a pending `subscribe`', async () => {
    const log = new Log()
    const { middleware, run } = timeouts(log)
    const site = await stage.now.serve(pending(log), { before: [middleware] })
    const client = site.get()
    await log.until('subscribe')
    run()
    expect(await client.whole()).to.include({ status: 503, body: 'the app failed' })
    await log.until('unsubscribe')
    await turns()
    expect(log.entries).to.deep.equal(['subscribe', 'timed out', 'unsubscribe', 'stop'])
    expect(stage.now.errors.map(String)).to.deep.equal(['Error: Response timeout'])
  })

  it('and leaves a stream alone, since its head is out', async () => {
    const log = new Log()
    const { middleware, run } = timeouts(log)
    const { client, context } = await hold({}, {}, { before: [middleware] })
    await client.head()
    run()
    expect(context.write('still there')).to.equal('ok')
    await client.until('still there')
    expect(stage.now.errors).to.deep.equal([])
  })

  it('that answers for a pending `subscribe` on its own is respected', async () => {
    const log = new Log()
    const hasty: RequestHandler = (_req, res, next) => {
      void log.until('subscribe').then(() => {
        res.status(503).end('too late')
        log.add('timed out')
      })
      next()
    }
    const site = await stage.now.serve(pending(log), { before: [hasty] })
    expect(await site.get().whole()).to.include({ status: 503, body: 'too late' })
    await log.until('unsubscribe')
    await turns()
    expect(log.entries).to.deep.equal(['subscribe', 'timed out', 'unsubscribe', 'stop'])
    expect(stage.now.errors).to.deep.equal([])
  })

  it('that wraps `write` and `end`, to look at bodies, sees all of a stream and of a body', async () => {
    const seen: string[] = []
    const spy: RequestHandler = (_req, res, next) => {
      const { write, end } = res
      res.write = function (this: Response, ...args: unknown[]) {
        seen.push(String(args[0]))
        return (write as (...args: unknown[]) => boolean).apply(this, args)
      }
      res.end = function (this: Response, ...args: unknown[]) {
        seen.push(String(args[0] ?? ''))
        return (end as (...args: unknown[]) => Response).apply(this, args)
      } as Response['end']
      next()
    }
    const site = await stage.now.serve(
      resource({
        contentTypesProvided: { 'text/event-stream': sse(), 'text/plain': () => 'hello' },
        subscribe: () => [1, 2],
      }),
      { before: [spy] },
    )
    for (const Accept of ['text/event-stream', 'text/plain']) {
      const { body } = await site.get('/', { headers: { Accept } }).whole()
      expect(seen.splice(0).join('')).to.equal(body)
    }
  })

  it('that ends a stream on its own is an end of the loop', async () => {
    const { client, context, log } = await hold()
    await client.head()
    context.res.end()
    await client.whole()
    await log.until('disconnect')
    expect(context.write(1)).to.equal('closed')
    expect(log.count('unsubscribe')).to.equal(1)
  })

  it('that calls next twice gets an error for it once the head is out, and the stream goes on', async () => {
    const log = new Log()
    const contexts: LoopContext<undefined>[] = []
    const again: ((req: Request) => void)[] = []
    const twice: RequestHandler = (_req, _res, next) => {
      again.push(() => next())
      next()
    }
    const endpoint = loop({ format: ndjson(), subscribe: (context) => void contexts.push(context) })
    const site = await stage.now.serve(endpoint, {
      before: [twice],
      after: [endpoint as object as RequestHandler, (error, _req, _res, _next) => void log.add(error.code)],
    })
    const client = site.get()
    await client.head()
    again[0]!(contexts[0]!.req)
    await log.until('LARIAT_SENT')
    contexts[0]!.write('still there')
    await client.until('still there')
  })
})
