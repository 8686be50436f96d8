import type { ServerResponse } from 'node:http'
import { setTimeout } from 'node:timers/promises'
import { expect } from 'chai'
import connectTimeout from 'connect-timeout'
import type { Request, RequestHandler, Response } from 'express'
import onHeaders from 'on-headers'
import responseTime from 'response-time'
import { type Endpoint, type LoopContext, loop, ndjson, resource, sse } from '../../lib/index.js'
import { hold } from '../support/held.js'
import { onBoth } from '../support/http.js'
import { Log } from '../support/log.js'
import { stage, staged, turns } from '../support/stage.js'

/** The package with a time, and a note when that is over; a stream is held before any timer runs. */
function timeouts(milliseconds: number, log: Log): readonly RequestHandler[] {
  const note: RequestHandler = (req, _res, next) => {
    req.once('timeout', () => log.add('timed out'))
    next()
  }
  return [connectTimeout(String(milliseconds)), note]
}

onBoth('Other middleware (docs/guide/existing-app.md)', () => {
  staged()

  /** Does not answer before something is in the log. */
  const pending = (log: Log, what: string): Endpoint =>
    loop({
      format: ndjson(),
      async subscribe() {
        log.add('subscribe')
        await log.until(what)
        return () => log.add('unsubscribe')
      },
      terminate: ({ kind }) => log.add(kind),
    })

  it('that hooks into the head (on-headers, response-time) sets its header on a stream, and hears of its finish', async () => {
    const log = new Log()
    const hooks: RequestHandler = (_req, res, next) => {
      onHeaders(res, function (this: ServerResponse) {
        log.add(`head ${this.statusCode}`)
      })
      res.once('finish', () => log.add('finish'))
      next()
    }
    const { client, context } = await hold({}, {}, { before: [responseTime(), hooks] })
    expect((await client.head()).headers['x-response-time']).to.match(/^\d+\.\d+ms$/)
    expect(log.entries).to.deep.equal(['head 200'])
    context.stream.close()
    await client.whole()
    await log.until('finish')
    expect(log.entries).to.deep.equal(['head 200', 'finish'])
  })

  it('that passes an error on when an answer is late (connect-timeout) answers for a pending `subscribe`', async () => {
    const log = new Log()
    const site = await stage.now.serve(pending(log, 'answered'), { before: timeouts(10, log) })
    expect(await site.get().whole()).to.include({ status: 503, body: 'the app failed' })
    log.add('answered')
    await log.until('unsubscribe')
    await turns()
    expect(log.entries).to.deep.equal(['subscribe', 'timed out', 'answered', 'unsubscribe', 'disconnect'])
    expect(stage.now.errors.map(String)).to.deep.equal(['ServiceUnavailableError: Response timeout'])
  })

  it('and leaves a stream alone, since its head is out', async () => {
    const log = new Log()
    const milliseconds = 1
    const { client, context } = await hold({}, {}, { before: timeouts(milliseconds, log) })
    await client.head()
    // of two timers of the same length the one that began later rings later
    await setTimeout(milliseconds)
    await turns()
    expect(context.write('still there')).to.equal('ok')
    await client.until('still there')
    expect(log.entries).to.deep.equal([])
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
    const site = await stage.now.serve(pending(log, 'timed out'), { before: [hasty] })
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
