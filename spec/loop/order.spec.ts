import { expect } from 'chai'
import { loop, ndjson, stop } from '../../lib/index.js'
import { hold } from '../support/held.js'
import { stage, staged, turns } from '../support/stage.js'

/** A promise that is settled from outside. */
function gate<T = void>() {
  let resolve = (_: T) => {}
  let reject = (_: unknown) => {}
  const promise = new Promise<T>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}

describe('In every order of events unsubscribe and terminate are called once', () => {
  staged()

  it('the client leaves while `subscribe` is pending: both wait for it', async () => {
    const pending = gate<() => void>()
    const { client, log, context } = await hold({ subscribe: () => pending.promise })
    const { signal } = context
    client.leave()
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
    await turns()
    expect(log.entries).to.deep.equal(['subscribe'])
    pending.resolve(() => log.add('unsubscribe'))
    await log.until('disconnect')
    await turns()
    expect(log.entries).to.deep.equal(['subscribe', 'unsubscribe', 'disconnect'])
  })

  it('… and `subscribe` then resolves to a source: it is closed, and never pulled', async () => {
    const pending = gate<AsyncIterable<unknown>>()
    const { client, log, context } = await hold({ subscribe: () => pending.promise })
    const { signal } = context
    client.leave()
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
    pending.resolve({
      [Symbol.asyncIterator]: () => ({
        async next() {
          log.add('next')
          return { done: true, value: undefined }
        },
        async return() {
          log.add('return')
          return { done: true, value: undefined }
        },
      }),
    })
    await log.until('disconnect')
    expect(log.entries).to.deep.equal(['subscribe', 'return', 'disconnect'])
  })

  for (const [name, settle] of Object.entries({
    'rejects, as what the signal aborts does': (pending: ReturnType<typeof gate<never>>) =>
      pending.reject(new Error('aborted')),
    'resolves to stop()': (pending: ReturnType<typeof gate<never>>) => pending.resolve(stop() as never),
    'resolves to something wrong': (pending: ReturnType<typeof gate<never>>) =>
      pending.resolve('wrong' as never),
  })) {
    it(`… and \`subscribe\` then ${name}: terminate once, with disconnect, and nobody is told of an error`, async () => {
      const pending = gate<never>()
      const { client, log, context } = await hold({ subscribe: () => pending.promise })
      const { signal } = context
      client.leave()
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      settle(pending)
      await log.until('disconnect')
      await turns()
      expect(log.entries).to.deep.equal(['subscribe', 'disconnect'])
      expect(stage.now.errors).to.deep.equal([])
    })
  }

  it('… and `subscribe` never settles: terminate at its deadline', async () => {
    const { client, log, context } = await hold({ subscribe: () => new Promise<void>(() => {}) })
    const { signal } = context
    client.leave()
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
    stage.now.time.advance(30_000)
    await turns()
    expect(log.entries).to.deep.equal(['subscribe', 'disconnect'])
  })

  it('… after it has written: the same', async () => {
    const pending = gate<() => void>()
    const { client, log, context } = await hold({
      subscribe({ write }) {
        write(1)
        return pending.promise
      },
    })
    await client.until('1\n')
    const { signal } = context
    client.leave()
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
    pending.resolve(() => log.add('unsubscribe'))
    await log.until('disconnect')
    expect(log.entries).to.deep.equal(['subscribe', 'unsubscribe', 'disconnect'])
  })

  it('`subscribe` does not settle in time: a 503 problem, terminate with `error`; a late unsubscribe is still called', async () => {
    const pending = gate<() => void>()
    const { client, log, reasons } = await hold({ subscribe: () => pending.promise, decisionTimeout: 1000 })
    stage.now.time.advance(999)
    await turns()
    expect(log.entries).to.deep.equal(['subscribe'])
    stage.now.time.advance(1)
    const message = await client.whole()
    expect(message.status).to.equal(503)
    expect(message.headers['content-type']).to.equal('application/problem+json')
    expect(log.entries).to.deep.equal(['subscribe', 'error'])
    expect(reasons[0]?.error).to.have.property('code', 'LARIAT_DEADLINE')
    pending.resolve(() => log.add('unsubscribe'))
    await log.until('unsubscribe')
    await turns()
    expect(log.entries).to.deep.equal(['subscribe', 'error', 'unsubscribe'])
  })

  it('… a late source is closed, a late rejection harms nobody', async () => {
    const late = gate<AsyncIterable<unknown>>()
    const first = await hold({ subscribe: () => late.promise, decisionTimeout: 1000 })
    stage.now.time.advance(1000)
    await first.client.whole()
    late.resolve({
      [Symbol.asyncIterator]: () => ({
        next: async () => ({ done: true, value: undefined }),
        async return() {
          first.log.add('return')
          return { done: true, value: undefined }
        },
      }),
    })
    await first.log.until('return')
    const rejected = gate()
    const second = await hold({ subscribe: () => rejected.promise, decisionTimeout: 1000 })
    stage.now.time.advance(1000)
    await second.client.whole()
    rejected.reject(new Error('late'))
    await turns()
    expect(second.log.entries).to.deep.equal(['subscribe', 'error'])
  })

  it('… after it has written: a cut', async () => {
    const { client, log } = await hold({
      stream: { heartbeat: false },
      subscribe({ write }) {
        write(1)
        return new Promise<void>(() => {})
      },
    })
    await client.until('1\n')
    stage.now.time.advance(30_000)
    expect(await client.closed()).to.include({ body: '1\n', isWhole: false })
    expect(log.entries).to.deep.equal(['subscribe', 'error'])
  })

  it('`subscribe` in time takes its deadline back', async () => {
    const pending = gate()
    const { client, log } = await hold({ subscribe: () => pending.promise, stream: { heartbeat: false } })
    stage.now.time.advance(29_000)
    pending.resolve()
    await client.head()
    stage.now.time.advance(10 ** 6)
    await turns()
    expect(log.entries).to.deep.equal(['subscribe'])
  })

  it('the source ends synchronously: complete, once', async () => {
    const { client, log } = await hold({ subscribe: () => [] })
    await client.whole()
    await turns()
    expect(log.entries).to.deep.equal(['subscribe', 'end'])
  })

  it('what ends the loop within `subscribe` is seen once it has answered: its unsubscribe is called', async () => {
    let unsubscribed = 0
    const { client, log } = await hold({
      subscribe({ stream, write }) {
        write(1)
        stream.close()
        return () => {
          unsubscribed += 1
        }
      },
    })
    expect((await client.whole()).body).to.equal('1\n')
    expect(log.entries).to.deep.equal(['subscribe', 'revoked'])
    expect(unsubscribed).to.equal(1)
  })

  it('stream.close() before the head: 503, and terminate with revoked', async () => {
    const { client, log } = await hold({ subscribe: ({ stream }) => stream.close() })
    expect((await client.whole()).status).to.equal(503)
    await log.until('revoked')
  })

  it('source end, stop and disconnect in one tick: the first counts, and the client is answered by it alone', async () => {
    const source = gate<IteratorResult<unknown>>()
    let returned = 0
    const { client, log, context } = await hold({
      subscribe: () => ({
        [Symbol.asyncIterator]: () => ({
          next: () => source.promise,
          async return() {
            returned += 1
            return { done: true as const, value: undefined }
          },
        }),
      }),
      info: () => stop(),
    })
    await client.head()
    client.leave()
    context.send('stop')
    source.resolve({ done: true, value: undefined })
    context.stream.close()
    context.res.destroy()
    await turns()
    expect(log.entries).to.deep.equal(['subscribe', 'stop'])
    expect(returned).to.equal(1)
  })

  it('every pair of ends in one tick: one reason, one unsubscribe', async () => {
    const abort = () => {
      const controller = new AbortController()
      return controller
    }
    const ends: Record<
      string,
      (held: Awaited<ReturnType<typeof hold>>, controller: AbortController) => void
    > = {
      stop: ({ context }) => context.send('stop'),
      error: ({ context }) => context.send('error'),
      revoked: ({ context }) => context.stream.close(),
      down: (_, controller) => controller.abort(),
      disconnect: ({ context }) => context.res.emit('close'),
      overflow: ({ context }) => {
        for (let count = 0; count < 3; count++) context.send('hang')
      },
    }
    for (const [first, one] of Object.entries(ends)) {
      for (const other of Object.values(ends)) {
        const controller = abort()
        const held = await hold({
          stream: { maxQueued: 1 },
          info(message) {
            if (message === 'error') throw new Error('failed')
            return message === 'stop' ? stop() : (new Promise<never>(() => {}) as never)
          },
        })
        await held.client.head()
        held.context.monitor(controller.signal)
        one(held, controller)
        other(held, controller)
        await turns(3)
        expect(held.log.entries).to.deep.equal(['subscribe', 'unsubscribe', first])
        held.client.leave()
      }
    }
  })

  it('an unsubscribe that ends the loop again, or sends and writes, changes nothing', async () => {
    const { client, log } = await hold({
      subscribe:
        ({ stream, send, write, monitor }) =>
        () => {
          log.add('unsubscribe')
          stream.close()
          send(1)
          write(1)
          monitor(AbortSignal.abort())
        },
    })
    await client.head()
    client.leave()
    await log.until('disconnect')
    await turns()
    expect(log.entries).to.deep.equal(['subscribe', 'unsubscribe', 'disconnect'])
  })

  it('a client that has left before the request is handled: `subscribe` is not called', async () => {
    let calls = 0
    const site = await stage.now.serve(
      loop({
        format: ndjson(),
        subscribe() {
          calls += 1
        },
      }),
      {
        before: [
          (req, res, next) => {
            req.socket.destroy()
            res.once('close', () => next())
          },
        ],
      },
    )
    await site.get().ended
    await turns()
    expect(calls).to.equal(0)
  })
})
