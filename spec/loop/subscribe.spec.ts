import { Readable } from 'node:stream'
import { ReadableStream } from 'node:stream/web'
import { expect } from 'chai'
import { event, loop, ndjson, raw, resource, sse, stop, text } from '../../lib/index.js'
import { expresses } from '../support/http.js'
import { Log } from '../support/log.js'
import { stage, staged, turns } from '../support/stage.js'

async function whole(subscribe: () => unknown, format = ndjson()) {
  const site = await stage.now.serve(loop({ format, subscribe: subscribe as () => undefined }))
  return site.get().whole()
}

describe('The return value of `subscribe` (docs/guide/loop.md)', () => {
  staged()

  it('is called once, when the loop starts, with the fields of the loop beside those of every context', async () => {
    const names: string[] = []
    let calls = 0
    const site = await stage.now.serve(
      loop({
        format: ndjson(),
        subscribe(context) {
          calls += 1
          for (const name of ['req', 'res', 'state', 'negotiated', 'signal', 'json', 'text', 'bytes'])
            if (name in context) names.push(name)
          for (const name of ['send', 'write', 'drained', 'monitor', 'lastEventId', 'stream'])
            if (name in context) names.push(name)
          return [1]
        },
      }),
    )
    await site.get().whole()
    expect(calls).to.equal(1)
    expect(names).to.have.length(14)
  })

  it('nothing: the response is held, and what is sent later is written', async () => {
    let send: (message: unknown) => void = () => {}
    const site = await stage.now.serve(
      loop({
        format: ndjson(),
        subscribe(context) {
          send = context.send
        },
      }),
    )
    const client = site.get()
    expect((await client.head()).status).to.equal(200)
    send({ late: true })
    await client.until('{"late":true}\n')
    expect(client.message.isWhole).to.equal(false)
  })

  it('a function: the unsubscribe, called exactly once when the client leaves', async () => {
    const log = new Log()
    const site = await stage.now.serve(
      loop({
        format: ndjson(),
        subscribe: () => () => log.add('unsubscribe'),
        terminate: ({ kind }) => log.add(kind),
      }),
    )
    const client = site.get()
    await client.head()
    client.leave()
    await log.until('disconnect')
    await turns()
    expect(log.entries).to.deep.equal(['unsubscribe', 'disconnect'])
  })

  it('a promise of a function: the unsubscribe as well', async () => {
    const log = new Log()
    const site = await stage.now.serve(
      loop({
        format: ndjson(),
        subscribe: async () => {
          await turns(2)
          return () => log.add('unsubscribe')
        },
        terminate: ({ kind }) => log.add(kind),
      }),
    )
    const client = site.get()
    await client.head()
    client.leave()
    await log.until('disconnect')
    expect(log.entries).to.deep.equal(['unsubscribe', 'disconnect'])
  })

  it('an async iterable: every value is written, then a complete end', async () => {
    const message = await whole(async function* () {
      yield 1
      await turns(1)
      yield event(2, { id: 'two' })
    })
    expect(message.body).to.equal('1\n2\n')
  })

  it('an iterable: an array, a set, a generator', async () => {
    expect((await whole(() => [1, 2, 3])).body).to.equal('1\n2\n3\n')
    expect((await whole(() => new Set(['a', 'b']))).body).to.equal('"a"\n"b"\n')
    const list = await whole(function* () {
      yield 1
      yield 2
    })
    expect(list.body).to.equal('1\n2\n')
  })

  it('an empty iterable: the head and a complete end', async () => {
    const message = await whole(() => [])
    expect(message).to.include({ status: 200, body: '', isWhole: true })
  })

  it('falsy values of a source are values', async () => {
    expect((await whole(() => [0, false, '', null])).body).to.equal('0\nfalse\n""\nnull\n')
  })

  it('a Node Readable of bytes: its bytes as they are', async () => {
    const bytes = Buffer.from([0, 255, 10, 13, 128])
    const site = await stage.now.serve(
      loop({
        format: raw('application/octet-stream'),
        subscribe: () => Readable.from([bytes, bytes], { objectMode: false }),
      }),
    )
    const message = await site.get().whole()
    expect(message.bytes).to.deep.equal(Buffer.concat([bytes, bytes]))
  })

  it('a Node Readable in object mode: each object', async () => {
    const message = await whole(() => Readable.from([{ a: 1 }, { b: 2 }]))
    expect(message.body).to.equal('{"a":1}\n{"b":2}\n')
  })

  it('a Web ReadableStream', async () => {
    const stream = () =>
      new ReadableStream({
        start(controller) {
          controller.enqueue('one')
          controller.enqueue('two')
          controller.close()
        },
      })
    expect((await whole(stream, text())).body).to.equal('onetwo')
  })

  it('an iterator whose `next` answers without a promise now and with one then', async () => {
    let count = 0
    const next = () => {
      count += 1
      const result = count > 4 ? { done: true, value: undefined } : { done: false, value: count }
      return count % 2 ? result : Promise.resolve(result)
    }
    const message = await whole(() => ({ [Symbol.asyncIterator]: () => ({ next }) }))
    expect(message.body).to.equal('1\n2\n3\n4\n')
  })

  for (const [name, value] of Object.entries({
    'a string, which is no source': 'abc',
    'a number': 1,
    null: null,
    'an object that cannot be iterated': { a: 1 },
    true: true,
  })) {
    it(`${name}: an error that names \`subscribe\`, before the head`, async () => {
      const reasons: string[] = []
      const site = await stage.now.serve(
        loop({
          format: ndjson(),
          subscribe: () => value as never,
          terminate: ({ kind }) => void reasons.push(kind),
        }),
      )
      expect((await site.get().whole()).status).to.equal(500)
      expect(stage.now.errors).to.have.length(1)
      expect(stage.now.errors[0])
        .to.be.instanceOf(TypeError)
        .with.property('message')
        .that.matches(/^subscribe answered/)
      expect(reasons).to.deep.equal(['error'])
    })
  }

  it('an infinite generator that `info` writes nothing of: others get their turn, and it ends with the client', async () => {
    const log = new Log()
    const site = await stage.now.serve(
      loop({
        format: ndjson(),
        *subscribe() {
          try {
            for (;;) yield 0
          } finally {
            log.add('closed')
          }
        },
        info: () => {},
        terminate: ({ kind }) => log.add(kind),
      }),
    )
    const client = site.get()
    await client.head()
    const other = site.get()
    await other.head()
    client.leave()
    other.leave()
    await log.until('disconnect', 2)
    expect(log.entries).to.deep.equal(['closed', 'disconnect', 'closed', 'disconnect'])
  })

  it('an infinite async generator that never waits: others get their turn, and it ends with the client', async () => {
    const log = new Log()
    const site = await stage.now.serve(
      loop({
        format: ndjson(),
        async *subscribe({ signal }) {
          while (!signal.aborted) yield 0
        },
        info: () => {},
        terminate: ({ kind }) => log.add(kind),
      }),
    )
    const client = site.get()
    await client.head()
    client.leave()
    await log.until('disconnect')
  })

  it('an infinite list is written as the client reads', async () => {
    const site = await stage.now.serve(
      loop({
        format: ndjson(),
        *subscribe() {
          for (let count = 0; ; count++) yield count
        },
      }),
    )
    const client = site.get()
    await client.taken(1_000_000)
  })

  it('when the loop ends the signal aborts and the source is closed: return()', async () => {
    const log = new Log()
    const site = await stage.now.serve(
      loop({
        format: ndjson(),
        async *subscribe({ signal }) {
          signal.addEventListener('abort', () => log.add('aborted'))
          try {
            yield 1
            await new Promise((resolve) => signal.addEventListener('abort', resolve))
          } finally {
            log.add('returned')
          }
        },
      }),
    )
    const client = site.get()
    await client.until('1\n')
    client.leave()
    await log.until('returned')
    expect(log.entries).to.deep.equal(['aborted', 'returned'])
  })

  it('destroy() of a Node stream, also one that is behind its client', async () => {
    const source = new Readable({ read() {}, objectMode: true })
    const log = new Log()
    source.on('close', () => log.add('destroyed'))
    const site = await stage.now.serve(loop({ format: ndjson(), subscribe: () => source }))
    const client = site.get()
    source.push(1)
    await client.until('1\n')
    client.leave()
    await log.until('destroyed')
  })

  it('cancel() of a Web stream', async () => {
    const log = new Log()
    const source = new ReadableStream({ cancel: () => log.add('cancelled') })
    const site = await stage.now.serve(loop({ format: ndjson(), subscribe: () => source }))
    const client = site.get()
    await client.head()
    client.leave()
    await log.until('cancelled')
  })

  it('a source that never answers return() is not waited for', async () => {
    const log = new Log()
    const forever = new Promise<never>(() => {})
    const source = {
      [Symbol.asyncIterator]: () => ({
        next: () => forever,
        return() {
          log.add('return')
          return forever
        },
      }),
    }
    const site = await stage.now.serve(
      loop({ format: ndjson(), subscribe: () => source, terminate: ({ kind }) => log.add(kind) }),
    )
    const client = site.get()
    await client.head()
    client.leave()
    await log.until('disconnect')
    expect(log.entries).to.deep.equal(['return', 'disconnect'])
  })

  it('a generator that waits for something that never comes is not waited for', async () => {
    const log = new Log()
    const site = await stage.now.serve(
      loop({
        format: ndjson(),
        async *subscribe() {
          await new Promise(() => {})
          yield 1
        },
        terminate: ({ kind }) => log.add(kind),
      }),
    )
    const client = site.get()
    await client.head()
    client.leave()
    await log.until('disconnect')
  })

  for (const [name, fail] of Object.entries({
    throws: () => {
      throw new Error('no')
    },
    rejects: () => Promise.reject(new Error('no')),
  })) {
    it(`a return() that ${name} harms nobody`, async () => {
      const log = new Log()
      const source = {
        [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}), return: fail }),
      }
      const site = await stage.now.serve(
        loop({ format: ndjson(), subscribe: () => source, terminate: ({ kind }) => log.add(kind) }),
      )
      const client = site.get()
      await client.head()
      client.leave()
      await log.until('disconnect')
      await turns()
    })
  }

  it('a Node stream that fails after the loop has ended harms nobody', async () => {
    const log = new Log()
    const source = new Readable({ read() {}, destroy: (_, done) => done(new Error('late')) })
    source.on('close', () => log.add('closed'))
    const site = await stage.now.serve(loop({ format: raw('a/b'), subscribe: () => source }))
    const client = site.get()
    await client.head()
    client.leave()
    await log.until('closed')
    await turns()
  })

  it('a Web stream that somebody else reads: an error before the head', async () => {
    const source = new ReadableStream()
    source.getReader()
    expect((await whole(() => source)).status).to.equal(500)
    expect(stage.now.errors[0]).to.be.instanceOf(TypeError)
  })

  describe('stop()', () => {
    it('is the answer, if the head has not gone out', async () => {
      const log = new Log()
      const site = await stage.now.serve(
        loop({
          format: sse(),
          subscribe: () => stop(404, { detail: 'No such feed.', headers: { 'X-Why': 'gone' } }),
          terminate: ({ kind }) => log.add(kind),
        }),
      )
      const message = await site.get().whole()
      expect(message.status).to.equal(404)
      expect(message.headers).to.include({ 'content-type': 'application/problem+json', 'x-why': 'gone' })
      expect(JSON.parse(message.body)).to.deep.include({ status: 404, detail: 'No such feed.' })
      expect(log.entries).to.deep.equal(['stop'])
    })

    it('resolved to, is the answer too; 204 by default, which native EventSource takes for an end', async () => {
      const site = await stage.now.serve(loop({ format: sse(), subscribe: async () => stop() }))
      const message = await site.get().whole()
      expect(message).to.include({ status: 204, body: '' })
      expect(message.headers).not.to.have.any.keys('content-type', 'content-length', 'transfer-encoding')
    })

    it('has none of the headers of a stream', async () => {
      const site = await stage.now.serve(loop({ format: sse(), subscribe: () => stop(200, { body: 'no' }) }))
      const { headers, body } = await site.get().whole()
      expect(body).to.equal('no')
      expect(headers).not.to.have.any.keys('cache-control', 'x-accel-buffering')
      expect(headers['content-type']).not.to.match(/event-stream/)
    })

    it('after a write is a complete end', async () => {
      const site = await stage.now.serve(
        loop({
          format: ndjson(),
          subscribe({ write }) {
            write(1)
            return stop(404)
          },
        }),
      )
      expect(await site.get().whole()).to.include({ status: 200, body: '1\n' })
    })

    it('drops what was sent before, since the answer is another', async () => {
      const site = await stage.now.serve(
        loop({
          format: ndjson(),
          subscribe({ send }) {
            send(1)
            return stop(410)
          },
        }),
      )
      const message = await site.get().whole()
      expect(message.status).to.equal(410)
      expect(JSON.parse(message.body).status).to.equal(410)
    })
  })

  it('a thenable that answers nothing, or throws, is a promise all the same: its place is free again', async () => {
    const answer: { then?: (resolve: (value: unknown) => void) => void } = {}
    const thenable = (then: (resolve: (value: unknown) => void) => void) => Object.assign(answer, { then })
    const site = await stage.now.serve(
      loop({
        format: ndjson(),
        subscribe: () => answer as never,
        stream: { maxStreams: 1 },
        terminate() {},
      }),
    )
    thenable((resolve) => void resolve([1]))
    expect(await site.get().whole()).to.include({ status: 200, body: '1\n' })
    thenable(() => {
      throw new Error('no promise')
    })
    expect((await site.get().whole()).status).to.equal(500)
    thenable((resolve) => void resolve([2]))
    expect(await site.get().whole()).to.include({ status: 200, body: '2\n' })
    expect(stage.now.errors.map(String)).to.deep.equal(['Error: no promise'])
  })

  describe('failing before the head', () => {
    for (const [name, subscribe] of Object.entries({
      throws: () => {
        throw Object.assign(new Error('no database'), { status: 502 })
      },
      rejects: () => Promise.reject(Object.assign(new Error('no database'), { status: 502 })),
    })) {
      it(`${name}: an ordinary error response by the app's own handler, and terminate with \`error\``, async () => {
        for (const version of Object.keys(expresses)) {
          const reasons: unknown[] = []
          const site = await stage.now.serve(
            loop({ format: sse(), subscribe, terminate: (reason) => void reasons.push(reason) }),
            { with: version },
          )
          const message = await site.get().whole()
          expect(message).to.include({ status: 502, body: 'the app failed' })
          expect(message.headers).not.to.have.property('cache-control')
          const error = stage.now.errors.pop()
          expect(error).to.have.property('message', 'no database')
          expect(reasons).to.deep.equal([{ kind: 'error', error }])
        }
      })
    }

    it('in a `subscribe` that is a generator is no failure before the head: it runs when it is pulled', async () => {
      const site = await stage.now.serve(
        loop({
          format: ndjson(),
          // biome-ignore lint/correctness/useYield: it fails first
          async *subscribe() {
            throw new Error('at the first pull')
          },
          terminate: () => {},
        }),
      )
      const message = await site.get().closed()
      expect(message).to.include({ status: 200, isWhole: false })
    })
  })

  describe('that answers on its own with `res` (docs/guide/loop.md)', () => {
    it('is respected: nothing more is written, and the loop is over', async () => {
      const log = new Log()
      const site = await stage.now.serve(
        resource({
          contentTypesProvided: [sse()],
          subscribe({ res }) {
            res.status(202).json({ own: true })
            return () => log.add('unsubscribe')
          },
          terminate: ({ kind }) => log.add(kind),
        }),
      )
      const client = site.get()
      expect(await client.whole()).to.include({ status: 202, body: '{"own":true}' })
      await log.until('unsubscribe')
      expect(stage.now.errors).to.deep.equal([])
      expect((await client.ask('/').whole()).status).to.equal(202)
    })
  })
})
