import { EventEmitter } from 'node:events'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect } from 'chai'
import type { RequestHandler, Response } from 'express'
import { clock } from '../../lib/clock.js'
import {
  type Channel,
  createHub,
  type LoopContext,
  ndjson,
  type Reason,
  resource,
  sse,
  stop,
} from '../../lib/index.js'
import { Log } from '../support/log.js'
import { flood, stage, staged, turns, turnsUntil } from '../support/stage.js'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** A channel of numbers, some of them published. */
async function numbers(count: number, history = 100_000): Promise<Channel<number> & { ids: string[] }> {
  const channel = createHub().channel<number>('numbers', { history })
  const ids: string[] = []
  for (let n = 1; n <= count; n++) ids.push(await channel.publish(n))
  return Object.assign(channel, { ids })
}

function gate() {
  let open = () => {}
  const promise = new Promise<void>((resolve) => {
    open = resolve
  })
  return { promise, open }
}

async function microtasks(count: number): Promise<void> {
  for (let done = 0; done < count; done++) await undefined
}

const lines = (body: string) =>
  body
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown)

describe('Each event exactly once, whatever `subscribe` does before it returns its channel (docs/guide/resume.md)', () => {
  staged()

  it('monitor and send before the loop has opened: what was missed comes before what was published meanwhile', async () => {
    const channel = await numbers(3)
    const site = await stage.now.serve(
      resource({
        contentTypesProvided: [ndjson()],
        subscribe({ monitor, send, write }) {
          write('head')
          monitor(new Promise(() => {}))
          // after `subscribe` has returned, and before it is known that the promise is pending
          void microtasks(2).then(async () => {
            send('sent')
            void channel.publish(4)
            await microtasks(5)
            void channel.publish(5)
          })
          return channel
        },
      }),
    )
    const client = site.get('/', { headers: { 'Last-Event-ID': channel.ids[0]! } })
    expect(lines(await client.until('5\n'))).to.deep.equal(['head', 'sent', 2, 3, 4, 5])
    await channel.publish(6)
    expect(lines(await client.until('6\n'))).to.deep.equal(['head', 'sent', 2, 3, 4, 5, 6])
  })

  it('send before the loop has opened: one chain of timeouts, which ends with the stream', async () => {
    const log = new Log()
    const { time } = stage.now
    const deadlines = clock.size
    const endpoint = resource<undefined, string, string, number>({
      contentTypesProvided: [ndjson()],
      timeout: 1000,
      subscribe({ monitor, send, write }) {
        write('head')
        monitor(new Promise(() => {}))
        void microtasks(2).then(() => send('sent'))
      },
      info: (message) => log.add(String(message)),
    })
    const site = await stage.now.serve(endpoint)
    const client = site.get()
    await log.until('sent')
    await turns()
    time.advance(1000)
    await turns()
    time.advance(1000)
    await turns()
    expect(log.count('Symbol(express-lariat.timeout)')).to.equal(2)
    await endpoint.close()
    await client.whole()
    await turns()
    expect(clock.size, 'deadlines that are left').to.equal(deadlines)
  })

  for (const [name, spec] of Object.entries({
    'info that takes its time': { info: () => new Promise<void>(() => {}) },
    'a promise that is monitored': {},
  })) {
    it(`the head names the place after which the stream's events begin: ${name}`, async () => {
      const channel = await numbers(1)
      const site = await stage.now.serve(
        resource({
          contentTypesProvided: [ndjson()],
          subscribe({ monitor }) {
            monitor(new Promise(() => {}))
            void microtasks(2).then(() => channel.publish(2))
            return channel
          },
          ...spec,
        }),
      )
      const { headers } = await site.get().head()
      expect(headers['last-event-id']).to.equal(channel.ids[0])
    })
  }

  describe('a `subscribe` that writes before it returns its channel, in a format that cannot tell gaps', () => {
    const unknown = { headers: { 'Last-Event-ID': 'of-yesterday' } }

    it('the head waits for it, and tells the gap', async () => {
      const channel = await numbers(2)
      const site = await stage.now.serve(
        resource({
          contentTypesProvided: [ndjson()],
          subscribe({ write }) {
            expect(write('first')).to.equal('ok')
            return channel
          },
        }),
      )
      const client = site.get('/', unknown)
      const { headers } = await client.head()
      expect(headers['event-gap']).to.equal('unknown')
      expect(headers['last-event-id']).to.equal('earliest')
      await client.until('2\n')
      await channel.publish(3)
      expect(lines(await client.until('3\n'))).to.deep.equal(['first', 1, 2, 3])
    })

    it('one that takes its time has its head sent: a client that is cut for it is told when it comes back', async () => {
      const channel = await numbers(2)
      const reasons: Reason[] = []
      const site = await stage.now.serve(
        resource({
          contentTypesProvided: [ndjson()],
          async subscribe({ write }) {
            write('first')
            await turns(2)
            return channel
          },
          terminate: (reason) => reasons.push(reason),
        }),
      )
      const cut = await site.get('/', unknown).closed()
      expect(cut.headers).not.to.have.property('event-gap')
      expect(cut.isWhole).to.equal(false)
      expect(reasons[0]?.error).to.have.property('code', 'LARIAT_GAP')
      const back = site.get('/', unknown)
      expect((await back.head()).headers['event-gap']).to.equal('unknown')
      await back.until('2\n')
      await channel.publish(3)
      expect(lines(await back.until('3\n'))).to.deep.equal(['first', 1, 2, 3])
    })

    for (const [name, end] of Object.entries({
      stops: () => stop(),
      throws: () => {
        throw new Error('broken')
      },
      'closes its stream': ({ stream }: LoopContext<undefined>) => stream.close(),
      'monitors a target that is dead': ({ monitor }: LoopContext<undefined>) => monitor(AbortSignal.abort()),
    })) {
      it(`one that ${name}, and returns no channel: its writes go out, as they do without an id`, async () => {
        const reasons: Reason[] = []
        const site = await stage.now.serve(
          resource<undefined>({
            contentTypesProvided: [ndjson()],
            subscribe(context) {
              context.write(1)
              context.write(2)
              return end(context) as never
            },
            terminate: (reason) => reasons.push(reason),
          }),
        )
        const ask = { Connection: 'close' }
        const plain = await site.get('/', { headers: ask }).closed()
        const back = await site.get('/', { headers: { ...ask, ...unknown.headers } }).closed()
        expect([back.status, back.body, back.isWhole]).to.deep.equal([
          plain.status,
          plain.body,
          plain.isWhole,
        ])
        expect([back.status, back.body]).to.deep.equal([200, '1\n2\n'])
        expect(reasons[1]?.kind).to.equal(reasons[0]?.kind)
      })
    }

    it('one that writes much holds no head: backpressure is told', async () => {
      const wrote: string[] = []
      const site = await stage.now.serve(
        resource({
          contentTypesProvided: [ndjson()],
          async subscribe({ write, drained }) {
            for (let n = 0; n < 100; n++) {
              const said = write('x'.repeat(2 ** 16))
              if (said === 'closed') return
              wrote.push(said)
              if (said === 'wait') await drained()
            }
            return stop()
          },
        }),
      )
      const { body, isWhole } = await site.get('/', unknown).whole()
      expect(body.length).to.equal(100 * (2 ** 16 + 3))
      expect(isWhole).to.equal(true)
      expect(wrote).to.have.length(100)
    })

    it('one that returns no channel has its head sent with the first write', async () => {
      const done = gate()
      const site = await stage.now.serve(
        resource({
          contentTypesProvided: [ndjson()],
          async subscribe({ write, lastEventId }) {
            write(lastEventId)
            await done.promise
          },
        }),
      )
      for (const _ of [1, 2]) expect(await site.get('/', unknown).until('\n')).to.equal('"of-yesterday"\n')
      done.open()
    })

    it('a format that can tell a gap has its head sent at once', async () => {
      const channel = await numbers(1)
      const done = gate()
      const site = await stage.now.serve(
        resource({
          contentTypesProvided: [sse()],
          async subscribe({ write }) {
            write('first')
            await done.promise
            return channel
          },
        }),
      )
      const client = site.get('/', unknown)
      await client.until('data: first\n\n')
      done.open()
      expect(await client.until('data: 1\n\n')).to.match(
        /event: gap\nid: .*-0\n.*"reason":"unknown".*\n\nid: .*-1\ndata: 1\n/,
      )
    })
  })
})

describe('A history that moves on while it is read (docs/guide/resume.md)', () => {
  staged()

  it('an `onGap` that takes its time: events in order, each once, and each hole told', async () => {
    const channel = await numbers(4000, 2500)
    const came: (number | { from: string; reason: string })[] = []
    const stops: ReturnType<typeof gate>[] = []
    const stopped = new EventEmitter()
    const pause = () => {
      const stop = gate()
      stops.push(stop)
      stopped.emit('stop')
      return stop.promise
    }
    const publish = async (from: number, to: number) => {
      for (let n = from; n <= to; n++) channel.ids.push(await channel.publish(n))
    }
    const site = await stage.now.serve(
      resource<undefined, unknown, { data: unknown }>({
        contentTypesProvided: [ndjson()],
        subscribe: channel as never,
        info(message) {
          came.push(message.data as number)
          return message.data === 1501 ? pause() : undefined
        },
        onGap(gap) {
          came.push(gap)
          return pause()
        },
      }),
    )
    const next = async (count: number) => {
      while (stops.length < count) await new Promise((resolve) => stopped.once('stop', resolve))
    }
    site.get('/?lastEventId=earliest')
    await next(1)
    // the first page is held; of what comes after it half is lost
    await publish(4001, 6000)
    stops[0]?.open()
    await next(2)
    // while the gap is told, more than the history's places are let go and used anew
    await publish(6001, 9000)
    stops[1]?.open()
    await next(3)
    stops[2]?.open()
    await turnsUntil(() => came.at(-1) === 9000)

    let last = 1500
    for (const each of came) {
      if (typeof each === 'number') {
        expect(each).to.equal(last + 1)
        last = each
      } else {
        expect(each.reason).to.equal('trimmed')
        const from = channel.ids.indexOf(each.from) + 1
        expect(from).to.be.above(last + 1)
        last = from - 1
      }
    }
  })
})

describe('What joins and leaves while others write (docs/guide/channels.md)', () => {
  staged()

  it('a stream that is ended by the write of another, while it joins their group, is no member of it', async () => {
    const log = new Log()
    const channel = createHub().channel<number>('a', {
      source: () => () => log.add('stopped'),
    })
    const endpoint = resource({
      contentTypesProvided: [ndjson()],
      subscribe({ req, stream }) {
        if (req.path === '/b') {
          // what is gathered is written to the other when this one joins
          void channel.publish(1)
          streams.push(stream)
        }
        return channel
      },
    })
    const streams: { close(): void }[] = []
    const closing: RequestHandler = (req, res, next) => {
      const { write } = res
      if (req.path === '/a') {
        res.write = function closes(this: Response, ...args: unknown[]) {
          for (const each of streams.splice(0)) each.close()
          return Reflect.apply(write, this, args) as boolean
        }
      }
      next()
    }
    const site = await stage.now.serve(endpoint, { before: [closing] })
    const first = site.get('/a')
    await first.head()
    expect((await site.get('/b').whole()).status).to.equal(503)
    first.leave()
    await log.until('stopped')
    expect(channel.subscribers).to.equal(0)
  })

  it('a source that publishes as it starts: the head names the place before that', async () => {
    const channel: Channel<number> = createHub().channel<number>('a', {
      history: 10,
      source: (own) => void own.publish(2),
    })
    const id = await channel.publish(1)
    const site = await stage.now.serve(resource({ contentTypesProvided: [ndjson()], subscribe: channel }))
    const client = site.get()
    expect((await client.head()).headers['last-event-id']).to.equal(id)
    expect(await client.until('\n')).to.equal('2\n')
  })

  it('a source that ends its stream while it is opened is closed', async () => {
    const log = new Log()
    const site = await stage.now.serve(
      resource({
        contentTypesProvided: [ndjson()],
        subscribe: ({ stream }) => ({
          [Symbol.asyncIterator]() {
            stream.close()
            return {
              next: async () => ({ done: true as const, value: undefined }),
              return: async () => {
                log.add('closed')
                return { done: true as const, value: undefined }
              },
            }
          },
        }),
      }),
    )
    expect((await site.get().whole()).status).to.equal(503)
    expect(log.entries).to.deep.equal(['closed'])
  })
})

describe('Who subscribes in the midst of a delivery (docs/guide/channels.md)', () => {
  staged()

  it('gets what is published after it came, and not the event in delivery', async () => {
    const channel = createHub().channel<number>('a')
    const later: Promise<unknown>[] = []
    const first = channel
      .filter((n) => {
        if (n === 1) later.push(channel[Symbol.asyncIterator]().next())
        return true
      })
      [Symbol.asyncIterator]()
    const came = first.next()
    await channel.publish(1)
    await channel.publish(2)
    expect(await came).to.have.nested.property('value.data', 1)
    expect(await later[0]).to.have.nested.property('value.data', 2)
    await first.return?.()
  })

  it('a part whose last stream leaves, and whose next one comes within one delivery, gets each event once', async () => {
    const channel = createHub().channel<number>('a')
    const part = channel.filter(() => true)
    const leaving = part[Symbol.asyncIterator]()
    const left = leaving.next()
    const later: Promise<unknown>[] = []
    const last = channel
      .filter((n) => {
        if (n === 1) {
          void leaving.return?.()
          later.push(part[Symbol.asyncIterator]().next())
        }
        return true
      })
      [Symbol.asyncIterator]()
    void last.next()
    await channel.publish(1)
    await channel.publish(2)
    expect(await left).to.have.nested.property('value.data', 1)
    expect(await later[0]).to.have.nested.property('value.data', 2)
    await last.return?.()
  })

  it('a stream too: its head names the event in delivery, and it gets what comes after', async () => {
    const channel = createHub().channel<number>('a', { history: 10 })
    const ask = gate()
    const asked = gate()
    const endpoint = resource({ contentTypesProvided: [ndjson()], subscribe: channel })
    /** Lets the request go on in the midst of a delivery. */
    let goOn: (() => void) | undefined
    const site = await stage.now.serve((req, res, next) => {
      goOn = () => endpoint(req, res, next)
      ask.open()
    })
    const client = site.get()
    await ask.promise
    const other = channel
      .filter((n) => {
        if (n === 1) {
          goOn?.()
          void channel.publish(2)
          asked.open()
        }
        return true
      })
      [Symbol.asyncIterator]()
    void other.next()
    const id = await channel.publish(1)
    await asked.promise
    const { headers } = await client.head()
    await channel.publish(3)
    const body = await client.until('3\n')
    // it has come after 2, or between the two: never before 1
    const came = lines(body)
    expect(came).to.deep.equal(headers['last-event-id'] === id ? [2, 3] : [3])
    await other.return?.()
  })

  it('a stream that subscribes anew while those of a dead source are ended is the first again: its source is started', async () => {
    const log = new Log()
    let die = (_: Error) => {}
    const channel: Channel<number> = createHub().channel<number>('a', {
      source: () => {
        log.add('started')
        return new Promise<never>((_, reject) => {
          die = reject
        })
      },
    })
    const again: Promise<unknown>[] = []
    const site = await stage.now.serve(
      resource({
        contentTypesProvided: [ndjson()],
        subscribe: channel,
        terminate: () => {
          if (again.length === 0) again.push(channel[Symbol.asyncIterator]().next())
        },
      }),
    )
    const clients = [site.get(), site.get()]
    for (const client of clients) await client.head()
    die(new Error('dead'))
    for (const client of clients) await client.closed()
    expect(log.count('started')).to.equal(2)
    await channel.publish(1)
    expect(await again[0]).to.have.nested.property('value.data', 1)
    die(new Error('dead'))
  })
})

describe('No client holds the process (docs/guide/channels.md)', () => {
  staged()

  /** The most calls between two turns of the event loop. */
  function perTurn() {
    let inTurn = 0
    let most = 0
    return {
      called() {
        if (inTurn++ === 0)
          setImmediate(() => {
            inTurn = 0
          })
        most = Math.max(most, inTurn)
      },
      get most() {
        return most
      },
    }
  }

  it('a filtered replay rests as other pulls do', async () => {
    const channel = await numbers(10_000)
    const counted = perTurn()
    const part = channel.filter((n) => {
      counted.called()
      return n > 9999
    })
    const site = await stage.now.serve(resource({ contentTypesProvided: [ndjson()], subscribe: part }))
    expect(await site.get('/?lastEventId=earliest').until('\n')).to.equal('10000\n')
    expect(counted.most).to.be.within(1, 2000)
  })

  it('replay() too', async () => {
    const channel = await numbers(10_000)
    const counted = perTurn()
    const part = channel.filter((n) => {
      counted.called()
      return n > 9999
    })
    for await (const { data } of part.replay('earliest')) expect(data).to.equal(10_000)
    expect(counted.most).to.be.within(1, 2000)
  })

  it('a loop that awaits each publish lets others in', async () => {
    const channel = createHub().channel<number>('a', { history: 10 })
    let isIn = false
    setImmediate(() => {
      isIn = true
    })
    for (let n = 0; n < 5000 && !isIn; n++) await channel.publish(n)
    expect(isIn).to.equal(true)
  })

  it('it does so after every 1,000 events, and not before', async () => {
    const channel = createHub().channel<number>('a')
    for (const round of [1, 2]) {
      let isIn = false
      setImmediate(() => {
        isIn = true
      })
      for (let n = 1; n < 1000; n++) await channel.publish(n)
      expect(isIn, `round ${round}, after 999`).to.equal(false)
      await channel.publish(1000)
      expect(isIn, `round ${round}, after 1,000`).to.equal(true)
    }
  })

  it('a burst of one turn is written in parts of 1,000 events at most', async () => {
    const channel = createHub().channel<number>('a')
    const site = await stage.now.serve(resource({ contentTypesProvided: [ndjson()], subscribe: channel }))
    const client = site.get()
    await client.head()
    const before = client.messages.at(-1)?.chunks.length ?? 0
    // `1` and a line feed are two bytes
    await Promise.all(Array.from({ length: 2500 }, () => channel.publish(1)))
    await client.until('1\n'.repeat(2500))
    expect(client.messages.at(-1)!.chunks.slice(before)).to.deep.equal([2000, 2000, 1000])
  })

  it('a burst of one turn is written in parts of 64 KiB at most, all of it and in order', async () => {
    const channel = createHub().channel<string>('a')
    const site = await stage.now.serve(resource({ contentTypesProvided: [ndjson()], subscribe: channel }))
    const client = site.get()
    await client.head()
    const events = Array.from({ length: 500 }, (_, n) => `${n} `.padEnd(1000, 'x'))
    await Promise.all(events.map((each) => channel.publish(each)))
    await channel.publish('the end')
    const body = await client.until('"the end"\n')
    expect(lines(body)).to.deep.equal([...events, 'the end'])
    expect(Math.max(...client.messages.at(-1)!.chunks)).to.be.at.most(2 ** 16)
  })
})

describe('What a stream watched or pulled (docs/guide/loop.md)', () => {
  staged()

  it('a generator that ends its own stream while it runs is closed', async () => {
    const log = new Log()
    const site = await stage.now.serve(
      resource({
        contentTypesProvided: [ndjson()],
        *subscribe({ stream }) {
          try {
            yield 1
            stream.close()
            yield 2
          } finally {
            log.add('closed')
          }
        },
      }),
    )
    expect((await site.get().closed()).body).to.equal('1\n')
    await turns()
    expect(log.entries).to.deep.equal(['closed'])
  })

  it('a target that has died leaves nothing behind, though the stream goes on', async () => {
    let dead = 0
    const contexts: LoopContext<undefined, string>[] = []
    const site = await stage.now.serve(
      resource<undefined, string>({
        contentTypesProvided: [ndjson()],
        subscribe: (context) => void contexts.push(context),
        info: () => {
          dead += 1
        },
      }),
    )
    await site.get().head()
    const watch = (count: number) => {
      for (let n = 0; n < count; n++) {
        const target = new EventEmitter()
        contexts[0]?.monitor(target, 'dead')
        target.emit('close')
      }
    }
    const heap = () => {
      collectGarbage()
      collectGarbage()
      return process.memoryUsage().heapUsed
    }
    watch(100)
    await turnsUntil(() => dead === 100)
    const before = heap()
    watch(20_000)
    await turnsUntil(() => dead === 20_100)
    expect((heap() - before) / 20_000, 'bytes a target').to.be.below(100)
  })

  it('a promise that outlives the streams which watch it has one reaction for all of them', async () => {
    let reactions = 0
    class Counted<T> extends Promise<T> {
      // biome-ignore lint/suspicious/noThenProperty: it counts who reacts
      override then<A = T, B = never>(
        done?: ((value: T) => A | PromiseLike<A>) | null,
        failed?: ((error: unknown) => B | PromiseLike<B>) | null,
      ): Promise<A | B> {
        reactions += 1
        return super.then(done, failed)
      }
    }
    let die = () => {}
    const server = new Counted<void>((resolve) => {
      die = resolve
    })
    const reasons: Reason[] = []
    const site = await stage.now.serve(
      resource({
        contentTypesProvided: [ndjson()],
        subscribe: ({ monitor }) => monitor(server),
        terminate: (reason) => reasons.push(reason),
      }),
    )
    for (let n = 0; n < 20; n++) {
      const client = site.get()
      await client.head()
      client.leave()
    }
    await turnsUntil(() => reasons.length === 20)
    const last = site.get()
    await last.head()
    expect(reactions).to.equal(1)
    die()
    await last.whole()
    expect(reasons.at(-1)?.kind).to.equal('down')
    // dead already: an answer, and no stream
    expect((await site.get().whole()).status).to.equal(503)
  })

  it('what a client that reads slowly has missed is counted among what waits', async () => {
    const channel = await numbers(3)
    const endpoint = resource({
      contentTypesProvided: [ndjson()],
      subscribe({ write }) {
        write(flood.toString())
        return channel
      },
      stream: { maxQueuedBytes: 2 ** 26 },
    })
    const site = await stage.now.serve(endpoint)
    const client = site.get('/?lastEventId=earliest', { reads: false })
    await turnsUntil(() => [...endpoint.streams].length > 0)
    await turns()
    await channel.publish(4)
    await channel.publish(5)
    expect([...endpoint.streams][0]?.queued).to.equal(2)
    client.leave()
  })
})
