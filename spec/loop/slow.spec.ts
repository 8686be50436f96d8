import { EventEmitter } from 'node:events'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect } from 'chai'
import { knowsResponses } from '../../lib/http/node.js'
import {
  createHub,
  type Format,
  format,
  jsonArray,
  jsonSeq,
  type LoopContext,
  type LoopSpec,
  loop,
  ndjson,
  type OpenStream,
  type Overflow,
  raw,
  type StreamOptions,
  sse,
  stop,
  text,
} from '../../lib/index.js'
import { Log } from '../support/log.js'
import type { Client } from '../support/raw.js'
import { flood, stage, staged, turns } from '../support/stage.js'
import { listening } from '../support/told.js'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const big = flood.toString()
/** What the flood needs. */
const roomy = 2 ** 26

type Context = LoopContext<undefined>
type Spec = Partial<LoopSpec<undefined, unknown, unknown, undefined>>

/** How events come to a stream that writes them as they are. */
type Way =
  | 'a channel as `subscribe`'
  | 'a channel that `subscribe` returns'
  | 'send'
  | 'write'
  | 'write in `info`'
const ways: readonly Way[] = [
  'a channel as `subscribe`',
  'a channel that `subscribe` returns',
  'send',
  'write',
  'write in `info`',
]

/** A stream, what gives it events, its clients, and the reasons of those that have ended. */
async function open(way: Way, options: StreamOptions, format: Format = sse(), own: Spec = {}) {
  const channel = createHub().channel<unknown>('slow')
  const contexts: Context[] = []
  const log = new Log()
  const isChannel = way.startsWith('a channel')
  const endpoint = loop<undefined, unknown, unknown, undefined>({
    format,
    stream: { maxQueuedBytes: roomy, ...options },
    subscribe:
      way === 'a channel as `subscribe`'
        ? channel
        : (context) => {
            contexts.push(context)
            return isChannel ? channel : undefined
          },
    ...(way === 'write in `info`' && { info: (message: unknown, { write }: Context) => write(message) }),
    terminate: ({ kind }) => log.add(kind),
    ...own,
  } as LoopSpec<undefined, unknown, unknown, undefined>)
  const site = await stage.now.serve(endpoint)
  const give = async (data: unknown) => {
    if (isChannel) return void (await channel.publish(data))
    for (const { send, write } of contexts) way === 'write' ? write(data) : send(data)
  }
  /** Opens one more, and waits for its head to be out. */
  const join = async (reads = false) => {
    const before = [...endpoint.streams].length
    const client = site.get('/', { reads })
    let streams = [...endpoint.streams]
    for (; streams.length === before; streams = [...endpoint.streams]) await turns(1)
    await turns()
    return { client, stream: streams.at(-1) as OpenStream }
  }
  return { channel, contexts, log, endpoint, site, give, join }
}

/** A stream whose client does not read, and is behind. */
async function behind(way: Way, options: StreamOptions, format: Format = sse(), own: Spec = {}) {
  const opened = await open(way, options, format, own)
  const { client, stream } = await opened.join()
  await opened.give(big)
  while (stream.bytes < big.length) await turns(1)
  await turns()
  expect(stream.queued).to.equal(0)
  const giveAll = async (count: number) => {
    for (let number = 0; number < count; number++) await opened.give(number)
    await turns()
  }
  return { ...opened, client, stream, giveAll }
}

/** Reads all that waits, and what then still comes until a text; what came after the flood. */
async function readAgain(client: Client, stream: OpenStream, until?: string): Promise<string> {
  client.socket.resume()
  while (stream.queued > 0) await turns(1)
  await client.taken(stream.bytes)
  if (until === undefined) await client.whole()
  else await client.until(until)
  return afterFlood(client.body)
}

function afterFlood(body: string): string {
  const start = body.lastIndexOf('.')
  return body.slice(body.indexOf('\n', start) + 1).replace(/^\n/, '')
}

/** The data of events in SSE. */
function dataIn(body: string): number[] {
  return [...body.matchAll(/^data: (\d+)$/gm)].map((match) => Number(match[1]))
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => from + at)

const byLast: Overflow = { conflate: (data) => Number(data) % 5 }

describe('A client that does not read is bounded by the policy of the spec (docs/guide/slow-clients.md)', () => {
  staged()
  const told = listening()

  const expected: readonly [string, Overflow, readonly number[]][] = [
    ['dropOldest', 'dropOldest', range(90, 100)],
    ['dropNewest', 'dropNewest', range(0, 10)],
    ['conflate', byLast, range(95, 100)],
  ]

  for (const way of ways) {
    for (const [name, overflow, kept] of expected) {
      it(`${name}, ${way}: what is kept, in order, after a notice of how many are not`, async () => {
        told.now.on('overflow')
        const { client, stream, give, giveAll } = await behind(way, { maxQueued: 10, overflow })
        await giveAll(100)
        const dropped = 100 - kept.length
        expect(stream).to.include({ queued: kept.length, dropped, sent: 1 })
        client.socket.resume()
        while (stream.queued > 0) await turns(1)
        await give('over')
        const body = await readAgain(client, stream, 'data: over')
        expect(body.slice(body.indexOf(':'))).to.match(new RegExp(`^: dropped ${dropped}\n`))
        expect(body.match(/dropped/g), 'told once').to.have.length(1)
        expect(dataIn(body)).to.deep.equal(kept)
        expect(stream).to.include({ queued: 0, dropped, sent: 1 + kept.length + 1 })
        const messages = told.now.of('overflow')
        expect(messages.every((each) => each.stream === stream && each.dropped > 0)).to.equal(true)
        expect(messages.reduce((sum, each) => sum + each.dropped, 0)).to.equal(dropped)
      })
    }

    it(`close, ${way}: the client is cut, with reason overflow`, async () => {
      const { client, log, giveAll } = await behind(way, { maxQueued: 10, endEvent: true, errorEvent: true })
      await giveAll(10)
      expect(log.entries).to.deep.equal([])
      await giveAll(1)
      await log.until('overflow')
      client.socket.resume()
      const message = await client.closed()
      expect(message.isWhole).to.equal(false)
      expect(message.body.slice(-100)).not.to.match(/end|failed|dropped/)
      expect(log.entries).to.deep.equal(['overflow'])
    })

    it(`${way}: a client that catches up and falls behind again is told again`, async () => {
      const { client, stream, give, giveAll } = await behind(way, { maxQueued: 10, overflow: 'dropOldest' })
      await giveAll(20)
      client.socket.resume()
      while (stream.queued > 0) await turns(1)
      await client.taken(stream.bytes)
      client.socket.pause()
      await turns()
      const { bytes } = stream
      await give(big)
      while (stream.bytes < bytes + big.length) await turns(1)
      await giveAll(17)
      client.socket.resume()
      while (stream.queued > 0) await turns(1)
      await give('over')
      const body = await readAgain(client, stream, 'data: over')
      expect(client.body.match(/dropped \d+/g)).to.deep.equal(['dropped 10', 'dropped 7'])
      expect(dataIn(body)).to.deep.equal(range(7, 17))
    })
  }

  it('a source that is pulled is not asked while the client is behind: nothing of it is dropped', async () => {
    for (const overflow of ['close', 'dropOldest', 'dropNewest', byLast] as const) {
      const { client, stream } = await behind('send', { maxQueued: 2, overflow }, sse(), {
        async *subscribe() {
          yield big
          yield* range(0, 500)
        },
      }).catch(async () => expect.fail('the source was not pulled'))
      const body = await readAgain(client, stream)
      expect(dataIn(body)).to.deep.equal(range(0, 500))
      expect(stream).to.include({ dropped: 0, sent: 501 })
    }
  })

  it('events of one turn are dropped one by one as well', async () => {
    const { channel, client, stream } = await behind('a channel as `subscribe`', {
      maxQueued: 10,
      overflow: 'dropOldest',
    })
    await Promise.all(range(0, 100).map((number) => channel.publish(number)))
    await turns()
    expect(stream).to.include({ queued: 10, dropped: 90 })
    expect(dataIn(await readAgain(client, stream, 'data: 99'))).to.deep.equal(range(90, 100))
  })
})

describe('How much may wait (docs/guide/slow-clients.md)', () => {
  staged()

  // on the plain path large events go out in pieces, and those that are taken do not count
  for (const way of knowsResponses ? ways : []) {
    it(`bytes, ${way}: as many events as fit beside what the kernel has not taken`, async () => {
      const limit = 2 ** 24 + 20_000
      const { stream, give } = await behind(way, { maxQueuedBytes: limit, overflow: 'dropNewest' }, ndjson())
      const event = 'é'.repeat(500)
      const size = Buffer.byteLength(JSON.stringify(event)) + 1
      for (let count = 0; count < 40; count++) await give(event)
      await turns()
      // the flood is a chunk, with quotes and what frames it
      const free = limit - (2 ** 24 + 3)
      expect(stream.queued).to.be.within(Math.floor(free / size) - 1, Math.floor(free / size))
      expect(stream.queued + stream.dropped).to.equal(40)
    })
  }

  const itIsDirect = knowsResponses ? it : () => {}

  itIsDirect('conflate: bytes that the kernel has not taken count as well', async () => {
    const { log, stream, give } = await behind(
      'a channel as `subscribe`',
      { maxQueuedBytes: 2 ** 24 + 20_000, overflow: { conflate: (data) => String(data) } },
      ndjson(),
    )
    for (let count = 0; count < 15; count++) await give(String(count).padEnd(1000))
    await turns()
    expect(stream.queued).to.equal(15)
    for (let count = 15; count < 40; count++) await give(String(count).padEnd(1000))
    await log.until('overflow')
  })

  it('1 MiB, where nothing is said', async () => {
    const { contexts, log, join } = await open('send', { maxQueuedBytes: undefined as never }, text())
    await join()
    const [context] = contexts as [Context]
    // as much as the kernel takes, and then a mebibyte
    const chunk = 'x'.repeat(2 ** 16)
    while (context.stream.queued === 0) {
      context.write(chunk)
      await turns(5)
    }
    let waiting = 2 * chunk.length
    for (; context.write(chunk) !== 'closed'; waiting += chunk.length) await turns(1)
    expect(waiting).to.be.within(2 ** 20 - 2 * chunk.length, 2 ** 20 + 4 * chunk.length)
    await log.until('overflow')
  })

  it('10 000 messages, where nothing is said', async () => {
    const { stream, give } = await behind('write', { overflow: 'dropNewest' })
    for (let number = 0; number < 10_050; number++) await give(number)
    expect(stream).to.include({ queued: 10_000, dropped: 50 })
  })

  for (const overflow of ['close', 'dropNewest', 'dropOldest', byLast] as const) {
    const name = typeof overflow === 'string' ? overflow : 'conflate'
    it(`one event that is larger than the limit passes where nothing else waits: ${name}`, async () => {
      const { join, give, log } = await open('a channel as `subscribe`', {
        maxQueuedBytes: 1000,
        overflow,
      })
      const { client, stream: own } = await join(true)
      await give(big)
      await client.taken(big.length)
      expect(own).to.include({ sent: 1, dropped: 0 })
      await give('x'.repeat(5000))
      await client.until('xxx\n\n')
      await give('last')
      await client.until('last')
      expect(log.entries).to.deep.equal([])
    })
  }

  it('one that is larger than the limit also passes from the queue, if it is there first', async () => {
    // the client is behind with the flood, which it then takes: the large one came when nothing else waited
    const { client, stream, give, log } = await behind('write', { maxQueued: 1, overflow: 'dropNewest' })
    await give(`${'y'.repeat(2 ** 20)}`)
    expect(stream).to.include({ queued: 1, dropped: 0 })
    await readAgain(client, stream, 'y\n\n')
    expect(log.entries).to.deep.equal([])
  })

  it('messages that wait for `info` and events that wait for the client count together', async () => {
    let release = () => {}
    const { contexts, stream } = await behind('send', { maxQueued: 10, overflow: 'dropNewest' }, sse(), {
      info(message, { write }) {
        if (message !== 'hold') return write(message)
        return new Promise<void>((resolve) => {
          release = resolve
        })
      },
    })
    const [{ send, write }] = contexts as [Context]
    send('hold')
    for (const number of range(0, 6)) write(number)
    for (const number of range(6, 20)) send(number)
    expect(stream).to.include({ queued: 10, dropped: 10 })
    release()
    await turns()
    expect(stream).to.include({ queued: 10, dropped: 10 })
  })

  it('a message that `info` is handling is never dropped, nor what it writes then', async () => {
    const handled: unknown[] = []
    let release = () => {}
    const { contexts, join } = await open('send', { maxQueued: 3, overflow: 'dropOldest' }, sse(), {
      async info(message, { write }) {
        if (message === 0) {
          await new Promise<void>((resolve) => {
            release = resolve
          })
        }
        handled.push(message)
        write(message)
      },
    })
    const { client, stream } = await join(true)
    for (const number of range(0, 50)) contexts[0]?.send(number)
    expect(stream).to.include({ queued: 3, dropped: 46 })
    release()
    const body = await client.until('data: 49')
    expect(handled).to.deep.equal([0, 47, 48, 49])
    expect(dataIn(body)).to.deep.equal([0, 47, 48, 49])
    expect(body).to.include(': dropped 46\n')
  })

  for (const overflow of ['dropOldest', 'dropNewest', byLast] as const) {
    const name = typeof overflow === 'string' ? overflow : 'conflate'
    it(`what \`monitor\` tells is never dropped, by ${name} either`, async () => {
      const handled: unknown[] = []
      let release = () => {}
      const target = new EventEmitter()
      const { contexts, join } = await open('send', { maxQueued: 8, overflow }, sse(), {
        async info(message) {
          handled.push(message)
          if (message === 0) {
            await new Promise<void>((resolve) => {
              release = resolve
            })
          }
          return message === 'down' ? stop() : undefined
        },
      })
      const { client, stream } = await join(true)
      contexts[0]?.monitor(target, 'down')
      for (const number of range(0, 20)) contexts[0]?.send(number)
      target.emit('close')
      for (const number of range(20, 40)) contexts[0]?.send(number)
      expect(stream.queued).to.be.at.most(9)
      release()
      await client.whole()
      expect(handled.at(-1)).to.equal('down')
    })
  }

  it('a source that has ended is heard of, whatever is dropped', async () => {
    let release = () => {}
    const { contexts, join, log } = await open('send', { maxQueued: 2, overflow: 'dropOldest' }, sse(), {
      subscribe(context) {
        contexts.push(context)
        return [1]
      },
      info: () =>
        new Promise<void>((resolve) => {
          release = resolve
        }),
    })
    await join(true)
    for (const number of range(0, 40)) contexts[0]?.send(number)
    for (let time = 0; time < 60 && log.count('end') === 0; time++) {
      release()
      await turns(2)
    }
    expect(log.entries).to.deep.equal(['end'])
  })
})

describe('Drops are counted and told (docs/guide/slow-clients.md)', () => {
  staged()

  const told: readonly [string, Format, RegExp | undefined][] = [
    ['sse', sse(), /^: dropped 7\n/],
    ['ndjson with an envelope', ndjson({ envelope: true }), /^\{"notice":"dropped","count":7\}\n/],
    ['jsonSeq with an envelope', jsonSeq({ envelope: true }), /^\x1e\{"notice":"dropped","count":7\}\n/],
    ['ndjson', ndjson(), undefined],
    ['jsonSeq', jsonSeq(), undefined],
    ['text', text({ serialize: (data) => `${data}\n` }), undefined],
  ]
  for (const [name, format, notice] of told) {
    it(`${name}: ${notice ? 'in-band, before what is kept' : 'in `dropped` alone'}`, async () => {
      const { client, stream, giveAll } = await behind(
        'send',
        { maxQueued: 3, overflow: 'dropNewest' },
        format,
      )
      await giveAll(10)
      expect(stream.dropped).to.equal(7)
      const body = await readAgain(client, stream, '2')
      if (notice) expect(body).to.match(notice)
      else expect(body).not.to.match(/dropped|7/)
    })
  }

  it('jsonArray with an envelope: an element, and the array parses', async () => {
    const { client, stream, giveAll } = await behind(
      'send',
      { maxQueued: 3, overflow: 'dropNewest' },
      jsonArray({ envelope: true }),
    )
    await giveAll(10)
    client.socket.resume()
    while (stream.queued > 0) await turns(1)
    stream.close()
    await client.taken(stream.bytes)
    const elements = JSON.parse((await client.whole()).body) as unknown[]
    expect(elements.slice(1)).to.deep.equal([
      { notice: 'dropped', count: 7 },
      { data: 0 },
      { data: 1 },
      { data: 2 },
    ])
  })

  it('one that is told nothing else is told at the end: sent and dropped are all there was', async () => {
    const { client, stream, giveAll } = await behind('send', {
      maxQueued: 3,
      overflow: 'dropOldest',
      endEvent: true,
    })
    await giveAll(10)
    stream.close()
    const body = await readAgain(client, stream)
    expect(body).to.equal(
      ': dropped 7\ndata: 7\n\ndata: 8\n\ndata: 9\n\nevent: reconnect\ndata: {"reason":"revoked"}\n\n',
    )
    expect(stream).to.include({ sent: 4, dropped: 7 })
  })

  for (const overflow of ['dropOldest', 'dropNewest', byLast] as const) {
    const name = typeof overflow === 'string' ? overflow : 'conflate'
    for (const [what, format, tail] of [
      ['tail', jsonArray(), /,[\d,]+\]$/],
      ['end event', sse(), /event: reconnect\ndata: \{"reason":"revoked"\}\n\n$/],
    ] as const) {
      it(`the ${what} is never dropped: ${name}`, async () => {
        const { client, stream, giveAll, log } = await behind(
          'a channel that `subscribe` returns',
          { maxQueued: 6, overflow, endEvent: true },
          format,
        )
        await giveAll(30)
        stream.close()
        client.socket.resume()
        await client.taken(2 ** 24)
        expect((await client.whole()).body).to.match(tail)
        expect(log.entries).to.deep.equal(['revoked'])
      })
    }
  }

  it('a format whose notice throws is not told, and goes on', async () => {
    const broken = format({
      mediaType: 'a/b',
      encode: ({ data }) => `${data}\n`,
      notice() {
        throw new Error('broken')
      },
    })
    const { client, stream, giveAll } = await behind('send', { maxQueued: 3, overflow: 'dropNewest' }, broken)
    await giveAll(10)
    expect(await readAgain(client, stream, '2\n')).to.equal('0\n1\n2\n')
    expect((await stage.now.warning()).message).to.include('notice')
  })
})

describe('writeTimeout: a client that takes no byte while bytes wait (docs/guide/slow-clients.md)', () => {
  staged()

  it('is cut with reason overflow, on a channel, whatever the policy', async () => {
    for (const overflow of ['close', 'dropOldest', 'dropNewest', byLast] as const) {
      const { channel, client, log, stream } = await behind('a channel as `subscribe`', {
        maxQueued: 3,
        overflow,
        writeTimeout: 8000,
      })
      await channel.publish(1)
      stage.now.time.advance(7999)
      await turns()
      expect(log.entries).to.deep.equal([])
      stage.now.time.advance(8001)
      await log.until('overflow')
      expect(channel.subscribers).to.equal(0)
      expect(stream.queued).to.equal(0)
      client.socket.resume()
      expect((await client.closed()).isWhole).to.equal(false)
    }
  })

  it('one that takes some now and then is not', async () => {
    const { client, log, give } = await behind('a channel as `subscribe`', { writeTimeout: 8000 })
    await give(big)
    for (let time = 0; time < 4; time++) {
      client.socket.resume()
      // so much that the kernel takes some more
      await client.taken(client.size + 2 ** 22)
      client.socket.pause()
      await turns()
      stage.now.time.advance(6000)
      await turns()
      expect(log.entries).to.deep.equal([])
    }
    stage.now.time.advance(16_000)
    await log.until('overflow')
  })

  it('is nothing to one that has taken all', async () => {
    const { client, stream, log, give } = await behind('a channel as `subscribe`', { writeTimeout: 8000 })
    await readAgain(client, stream, '.\n\n')
    stage.now.time.advance(100_000)
    await turns()
    await give('still here')
    await client.until('still here')
    expect(log.entries).to.deep.equal([])
  })
})

describe('conflate is asked for a key (docs/guide/slow-clients.md)', () => {
  staged()

  it('of the data as it was published', async () => {
    const asked: unknown[] = []
    const overflow: Overflow = {
      conflate(data) {
        asked.push(data)
        return (data as { symbol?: string }).symbol ?? ''
      },
    }
    const { client, stream, give } = await behind(
      'a channel as `subscribe`',
      { maxQueued: 3, overflow },
      ndjson(),
    )
    for (const price of range(0, 20)) await give({ symbol: 'AB'[price % 2], price })
    await turns()
    expect(stream).to.include({ queued: 2, dropped: 18 })
    expect(asked).to.deep.include({ symbol: 'B', price: 19 })
    const body = await readAgain(client, stream, '19}\n')
    expect(body).to.equal('{"symbol":"A","price":18}\n{"symbol":"B","price":19}\n')
  })

  for (const way of ways) {
    it(`${way}: one that throws ends its stream, with its error`, async () => {
      const { log, giveAll, client } = await behind(way, {
        maxQueued: 3,
        overflow: {
          conflate() {
            throw new Error('broken')
          },
        },
      })
      // whoever writes on its own is told
      await giveAll(5).catch((error) => expect(error).to.have.property('message', 'broken'))
      if (way === 'write') return client.leave()
      await log.until('error')
      client.socket.resume()
      expect((await client.closed()).isWhole).to.equal(false)
    })
  }

  it('one that throws ends that stream alone: neither the publisher nor another stream hears of it', async () => {
    const { channel, log, join, give, giveAll } = await behind('a channel as `subscribe`', {
      maxQueued: 3,
      overflow: {
        conflate() {
          throw new Error('broken')
        },
      },
    })
    const { client } = await join(true)
    await giveAll(10)
    await log.until('error')
    await give('still here')
    expect(dataIn(await client.until('still here'))).to.deep.equal(range(0, 10))
    expect(channel.subscribers).to.equal(1)
  })

  for (const key of [undefined, null, {}, Number.NaN, 1n]) {
    it(`a key that is ${String(key)} is a key`, async () => {
      const { stream, giveAll, log } = await behind('send', {
        maxQueued: 3,
        overflow: { conflate: () => key as never },
      })
      await giveAll(10)
      expect(log.entries).to.deep.equal([])
      expect(stream.queued + stream.dropped).to.equal(10)
    })
  }

  for (const way of ways) {
    it(`${way}: more keys than may wait is overflow`, async () => {
      const { log, giveAll, client } = await behind(way, {
        maxQueued: 3,
        overflow: { conflate: (data) => Number(data) },
      })
      await giveAll(3)
      expect(log.entries).to.deep.equal([])
      await giveAll(4)
      await log.until('overflow')
      client.socket.resume()
      expect((await client.closed()).isWhole).to.equal(false)
    })
  }
})

describe('A stalled client is nobody else’s concern (docs/guide/slow-clients.md)', () => {
  staged()

  for (const overflow of ['close', 'dropOldest', 'dropNewest', byLast] as const) {
    const name = typeof overflow === 'string' ? overflow : 'conflate'
    it(`${name}: others get each event at once, and the publisher does not wait`, async () => {
      const { channel, join, give } = await behind('a channel as `subscribe`', { maxQueued: 10, overflow })
      for (let count = 0; count < 5; count++) await join()
      await give(big)
      await turns(50)
      const { client, stream } = await join(true)
      for (const number of range(0, 100)) {
        await give(number)
        // whoever waited for the others would never come here
        await client.until(`data: ${number}\n\n`)
      }
      expect(dataIn(client.body)).to.deep.equal(range(0, 100))
      expect(stream).to.include({ dropped: 0, queued: 0, sent: 100 })
      expect(channel.subscribers).to.equal(overflow === 'close' ? 1 : 7)
    })
  }

  it('each has its own queue: one that reads again gets its own', async () => {
    const { join, giveAll, client, stream } = await behind('a channel as `subscribe`', {
      maxQueued: 10,
      overflow: 'dropOldest',
    })
    const other = await join()
    await giveAll(30)
    expect(other.stream).to.include({ dropped: 0, sent: 30 })
    expect(stream).to.include({ dropped: 20, queued: 10 })
    expect(dataIn(await readAgain(client, stream, 'data: 29'))).to.deep.equal(range(20, 30))
    other.client.socket.resume()
    expect(dataIn(await other.client.until('data: 29'))).to.deep.equal(range(0, 30))
  })

  it('references wait, not copies: what 50 of them wait for is there once', async () => {
    const count = 50
    const { join, give, endpoint } = await open(
      'a channel as `subscribe`',
      { maxQueuedBytes: 2 ** 26 },
      raw('application/octet-stream'),
    )
    for (let number = 0; number < count; number++) await join()
    const memory = () => {
      collectGarbage()
      const { heapUsed, external } = process.memoryUsage()
      return heapUsed + external
    }
    const before = memory()
    await give(Buffer.alloc(2 ** 24, '.'))
    await turns(100)
    for (let number = 0; number < 100; number++) {
      await give(Buffer.alloc(2 ** 16, number))
      await turns(1)
    }
    await turns()
    for (const { queued } of endpoint.streams) expect(queued).to.equal(100)
    const published = 2 ** 24 + 100 * 2 ** 16
    // twice, since the bytes that were published wait with those that are framed
    expect(memory() - before, 'bytes held').to.be.below(5 * published)
  })

  it('a client that left is let go with all that waited for it', async () => {
    const { client, channel, log, giveAll, stream, contexts } = await behind(
      'a channel that `subscribe` returns',
      { maxQueued: 100 },
    )
    await giveAll(100)
    client.leave()
    await log.until('disconnect')
    expect(stream.queued).to.equal(0)
    expect(channel.subscribers).to.equal(0)
    expect(contexts[0]?.signal.aborted).to.equal(true)
  })
})
