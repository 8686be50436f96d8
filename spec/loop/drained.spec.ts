import { Readable } from 'node:stream'
import { expect } from 'chai'
import { hold } from '../support/held.js'
import { flood, stage, staged, turns } from '../support/stage.js'

const roomy = { maxQueuedBytes: 2 ** 28 }
const big = flood.toString()

/** A response whose client is behind, and what it waits for. */
async function behind(stream: object = roomy) {
  const held = await hold({ stream }, { reads: false })
  expect(held.context.write(big)).to.equal('wait')
  const settled: string[] = []
  const waiting = held.context.drained().then((result) => {
    settled.push(result)
    return result
  })
  await turns(100)
  expect(settled).to.deep.equal([])
  return { ...held, waiting }
}

describe('drained resolves once the client has caught up, or the stream has ended (docs/guide/loop.md)', () => {
  staged()

  it('is `ok` at once while nothing waits', async () => {
    const { context } = await hold()
    expect(await context.drained()).to.equal('ok')
    context.write(1)
    expect(await context.drained()).to.equal('ok')
  })

  it('of an ended stream does not starve others: who goes on writing to it waits for a turn of its own each time', async () => {
    const { client, context, log } = await hold()
    let isOver = false
    const writing = (async () => {
      // a loop that does not look for `closed`
      while (!isOver) {
        context.write(1)
        await context.drained()
      }
    })()
    await client.until('1')
    client.leave()
    await log.until('disconnect')
    await turns()
    isOver = true
    await writing
    expect(await context.drained()).to.equal('closed')
  })

  it('is `ok` on drain', async () => {
    const { client, waiting, context } = await behind()
    client.socket.resume()
    expect(await waiting).to.equal('ok')
    expect(client.size, 'bytes taken by then').to.be.above(flood.length / 2)
    expect(context.write(1)).to.equal('ok')
  })

  it('settles for all who wait, and again the next time', async () => {
    const { client, waiting, context } = await behind()
    const other = context.drained()
    client.socket.resume()
    expect(await Promise.all([waiting, other])).to.deep.equal(['ok', 'ok'])
    expect(context.write(big)).to.equal('wait')
    expect(await context.drained()).to.equal('ok')
  })

  it('is `ok` only once all that waits here has been handed over too', async () => {
    const { client, waiting, context } = await behind()
    expect(context.write(big)).to.equal('wait')
    expect(context.stream.queued).to.equal(1)
    client.socket.resume()
    expect(await waiting).to.equal('ok')
    expect(client.size, 'bytes taken by then').to.be.above(flood.length)
  })

  it('is `closed` when the client closes', async () => {
    const { client, waiting, log } = await behind()
    client.leave()
    expect(await waiting).to.equal('closed')
    await log.until('disconnect')
  })

  it('is `closed` when the client resets', async () => {
    const { client, waiting } = await behind()
    client.reset()
    expect(await waiting).to.equal('closed')
  })

  it('is `closed` when the client closes its half, at the `writeTimeout` at the latest', async () => {
    const { client, waiting } = await behind({ ...roomy, writeTimeout: 1000 })
    client.halfClose()
    await turns(100)
    for (let second = 0; second < 3; second++) {
      stage.now.time.advance(1000)
      await turns()
    }
    expect(await waiting).to.equal('closed')
  })

  it('is `closed` on an error of the response', async () => {
    const { waiting, context, log } = await behind()
    context.res.destroy(new Error('broken pipe'))
    expect(await waiting).to.equal('closed')
    await log.until('disconnect')
  })

  it('is `closed` at the `writeTimeout` of a client that stalls without closing', async () => {
    const { waiting, log } = await behind({ ...roomy, writeTimeout: 5000 })
    // what the kernel has taken is progress, which is looked at once a writeTimeout
    stage.now.time.advance(5000)
    await turns()
    stage.now.time.advance(5000)
    expect(await waiting).to.equal('closed')
    await log.until('overflow')
  })

  it('is `closed` at the default `writeTimeout` of 30 s, and not before', async () => {
    const { waiting, log } = await behind()
    stage.now.time.advance(29_999)
    await turns()
    expect(log.entries).to.deep.equal(['subscribe'])
    stage.now.time.advance(30_001)
    expect(await waiting).to.equal('closed')
    expect(log.entries).to.deep.equal(['subscribe', 'unsubscribe', 'overflow'])
  })

  it('is `closed` when the loop ends otherwise', async () => {
    const { waiting, context } = await behind()
    context.stream.close()
    expect(await waiting).to.equal('closed')
  })

  it('is `closed` after the end', async () => {
    const { client, context, log } = await hold()
    client.leave()
    await log.until('disconnect')
    expect(await context.drained()).to.equal('closed')
  })

  it('lets a writer of its own run no further than the client reads', async () => {
    let written = 0
    const { client, context } = await hold({ stream: { maxQueuedBytes: 2 ** 20 } }, { reads: false })
    const chunk = 'x'.repeat(2 ** 16)
    const writing = (async () => {
      for (;;) {
        const wrote = context.write(chunk)
        if (wrote === 'closed') return 'closed'
        written += 1
        if (wrote === 'wait' && (await context.drained()) === 'closed') return 'closed'
      }
    })()
    await turns(500)
    const before = written
    expect(before).to.be.below(400)
    client.socket.resume()
    while (written < before + 400) await turns(1)
    client.leave()
    expect(await writing).to.equal('closed')
  })
})

describe('Sources are pulled no faster than the client reads (docs/guide/loop.md)', () => {
  staged()

  const chunk = 'x'.repeat(2 ** 16)
  const count = { pulls: 0 }
  const next = () => {
    count.pulls += 1
    return chunk
  }
  const sources: Record<string, () => unknown> = {
    'an async generator': async function* () {
      for (;;) yield next()
    },
    'a generator': function* () {
      for (;;) yield next()
    },
    'a Node Readable': () =>
      new Readable({
        objectMode: true,
        highWaterMark: 2,
        read() {
          this.push(next())
        },
      }),
    'a Web ReadableStream': () =>
      new ReadableStream({
        pull(controller) {
          controller.enqueue(next())
        },
      }),
  }

  beforeEach(() => {
    count.pulls = 0
  })

  for (const [name, subscribe] of Object.entries(sources)) {
    for (const info of [
      undefined,
      (message: unknown, { write }: { write(data: unknown): unknown }) => void write(message),
    ]) {
      it(`${name}${info ? ' through `info`' : ''}: pulls stop while the client does not read, and go on when it does`, async () => {
        const { client, context } = await hold(
          { subscribe: subscribe as () => undefined, ...(info && { info }) },
          { reads: false },
        )
        let before = -1
        while (before !== count.pulls) {
          before = count.pulls
          await turns(200)
        }
        expect(before * chunk.length, 'bytes pulled').to.be.below(2 ** 25)
        expect(context.stream.queued).to.be.below(3)
        client.socket.resume()
        while (count.pulls < before + 200) await turns(1)
        client.leave()
      })
    }
  }

  it('a source is asked again only after its answer', async () => {
    let open = 0
    let most = 0
    const source = {
      [Symbol.asyncIterator]: () => ({
        async next() {
          open += 1
          most = Math.max(most, open)
          await turns(1)
          open -= 1
          return { done: false, value: 1 }
        },
      }),
    }
    const { client } = await hold({ subscribe: () => source })
    await client.until('1\n1\n1\n1\n1\n')
    expect(most).to.equal(1)
  })

  it('nothing is pulled before the head, nor while `info` is at work', async () => {
    let pulls = 0
    let resolve = () => {}
    const { client } = await hold({
      subscribe: ({ res }) => ({
        *[Symbol.iterator]() {
          expect(res.headersSent).to.equal(true)
          for (;;) yield ++pulls
        },
      }),
      info: () =>
        new Promise<void>((done) => {
          resolve = done
        }),
    })
    await client.head()
    await turns()
    expect(pulls).to.equal(1)
    resolve()
    await turns()
    expect(pulls).to.equal(2)
  })
})
