import { EventEmitter } from 'node:events'
import { expect } from 'chai'
import { createHub, resource, sse, stop, timeout } from '../../lib/index.js'
import { asyncMemory } from '../../lib/testing.js'
import { asUser, elsewhere, type Scene, type Spec, two, who } from '../support/as-user.js'
import { Log } from '../support/log.js'
import { flood, stage, staged, turns } from '../support/stage.js'

/** Both have been called, each as who it is. */
function own(...names: string[]): string[] {
  return ['ada', 'bob'].flatMap((user) => names.map((name) => `${user}: ${name} as ${user}`)).sort()
}

const sorted = ({ entries }: Log) => [...entries].sort()

async function pass(milliseconds: number): Promise<void> {
  stage.now.time.advance(milliseconds)
  await turns()
}

describe('A callback finds the AsyncLocalStorage of its own request (docs/guide/existing-app.md)', () => {
  staged()

  it('isAuthorized and forbidden, when reauthorize asks them again', async () => {
    const { log } = await two((say) => ({
      isAuthorized(context) {
        say('isAuthorized', context)
        return true
      },
      forbidden(context) {
        say('forbidden', context)
        return false
      },
      stream: { reauthorize: 1000 },
    }))
    for (let time = 0; time < 3; time++) {
      await pass(1000)
      expect(sorted(log)).to.deep.equal(own('forbidden', 'isAuthorized'))
      log.entries.length = 0
    }
  })

  it('so that somebody who is banned goes, and nobody else', async () => {
    const allowed = new Set(['ada', 'bob'])
    const { log } = await two((say) => ({
      isAuthorized: async () => {
        await turns(1)
        return allowed.has(who()) || 'Bearer'
      },
      terminate: ({ kind }, context) => say(kind, context),
      stream: { reauthorize: 1000 },
    }))
    await pass(1000)
    expect(log.entries).to.deep.equal([])
    allowed.delete('bob')
    await pass(1000)
    expect(log.entries).to.deep.equal(['bob: revoked as bob'])
  })

  it('info, for a timeout', async () => {
    const { log } = await two((say) => ({
      timeout: 1000,
      info(message, context) {
        expect(message).to.equal(timeout)
        say('info', context)
      },
    }))
    await pass(1000)
    await pass(1000)
    expect(sorted(log)).to.deep.equal([...own('info'), ...own('info')].sort())
  })

  it('info, for what somebody else sends, and for what waits until it has settled', async () => {
    const shelf = new EventEmitter()
    const { log } = await two((say) => ({
      subscribe: ({ send }) => void shelf.on('change', send),
      async info(message, context) {
        say(`${message}`, context)
        await turns(1)
        say(`${message} later`, context)
      },
    }))
    elsewhere(() => {
      shelf.emit('change', 1)
      shelf.emit('change', 2)
    })
    await log.until('bob: 2 later as bob')
    expect(sorted(log)).to.deep.equal(own('1', '1 later', '2', '2 later').sort())
  })

  it('a source and its info, also after what somebody else has sent', async () => {
    const goOn: (() => void)[] = []
    const { log, contexts } = await two((say) => ({
      subscribe: (context) => ({
        [Symbol.asyncIterator]: () => ({
          next() {
            say('next', context)
            return new Promise<IteratorResult<string>>((resolve) => {
              goOn.push(() => resolve({ done: false, value: 'pulled' }))
            })
          },
        }),
      }),
      async info(message, context) {
        say(`${message}`, context)
        await turns(1)
      },
    }))
    elsewhere(() => {
      for (const { send } of Object.values(contexts)) send('sent')
      for (const each of goOn.splice(0)) each()
    })
    await log.until('ada: next as ada')
    await log.until('bob: next as bob')
    expect(sorted(log)).to.deep.equal(own('next', 'pulled', 'sent'))
  })

  it('info, for what a channel brings', async () => {
    const channel = createHub().channel('news')
    const { log } = await two((say) => ({
      subscribe: () => channel,
      info: (_, context) => say('info', context),
    }))
    await elsewhere(() => channel.publish(1))
    expect(sorted(log)).to.deep.equal(own('info'))
  })

  it('info, for the death of what is monitored', async () => {
    const target = new EventEmitter()
    const { log } = await two((say) => ({
      subscribe: ({ monitor }) => monitor(target, 'down'),
      info: (message, context) => say(`${message}`, context),
    }))
    elsewhere(() => target.emit('close'))
    expect(sorted(log)).to.deep.equal(own('down'))
  })

  it('onGap, for what the backend has lost', async () => {
    const backend = asyncMemory()
    const other = createHub(backend.another()).channel('news', { history: 1 })
    const channel = createHub(backend).channel('news', { history: 1 })
    const { log } = await two((say) => ({
      subscribe: channel,
      onGap: (_, context) => say('onGap', context),
    }))
    await channel.publish(0)
    await backend.delivered()
    backend.lose()
    for (const number of [1, 2, 3]) await other.publish(number)
    elsewhere(() => backend.restore())
    await backend.delivered()
    await turns()
    expect(sorted(log)).to.deep.equal(own('onGap'))
  })

  const ends: Readonly<Record<string, [(scene: Scene) => unknown, Spec?]>> = {
    expired: [() => pass(10_000), { stream: { maxDuration: 10_000 } }],
    disconnect: [
      ({ clients }) => {
        for (const client of Object.values(clients)) client.leave()
      },
    ],
    revoked: [
      ({ endpoint }) =>
        elsewhere(() => {
          for (const stream of endpoint.streams) stream.close()
        }),
    ],
    shutdown: [({ endpoint }) => void elsewhere(() => endpoint.close({ over: 100 })).then(() => {})],
    stop: [
      ({ contexts }) =>
        elsewhere(() => {
          for (const { send } of Object.values(contexts)) send('stop')
        }),
      { info: () => stop() },
    ],
    error: [
      ({ contexts }) =>
        elsewhere(() => {
          for (const { send } of Object.values(contexts)) send('fail')
        }),
      {
        info: () => {
          throw new Error('broken')
        },
      },
    ],
    overflow: [
      ({ contexts, clients }) =>
        elsewhere(() => {
          for (const client of Object.values(clients)) client.socket.pause()
          for (const { write } of Object.values(contexts)) {
            write(String(flood))
            write(String(flood))
          }
        }),
    ],
  }
  for (const [reason, [end, spec]] of Object.entries(ends)) {
    it(`unsubscribe, the listeners of the signal, and terminate: ${reason}`, async () => {
      const scene = await two((say) => ({
        ...spec,
        subscribe: (context) => {
          context.signal.addEventListener('abort', () => say('abort', context))
          return () => say('unsubscribe', context)
        },
        terminate: ({ kind }, context) => say(kind, context),
      }))
      await end(scene)
      if (reason === 'shutdown') await pass(200)
      for (const user of ['ada', 'bob']) await scene.log.until(`${user}: ${reason} as ${user}`)
      expect(sorted(scene.log)).to.deep.equal(own('abort', 'unsubscribe', reason).sort())
    })
  }

  it('unsubscribe, where there is no other callback, and `subscribe` has taken its time', async () => {
    const { log, endpoint } = await two((say) => ({
      subscribe: async (context) => {
        await turns(1)
        return () => say('unsubscribe', context)
      },
    }))
    elsewhere(() => {
      for (const stream of endpoint.streams) stream.close()
    })
    expect(sorted(log)).to.deep.equal(own('unsubscribe'))
  })

  it('what closes a source, and what takes back a watch', async () => {
    const { log, clients } = await two((say) => ({
      subscribe(context) {
        context.monitor({ onDown: () => () => say('unwatched', context) })
        return {
          [Symbol.asyncIterator]: () => ({
            next: () => new Promise<IteratorResult<unknown>>(() => {}),
            async return() {
              say('closed', context)
              return { done: true, value: undefined }
            },
          }),
        }
      },
    }))
    for (const client of Object.values(clients)) client.leave()
    await log.until('ada: closed as ada')
    await log.until('bob: closed as bob')
    expect(sorted(log)).to.deep.equal(own('closed', 'unwatched'))
  })

  it('the signal where a channel is followed, and nothing else is called', async () => {
    const channel = createHub().channel('news')
    const { log, clients } = await two((say) => ({
      subscribe(context) {
        context.signal.addEventListener('abort', () => say('abort', context))
        return channel
      },
    }))
    for (const client of Object.values(clients)) client.leave()
    await log.until('ada: abort as ada')
    await log.until('bob: abort as bob')
  })

  it('terminate, and whoever logs the 503, when `subscribe` does not settle in time', async () => {
    const log = new Log()
    const site = await stage.now.serve(
      resource({
        contentTypesProvided: [sse()],
        decisionTimeout: 1000,
        subscribe: () => {
          log.add('subscribe')
          return new Promise<void>(() => {})
        },
        terminate: ({ kind }) => log.add(`${kind} as ${who()}`),
      }),
      {
        before: [
          asUser,
          (_req, res, next) => {
            const end = res.end
            res.end = ((...values: Parameters<typeof end>) => {
              log.add(`${res.statusCode} as ${who()}`)
              return end.apply(res, values)
            }) as typeof end
            next()
          },
        ],
      },
    )
    for (const user of ['ada', 'bob']) site.get('/', { headers: { 'x-user': user } })
    await log.until('subscribe', 2)
    await pass(1000)
    const whole = ['503 as ada', '503 as bob', 'error as ada', 'error as bob']
    expect([...log.entries].sort()).to.deep.equal([...whole, 'subscribe', 'subscribe'])
  })
})
