import { expect } from 'chai'
import type { FollowOptions } from '../../lib/client/options.js'
import { follow } from '../../lib/client.js'
import { turns, turnsUntil } from '../support/stage.js'
import { type Answering, answering, clients, type Looped, loop } from './scene.js'

/** Counts the listeners of a signal that are left. */
function counted(): { controller: AbortController; signal: AbortSignal; count: () => number } {
  const controller = new AbortController()
  const { signal } = controller
  const listeners = new Set<unknown>()
  const { addEventListener, removeEventListener } = signal
  signal.addEventListener = (...of: Parameters<typeof addEventListener>) => {
    listeners.add(of[1])
    addEventListener.apply(signal, of)
  }
  signal.removeEventListener = (...of: Parameters<typeof removeEventListener>) => {
    listeners.delete(of[1])
    removeEventListener.apply(signal, of)
  }
  return { controller, signal, count: () => listeners.size }
}

const never = () => new Promise<never>(() => {})

interface Moment {
  readonly options?: FollowOptions
  readonly body?: () => unknown
  /** Brings a client to this moment. */
  come(server: Answering, loops: Looped<unknown>): Promise<unknown>
}

const moments: Record<string, Moment> = {
  'while store.get() waits': { options: { store: { get: never, set() {} } }, come: () => turns() },
  'while headers() waits': { options: { headers: never }, come: () => turns() },
  'before the head': { come: (server) => server.next() },
  'before the head, by a fetch that ignores its signal': {
    options: { fetch: (url, { signal: _, ...init }) => fetch(url, init) },
    come: (server) => server.next(),
  },
  'while refresh() waits': {
    options: { refresh: never },
    async come(server) {
      ;(await server.next()).answer(401)
      await turns()
    },
  },
  'in mid-read': {
    async come(server, loops) {
      ;(await server.next()).stream('id: a\ndata: 1\n\n')
      await loops.count(1)
      await turns()
    },
  },
  'in mid-read, by a fetch that ignores its signal': {
    options: { fetch: (url, { signal: _, ...init }) => fetch(url, init) },
    async come(server, loops) {
      ;(await server.next()).stream('data: 1\n\n')
      await loops.count(1)
      await turns()
    },
  },
  'during a backoff': {
    async come(server, loops) {
      ;(await server.next()).cut()
      await loops.becomes('waiting')
    },
  },
  'while store.set() waits': {
    options: { store: { get: () => null, set: never } },
    async come(server, loops) {
      ;(await server.next()).stream('id: a\ndata: 1\n\n')
      await loops.count(1)
      await turns()
    },
  },
}

describe('A client is ended for good', () => {
  clients()

  for (const [name, { options, come }] of Object.entries(moments))
    for (const by of ['close()', 'its signal', 'return()'] as const)
      it(`By ${by} ${name}: the loop ends, the request is let go, and nothing is left`, async () => {
        const server = await answering()
        const { controller, signal, count } = counted()
        const loops = loop(server, { ...options, signal })
        await come(server, loops)
        if (by === 'close()') loops.client.close()
        else if (by === 'its signal') controller.abort()
        else expect(await loops.client.return?.()).to.deep.equal({ value: undefined, done: true })
        expect(loops.client.state).to.equal('over')
        expect(await loops.ended).to.equal(undefined)
        expect(loops.states.at(-1)).to.deep.equal(['over', {}])
        // what comes too late is let go of as well
        const [request] = server.requests
        if (request?.res.headersSent === false) request.stream('data: 1\n\n')
        await turnsUntil(() => server.requests.every(({ isGone }) => isGone))
        expect(count()).to.equal(0)
        expect(await loops.client.next()).to.deep.equal({ value: undefined, done: true })
        loops.client.close()
        expect(loops.states.filter(([state]) => state === 'over').length).to.equal(1)
      })

  for (const by of ['close()', 'its signal', 'return()', 'a signal that was aborted beforehand'])
    it(`By ${by} before the first step: nothing is asked`, async () => {
      const server = await answering()
      const asked: string[] = []
      const { controller, signal, count } = counted()
      if (by.startsWith('a ')) controller.abort()
      const store = {
        get: () => void asked.push('store'),
        set() {},
      }
      const headers = () => {
        asked.push('headers')
        return {}
      }
      const client = follow(server.url, { signal, store, headers })
      if (by === 'close()') client.close()
      if (by === 'its signal') controller.abort()
      if (by === 'return()') await client.return?.()
      expect(client.state).to.equal('over')
      expect(await client.next()).to.deep.equal({ value: undefined, done: true })
      await server.none()
      expect(asked).to.deep.equal([])
      expect(count()).to.equal(0)
    })

  for (const how of ['break', 'throw'] as const)
    it(`By ${how} in the loop body: the request is aborted, and the message is not done with`, async () => {
      const server = await answering()
      const { signal, count } = counted()
      const failure = new Error('of the body')
      const client = follow(server.url, { signal })
      const ended = (async () => {
        for await (const { id } of client) {
          if (id === 'a') continue
          if (how === 'break') break
          throw failure
        }
      })().catch((error) => error)
      const request = await server.next()
      request.stream('id: a\ndata: 1\n\nid: b\ndata: 2\n\n')
      expect(await ended).to.equal(how === 'throw' ? failure : undefined)
      expect(client.state).to.equal('over')
      expect(client.lastEventId).to.equal('a')
      await turnsUntil(() => request.isGone)
      expect(count()).to.equal(0)
    })

  for (const by of ['close()', 'its signal'])
    it(`By ${by} in the loop body: at once, and the body is done with its message when it has ended`, async () => {
      const server = await answering()
      const stored: string[] = []
      const { controller, signal, count } = counted()
      const store = { get: () => null, set: (id: string) => void stored.push(id) }
      const loops = loop(server, { signal, store }, async (_message, client) => {
        if (by === 'close()') client.close()
        else controller.abort()
        expect(count()).to.equal(0)
        await turnsUntil(() => server.requests.every(({ isGone }) => isGone))
        expect(stored).to.deep.equal([])
      })
      ;(await server.next()).stream('id: a\ndata: 1\n\nid: b\ndata: 2\n\n')
      expect(await loops.ended).to.equal(undefined)
      expect(loops.data).to.deep.equal([1])
      expect(loops.client.lastEventId).to.equal('a')
      expect(stored).to.deep.equal(['a'])
    })

  it('By what onState or onGap throws: the loop throws it, and the request is let go', async () => {
    for (const option of ['onState', 'onGap'] as const) {
      const server = await answering()
      const failure = new Error(option)
      const fail = () => {
        throw failure
      }
      const { signal, count } = counted()
      const loops = loop(server, {
        signal,
        ...(option === 'onGap' ? { onGap: fail } : { onState: (state) => state === 'open' && fail() }),
      })
      const request = await server.next()
      request.stream('event: gap\ndata: {"requested":"x","reason":"unknown"}\n\n')
      expect(await loops.ended).to.equal(failure)
      await turnsUntil(() => request.isGone)
      expect(count()).to.equal(0)
    }
  })

  it('Even where onState throws at the end', async () => {
    const server = await answering()
    const { controller, signal, count } = counted()
    const failure = new Error('over')
    const loops = loop(server, {
      signal,
      onState(state) {
        if (state === 'over') throw failure
      },
    })
    const request = await server.next()
    request.stream()
    await loops.becomes('open')
    expect(() => loops.client.close()).to.throw(failure)
    expect(await loops.ended).to.equal(undefined)
    await turnsUntil(() => request.isGone)
    expect(count()).to.equal(0)
    controller.abort()
  })
})

describe('A client that is asked for several steps at once', () => {
  clients()

  it('Takes them one by one, on one request', async () => {
    const server = await answering()
    const client = follow(server.url)
    const steps = [client.next(), client.next(), client.next()]
    ;(await server.next())
      .stream('id: a\ndata: 1\n\nid: b\ndata: 2\n\nevent: end\ndata: {"reason":"end"}\n\n')
      .end()
    const results = await Promise.all(steps)
    expect(results.map(({ value }) => value?.data)).to.deep.equal([1, 2, undefined])
    expect(results.map(({ done }) => done)).to.deep.equal([false, false, true])
    await server.none()
  })

  it('Fails once, and is over then', async () => {
    const server = await answering()
    const client = follow(server.url)
    const steps = [client.next(), client.next()]
    ;(await server.next()).answer(404)
    const results = await Promise.allSettled(steps)
    expect(results.map(({ status }) => status)).to.deep.equal(['rejected', 'fulfilled'])
    expect(await client.next()).to.deep.equal({ value: undefined, done: true })
  })
})
