import { expect } from 'chai'
import { loop, ndjson, resource, sse, stop, text } from '../../lib/index.js'
import { type Context, hold, type Loop } from '../support/held.js'
import { Log } from '../support/log.js'
import type { Client } from '../support/raw.js'
import { flood, stage, staged, turns } from '../support/stage.js'
import { listening } from '../support/told.js'

const fails = () => {
  throw new Error('failed')
}

interface Case {
  readonly spec?: Loop
  /** Brings the end about. */
  readonly cause?: (held: Awaited<ReturnType<typeof hold>>) => unknown
  readonly end: 'complete' | 'cut' | 'gone' | number
}

const cases: Record<string, Case> = {
  'stop: `info` returned stop()': {
    spec: { info: () => stop() },
    cause: ({ context }) => context.send(1),
    end: 'complete',
  },
  'stop: `subscribe` returned stop(), which is the answer': {
    spec: { subscribe: () => stop(410) },
    end: 410,
  },
  'stop: `subscribe` resolved to stop() after a write': {
    spec: {
      async subscribe({ write }) {
        write(1)
        return stop(410)
      },
    },
    end: 'complete',
  },
  'end: the source ended': { spec: { subscribe: () => [1, 2] }, end: 'complete' },
  'end: an async source ended': {
    spec: {
      async *subscribe() {
        yield 1
      },
    },
    end: 'complete',
  },
  'down: a monitored target died': {
    cause({ context }) {
      const abort = new AbortController()
      context.monitor(abort.signal)
      abort.abort()
    },
    end: 'complete',
  },
  'down: a monitored target was dead before the head': {
    spec: { subscribe: ({ monitor }) => monitor(AbortSignal.abort()) },
    end: 503,
  },
  'disconnect: the client left': { cause: ({ client }) => client.leave(), end: 'gone' },
  'disconnect: the client reset': { cause: ({ client }) => client.reset(), end: 'gone' },
  'disconnect: the client closed its half': { cause: ({ client }) => client.halfClose(), end: 'gone' },
  'revoked: stream.close()': { cause: ({ context }) => context.stream.close(), end: 'complete' },
  'overflow: the mailbox is full': {
    spec: { stream: { maxQueued: 1 }, info: () => new Promise(() => {}) },
    cause({ context }) {
      for (const message of [1, 2, 3]) context.send(message)
    },
    end: 'cut',
  },
  'overflow: the mailbox is full before the head': {
    spec: {
      stream: { maxQueued: 1 },
      subscribe({ send }) {
        send(1)
        send(2)
      },
    },
    end: 503,
  },
  'overflow: too many bytes wait for the client': {
    spec: { format: text() },
    cause({ context }) {
      context.write(flood.toString())
      context.write('x')
    },
    end: 'cut',
  },
  'error: `info` threw': { spec: { info: fails }, cause: ({ context }) => context.send(1), end: 'cut' },
  'error: the source threw': {
    spec: {
      *subscribe() {
        yield 1
        fails()
      },
    },
    end: 'cut',
  },
  'error: `subscribe` threw': { spec: { subscribe: fails }, end: 500 },
  'error: `subscribe` rejected': { spec: { subscribe: async () => fails() }, end: 500 },
  'error: `subscribe` did not settle within `decisionTimeout`': {
    spec: { subscribe: () => new Promise<void>(() => {}), decisionTimeout: 1000 },
    cause: () => stage.now.time.advance(1000),
    end: 503,
  },
}

async function look(client: Client, end: Case['end']) {
  if (typeof end === 'number') expect((await client.whole()).status).to.equal(end)
  else if (end === 'complete') expect((await client.whole()).isWhole).to.equal(true)
  else if (end === 'cut') expect((await client.closed()).isWhole).to.equal(false)
}

describe('terminate is called exactly once, with the reason (docs/guide/loop.md)', () => {
  staged()
  const told = listening()

  for (const [name, { spec, cause, end }] of Object.entries(cases)) {
    it(name, async () => {
      told.now.on('open').on('end')
      const held = await hold(spec)
      const { client, log, reasons } = held
      if (cause && end !== 503) await client.head()
      await cause?.(held)
      const kind = name.split(':', 1)[0] as string
      await log.until(kind)
      await look(client, end)
      await turns()
      expect(reasons).to.have.length(1)
      if (kind === 'error' || kind === 'overflow') expect(reasons[0]?.error).to.be.instanceOf(Error)
      else if (kind !== 'down') expect(reasons[0]).to.deep.equal({ kind })
      // the diagnostics channels say the same, once
      const wasOpen = typeof end !== 'number'
      expect(told.now.names).to.deep.equal(wasOpen ? ['open', 'end'] : ['end'])
      const [ended] = told.now.of('end')
      expect(ended).to.include({ wasOpen, stream: held.context.stream })
      expect(ended?.reason).to.equal(reasons[0])
    })
  }

  it('with the context of the loop: its state, its stream, an aborted signal', async () => {
    const seen: unknown[] = []
    const site = await stage.now.serve(
      loop({
        init: () => 'mine',
        format: ndjson(),
        subscribe: () => [1],
        terminate: (_reason, { state, stream, signal, negotiated }) =>
          void seen.push(state, stream.sent, signal.aborted, negotiated.mediaType),
      }),
    )
    await site.get().whole()
    expect(seen).to.deep.equal(['mine', 1, true, 'application/x-ndjson'])
  })

  it('after the unsubscribe', async () => {
    const { client, log } = await hold()
    await client.head()
    client.leave()
    await log.until('disconnect')
    expect(log.entries).to.deep.equal(['subscribe', 'unsubscribe', 'disconnect'])
  })

  it('after the source was closed', async () => {
    const log = new Log()
    const { client } = await hold({
      *subscribe() {
        try {
          for (;;) yield 'x'
        } finally {
          log.add('closed')
        }
      },
      info: () => new Promise(() => {}),
      terminate: () => log.add('terminate'),
    })
    await client.head()
    client.leave()
    await log.until('terminate')
    expect(log.entries).to.deep.equal(['closed', 'terminate'])
  })

  describe('never for an answer without a loop', () => {
    const reasons: unknown[] = []
    const spec = {
      subscribe: () => {},
      terminate: (reason: unknown) => void reasons.push(reason),
    }
    const asks = {
      'a refusal': resource({ ...spec, contentTypesProvided: [sse()], forbidden: true }),
      'no acceptable type': resource({ ...spec, contentTypesProvided: { 'a/b': sse() } }),
      'a body': resource({ ...spec, contentTypesProvided: { 'a/b': () => 'body', 'c/d': sse() } }),
      'stop() of a decision': resource({
        ...spec,
        contentTypesProvided: [sse()],
        resourceExists: () => stop(418),
      }),
      'stop() of init': loop({ ...spec, format: sse(), init: () => stop(418) }),
      'a wrong method': loop({ ...spec, format: sse() }),
      'a list': resource({
        ...spec,
        contentTypesProvided: { 'text/event-stream': () => sse().once([1]), 'a/b': sse() },
      }),
      'an error of a decision': resource({ ...spec, contentTypesProvided: [sse()], forbidden: fails }),
    }
    for (const [name, endpoint] of Object.entries(asks)) {
      it(name, async () => {
        const site = await stage.now.serve(endpoint)
        const method = name === 'a wrong method' ? 'DELETE' : 'GET'
        const accept = name === 'no acceptable type' ? { Accept: 'x/y' } : {}
        const message = await site.get('/', { method, headers: accept }).whole()
        expect(message.isWhole).to.equal(true)
        expect(reasons).to.deep.equal([])
      })
    }

    it('HEAD', async () => {
      const site = await stage.now.serve(loop({ ...spec, format: sse() }))
      await site.get('/', { method: 'HEAD' }).whole()
      expect(reasons).to.deep.equal([])
    })

    it('nor where the client left before `subscribe` was called', async () => {
      const log = new Log()
      let resolve = () => {}
      const site = await stage.now.serve(
        resource({
          contentTypesProvided: [sse()],
          serviceAvailable: async ({ signal }) => {
            signal.addEventListener('abort', () => log.add('aborted'))
            log.add('asked')
            await new Promise<void>((done) => {
              resolve = done
            })
            return true
          },
          subscribe: () => log.add('subscribe'),
          terminate: () => log.add('terminate'),
        }),
      )
      const client = site.get()
      await log.until('asked')
      client.leave()
      await log.until('aborted')
      resolve()
      await turns()
      expect(log.entries).to.deep.equal(['asked', 'aborted'])
    })
  })

  describe('when it or the unsubscribe fail themselves', () => {
    for (const [name, fail] of Object.entries({
      throws: fails,
      rejects: async () => {
        await turns(2)
        fails()
      },
    })) {
      it(`an unsubscribe that ${name} is a warning; terminate is still called, once`, async () => {
        let calls = 0
        const { client, log, reasons } = await hold({
          subscribe: () => () => {
            calls += 1
            return fail()
          },
        })
        await client.head()
        client.leave()
        await log.until('disconnect')
        expect(await stage.now.warning())
          .to.include({ name: 'LariatWarning' })
          .and.to.have.property('message')
          .that.matches(/unsubscribe.*failed/)
        expect(calls).to.equal(1)
        expect(reasons).to.have.length(1)
      })

      it(`a terminate that ${name} is a warning`, async () => {
        let calls = 0
        const { client, log } = await hold({
          terminate() {
            calls += 1
            return fail()
          },
        })
        await client.head()
        client.leave()
        await log.until('disconnect')
        expect(await stage.now.warning()).to.include({ name: 'LariatWarning' })
        expect(calls).to.equal(1)
        expect(log.count('unsubscribe')).to.equal(1)
      })
    }

    it('the client still gets its complete end', async () => {
      const { client, context } = await hold({ subscribe: () => fails, terminate: fails })
      context.write(1)
      context.stream.close()
      expect((await client.whole()).body).to.equal('1\n')
      await stage.now.warning()
      await stage.now.warning()
    })
  })

  it('leaves none of the listeners of the loop on the response, whichever way it answers', async () => {
    const counts: Record<string, number>[] = []
    const count = (res: Context['res']) => ({
      drain: res.listenerCount('drain'),
      close: res.listenerCount('close'),
    })
    for (const subscribe of [() => stop(410), fails, () => [1]]) {
      const log = new Log()
      const { client } = await hold(
        { subscribe: subscribe as () => never },
        {},
        {
          before: [
            (_req, res, next) => {
              counts.push(count(res))
              res.once('finish', () =>
                setImmediate(() => {
                  counts.push(count(res))
                  log.add('counted')
                }),
              )
              next()
            },
          ],
        },
      )
      await client.whole()
      await log.until('counted')
    }
    for (let index = 0; index < counts.length; index += 2) {
      expect(counts[index + 1]?.drain).to.equal(counts[index]?.drain)
      expect(counts[index + 1]?.close).to.be.at.most(counts[index]?.close as number)
    }
  })

  it('without it the error of a stream that was cut is a process warning, so that it is not lost', async () => {
    const site = await stage.now.serve(loop({ format: ndjson(), subscribe: () => [1, 1n] }))
    expect((await site.get('/feed?token=secret').closed()).isWhole).to.equal(false)
    const warning = await stage.now.warning()
    expect(warning.name).to.equal('LariatWarning')
    expect(warning.message).to.match(/^\/feed was cut: TypeError/)
    expect(warning.message).not.to.include('secret')
  })

  it('an unsubscribe that throws or rejects what cannot be looked at, such as a revoked Proxy, is a warning', async () => {
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    const unsubscribes = [
      () => {
        throw proxy
      },
      () => Promise.reject(proxy),
    ]
    for (const unsubscribe of unsubscribes) {
      const { client, context } = await hold({ subscribe: () => unsubscribe })
      await client.head()
      context.stream.close()
      await client.whole()
      expect(String(await stage.now.warning())).to.contain('cannot be shown')
    }
  })

  it('without it the other ends are no warnings', async () => {
    const site = await stage.now.serve(
      loop({ format: ndjson(), subscribe: ({ req }) => (req.query.end ? [1] : undefined) }),
    )
    await site.get('/?end=1').whole()
    const client = site.get()
    await client.head()
    client.leave()
    await turns()
    expect(stage.now.warnings).to.deep.equal([])
  })
})

describe('The signal (docs/guide/callbacks.md)', () => {
  staged()

  it('is aborted when the loop has ended, before unsubscribe and terminate', async () => {
    const log = new Log()
    const { client, context } = await hold({
      subscribe({ signal }) {
        signal.addEventListener('abort', () => log.add('aborted'))
        return () => log.add('unsubscribe')
      },
      terminate: () => log.add('terminate'),
    })
    await client.head()
    context.stream.close()
    await log.until('terminate')
    expect(log.entries).to.deep.equal(['aborted', 'unsubscribe', 'terminate'])
  })

  it('is aborted when the client has gone while `subscribe` is pending', async () => {
    const log = new Log()
    const { client } = await hold({
      async subscribe({ signal }) {
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
        log.add('aborted')
      },
    })
    client.leave()
    await log.until('aborted')
  })

  it('is one and the same for all callbacks of a request', async () => {
    const signals = new Set<AbortSignal>()
    const site = await stage.now.serve(
      resource({
        contentTypesProvided: [ndjson()],
        resourceExists: ({ signal }) => {
          signals.add(signal)
          return true
        },
        subscribe: ({ signal }) => {
          signals.add(signal)
          return [1]
        },
        terminate: (_reason, { signal }) => void signals.add(signal),
      }),
    )
    await site.get().whole()
    expect(signals.size).to.equal(1)
  })

  it('asked for only after the end is aborted', async () => {
    const { client, context, log } = await hold()
    await client.head()
    client.leave()
    await log.until('disconnect')
    expect(context.signal.aborted).to.equal(true)
  })

  it('is not aborted by an answer that is whole', async () => {
    const signals: AbortSignal[] = []
    const site = await stage.now.serve(
      resource({
        contentTypesProvided: {
          'text/plain': ({ signal }) => {
            signals.push(signal)
            return 'body'
          },
        },
      }),
    )
    const client = site.get()
    await client.whole()
    client.leave()
    await turns()
    expect(signals.map((each) => each.aborted)).to.deep.equal([false])
  })
})
