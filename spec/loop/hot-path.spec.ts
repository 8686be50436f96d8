import { once } from 'node:events'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import { createGunzip } from 'node:zlib'
import { expect } from 'chai'
import compression from 'compression'
import express, { type RequestHandler } from 'express'
import { knowsResponses } from '../../lib/http/node.js'
import {
  type Channel,
  createHub,
  type Endpoint,
  event,
  type Format,
  format,
  jsonArray,
  type LoopSpec,
  loop,
  multipart,
  ndjson,
  raw,
  resource,
  sse,
  text,
} from '../../lib/index.js'
import { expresses } from '../support/http.js'
import { Log } from '../support/log.js'
import type { Ask, Client } from '../support/raw.js'
import { type ServeOptions, stage, staged, turns } from '../support/stage.js'

/** On the plain path Node frames chunks by itself, and writes large ones in pieces. */
const itIsDirect = knowsResponses ? it : () => {}

type Spec = Partial<LoopSpec<undefined, unknown, unknown, undefined>>
type Subscribe = LoopSpec<undefined, unknown, unknown, undefined>['subscribe']

/** A channel, and clients that stream it. */
async function fanOut(own: Format, count: number, options: ServeOptions & { spec?: Spec; ask?: Ask } = {}) {
  const channel = createHub().channel<unknown>('hot')
  const endpoint = loop<undefined, unknown, unknown, undefined>({
    format: own,
    stream: { heartbeat: false },
    subscribe: channel,
    ...options.spec,
  })
  const site = await stage.now.serve(endpoint, options)
  const clients: Client[] = []
  const join = async (ask: Ask = options.ask ?? {}) => {
    const client = site.get('/', ask)
    await client.head()
    clients.push(client)
    return client
  }
  for (let number = 0; number < count; number++) await join()
  const whole = async () => {
    for (const stream of endpoint.streams) stream.close()
    return Promise.all(clients.map((client) => client.whole()))
  }
  return { channel, endpoint, site, clients, join, whole }
}

/** A format that tells what it has encoded. */
function counting() {
  const encoded: unknown[] = []
  const own = format({
    mediaType: 'a/b',
    encode({ data }) {
      encoded.push(data)
      return `${data}\n`
    },
  })
  return { encoded, own }
}

const writing: Spec['info'] = (message, { write }) => write(message)

describe('An event is encoded once per format, however many streams there are (docs/guide/channels.md)', () => {
  staged()

  const ways: Readonly<
    Record<string, (channel: Channel<unknown>) => { subscribe: Subscribe; info?: Spec['info'] }>
  > = {
    'a channel': (channel) => ({ subscribe: channel }),
    'a channel that each is given': (channel) => ({ subscribe: () => channel }),
    'a filter that all share': (channel) => ({ subscribe: channel.filter(() => true) }),
    'a filter of its own for each': (channel) => ({ subscribe: () => channel.filter(() => true) }),
    'a map that all share': (channel) => ({ subscribe: channel.map((data) => data) }),
    'an `info` that writes what it gets': (channel) => ({ subscribe: channel, info: writing }),
    'a filter of its own, and an `info`': (channel) => ({
      subscribe: () => channel.filter(() => true),
      info: writing,
    }),
  }
  for (const [name, way] of Object.entries(ways)) {
    it(name, async () => {
      const channel = createHub().channel<unknown>('once')
      const { encoded, own } = counting()
      const endpoint = loop<undefined, unknown, unknown, undefined>({ format: own, ...way(channel) } as never)
      const site = await stage.now.serve(endpoint)
      const clients = Array.from({ length: 20 }, () => site.get())
      for (const client of clients) await client.head()
      const expected = ['one', 'two', 'three', 'four']
      await channel.publish('one')
      await turns()
      await Promise.all(['two', 'three', 'four'].map((data) => channel.publish(data)))
      for (const client of clients) expect(await client.until('four\n')).to.equal('one\ntwo\nthree\nfour\n')
      // a map makes events of its own, which are encoded beside those that were published
      if (name.startsWith('a map')) expect(encoded.length).to.be.at.most(2 * expected.length)
      else expect(encoded).to.deep.equal(expected)
    })
  }

  it('in each of the formats that are there, and by each `serialize` once', async () => {
    const channel = createHub().channel<number>('formats')
    const counts: Record<string, number> = { sse: 0, ndjson: 0 }
    const serialize = (name: string) => (data: unknown) => {
      counts[name] = (counts[name] ?? 0) + 1
      return JSON.stringify(data)
    }
    const endpoint = resource({
      contentTypesProvided: [
        sse({ serialize: serialize('sse') }),
        ndjson({ serialize: serialize('ndjson') }),
      ],
      subscribe: channel,
    })
    const site = await stage.now.serve(endpoint)
    const clients = Array.from({ length: 10 }, (_, at) =>
      site.get('/', { headers: { Accept: at % 2 ? 'text/event-stream' : 'application/x-ndjson' } }),
    )
    for (const client of clients) await client.head()
    for (const number of [100, 200, 300]) await channel.publish(number)
    for (const client of clients) await client.until('300')
    expect(counts).to.deep.equal({ sse: 3, ndjson: 3 })
  })

  it('for those who come back as well: what is retained is encoded already', async () => {
    const channel = createHub().channel<unknown>('retained', { history: 100 })
    const { encoded, own } = counting()
    const site = await stage.now.serve(loop({ format: own, subscribe: channel }))
    const first = site.get()
    await first.head()
    for (const number of [1, 2, 3]) await channel.publish(number)
    await first.until('3\n')
    const others = Array.from({ length: 10 }, () => site.get('/?lastEventId=earliest'))
    for (const client of others) expect(await client.until('3\n')).to.equal('1\n2\n3\n')
    expect(encoded).to.deep.equal([1, 2, 3])
  })
})

/** Counts what is written to each connection once its head is out. */
function watching() {
  const writes: Buffer[][] = []
  const before: RequestHandler = (req, res, next) => {
    const { socket } = req
    const own: Buffer[] = []
    writes.push(own)
    const write = socket.write.bind(socket) as (...args: unknown[]) => boolean
    socket.write = (...args: unknown[]) => {
      if (res.headersSent) own.push(Buffer.from(args[0] as string | Buffer))
      return write(...args)
    }
    next()
  }
  return { writes, before: [before] }
}

for (const version of Object.keys(expresses)) {
  describe(`The events of one turn are one chunk and one write for each client (docs/guide/channels.md; ${version})`, () => {
    staged()

    it('one chunk, whose bytes are those of the events in order', async () => {
      const { channel, clients } = await fanOut(ndjson(), 5, { with: version })
      await Promise.all([1, 2, 3, 4].map((number) => channel.publish(number)))
      for (const client of clients) {
        expect(await client.until('4\n')).to.equal('1\n2\n3\n4\n')
        expect(client.message.chunks).to.deep.equal([8])
      }
      await Promise.all([5, 6].map((number) => channel.publish(number)))
      for (const client of clients) {
        await client.until('6\n')
        expect(client.message.chunks).to.deep.equal([8, 4])
      }
    })

    itIsDirect('one write for each client and turn, of the same bytes', async () => {
      const { writes, before } = watching()
      const { channel, clients } = await fanOut(sse(), 5, { with: version, before })
      await turns()
      for (const each of writes) each.length = 0
      await Promise.all([1, 2, 3].map((number) => channel.publish(number)))
      for (const client of clients) await client.until('data: 3\n\n')
      await Promise.all([4, 5].map((number) => channel.publish(number)))
      for (const client of clients) await client.until('data: 5\n\n')
      expect(writes.map((each) => each.length)).to.deep.equal([2, 2, 2, 2, 2])
      for (const each of writes) expect(each).to.deep.equal(writes[0])
      // a chunk as it stands in RFC 9112, 7.1
      expect(writes[0]?.[1]?.toString('latin1')).to.match(/^[0-9a-f]+\r\n(id: .*\ndata: \d\n\n){2}\r\n$/)
    })

    it('events of several turns are several', async () => {
      const { channel, clients } = await fanOut(ndjson(), 2, { with: version })
      for (const number of [1, 2, 3]) {
        await channel.publish(number)
        await turns(2)
      }
      for (const client of clients) {
        await client.until('3\n')
        expect(client.message.chunks).to.deep.equal([2, 2, 2])
      }
    })

    itIsDirect('chunks of all sizes are chunked coding (RFC 9112, 7.1), to its end', async () => {
      const { channel, clients, whole } = await fanOut(raw('a/b'), 3, { with: version })
      const sizes = [1, 9, 10, 15, 16, 17, 255, 256, 4095, 4096, 65_535, 65_536, 100_000]
      const all = sizes.map((size, at) => Buffer.alloc(size, 65 + at))
      for (const bytes of all) {
        await channel.publish(bytes)
        await turns(1)
      }
      for (const client of clients) await client.taken(Buffer.concat(all).length)
      for (const message of await whole()) {
        expect(message.isWhole).to.equal(true)
        expect(message.chunks).to.deep.equal(sizes)
        expect(message.bytes.equals(Buffer.concat(all))).to.equal(true)
      }
    })

    it('an event of no bytes is nothing, and never the last chunk', async () => {
      const { channel, clients } = await fanOut(raw('a/b'), 2, { with: version })
      await channel.publish(new Uint8Array())
      await channel.publish('')
      await turns()
      await channel.publish('then')
      for (const client of clients) {
        expect(await client.until('then')).to.equal('then')
        expect(client.message.isWhole).to.equal(false)
      }
    })

    it('one who comes in the middle of a turn gets what comes after, and only that', async () => {
      const channel = createHub().channel<string>('middle')
      let isLate = false
      const endpoint = loop({
        format: ndjson(),
        subscribe() {
          if (isLate) {
            void channel.publish('before')
            queueMicrotask(() => void channel.publish('after'))
          }
          return channel
        },
      })
      const site = await stage.now.serve(endpoint, { with: version })
      const early = site.get()
      await early.head()
      isLate = true
      const late = site.get()
      expect(await early.until('after')).to.equal('"before"\n"after"\n')
      await late.until('after')
      await channel.publish('last')
      expect(await late.until('last')).to.equal('"after"\n"last"\n')
    })

    it('one who leaves in the middle of a turn has got what came before', async () => {
      const { channel, endpoint, clients } = await fanOut(ndjson(), 2, { with: version })
      void channel.publish('before')
      const [first] = [...endpoint.streams]
      first?.close()
      void channel.publish('after')
      expect((await clients[0]!.whole()).body).to.equal('"before"\n')
      expect(await clients[1]!.until('after')).to.equal('"before"\n"after"\n')
    })

    it('what a stream writes on its own, in the same turn, keeps its place among what is published', async () => {
      const writes: ((data: unknown) => unknown)[] = []
      const channel = createHub().channel<number>('own')
      const endpoint = loop({
        format: ndjson(),
        subscribe({ write }) {
          writes.push(write)
          return channel
        },
      })
      const site = await stage.now.serve(endpoint, { with: version })
      const [one, other] = [site.get(), site.get()]
      await one!.head()
      await other!.head()
      void channel.publish(1)
      writes[0]?.('own')
      void channel.publish(2)
      expect(await one!.until('2\n')).to.equal('1\n"own"\n2\n')
      expect(await other!.until('2\n')).to.equal('1\n2\n')
    })

    it('over HTTP/1.0: the same bytes, without chunks, ended by close', async () => {
      const { channel, clients, whole } = await fanOut(jsonArray(), 2, {
        with: version,
        ask: { version: '1.0' },
      })
      await Promise.all([1, 2, 3].map((number) => channel.publish(number)))
      for (const client of clients) await client.until('3')
      await channel.publish(4)
      for (const client of clients) await client.until('4')
      await whole()
      for (const client of clients) {
        expect((await client.closed()).body).to.equal('[1,2,3,4]')
        expect(client.message.headers).not.to.have.property('transfer-encoding')
        expect(await client.ended).to.equal('fin')
      }
    })

    it('beside clients of HTTP/1.0, and those whose `write` is wrapped, in one group', async () => {
      const wrapping: RequestHandler = (req, res, next) => {
        const write = res.write.bind(res) as (...args: unknown[]) => boolean
        if (req.query.wrap !== undefined)
          res.write = ((...args: unknown[]) => write(...args)) as typeof res.write
        next()
      }
      const channel = createHub().channel<number>('mixed')
      const endpoint = loop({ format: jsonArray(), subscribe: channel })
      const site = await stage.now.serve(endpoint, { with: version, before: [wrapping] })
      const clients = [site.get('/'), site.get('/?wrap'), site.get('/', { version: '1.0' })]
      for (const client of clients) await client.head()
      await Promise.all([1, 2, 3].map((number) => channel.publish(number)))
      for (const client of clients) await client.until('3')
      for (const stream of endpoint.streams) stream.close()
      for (const client of clients) expect((await client.whole()).body).to.equal('[1,2,3]')
    })
  })

  describe(`Middleware that wraps the response gets all of it (docs/guide/loop.md; ${version})`, () => {
    staged()

    it('every write passes through a wrapped `write`: bytes as they are, without framing, one for a turn', async () => {
      const written: string[] = []
      const wrapping: RequestHandler = (_req, res, next) => {
        const write = res.write.bind(res) as (...args: unknown[]) => boolean
        res.write = ((...args: unknown[]) => {
          written.push(String(args[0]))
          return write(...args)
        }) as typeof res.write
        next()
      }
      const { channel, clients, whole } = await fanOut(ndjson(), 1, { with: version, before: [wrapping] })
      await Promise.all([1, 2, 3].map((number) => channel.publish(number)))
      await clients[0]!.until('3\n')
      await channel.publish(4)
      await clients[0]!.until('4\n')
      const [message] = await whole()
      expect(message?.body).to.equal('1\n2\n3\n4\n')
      expect(written).to.deep.equal(['1\n2\n3\n', '4\n'])
    })

    it('a `write` that changes the bytes changes them all, heartbeats and opening too', async () => {
      const shouting: RequestHandler = (_req, res, next) => {
        const write = res.write.bind(res) as (...args: unknown[]) => boolean
        res.write = ((bytes: Buffer) => write(bytes.toString().toUpperCase())) as typeof res.write
        next()
      }
      const own = format({
        mediaType: 'a/b',
        open: 'open\n',
        heartbeat: 'beat\n',
        encode: ({ data }) => `${data}\n`,
      })
      const { channel, clients } = await fanOut(own, 2, {
        with: version,
        before: [shouting],
        spec: { stream: { heartbeat: 1000 } },
      })
      await channel.publish('event')
      for (const client of clients) await client.until('EVENT\n')
      stage.now.time.advance(1000)
      for (const client of clients) expect(await client.until('BEAT\n')).to.equal('OPEN\nEVENT\nBEAT\n')
    })

    it('a `write` that `subscribe` wraps, before the head', async () => {
      const written: string[] = []
      const channel = createHub().channel<number>('late')
      const { clients } = await fanOut(ndjson(), 1, {
        with: version,
        spec: {
          subscribe({ res }) {
            const write = res.write.bind(res) as (...args: unknown[]) => boolean
            res.write = ((...args: unknown[]) => {
              written.push(String(args[0]))
              return write(...args)
            }) as typeof res.write
            return channel
          },
        },
      })
      await channel.publish(1)
      await clients[0]!.until('1\n')
      expect(written).to.deep.equal(['1\n'])
    })

    it('a wrapped `end` gets the tail, and may write more: it comes in its place', async () => {
      const ended: string[] = []
      const wrapping: RequestHandler = (_req, res, next) => {
        const end = res.end.bind(res) as (...args: unknown[]) => typeof res
        res.end = ((bytes?: Buffer) => {
          ended.push(String(bytes ?? ''))
          if (bytes) res.write(bytes)
          res.write(' ')
          return end()
        }) as typeof res.end
        next()
      }
      const { channel, clients, whole } = await fanOut(jsonArray(), 2, { with: version, before: [wrapping] })
      await channel.publish(1)
      for (const client of clients) await client.until('1')
      void channel.publish(2)
      for (const { body, isWhole } of await whole()) {
        expect({ body, isWhole }).to.deep.equal({ body: '[1,2] ', isWhole: true })
      }
      expect(ended).to.deep.equal([']', ']'])
    })

    it('what somebody writes to the response on their own comes in its place, in chunks of its own', async () => {
      const responses: { write(bytes: string): unknown }[] = []
      const keeping: RequestHandler = (_req, res, next) => {
        responses.push(res)
        next()
      }
      const { channel, clients, whole } = await fanOut(ndjson(), 1, { with: version, before: [keeping] })
      await channel.publish(1)
      await clients[0]!.until('1\n')
      responses[0]?.write('"own"\n')
      await turns()
      await channel.publish(2)
      await clients[0]!.until('2\n')
      expect((await whole())[0]?.body).to.equal('1\n"own"\n2\n')
    })

    for (const [name, cacheControl] of [
      ['with no-transform, which lets it be', undefined],
      ['without, which compresses: each turn arrives at once', 'no-cache'],
    ] as const) {
      it(`compression(), ${name}`, async () => {
        const channel = createHub().channel<string>('compressed')
        const caching: RequestHandler = (_req, res, next) => {
          if (cacheControl) res.setHeader('Cache-Control', cacheControl)
          next()
        }
        const endpoint = loop({
          format: sse(),
          stream: { heartbeat: 1000, endEvent: true },
          subscribe: channel,
        })
        const site = await stage.now.serve(endpoint, { with: version, before: [compression(), caching] })
        const clients = [1, 2, 3].map(() => site.get('/', { headers: { 'Accept-Encoding': 'gzip' } }))
        for (const client of clients) await client.head()
        const texts = clients.map((client) => reader(client, cacheControl !== undefined))
        await Promise.all(['one', 'two'].map((data) => channel.publish(data)))
        for (const each of texts) await each.until('two')
        await channel.publish('three')
        for (const each of texts) await each.until('three')
        stage.now.time.advance(1000)
        for (const each of texts) await each.until(':', 2)
        for (const stream of endpoint.streams) stream.close()
        for (const client of clients) {
          const message = await client.whole()
          expect(message.isWhole).to.equal(true)
          expect(message.headers['content-encoding']).to.equal(cacheControl ? 'gzip' : undefined)
        }
        for (const each of texts) {
          await each.until('event: reconnect')
          const data = each.entries.filter((line) => line.startsWith('data'))
          expect(data).to.deep.equal(['data: one', 'data: two', 'data: three', 'data: {"reason":"revoked"}'])
        }
      })
    }
  })
}

/** The lines of a body as they come, of which data is known by its text alone too. */
function reader(client: Client, isCompressed: boolean): Log {
  const log = new Log()
  let rest = ''
  let size = 0
  const take = (bytes: Buffer) => {
    const lines = (rest + bytes.toString()).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      log.add(line)
      if (line.startsWith('data: ')) log.add(line.slice('data: '.length))
    }
  }
  const gunzip = createGunzip().on('data', take)
  const feed = () => {
    const { bytes } = client.message
    const more = bytes.subarray(size)
    size = bytes.length
    if (isCompressed) gunzip.write(more)
    else take(more)
  }
  client.socket.on('data', feed)
  feed()
  return log
}

describe('Groups in each format, and on each kind of connection (docs/guide/channels.md)', () => {
  staged()

  it('jsonArray: each client has an array, whenever it came, and whatever came in a turn', async () => {
    const { channel, clients, join, whole } = await fanOut(jsonArray(), 1)
    await Promise.all([1, 2].map((number) => channel.publish(number)))
    await clients[0]!.until('2')
    await join()
    await Promise.all([3, 4, 5].map((number) => channel.publish(number)))
    for (const client of clients) await client.until('5')
    await join()
    await channel.publish(6)
    for (const client of clients) await client.until('6')
    await join()
    const bodies = (await whole()).map(({ body }) => body)
    expect(bodies).to.deep.equal(['[1,2,3,4,5,6]', '[3,4,5,6]', '[6]', '[]'])
  })

  it('jsonArray: a part that leaves events out', async () => {
    const channel = createHub().channel<number>('parts')
    const endpoint = loop({ format: jsonArray(), subscribe: channel.filter((data) => data % 2 === 0) })
    const site = await stage.now.serve(endpoint)
    const client = site.get()
    await client.head()
    await Promise.all([1, 2, 3, 4, 5, 6].map((number) => channel.publish(number)))
    await client.until('6')
    for (const stream of endpoint.streams) stream.close()
    expect((await client.whole()).body).to.equal('[2,4,6]')
  })

  it('multipart: a part each, and the last boundary at the end', async () => {
    const { channel, clients, whole } = await fanOut(multipart('text/plain'), 2)
    await Promise.all(['one', 'two'].map((data) => channel.publish(data)))
    for (const client of clients) await client.until('two')
    for (const { body, headers } of await whole()) {
      const [, boundary = ''] = /boundary="?([^";]+)/.exec(headers['content-type'] ?? '') ?? []
      expect(boundary).not.to.equal('')
      const parts = body.split(`--${boundary}`)
      expect(parts.at(-1)?.trim()).to.equal('--')
      const bodies = parts.slice(1, -1).map((part) => part.split('\r\n\r\n')[1]?.trim())
      expect(bodies).to.deep.equal(['one', 'two'])
    }
  })

  it('text and raw: what was published, as it is', async () => {
    for (const own of [text(), raw('text/plain')]) {
      const { channel, clients, whole } = await fanOut(own, 2)
      await Promise.all(['a', 'b', 'é'].map((data) => channel.publish(data)))
      for (const client of clients) await client.until('é')
      for (const { body } of await whole()) expect(body.replaceAll('\n', '')).to.equal('abé')
    }
  })

  it('sse: ids and types are those of the channel', async () => {
    const { channel, clients } = await fanOut(sse(), 2)
    const ids = await Promise.all([
      channel.publish(1, { type: 'tick' }),
      channel.publish(event(2, { type: 'tock' })),
      channel.publish(3),
    ])
    const expected = `:\nevent: tick\nid: ${ids[0]}\ndata: 1\n\nevent: tock\nid: ${ids[1]}\ndata: 2\n\nid: ${ids[2]}\ndata: 3\n\n`
    for (const client of clients) expect(await client.until('data: 3\n\n')).to.equal(expected)
  })

  it('heartbeats come between, only when nothing was published for so long', async () => {
    const { channel, clients } = await fanOut(ndjson(), 2, { spec: { stream: { heartbeat: 1000 } } })
    for (const number of [1, 2, 3]) {
      stage.now.time.advance(900)
      await channel.publish(number)
      for (const client of clients) await client.until(`${number}\n`)
    }
    stage.now.time.advance(1000)
    for (const client of clients) await client.until('3\n ')
    await channel.publish(4)
    for (const client of clients) expect(await client.until('4\n')).to.equal('1\n2\n3\n 4\n')
  })

  it('pipelined requests: each gets its own, in order, before and after it has the connection', async () => {
    const { site, channel, endpoint } = await fanOut(jsonArray(), 0)
    const client = site.get()
    await client.head()
    client.ask('/')
    while ([...endpoint.streams].length < 2) await turns(1)
    await Promise.all([1, 2].map((number) => channel.publish(number)))
    await turns()
    expect(client.messages).to.have.length(1)
    const [first, second] = [...endpoint.streams]
    first?.close()
    await client.until('2')
    await Promise.all([3, 4].map((number) => channel.publish(number)))
    await client.until('4')
    second?.close()
    await client.whole()
    expect(client.messages.map(({ body }) => body)).to.deep.equal(['[1,2]', '[1,2,3,4]'])
  })

  it('the connection serves further requests after a stream', async () => {
    const { site, channel, endpoint } = await fanOut(ndjson(), 0)
    const client = site.connect()
    for (let time = 0; time < 3; time++) {
      client.ask('/')
      await client.head()
      await Promise.all([1, 2].map((number) => channel.publish(number)))
      await client.until('2\n')
      for (const stream of endpoint.streams) stream.close()
      expect((await client.whole()).body).to.equal('1\n2\n')
    }
    expect(client.messages).to.have.length(3)
  })

  it('HTTPS: the same', async () => {
    const channel = createHub().channel<unknown>('tls')
    const endpoint: Endpoint = loop({ format: jsonArray(), subscribe: channel })
    const app = express().use(endpoint as RequestHandler)
    // a key that both know spares a certificate
    const psk = Buffer.from('0123456789abcdef')
    const tls = { ciphers: 'PSK', maxVersion: 'TLSv1.2' as const }
    const server = https.createServer({ ...tls, pskCallback: () => psk }, app)
    await once(server.listen(0, '127.0.0.1'), 'listening')
    try {
      const { port } = server.address() as AddressInfo
      const asked = https.get({
        ...tls,
        port,
        host: '127.0.0.1',
        agent: false,
        pskCallback: () => ({ psk, identity: 'spec' }),
        checkServerIdentity: () => undefined,
      } as https.RequestOptions)
      const [response] = await once(asked, 'response')
      let body = ''
      response.setEncoding('utf8').on('data', (more: string) => {
        body += more
      })
      const big = 'x'.repeat(100_000)
      await Promise.all([1, 2].map((number) => channel.publish(number)))
      await turns()
      await channel.publish(big)
      while (!body.includes(`${big}"`)) await turns(1)
      for (const stream of endpoint.streams) stream.close()
      await once(response, 'end')
      expect(response.complete).to.equal(true)
      expect(JSON.parse(body)).to.deep.equal([1, 2, big])
    } finally {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    }
  })

  it('a client of a group that leaves in the middle of it all harms none of the others', async () => {
    const { channel, clients } = await fanOut(ndjson(), 10)
    for (let number = 0; number < 10; number++) {
      void channel.publish(number)
      if (number % 2) clients[number]?.reset()
      await turns(1)
    }
    for (const [at, client] of clients.entries()) {
      if (at % 2 === 0) expect(await client.until('9\n')).to.equal('0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n')
    }
    while (channel.subscribers > 5) await turns(1)
  })

  it('a response that somebody else has ended is left alone, and the others go on', async () => {
    const responses: { end(): unknown }[] = []
    const { channel, clients } = await fanOut(ndjson(), 3, {
      before: [
        (_req, res, next) => {
          responses.push(res)
          next()
        },
      ],
    })
    await channel.publish(1)
    for (const client of clients) await client.until('1\n')
    responses[1]?.end()
    await channel.publish(2)
    await clients[0]!.until('2\n')
    await clients[2]!.until('2\n')
    expect((await clients[1]!.whole()).body).to.equal('1\n')
    while (channel.subscribers > 2) await turns(1)
    await clients[1]!.ask('/', { method: 'HEAD' }).whole()
    expect(clients[1]!.raw.toString()).not.to.include('2\n\r\n')
  })
})
