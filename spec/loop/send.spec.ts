import { expect } from 'chai'
import { event, jsonArray, type LoopContext, loop, ndjson, sse, stop } from '../../lib/index.js'
import { Log } from '../support/log.js'
import { flood, stage, staged, turns } from '../support/stage.js'

type Context = LoopContext<undefined>

/** Holds a response open, and hands out its context. */
async function held(spec: Partial<Parameters<typeof loop<undefined, unknown>>[0]> = {}) {
  const log = new Log()
  const contexts: Context[] = []
  const site = await stage.now.serve(
    loop<undefined, unknown>({
      format: ndjson(),
      subscribe(context) {
        contexts.push(context)
        return () => log.add('unsubscribe')
      },
      terminate: ({ kind }) => log.add(kind),
      ...spec,
    }),
  )
  const client = site.get()
  await client.head()
  return { client, context: contexts[0] as Context, log }
}

describe('send puts a message into the mailbox: what the response writes, or `info` reads (docs/guide/loop.md)', () => {
  staged()

  it('without `info` every message is written as it is, in order', async () => {
    const { client, context } = await held()
    context.send(1)
    context.send(event('two', { id: '2' }))
    context.send(null)
    expect(await client.until('null\n')).to.equal('1\n"two"\nnull\n')
  })

  it('taken out of the context it still works', async () => {
    const { client, context } = await held()
    for (const { send } of [context]) send('x')
    await client.until('"x"\n')
  })

  it('before the head it waits: the message is written after the head', async () => {
    let resolve = () => {}
    const pending = new Promise<void>((done) => {
      resolve = done
    })
    const asked = new Log()
    const site = await stage.now.serve(
      loop({
        format: ndjson(),
        async subscribe({ send }) {
          send('early')
          asked.add('sent')
          await pending
        },
      }),
    )
    const client = site.get()
    await asked.until('sent')
    await turns()
    expect(client.size).to.equal(0)
    resolve()
    await client.until('"early"\n')
  })

  it('before the head it reaches `info` after the head', async () => {
    const log = new Log()
    const site = await stage.now.serve(
      loop({
        format: ndjson(),
        subscribe({ send, res }) {
          send('early')
          log.add(`subscribe ${res.headersSent}`)
        },
        info(message, { res, write }) {
          log.add(`info ${message} ${res.headersSent}`)
          write(message)
        },
      }),
    )
    await site.get().until('"early"\n')
    expect(log.entries).to.deep.equal(['subscribe false', 'info early true'])
  })

  it('to an async `info` gives one message at a time, in order', async () => {
    const log = new Log()
    const gates: (() => void)[] = []
    const { client, context } = await held({
      async info(message, { write }) {
        log.add(`begin ${message}`)
        await new Promise<void>((resolve) => gates.push(resolve))
        write(message)
        log.add(`end ${message}`)
      },
    })
    for (const message of [1, 2, 3]) context.send(message)
    await turns()
    expect(log.entries).to.deep.equal(['begin 1'])
    for (const message of [1, 2, 3]) {
      await log.until(`begin ${message}`)
      await turns(3)
      gates[message - 1]?.()
    }
    expect(await client.until('3\n')).to.equal('1\n2\n3\n')
    expect(log.entries).to.deep.equal(['begin 1', 'end 1', 'begin 2', 'end 2', 'begin 3', 'end 3'])
  })

  it('inside `info` puts the message behind those that wait, and does not recurse', async () => {
    const log = new Log()
    const { client, context } = await held({
      info(message, { send, write }) {
        log.add(`begin ${message}`)
        if (message === 'a') send('self')
        write(message)
        log.add(`end ${message}`)
      },
    })
    context.send('a')
    context.send('b')
    await client.until('"b"\n')
    expect(log.entries).to.deep.equal(['begin a', 'end a', 'begin self', 'end self', 'begin b', 'end b'])
  })

  it('ten thousand times from within itself does not grow the stack', async () => {
    const { client, context } = await held({
      info(message, { send, write }) {
        if ((message as number) < 10_000) send((message as number) + 1)
        else write('done')
      },
    })
    context.send(0)
    await client.until('"done"\n')
  })

  it('in one mailbox with what is pulled: what was sent comes first', async () => {
    const site = await stage.now.serve(
      loop({
        format: ndjson(),
        subscribe({ send }) {
          send('sent')
          return ['pulled']
        },
      }),
    )
    expect((await site.get().whole()).body).to.equal('"sent"\n"pulled"\n')
  })

  it('what was sent arrives in `info` as it was sent', async () => {
    const got: unknown[] = []
    const message = { deep: [1] }
    const { client, context } = await held({
      info(given, { write }) {
        got.push(given)
        write('ok')
      },
    })
    context.send(message)
    context.send(event(1, { id: 'x' }))
    context.send(undefined)
    await client.until('"ok"\n"ok"\n"ok"\n')
    expect(got[0]).to.equal(message)
    expect(got[1]).to.deep.include({ data: 1, id: 'x' })
    expect(got[2]).to.equal(undefined)
  })

  it('throws a TypeError for what cannot be serialised, and nothing of it reaches the wire', async () => {
    const { client, context } = await held({ format: jsonArray() })
    const circle: unknown[] = []
    circle.push(circle)
    context.send(1)
    for (const bad of [circle, 1n, () => {}, undefined]) {
      expect(() => context.send(bad), String(typeof bad)).to.throw(TypeError)
    }
    context.send(2)
    await client.until('2')
    expect(client.body).to.equal('[1,2')
  })

  it('throws a TypeError for an id that would forge an event', async () => {
    const { client, context } = await held({ format: sse() })
    for (const id of ['a\nb', 'a\rb', 'a\0b'])
      expect(() => context.send(event(1, { id }))).to.throw(TypeError)
    expect(() => context.send(event(1, { retry: 1.5 }))).to.throw(TypeError)
    context.send('ok')
    expect(await client.until('ok')).to.equal(':\ndata: ok\n\n')
  })

  it('after the end is nothing, and throws nothing', async () => {
    const { client, context, log } = await held()
    client.leave()
    await log.until('disconnect')
    context.send('late')
    context.send(() => {})
  })

  it('a full mailbox before the head is a 503 problem, and terminate gets `overflow`', async () => {
    const log = new Log()
    const site = await stage.now.serve(
      loop({
        format: ndjson(),
        subscribe({ send }) {
          for (let count = 0; count < 10_000; count++) send(count)
          log.add('not yet')
          send('one too many')
          return () => log.add('unsubscribe')
        },
        terminate: ({ kind }) => log.add(kind),
      }),
    )
    const message = await site.get().whole()
    expect(message.status).to.equal(503)
    expect(message.headers['content-type']).to.equal('application/problem+json')
    await log.until('overflow')
    expect(log.entries).to.deep.equal(['not yet', 'unsubscribe', 'overflow'])
  })

  it('ten thousand messages before the head are all delivered (maxQueued)', async () => {
    const site = await stage.now.serve(
      loop({
        format: ndjson(),
        subscribe({ send }) {
          for (let count = 0; count < 10_000; count++) send(count)
        },
        info(message, { write }) {
          write(message)
          return message === 9_999 ? stop() : undefined
        },
      }),
    )
    const { body } = await site.get().whole()
    expect(body.split('\n')).to.have.length(10_001)
    expect(body).to.match(/\n9999\n$/)
  })

  it('a full mailbox behind a slow `info` cuts the stream (maxQueued)', async () => {
    const { client, context, log } = await held({
      info: () => new Promise(() => {}),
      stream: { maxQueued: 10 },
    })
    for (let count = 0; count < 11; count++) context.send(count)
    expect(log.entries, 'one is being handled, ten wait').to.deep.equal([])
    context.send('one too many')
    await log.until('overflow')
    expect((await client.closed()).isWhole).to.equal(false)
    expect(log.entries).to.deep.equal(['unsubscribe', 'overflow'])
  })

  it('messages in the mailbox and events that wait for the client count together', async () => {
    const log = new Log()
    const contexts: Context[] = []
    const site = await stage.now.serve(
      loop<undefined, unknown>({
        format: ndjson(),
        subscribe: (context) => void contexts.push(context),
        terminate: ({ kind, error }) => log.add(`${kind} ${(error as { code: string }).code}`),
        stream: { maxQueued: 10, maxQueuedBytes: 2 ** 28 },
      }),
    )
    const client = site.get('/', { reads: false })
    while (!contexts[0]) await turns(1)
    const [context] = contexts
    context.send(flood.toString())
    for (let count = 0; count < 10; count++) context.send(count)
    expect(context.stream.queued).to.equal(10)
    context.send('one too many')
    await log.until('overflow LARIAT_OVERFLOW')
    client.socket.resume()
    await client.ended
    expect(client.message.isWhole).to.equal(false)
  })
})
