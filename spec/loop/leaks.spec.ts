import { EventEmitter, getEventListeners } from 'node:events'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect } from 'chai'
import { clock } from '../../lib/clock.js'
import { type LoopContext, loop, ndjson, raw, stop } from '../../lib/index.js'
import { Log } from '../support/log.js'
import { type Client, request } from '../support/raw.js'
import { flood, type Site, stage, staged, turns } from '../support/stage.js'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** How many listeners an emitter has, by event. */
function listeners(emitter: EventEmitter): Record<string, number> {
  return Object.fromEntries(emitter.eventNames().map((name) => [String(name), emitter.listenerCount(name)]))
}

type Context = LoopContext<undefined>

interface Kind {
  /** What `subscribe` does. */
  subscribe?: (context: Context, log: Log) => unknown
  /** What the client does, once it has asked. */
  run?: (client: Client, context: Context) => unknown
  reads?: boolean
  reason: string
}

const kinds: Record<string, Kind> = {
  'the client leaves': {
    run: (client) => client.leave(),
    reason: 'disconnect',
  },
  'the client resets': {
    run: (client) => client.reset(),
    reason: 'disconnect',
  },
  'the client leaves while `subscribe` is pending': {
    async subscribe({ req }, log) {
      await new Promise((resolve) => req.socket.once('close', resolve))
      return () => log.add('released')
    },
    run: (client) => client.leave(),
    reason: 'disconnect',
  },
  'the client leaves while it is behind': {
    run(client, context) {
      context.write(flood)
      void context.drained()
      client.leave()
    },
    reads: false,
    reason: 'disconnect',
  },
  'the client leaves in mid-source': {
    async *subscribe(_, log) {
      try {
        for (;;) {
          yield 1
          await turns(1)
        }
      } finally {
        log.add('released')
      }
    },
    run: (client) => client.leave(),
    reason: 'disconnect',
  },
  'the source ends': {
    *subscribe(_, log) {
      yield 1
      log.add('released')
    },
    reason: 'end',
  },
  'the source fails': {
    // biome-ignore lint/correctness/useYield: it fails first
    *subscribe(_, log) {
      log.add('released')
      throw new Error('broken')
    },
    reason: 'error',
  },
  '`subscribe` fails': {
    subscribe(_, log) {
      log.add('released')
      throw new Error('broken')
    },
    reason: 'error',
  },
  '`subscribe` stops': {
    subscribe(_, log) {
      log.add('released')
      return stop()
    },
    reason: 'stop',
  },
  'the stream is revoked': {
    run: (_, context) => context.stream.close(),
    reason: 'revoked',
  },
  'what is monitored dies': {
    subscribe({ monitor }, log) {
      const abort = new AbortController()
      monitor(abort.signal)
      setImmediate(() => abort.abort())
      return () => log.add('released')
    },
    reason: 'down',
  },
  'the client is too slow': {
    run(_, context) {
      context.write(flood)
      context.write(flood)
    },
    reads: false,
    reason: 'overflow',
  },
}

describe('Nothing is left of a stream (docs/guide/loop.md)', () => {
  staged()

  const count = 20

  for (const [name, { subscribe, run = () => {}, reads = true, reason }] of Object.entries(kinds)) {
    it(`when ${name}: no listener, no deadline, no subscription, and its memory is free`, async () => {
      const log = new Log()
      const contexts: (Context | undefined)[] = []
      const site = await stage.now.serve(
        loop({
          format: name.includes('slow') || name.includes('behind') ? raw('a/b') : ndjson(),
          stream: { endEvent: true, errorEvent: true },
          timeout: 60_000,
          subscribe(context) {
            contexts.push(context)
            log.add('subscribed')
            const answer = subscribe ? subscribe(context, log) : () => log.add('released')
            return answer as () => void
          },
          info: (message: unknown, { write }) => write(message),
          terminate: ({ kind }) => log.add(kind),
        }),
      )
      const server = listeners(site.server)
      const system = listeners(process)
      const deadlines = clock.size
      const held: WeakRef<Context>[] = []
      for (let turn = 0; turn < count; turn++) {
        const client = site.get('/', { reads })
        await log.until('subscribed', turn + 1)
        await run(client, contexts[0] as Context)
        held.push(new WeakRef(contexts.pop() as Context))
        await log.until(reason, turn + 1)
        client.leave()
      }
      await log.until('released', count)
      await turns(100)
      expect(log.entries.length, 'entries').to.equal(3 * count)
      expect(listeners(site.server)).to.deep.equal(server)
      expect(listeners(process)).to.deep.equal(system)
      expect(clock.size).to.equal(deadlines)
      expect(await connections(site)).to.equal(0)
      // an error holds the frames that it was thrown in
      stage.now.errors.length = 0
      collectGarbage()
      await turns()
      collectGarbage()
      expect(held.filter((each) => each.deref()).length, 'contexts that are held').to.be.at.most(2)
    })
  }

  it('on a connection that is used again: its listeners stay those of one request', async () => {
    const site = await stage.now.serve(loop({ format: ndjson(), subscribe: () => [1] }))
    const sockets: EventEmitter[] = []
    site.server.on('connection', (socket) => sockets.push(socket))
    const client = site.get()
    await client.whole()
    await turns()
    const [socket] = sockets as [EventEmitter]
    const before = listeners(socket)
    for (let turn = 0; turn < 30; turn++) await client.ask('/').whole()
    await turns()
    expect(sockets).to.have.length(1)
    expect(listeners(socket)).to.deep.equal(before)
  })

  it('on a connection with pipelined requests as well', async () => {
    const site = await stage.now.serve(loop({ format: ndjson(), subscribe: () => [1] }))
    const sockets: EventEmitter[] = []
    site.server.on('connection', (socket) => sockets.push(socket))
    const client = site.connect()
    const round = async () => {
      for (let turn = 0; turn < 10; turn++) client.ask('/')
      await client.whole()
      await turns()
    }
    await round()
    const [socket] = sockets as [EventEmitter]
    const before = listeners(socket)
    for (let turn = 0; turn < 5; turn++) await round()
    expect(listeners(socket)).to.deep.equal(before)
    expect(client.messages).to.have.length(60)
  })

  it('a client that sends a request in part and leaves is never subscribed', async () => {
    let subscribed = 0
    const site = await stage.now.serve(
      loop({
        format: ndjson(),
        subscribe() {
          subscribed += 1
        },
      }),
    )
    for (let turn = 0; turn < 20; turn++) {
      const client = site.connect().write(request('/').slice(0, -2))
      await turns(1)
      client.leave()
    }
    await turns(50)
    expect(subscribed).to.equal(0)
    expect(await connections(site)).to.equal(0)
  })

  it('what outlives a stream, and was monitored or read by it, keeps no listener of it', async () => {
    const log = new Log()
    const target = new EventEmitter()
    const abort = new AbortController()
    const contexts: Context[] = []
    const site = await stage.now.serve(
      loop({
        format: ndjson(),
        subscribe(context) {
          context.monitor(target)
          context.monitor(abort.signal)
          contexts.push(context)
          log.add('subscribed')
        },
        terminate: ({ kind }) => log.add(kind),
      }),
    )
    for (let turn = 0; turn < 20; turn++) {
      const client = site.get()
      await log.until('subscribed', turn + 1)
      if (turn % 2) contexts[turn]?.stream.close()
      client.leave()
    }
    await log.until('disconnect', 10)
    await log.until('revoked', 10)
    await turns()
    expect(listeners(target)).to.deep.equal({})
    expect(getEventListeners(abort.signal, 'abort')).to.have.length(0)
  })
})

function connections(site: Site): Promise<number> {
  return new Promise((resolve, reject) => {
    site.server.getConnections((error, count) => (error ? reject(error) : resolve(count)))
  })
}
