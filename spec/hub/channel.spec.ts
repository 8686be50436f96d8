import { expect } from 'chai'
import {
  type Channel,
  type ChannelOptions,
  createHub,
  csv,
  type Event,
  event,
  type Feed,
  type Format,
  type Hub,
  jsonArray,
  jsonSeq,
  loop,
  merge,
  multipart,
  ndjson,
  type OpenStream,
  type Reason,
  raw,
  resources,
  sse,
  stop,
  text,
} from '../../lib/index.js'
import { asyncMemory } from '../../lib/testing.js'
import { cases } from '../support/cases.js'
import { memory, onEach } from '../support/hubs.js'
import { Log } from '../support/log.js'
import type { Client } from '../support/raw.js'
import { isPosition, recordsOf } from '../support/received.js'
import { settled, stage, staged, turns, turnsUntil } from '../support/stage.js'

let hub: Hub

/** Said in a suite: each of its tests has a stage, and a hub of its own. */
function withHub(on = memory): void {
  staged()
  beforeEach(() => {
    hub = on.hub()
  })
  afterEach(() => hub.close())
}

const enveloped = () => ndjson({ envelope: true })
const wrong = (value: unknown) => value as never

/** What a promise rejects with. */
function rejection(promise: Promise<unknown>): Promise<Error & { code?: string }> {
  return promise.then(
    () => {
      throw new Error('It did not reject')
    },
    (error) => error,
  )
}

/** A site that streams a feed, and a client of it whose head has come. */
async function follow(
  subscribe: unknown,
  format: Format = enveloped(),
  more: Partial<Parameters<typeof loop>[0]> = {},
) {
  const reasons: Reason[] = []
  const site = await stage.now.serve(
    loop({
      format,
      subscribe: subscribe as Feed<unknown>,
      terminate: (reason) => void reasons.push(reason),
      ...more,
    }),
  )
  const client = site.get()
  await client.head()
  return { site, client, reasons }
}

/** Waits until a channel has so many subscribers. */
async function counts(channel: Feed<unknown>, subscribers: number): Promise<void> {
  await turnsUntil(() => channel.subscribers === subscribers)
}

/** The records that a client has got, without positions. */
const records = (client: Client): unknown[] => recordsOf(client.body).filter((each) => !isPosition(each))

describe('createHub and hub.channel (docs/guide/channels.md)', () => {
  withHub()

  it('a channel is the same object for the same name, and another for another', () => {
    const one = hub.channel('one', { history: 5 })
    expect(hub.channel('one')).to.equal(one)
    expect(hub.channel('one', { history: 5 })).to.equal(one)
    expect(hub.channel('two')).not.to.equal(one)
    expect(createHub().channel('one')).not.to.equal(one)
  })

  it('names that objects have of themselves are names as any other', () => {
    const names = ['__proto__', 'constructor', 'toString', 'a/b c✓', ' ']
    const channels = names.map((name) => hub.channel(name))
    expect(new Set(channels).size).to.equal(names.length)
    for (const [at, name] of names.entries()) expect(hub.channel(name)).to.equal(channels[at])
  })

  cases(
    'other options for a known name are a TypeError',
    [
      { history: 6 },
      {},
      { history: 5, maxAge: 1 },
      { historyBytes: 5 },
      { source() {} },
    ] as ChannelOptions<unknown>[],
    (other) =>
      `other options for a known name are a TypeError: ${Object.keys(other).join() || 'none of them'}`,
    (other) => {
      hub.channel('one', { history: 5 })
      expect(() => hub.channel('one', other))
        .to.throw(TypeError, /channel 'one'.*expected the same/)
        .that.includes({ code: 'LARIAT_SPEC' })
    },
  )

  it('an option that is misspelt is a TypeError that names it and the nearest', () => {
    expect(() => hub.channel('a', wrong({ histroy: 5 })))
      .to.throw(TypeError, /channel 'a'.*`histroy`.*`history`/)
      .that.includes({ code: 'LARIAT_SPEC' })
    expect(() => hub.channel('a', wrong({ maxage: 5 }))).to.throw(TypeError, /`maxAge`/)
    expect(() => hub.channel('a', wrong({ __proto__: null, constructor: 5 }))).to.throw(
      TypeError,
      /constructor/,
    )
  })

  const bad: Record<string, unknown[]> = {
    history: [-1, 1.5, Number.NaN, '5', null, 5n, true],
    historyBytes: [-1, Number.NaN, '5', null],
    maxAge: [-1, Number.NaN, '5', new Date(), null],
    linger: [-1, Number.NaN, '5', null],
    source: ['text', {}, null, []],
  }
  for (const [key, values] of Object.entries(bad)) {
    cases(
      `\`${key}\` with a wrong value is a TypeError that names it`,
      values,
      (value) => `\`${key}\` of ${typeof value} ${String(value)} is a TypeError that names it`,
      (value) => {
        expect(() => hub.channel('a', wrong({ source() {}, [key]: value })))
          .to.throw(TypeError, key)
          .that.includes({ code: 'LARIAT_SPEC' })
      },
    )
  }

  it('a `source` that the same code makes anew is the same option; the channel keeps its first', () => {
    const of = (name: string) => hub.channel(name, { history: 5, source: () => () => name })
    expect(of('a')).to.equal(of('a'))
    expect(() => hub.channel('a', { history: 5, source() {} })).to.throw(
      TypeError,
      "channel 'a': `source` is another function than before: expected the same options, or none",
    )
    // of what is bound nobody sees the code
    const bound = (stop: () => void) => hub.channel('b', { source: (() => stop).bind(undefined) })
    bound(() => {})
    expect(() => bound(() => {})).to.throw(TypeError, 'another function than before')
  })

  it('`linger` without a `source` is a TypeError', () => {
    expect(() => hub.channel('a', { linger: 5 })).to.throw(TypeError, 'linger')
  })

  it('a wrong declaration leaves nothing behind: the name can be used', () => {
    expect(() => hub.channel('a', wrong({ history: -1 }))).to.throw(TypeError)
    expect(() => hub.channel('a', { history: 2 })).not.to.throw()
  })

  cases(
    'a name is a string that is not empty',
    ['', undefined, null, 5, {}, Symbol('a')],
    (name) => `${typeof name} ${String(name)} is no name`,
    (name) => {
      expect(() => hub.channel(wrong(name)))
        .to.throw(TypeError, 'expected a name')
        .that.includes({ code: 'LARIAT_SPEC' })
    },
  )

  cases(
    'anything but a backend is a TypeError',
    [null, {}, 'redis', { open() {} }, () => {}],
    (backend) => `${typeof backend} ${String(backend)} is no backend`,
    (backend) => {
      expect(() => createHub(wrong(backend)))
        .to.throw(TypeError, 'expected a backend, such as redisStreams({ client }), or nothing')
        .that.includes({ code: 'LARIAT_SPEC' })
    },
  )

  it('`on` knows down and up, and is the hub', () => {
    expect(hub.on('down', () => {}).on('up', () => {})).to.equal(hub)
    expect(() => hub.on(wrong('dwon'), () => {})).to.throw(TypeError, "'down' or 'up'")
  })
})

onEach('publish (docs/guide/channels.md)', (on) => {
  withHub(on)

  it('resolves to the id that the client gets, and the type is the event’s', async () => {
    const channel = hub.channel('a')
    const { client } = await follow(channel)
    const id = await channel.publish({ n: 1 }, { type: 'tick' })
    expect(id).to.be.a('string').with.length.above(0)
    await client.until('\n')
    expect(records(client)).to.deep.equal([{ id, type: 'tick', data: { n: 1 } }])
  })

  it('without a type there is none', async () => {
    const channel = hub.channel('a')
    const { client } = await follow(channel, sse())
    const id = await channel.publish('text')
    await client.until('text\n\n')
    expect(client.body).to.equal(`:\nid: ${id}\ndata: text\n\n`)
    expect(await channel.publish('more', {})).to.be.a('string')
  })

  it('an event() has its data and type published; a type beside it counts', async () => {
    const channel = hub.channel<unknown>('a')
    const { client } = await follow(channel)
    await channel.publish(event({ n: 1 }, { type: 'own' }))
    await channel.publish(event({ n: 2 }, { type: 'own' }), { type: 'given' })
    await channel.publish(event({ n: 3 }))
    await client.until('"n":3')
    const came = records(client) as { type?: string; data: unknown }[]
    expect(came.map(({ type, data }) => [type, data])).to.deep.equal([
      ['own', { n: 1 }],
      ['given', { n: 2 }],
      [undefined, { n: 3 }],
    ])
  })

  cases(
    'an event() with more than data and a type is a TypeError: ids are the channel’s own',
    [{ id: '7' }, { retry: 5 }, { comment: 'a' }],
    (meta) => `an event() with ${Object.keys(meta)[0]} is a TypeError: ids are the channel’s own`,
    async (meta) => {
      const error = await rejection(hub.channel<unknown>('a').publish(event(1, meta)))
      expect(error).to.be.instanceOf(TypeError)
      expect(error).to.include({ code: 'LARIAT_DATA' })
    },
  )

  const circle: Record<string, unknown> = {}
  circle.circle = circle
  const unwritable: Record<string, unknown> = {
    undefined: undefined,
    'a function': () => {},
    'a symbol': Symbol('a'),
    'a BigInt': 5n,
    'a circle': circle,
    'a toJSON that throws': {
      toJSON() {
        throw new Error('broken')
      },
    },
    'an event() without data': event(undefined),
  }
  for (const [what, data] of Object.entries(unwritable)) {
    it(`${what} is a TypeError, and reaches nobody, with and without listeners`, async () => {
      const channel = hub.channel<unknown>('a', { history: 9 })
      const early = await rejection(channel.publish(data))
      expect(early).to.be.instanceOf(TypeError)
      expect(early.code).to.equal('LARIAT_DATA')
      const { client } = await follow(channel)
      expect(await rejection(channel.publish(data))).to.be.instanceOf(TypeError)
      const id = await channel.publish('good')
      await client.until('good')
      expect(records(client)).to.deep.equal([{ id, data: 'good' }])
      const kept: unknown[] = []
      for await (const each of channel.replay('earliest')) kept.push(each.id)
      expect(kept).to.deep.equal([id])
    })
  }

  cases(
    'a type that some format cannot write is a TypeError, even without a listener',
    ['a\nb', 'a\rb', 'a\0', '\n', 5, null, {}],
    (type) => `the type ${JSON.stringify(type)} is a TypeError in every format, also without a listener`,
    async (type) => {
      const channel = hub.channel('a', { history: 5 })
      const attempts = () => [
        channel.publish('bad', wrong({ type })),
        // null is no type
        ...(type === null ? [] : [channel.publish(wrong(event('bad', wrong({ type }))))]),
      ]
      for (const attempt of attempts()) expect(await rejection(attempt)).to.be.instanceOf(TypeError)
      const { client } = await follow(channel, ndjson())
      for (const attempt of attempts()) expect(await rejection(attempt)).to.be.instanceOf(TypeError)
      await channel.publish('good')
      await client.until('good')
      expect(client.body).to.equal('"good"\n')
    },
  )

  it('unknown metadata is a TypeError that names the nearest', async () => {
    const error = await rejection(hub.channel('a').publish(1, wrong({ typ: 'a' })))
    expect(error).to.be.instanceOf(TypeError)
    expect(error.message).to.match(/`typ`.*`type`/)
  })

  for (const isCsvFirst of [true, false]) {
    it(`what one format alone cannot write ends its streams, cut; all others get it (${isCsvFirst ? 'it came first' : 'it came last'})`, async () => {
      const channel = hub.channel<unknown>('a', { history: 5 })
      const records = () => follow(channel, csv({ columns: ['a'] }))
      const before = isCsvFirst ? await records() : undefined
      const lines = await follow(channel, ndjson())
      const part = await follow(() => channel.filter(() => true))
      const { client, reasons } = before ?? (await records())
      await channel.publish({ a: 'good' })
      const id = await channel.publish('no record')
      await channel.publish({ a: 'more' })
      for (const each of [lines, part]) await each.client.until('more')
      expect(lines.client.body).to.equal('{"a":"good"}\n"no record"\n{"a":"more"}\n')
      const message = await client.closed()
      expect([message.isWhole, message.body]).to.deep.equal([false, 'a\r\ngood\r\n'])
      expect(reasons).to.have.length(1)
      expect(reasons[0]).to.include({ kind: 'error' })
      expect(reasons[0]!.error).to.be.instanceOf(TypeError)
      expect(channel.subscribers).to.equal(2)
      const kept: unknown[] = []
      for await (const each of channel.replay('earliest')) kept.push(each.id)
      expect(kept).to.contain(id)
    })
  }

  it('the order is that of the calls, also within one turn and from several places', async () => {
    const channel = hub.channel<number>('a')
    const { client } = await follow(channel, ndjson())
    const ids = await Promise.all(Array.from({ length: 50 }, (_, n) => channel.publish(n)))
    expect(new Set(ids).size).to.equal(50)
    await client.until('49\n')
    expect(client.body).to.equal(Array.from({ length: 50 }, (_, n) => `${n}\n`).join(''))
  })

  it('what is published within one turn goes out at its end in one chunk', async () => {
    const channel = hub.channel<number>('a')
    const { client } = await follow(channel, ndjson())
    for (let n = 0; n < 10; n++) void channel.publish(n)
    await client.until('9\n')
    expect(client.message.chunks).to.deep.equal([20])
  })

  it('what an event makes somebody publish comes after it, for everybody', async () => {
    const channel = hub.channel<number>('a', { history: 5 })
    const written = (message: unknown, { write }: { write(data: unknown): unknown }) => void write(message)
    const answering = () =>
      channel.filter((n) => {
        if (n % 2) void channel.publish(n + 1)
        return true
      })
    const followers = [
      await follow(channel, ndjson()),
      await follow(channel, ndjson(), { info: written }),
      await follow(answering, ndjson()),
      await follow(
        channel.map((n) => n),
        ndjson(),
        { info: written },
      ),
    ]
    await channel.publish(1)
    await settled()
    await channel.publish(3)
    for (const { client } of followers) await client.until('4\n')
    for (const { client } of followers) expect(client.body).to.equal('1\n2\n3\n4\n')
    const kept: unknown[] = []
    for await (const { data } of channel.replay('earliest')) kept.push(data)
    expect(kept).to.deep.equal([1, 2, 3, 4])
  })

  on.immediately('only who is there gets it: who comes later in the same turn does not', async () => {
    const channel = hub.channel<string>('a')
    const { site, client } = await follow(() => {
      void channel.publish('before')
      return channel
    }, ndjson())
    await channel.publish('after')
    await client.until('after')
    expect(client.body).to.equal('"after"\n')
    const late = site.get()
    await late.head()
    await channel.publish('last')
    await client.until('last')
    await late.until('last')
    expect(client.body).to.equal('"after"\n"before"\n"last"\n')
    expect(late.body).to.equal('"last"\n')
  })
})

describe('A backend that is away (docs/guide/channels.md)', () => {
  withHub()

  it('a rejection when the backend is away; the streams stay open, and the hub says down and up', async () => {
    const backend = asyncMemory()
    const told: string[] = []
    const away = createHub(backend)
      .on('down', () => told.push('down'))
      .on('up', () => told.push('up'))
    const channel = away.channel<string>('a', { history: 5 })
    const { client } = await follow(channel, ndjson())
    await turns()
    backend.lose()
    expect(await rejection(channel.publish('lost'))).to.include({ code: 'LARIAT_DOWN' })
    await turns()
    expect(client.message.isWhole).to.equal(false)
    backend.restore()
    await channel.publish('good')
    await client.until('good')
    expect(client.body).to.equal('"good"\n')
    expect(told).to.deep.equal(['down', 'up'])
  })

  it('a listener for `down` that throws is a warning, and the others are called', async () => {
    const backend = asyncMemory()
    const told: string[] = []
    createHub(backend)
      .on('up', () => {
        throw new Error('broken listener')
      })
      .on('down', () => told.push('down'))
    backend.lose()
    backend.restore()
    expect((await stage.now.warning()).message).to.contain('broken listener')
    expect(told).to.deep.equal(['down'])
  })
})

/** The formats, with data that each of them writes, and what it is on the wire, if nothing was before. */
const formats: Record<
  string,
  { format: () => Format; data: unknown; wire: (id: string) => string; opening?: string }
> = {
  'sse()': {
    format: sse,
    data: { n: 1 },
    wire: (id) => `event: tick\nid: ${id}\ndata: {"n":1}\n\n`,
    opening: ':\n',
  },
  'ndjson()': { format: ndjson, data: { n: 1 }, wire: () => '{"n":1}\n' },
  'ndjson({ envelope })': {
    format: enveloped,
    data: { n: 1 },
    wire: (id) => `{"id":"${id}","type":"tick","data":{"n":1}}\n`,
  },
  'jsonSeq()': { format: jsonSeq, data: { n: 1 }, wire: () => '\x1e{"n":1}\n' },
  'jsonSeq({ envelope })': {
    format: () => jsonSeq({ envelope: true }),
    data: { n: 1 },
    wire: (id) => `\x1e{"id":"${id}","type":"tick","data":{"n":1}}\n`,
  },
  'jsonArray()': { format: jsonArray, data: { n: 1 }, wire: () => '{"n":1}', opening: '[' },
  'jsonArray({ envelope })': {
    format: () => jsonArray({ envelope: true }),
    data: { n: 1 },
    wire: (id) => `{"id":"${id}","type":"tick","data":{"n":1}}`,
    opening: '[',
  },
  'text()': { format: text, data: 'n=1;', wire: () => 'n=1;' },
  'csv()': {
    format: () => csv({ columns: ['n'] }),
    data: { n: 1 },
    wire: () => '1\r\n',
    opening: 'n\r\n',
  },
  'raw()': { format: () => raw('audio/mpeg'), data: Buffer.from('bytes;'), wire: () => 'bytes;' },
  'multipart()': {
    format: () => multipart('application/json'),
    data: { n: 1 },
    wire: () => '\r\nContent-Type: application/json\r\n\r\n{"n":1}\r\n--',
  },
}

onEach('A channel as what is subscribed to (docs/guide/channels.md)', (on) => {
  withHub(on)

  const ways: Record<string, (channel: Channel<unknown>) => unknown> = {
    'as `subscribe`': (channel) => channel,
    'returned from one': (channel) => () => channel,
    'resolved by one': (channel) => async () => {
      await turns(2)
      return channel
    },
    'filtered, shared': (channel) => channel.filter(() => true),
    'filtered per request': (channel) => () => channel.filter(() => true),
    'filtered per request, resolved': (channel) => async () => channel.filter(() => true),
    'mapped, shared': (channel) => channel.map((data) => data),
    'mapped per request': (channel) => () => channel.map((data) => data),
    'filtered and mapped': (channel) => channel.filter(() => true).map((data) => data),
    'mapped and filtered, per request': (channel) => () => channel.map((data) => data).filter(() => true),
  }
  for (const [name, { format, data, wire, opening = '' }] of Object.entries(formats)) {
    for (const [way, subscribe] of Object.entries(ways)) {
      it(`${name}: ${way}, with and without info, each event reaches each stream`, async () => {
        const channel = hub.channel<unknown>('a')
        const made = format()
        const seen: Event[] = []
        const { site, client } = await follow(subscribe(channel), made)
        const second = site.get()
        await second.head()
        const { client: informed } = await follow(subscribe(channel), made, {
          info(message, { write }) {
            seen.push(message as Event)
            return write(message)
          },
        })
        const open = made.open?.toString() ?? opening
        const ids = [
          await channel.publish(data, { type: 'tick' }),
          await channel.publish(data, { type: 'tick' }),
        ]
        const parts = ids.map(wire)
        const separator = name.startsWith('jsonArray') ? ',' : ''
        const delimiter = name.startsWith('multipart') ? open.slice(2) : ''
        const expected = open + parts.map((part) => part + delimiter).join(separator)
        for (const each of [client, second, informed]) {
          await each.taken(each.raw.indexOf('\r\n\r\n') + 4 + expected.length)
          await turns()
          expect(each.body).to.equal(expected)
        }
        expect(seen.map(({ id, type }) => [id, type])).to.deep.equal(ids.map((id) => [id, 'tick']))
        expect(seen.map((each) => each.data)).to.deep.equal([data, data])
      })
    }
  }

  it('info gets Events, those of the channel and what was sent as it was sent; write keeps the id', async () => {
    const channel = hub.channel<unknown>('a')
    const kinds: unknown[] = []
    const { client } = await follow(
      ({ send }: { send(message: unknown): void }) => {
        send({ sent: true })
        return channel
      },
      enveloped(),
      {
        info(message, { write }) {
          kinds.push(message)
          write(message)
        },
      },
    )
    const id = await channel.publish({ published: true })
    await client.until('published')
    expect(records(client)).to.deep.equal([{ data: { sent: true } }, { id, data: { published: true } }])
    expect(kinds[0]).to.deep.equal({ sent: true })
    expect(kinds[1]).to.include({ id })
    expect((kinds[1] as Event).data).to.deep.equal({ published: true })
  })

  it('info ends the stream by stop(): complete, and what was published before is there', async () => {
    const channel = hub.channel<number>('a')
    const { client, reasons } = await follow(channel, jsonArray(), {
      info(message, { write }) {
        write(message)
        return (message as Event<number>).data === 2 ? stop() : undefined
      },
    })
    for (let n = 0; n < 5; n++) void channel.publish(n)
    expect((await client.whole()).body).to.equal('[0,1,2]')
    expect(reasons).to.deep.equal([{ kind: 'stop' }])
    expect(channel.subscribers).to.equal(0)
  })

  it('info is called one at a time and in order, however long it takes', async () => {
    const channel = hub.channel<number>('a')
    let running = 0
    const { client } = await follow(channel, ndjson(), {
      async info(message, { write }) {
        expect(++running).to.equal(1)
        await turns((message as Event<number>).data % 2 ? 1 : 3)
        write(message)
        running -= 1
      },
    })
    for (let n = 0; n < 6; n++) void channel.publish(n)
    await client.until('5\n')
    expect(client.body).to.equal('0\n1\n2\n3\n4\n5\n')
  })

  it('without an id asked for it begins with what comes, whatever is retained', async () => {
    const channel = hub.channel<string>('a', { history: 5 })
    await channel.publish('old')
    for (const info of [
      undefined,
      (message: unknown, { write }: { write(data: unknown): unknown }) => void write(message),
    ]) {
      const { client } = await follow(channel, ndjson(), info ? { info } : {})
      await channel.publish('new')
      await client.until('new')
      expect(client.body).to.equal('"new"\n')
    }
  })

  it('a channel that is subscribed to by many endpoints and formats is one', async () => {
    const channel = hub.channel<number>('a')
    const site = await stage.now.serve(
      resources({
        '/sse': { contentTypesProvided: [sse(), ndjson()], subscribe: channel },
        '/even': {
          contentTypesProvided: [ndjson()],
          subscribe: channel.filter((n) => n % 2 === 0),
        },
        '/text': { contentTypesProvided: [text()], subscribe: () => channel.map((n) => `${n};`) },
      }),
    )
    const clients = [
      site.get('/sse', { headers: { Accept: 'text/event-stream' } }),
      site.get('/sse', { headers: { Accept: 'application/x-ndjson' } }),
      site.get('/even'),
      site.get('/text'),
    ]
    for (const client of clients) expect((await client.head()).status).to.equal(200)
    expect(channel.subscribers).to.equal(4)
    const ids: string[] = []
    for (let n = 1; n < 5; n++) ids.push(await channel.publish(n))
    for (const client of clients) await client.until('4')
    const events = ids.map((id, at) => `id: ${id}\ndata: ${at + 1}\n\n`).join('')
    expect(clients.map(({ body }) => body)).to.deep.equal([
      `:\n${events}`,
      '1\n2\n3\n4\n',
      '2\n4\n',
      '1;2;3;4;',
    ])
  })

  it('HEAD does not subscribe', async () => {
    const channel = hub.channel('a')
    const joined: unknown[] = []
    channel.on('join', (stream) => joined.push(stream))
    const site = await stage.now.serve(loop({ format: ndjson(), subscribe: channel }))
    expect((await site.get('/', { method: 'HEAD' }).whole()).status).to.equal(200)
    expect(joined).to.deep.equal([])
  })

  it('HTTP/1.0 gets the same bytes', async () => {
    const channel = hub.channel<number>('a')
    const site = await stage.now.serve(loop({ format: ndjson(), subscribe: channel }))
    const client = site.get('/', { version: '1.0' })
    await client.head()
    await channel.publish(1)
    await channel.publish(2)
    await client.until('2\n')
    await hub.close()
    expect((await client.whole()).body).to.equal('1\n2\n')
  })

  it('behind something that has wrapped the response’s write, too', async () => {
    const channel = hub.channel<number>('a')
    const site = await stage.now.serve(loop({ format: ndjson(), subscribe: channel }), {
      before: [
        (_req, res, next) => {
          const write = res.write.bind(res) as (chunk: string | Buffer) => boolean
          res.write = ((chunk: string | Buffer) => write(chunk.toString().replaceAll('\n', '!\n'))) as never
          next()
        },
      ],
    })
    const client = site.get()
    await client.head()
    await channel.publish(1)
    await client.until('1!\n')
  })
})

onEach('send and write beside a channel (docs/guide/channels.md)', (on) => {
  withHub(on)

  on.immediately(
    'write: what was published before goes out before, and what is published after, after',
    async () => {
      const channel = hub.channel<string>('a')
      let write: (data: unknown) => unknown = () => {}
      const { client } = await follow((context: { write(data: unknown): unknown }) => {
        write = context.write
        return channel
      }, ndjson())
      void channel.publish('p1')
      write('w1')
      void channel.publish('p2')
      void channel.publish('p3')
      write('w2')
      void channel.publish('p4')
      await client.until('p4')
      expect(client.body).to.equal('"p1"\n"w1"\n"p2"\n"p3"\n"w2"\n"p4"\n')
    },
  )

  on.immediately(
    'send: the same, for one stream of a group, and the others get only what was published',
    async () => {
      const channel = hub.channel<string>('a')
      const sends: ((data: unknown) => void)[] = []
      const { site, client } = await follow((context: { send(data: unknown): void }) => {
        sends.push(context.send)
        return channel
      }, ndjson())
      const other = site.get()
      await other.head()
      void channel.publish('p1')
      sends[0]!('s1')
      void channel.publish('p2')
      sends[0]!('s2')
      sends[1]!('t1')
      void channel.publish('p3')
      await client.until('p3')
      await other.until('p3')
      expect(client.body).to.equal('"p1"\n"s1"\n"p2"\n"s2"\n"p3"\n')
      expect(other.body).to.equal('"p1"\n"p2"\n"t1"\n"p3"\n')
    },
  )

  on.immediately('with info, one mailbox for both: in the order in which they came', async () => {
    const channel = hub.channel<string>('a')
    let send: (data: unknown) => void = () => {}
    const { client } = await follow(
      (context: { send(data: unknown): void }) => {
        send = context.send
        return channel
      },
      ndjson(),
      {
        async info(message, { write }) {
          await turns(1)
          write(message)
        },
      },
    )
    void channel.publish('p1')
    send('s1')
    void channel.publish('p2')
    send('s2')
    await client.until('s2')
    expect(client.body).to.equal('"p1"\n"s1"\n"p2"\n"s2"\n')
  })

  it('what is written before the channel is returned comes first', async () => {
    const channel = hub.channel<string>('a')
    const { client } = await follow(
      ({ write, send }: { write(data: unknown): void; send(data: unknown): void }) => {
        write('w1')
        send('s1')
        return channel
      },
      ndjson(),
    )
    // its head went out with what it wrote, not once it listens
    await settled()
    await channel.publish('p1')
    await client.until('p1')
    expect(client.body).to.equal('"w1"\n"s1"\n"p1"\n')
  })

  on.immediately('what was published in the turn of a complete end is there before the tail', async () => {
    const channel = hub.channel<string>('a')
    let stream: OpenStream | undefined
    const { client, reasons } = await follow((context: { stream: OpenStream }) => {
      stream = context.stream
      return channel
    }, jsonArray())
    void channel.publish('p1')
    void channel.publish('p2')
    stream?.close()
    void channel.publish('p3')
    expect((await client.whole()).body).to.equal('["p1","p2"]')
    expect(reasons).to.deep.equal([{ kind: 'revoked' }])
  })
})

onEach('filter and map (docs/guide/channels.md)', (on) => {
  withHub(on)

  it('get data and the event; a filter keeps events as they are, a map keeps id and type', async () => {
    const channel = hub.channel<number>('a')
    const calls: unknown[] = []
    const feed = channel
      .filter((data, each) => {
        calls.push(['filter', data, each.id, each.type, each.data])
        return data > 1
      })
      .map((data, each) => {
        calls.push(['map', data, each.id, each.type, each.data])
        return { doubled: data * 2 }
      })
    const { client } = await follow(feed)
    const one = await channel.publish(1)
    const two = await channel.publish(2, { type: 'tick' })
    await client.until('doubled')
    expect(records(client)).to.deep.equal([{ id: two, type: 'tick', data: { doubled: 4 } }])
    expect(calls).to.deep.equal([
      ['filter', 1, one, undefined, 1],
      ['filter', 2, two, 'tick', 2],
      ['map', 2, two, 'tick', 2],
    ])
  })

  it('a map may give an event() with another type; the id stays the channel’s', async () => {
    const channel = hub.channel<number>('a')
    const { client } = await follow(channel.map((n) => event(n + 1, { type: 'more', id: 'forged' })))
    const id = await channel.publish(1, { type: 'tick' })
    await client.until('more')
    expect(records(client)).to.deep.equal([{ id, type: 'more', data: 2 }])
  })

  it('a map may take the type away: null', async () => {
    const channel = hub.channel<number>('a')
    const untyped = channel.map((n) => event(n + 1, { type: null })).map((n) => event(n))
    const { client } = await follow(untyped)
    const id = await channel.publish(1, { type: 'tick' })
    await client.until('2')
    expect(records(client)).to.deep.equal([{ id, data: 2 }])
  })

  it('falsy data, and what a filter answers beside true and false', async () => {
    const channel = hub.channel<unknown>('a')
    const { client } = await follow(
      channel.filter((data) => wrong(data === '' ? 1 : data === 0 ? 'yes' : data === null)),
    )
    for (const data of ['', 0, null, false]) await channel.publish(data)
    await channel.publish(null, { type: 'last' })
    await client.until('last')
    expect((records(client) as { data: unknown }[]).map(({ data }) => data)).to.deep.equal([
      '',
      0,
      null,
      null,
    ])
  })

  cases(
    'a filter and a map are functions',
    [undefined, null, 'text', {}, 5],
    (what) => `${String(what)} is no filter and no map`,
    (what) => {
      const channel = hub.channel('a')
      for (const method of ['filter', 'map'] as const) {
        expect(() => channel[method](wrong(what)))
          .to.throw(TypeError, `${method}(`)
          .that.includes({ code: 'LARIAT_SPEC' })
      }
    },
  )

  for (const method of ['filter', 'map'] as const) {
    for (const isShared of [true, false]) {
      it(`a ${method} that throws ends the streams of its feed alone, cut, reason error (${isShared ? 'shared' : 'per request'})`, async () => {
        const channel = hub.channel<number>('a')
        const broken = new Error('broken')
        const pick = (n: number) => {
          if (n === 2) throw broken
          return true
        }
        const made = method === 'filter' ? channel.filter(pick) : channel.map(pick)
        const victims = await follow(
          isShared ? made : () => (method === 'filter' ? channel.filter(pick) : channel.map(pick)),
        )
        const more = victims.site.get()
        await more.head()
        const { client: bystander } = await follow(channel, ndjson())
        const { client: sibling } = await follow(channel.filter(() => true))
        await channel.publish(1)
        await channel.publish(2)
        await channel.publish(3)
        for (const client of [victims.client, more]) {
          const message = await client.closed()
          expect(message.isWhole).to.equal(false)
          expect(message.body).to.contain(method === 'filter' ? '"data":1}' : '"data":true}')
          expect(message.body).not.to.contain('"data":2')
        }
        expect(victims.reasons).to.deep.equal([
          { kind: 'error', error: broken },
          { kind: 'error', error: broken },
        ])
        await bystander.until('3\n')
        await sibling.until('"data":3')
        expect(channel.subscribers).to.equal(2)
      })
    }
  }

  it('a map that makes what its format cannot write ends its streams, not the publish nor others', async () => {
    const channel = hub.channel<number>('a')
    const { client, reasons } = await follow(
      channel.map((n) => (n === 2 ? 2n : n)),
      ndjson(),
    )
    const { client: other } = await follow(channel, ndjson())
    for (const n of [1, 2, 3]) expect(await channel.publish(n)).to.be.a('string')
    expect((await client.closed()).isWhole).to.equal(false)
    expect(client.body).to.equal('1\n')
    expect(reasons[0]).to.have.property('error').that.is.instanceOf(TypeError)
    await other.until('3\n')
  })

  it('a filter that throws while a client resumes is an error as well', async () => {
    const channel = hub.channel<number>('a', { history: 9 })
    const [one] = [await channel.publish(1), await channel.publish(2)]
    const reasons: Reason[] = []
    const site = await stage.now.serve(
      loop({
        format: ndjson(),
        subscribe: channel.filter(() => {
          throw new Error('broken')
        }),
        terminate: (reason) => void reasons.push(reason),
      }),
    )
    const client = site.get(`/?lastEventId=${one}`)
    const message = await client.closed()
    expect([message.status, message.isWhole, message.body]).to.deep.equal([200, false, ''])
    expect(reasons.map(({ kind }) => kind)).to.deep.equal(['error'])
    expect(channel.subscribers).to.equal(0)
  })

  it('a shared feed is asked once for each event, however many stream it', async () => {
    const channel = hub.channel<number>('a')
    let calls = 0
    const { site, client } = await follow(
      channel.filter(() => {
        calls += 1
        return true
      }),
      ndjson(),
    )
    const others = [site.get(), site.get()]
    for (const each of others) await each.head()
    await channel.publish(1)
    for (const each of [client, ...others]) await each.until('1\n')
    expect(calls).to.equal(1)
  })

  it('an event is encoded once for each format, for the channel and all its filters (encode once)', async () => {
    const channel = hub.channel<number>('a')
    const counts = { one: 0, other: 0 }
    const counting = (name: 'one' | 'other') =>
      ndjson({
        serialize(data) {
          counts[name] += 1
          return JSON.stringify(data)
        },
      })
    const [one, other] = [counting('one'), counting('other')]
    const clients: Client[] = []
    for (const format of [one, other]) {
      for (const subscribe of [
        channel,
        () => channel,
        channel.filter(() => true),
        () => channel.filter(() => true),
      ]) {
        clients.push((await follow(subscribe, format)).client)
      }
    }
    clients.push((await follow(channel, one, { info: (message, { write }) => void write(message) })).client)
    await channel.publish(7)
    for (const client of clients) await client.until('7\n')
    // beside a store one with `info` is alone
    expect(counts).to.deep.equal({ one: on === memory ? 1 : 2, other: 1 })
  })
})

onEach('replay() (docs/guide/channels.md)', (on) => {
  withHub(on)

  const all = async (feed: AsyncIterable<Event>) => {
    const events: Event[] = []
    for await (const each of feed) events.push(each)
    return events
  }
  it('what is retained after an id, as Events; of a part its part', async () => {
    const channel = hub.channel<number>('a', { history: 3 })
    const ids: string[] = []
    for (let n = 1; n <= 5; n++) ids.push(await channel.publish(n, { type: 'tick' }))
    const kept = await all(channel.replay(ids[2]!))
    expect(kept.map(({ id, type, data }) => [id, type, data])).to.deep.equal([
      [ids[3], 'tick', 4],
      [ids[4], 'tick', 5],
    ])
    const seen = async (after: string) =>
      (await all(channel.replay(after))).map(({ id, type, data }) => (type === 'gap' ? [id, data] : data))
    expect(await seen('earliest')).to.deep.equal([3, 4, 5])
    for (const [requested, reason] of [
      [ids[0]!, 'trimmed'],
      ['of-yesterday', 'unknown'],
    ] as const) {
      const gap = [ids[1], { requested, from: ids[2], reason }]
      expect(await seen(requested)).to.deep.equal([gap, 3, 4, 5])
    }
    const part = channel.filter((n) => n !== 4).map((n) => n * 10)
    expect((await all(part.replay('earliest'))).map(({ id, data }) => [id, data])).to.deep.equal([
      [ids[2], 30],
      [ids[4], 50],
    ])
  })

  it('counts as no subscriber, and can be left', async () => {
    const channel = hub.channel<number>('a', { history: 5 })
    for (const n of [1, 2, 3]) await channel.publish(n)
    for await (const { data } of channel.replay('earliest')) {
      expect(data).to.equal(1)
      expect(channel.subscribers).to.equal(0)
      break
    }
  })

  it('without history there is nothing', async () => {
    const channel = hub.channel<number>('a')
    await channel.publish(1)
    expect(await all(channel.replay('earliest'))).to.deep.equal([])
  })

  it('of what is no id is a TypeError', async () => {
    for (const id of [undefined, null, 5, {}]) {
      expect(await rejection(all(hub.channel('a').replay(wrong(id))))).to.be.instanceOf(TypeError)
    }
  })

  it('can be a source: what is retained, and then the end', async () => {
    const channel = hub.channel<number>('a', { history: 5 })
    for (const n of [1, 2]) await channel.publish(n)
    const { client, reasons } = await follow(() => channel.replay('earliest'), jsonArray())
    expect((await client.whole()).body).to.equal('[1,2]')
    expect(reasons).to.deep.equal([{ kind: 'end' }])
  })
})

onEach('subscribers, join and leave (docs/guide/channels.md)', (on) => {
  withHub(on)

  const ways: Record<string, (channel: Channel<number>) => unknown> = {
    'shared by a group': (channel) => channel,
    filtered: (channel) => channel.filter(() => true),
    'filtered and mapped, per request': (channel) => () => channel.filter(() => true).map((n) => n),
    resolved: (channel) => async () => channel,
  }
  for (const [way, subscribe] of Object.entries(ways)) {
    for (const hasInfo of [false, true]) {
      it(`${way}${hasInfo ? ', with info' : ''}: each stream joins once and leaves once, as the OpenStream that it is`, async () => {
        const channel = hub.channel<number>('a')
        const log = new Log()
        const streams: Record<string, OpenStream[]> = { join: [], leave: [] }
        for (const name of ['join', 'leave'] as const) {
          channel.on(name, (stream) => {
            streams[name]!.push(stream)
            log.add(`${name} of ${channel.subscribers}`)
          })
        }
        const { site, client } = await follow(subscribe(channel), ndjson(), {
          ...(hasInfo && {
            info: (message: unknown, { write }: { write(data: unknown): unknown }) => void write(message),
          }),
        })
        const other = site.get('/there?q=1')
        await other.head()
        await turns()
        expect(channel.subscribers).to.equal(2)
        await channel.publish(1)
        await client.until('1\n')
        await other.until('1\n')
        client.leave()
        await log.until(log.entries.find((entry) => entry.startsWith('leave')) ?? 'leave of 1')
        expect(channel.subscribers).to.equal(1)
        other.leave()
        await counts(channel, 0)
        await turns()
        expect(streams.join).to.have.length(2)
        expect(streams.leave).to.deep.equal(streams.join)
        const [first, second] = streams.join as [OpenStream, OpenStream]
        expect(first).not.to.equal(second)
        expect(second).to.include({
          path: '/there',
          sent: 1,
          client: '127.0.0.1',
          format: 'application/x-ndjson',
        })
      })
    }
  }

  it('with a resume: one join, one leave, and never more than one subscriber', async () => {
    const channel = hub.channel<number>('a', { history: 9 })
    const [one] = [await channel.publish(1), await channel.publish(2)]
    const log = new Log()
    channel.on('join', () => log.add('join')).on('leave', () => log.add('leave'))
    const site = await stage.now.serve(loop({ format: ndjson(), subscribe: channel }))
    const client = site.get(`/?lastEventId=${one}`)
    await client.until('2\n')
    await channel.publish(3)
    await client.until('3\n')
    expect(channel.subscribers).to.equal(1)
    client.leave()
    await log.until('leave')
    await turns()
    expect(log.entries).to.deep.equal(['join', 'leave'])
    expect(channel.subscribers).to.equal(0)
  })

  it('a listener that throws is a warning, and the stream goes on', async () => {
    const channel = hub.channel<number>('a')
    channel.on('join', () => {
      throw new Error('broken listener')
    })
    const { client } = await follow(channel, ndjson())
    expect((await stage.now.warning()).message).to.contain('broken listener')
    await channel.publish(1)
    await client.until('1\n')
  })

  it('a listener may publish, and close the stream that joined', async () => {
    const channel = hub.channel<string>('a')
    channel.on('join', (stream) => {
      void channel.publish('somebody is here')
      if (stream.path === '/banned') stream.close()
    })
    const { site, client, reasons } = await follow(channel, ndjson())
    const banned = site.get('/banned')
    await banned.whole()
    await client.until('somebody')
    expect(reasons).to.deep.equal([{ kind: 'revoked' }])
    await counts(channel, 1)
  })

  for (const [way, feed] of Object.entries({
    'a channel': (channel: Channel<string>) => channel,
    'a merged feed': (channel: Channel<string>) => merge(channel, hub.channel('b')),
  })) {
    it(`${way}: the place that a client is told is behind what its own join has published`, async () => {
      const channel = hub.channel<string>('a', { history: 10 })
      channel.on('join', () => void channel.publish('somebody is here'))
      const { client } = await follow(feed(channel), sse())
      await client.until('event: position')
      const id = await channel.publish('later')
      await client.until('later')
      const place = (await client.head()).headers['last-event-id'] as string
      expect(place.startsWith('a=') ? place.split(/[=&]/)[1] : place).to.equal(id.replace(/-2$/, '-1'))
    })
  }

  it('a name that is neither is a TypeError', () => {
    expect(() => hub.channel('a').on(wrong('joined'), () => {})).to.throw(TypeError, "'join' or 'leave'")
  })

  it('all that come and go leave nothing: 200 of them', async () => {
    const channel = hub.channel<number>('a', { history: 5 })
    const part = channel.filter(() => true)
    const site = await stage.now.serve(
      resources({
        '/a': { contentTypesProvided: [ndjson()], subscribe: channel },
        '/b': { contentTypesProvided: [ndjson()], subscribe: part },
        '/c': { contentTypesProvided: [ndjson()], subscribe: () => channel.map((n) => n) },
      }),
    )
    for (let round = 0; round < 50; round++) {
      const clients = ['/a', '/b', '/c', '/a?lastEventId=earliest'].map((path) => site.get(path))
      for (const client of clients) {
        if (round % 2) await client.head()
        client.leave()
      }
      for (const client of clients) await client.ended
    }
    await counts(channel, 0)
    expect(part.subscribers).to.equal(0)
  })
})

onEach('for await (docs/guide/channels.md)', (on) => {
  withHub(on)

  it('gives Events from then on, until it is left', async () => {
    const channel = hub.channel<number>('a', { history: 5 })
    await channel.publish(0)
    const seen: Event[] = []
    const reading = (async () => {
      for await (const each of channel) {
        seen.push(each)
        if (each.data === 3) break
      }
    })()
    expect(channel.subscribers).to.equal(1)
    await settled()
    const ids: string[] = []
    for (const n of [1, 2, 3, 4]) ids.push(await channel.publish(n, { type: 'tick' }))
    await reading
    expect(seen.map(({ id, type, data }) => [id, type, data])).to.deep.equal(
      [1, 2, 3].map((n) => [ids[n - 1], 'tick', n]),
    )
    expect(channel.subscribers).to.equal(0)
  })

  it('of a part gives its part, and may be as slow as it likes', async () => {
    const channel = hub.channel<number>('a')
    const seen: number[] = []
    const reading = (async () => {
      for await (const { data } of channel.filter((n) => n % 2 === 0).map((n) => n * 10)) {
        await turns(2)
        seen.push(data)
        if (data === 80) break
      }
    })()
    await settled()
    for (let n = 1; n <= 8; n++) void channel.publish(n)
    await reading
    expect(seen).to.deep.equal([20, 40, 60, 80])
  })

  it('ends with hub.close(), after what had come', async () => {
    const channel = hub.channel<number>('a')
    const seen: number[] = []
    const reading = (async () => {
      for await (const { data } of channel) seen.push(data)
    })()
    await settled()
    void channel.publish(1)
    void channel.publish(2)
    await settled()
    await hub.close()
    await reading
    expect(seen).to.deep.equal([1, 2])
    for await (const _ of channel) throw new Error('nothing comes from a hub that is closed')
  })

  it('`return` ends it while it waits, and again does nothing', async () => {
    const channel = hub.channel<number>('a')
    const iterator = channel[Symbol.asyncIterator]()
    const waiting = [iterator.next(), iterator.next(), iterator.next()]
    await settled()
    await channel.publish(1)
    expect((await waiting[0])!.value).to.include({ data: 1 })
    expect(await iterator.return!()).to.deep.equal({ done: true, value: undefined })
    for (const each of waiting.slice(1)) expect(await each).to.deep.equal({ done: true, value: undefined })
    expect(await iterator.next()).to.deep.equal({ done: true, value: undefined })
    await iterator.return!()
    expect(channel.subscribers).to.equal(0)
  })

  it('`return` drops what waits', async () => {
    const channel = hub.channel<number>('a')
    const iterator = channel[Symbol.asyncIterator]()
    const first = iterator.next()
    await settled()
    for (const n of [1, 2, 3]) await channel.publish(n)
    expect((await first).value).to.include({ data: 1 })
    await iterator.return!()
    expect(await iterator.next()).to.deep.equal({ done: true, value: undefined })
  })

  it('one that is left before its first `next` has never subscribed', async () => {
    const channel = hub.channel<number>('a')
    const iterator = channel[Symbol.asyncIterator]()
    expect(channel.subscribers).to.equal(0)
    await iterator.return!()
    expect(await iterator.next()).to.deep.equal({ done: true, value: undefined })
    expect(channel.subscribers).to.equal(0)
  })

  it('throws what a source died of, or a filter threw', async () => {
    const broken = new Error('broken')
    const dying = hub.channel<number>('dying', { source: () => Promise.reject(broken) })
    expect(await rejection(dying[Symbol.asyncIterator]().next())).to.include({
      code: 'LARIAT_DOWN',
      cause: broken,
    })
    const channel = hub.channel<number>('a')
    const next = channel
      .filter(() => {
        throw broken
      })
      [Symbol.asyncIterator]()
      .next()
    next.catch(() => {})
    await settled()
    const [error] = await Promise.all([rejection(next), channel.publish(1)])
    expect(error).to.equal(broken)
    expect(channel.subscribers).to.equal(0)
  })

  it('one that falls 10 000 events behind throws, and the others go on', async () => {
    const channel = hub.channel<number>('a')
    const slow = channel[Symbol.asyncIterator]()
    const first = slow.next()
    await settled()
    await Promise.all(Array.from({ length: 10_002 }, (_, n) => channel.publish(n)))
    await first
    await settled()
    let count = 0
    const error = await rejection(
      (async () => {
        for (;;) {
          if ((await slow.next()).done) return
          count += 1
        }
      })(),
    )
    expect(error).to.include({ code: 'LARIAT_OVERFLOW' })
    expect(count).to.be.at.least(10_000)
    expect(channel.subscribers).to.equal(0)
  })
})

onEach('Lazy sources (docs/guide/channels.md)', (on) => {
  withHub(on)

  /** A channel whose source says when it is started and stopped. */
  function lazy(linger?: number) {
    const log = new Log()
    const channel = hub.channel<number>('lazy', {
      ...(linger !== undefined && { linger }),
      source(given) {
        expect(given).to.equal(channel)
        log.add('start')
        return () => log.add('stop')
      },
    })
    return { log, channel }
  }

  it('the first subscriber starts it, the last one stops it', async () => {
    const { log, channel } = lazy()
    await channel.publish(0)
    expect(log.entries).to.deep.equal([])
    const { site, client } = await follow(channel, ndjson())
    const other = site.get()
    await other.head()
    expect(log.entries).to.deep.equal(['start'])
    client.leave()
    await counts(channel, 1)
    expect(log.entries).to.deep.equal(['start'])
    other.leave()
    await log.until('stop')
    const again = site.get()
    await again.head()
    expect(log.entries).to.deep.equal(['start', 'stop', 'start'])
  })

  it('an iteration, a part, and a stream with info are subscribers too', async () => {
    const { log, channel } = lazy()
    const iterator = channel.filter(() => true)[Symbol.asyncIterator]()
    void iterator.next()
    await settled()
    expect(log.entries).to.deep.equal(['start'])
    const { client } = await follow(channel, ndjson(), { info: () => {} })
    await iterator.return!()
    await turns()
    expect(log.entries).to.deep.equal(['start'])
    client.leave()
    await log.until('stop')
  })

  it('`linger`: it goes on for so long without a subscriber', async () => {
    const { log, channel } = lazy(1000)
    const { site, client } = await follow(channel, ndjson())
    client.leave()
    await counts(channel, 0)
    stage.now.time.advance(999)
    expect(log.entries).to.deep.equal(['start'])
    stage.now.time.advance(1)
    expect(log.entries).to.deep.equal(['start', 'stop'])
    const second = site.get()
    await second.head()
    second.leave()
    await counts(channel, 0)
    stage.now.time.advance(500)
    const third = site.get()
    await third.head()
    stage.now.time.advance(5000)
    expect(log.entries).to.deep.equal(['start', 'stop', 'start'])
    third.leave()
    await counts(channel, 0)
    stage.now.time.advance(999)
    expect(log.count('stop')).to.equal(1)
    stage.now.time.advance(1)
    expect(log.count('stop')).to.equal(2)
  })

  it('hub.close() stops it at once, lingering or not', async () => {
    const { log, channel } = lazy(1000)
    const { client } = await follow(channel, ndjson())
    client.leave()
    await counts(channel, 0)
    await hub.close()
    expect(log.entries).to.deep.equal(['start', 'stop'])
  })

  it('the first subscriber gets what the source publishes as it starts', async () => {
    const channel = hub.channel<string>('a', {
      source(given) {
        void given.publish('at once')
      },
    })
    const { client } = await follow(channel, ndjson())
    await channel.publish('later')
    await client.until('later')
    expect(client.body).to.equal('"at once"\n"later"\n')
  })

  it('asynchronous: nobody waits for it, and it is stopped once it has started if all have left', async () => {
    const log = new Log()
    let started = (_stop: () => void) => {}
    const channel = hub.channel<number>('a', {
      source() {
        log.add('start')
        return new Promise<() => void>((resolve) => {
          started = resolve
        })
      },
    })
    const { client } = await follow(channel, ndjson())
    await channel.publish(1)
    await client.until('1\n')
    client.leave()
    await counts(channel, 0)
    expect(log.entries).to.deep.equal(['start'])
    started(() => log.add('stop'))
    await log.until('stop')
    await turns()
    expect(log.entries).to.deep.equal(['start', 'stop'])
  })

  it('asynchronous: who comes back while it starts gets a source of its own, and each is stopped once', async () => {
    const log = new Log()
    const starts: ((stop: () => void) => void)[] = []
    const channel = hub.channel<number>('a', {
      source: () => new Promise<() => void>((resolve) => starts.push(resolve)),
    })
    const { site, client } = await follow(channel, ndjson())
    client.leave()
    await counts(channel, 0)
    const again = site.get()
    await again.head()
    expect(starts).to.have.length(2)
    starts[0]!(() => log.add('stop 0'))
    starts[1]!(() => log.add('stop 1'))
    await log.until('stop 0')
    await turns()
    expect(log.entries).to.deep.equal(['stop 0'])
    again.leave()
    await log.until('stop 1')
  })

  const deaths: Record<string, (error: Error) => () => unknown> = {
    throws: (error) => () => {
      throw error
    },
    rejects: (error) => () => Promise.reject(error),
    'returns what is no function': () => () => 5,
  }
  for (const [how, source] of Object.entries(deaths)) {
    it(`one that ${how} before the head: 503`, async () => {
      const broken = new Error('broken')
      const channel = hub.channel<number>('a', { source: source(broken) as () => undefined })
      const site = await stage.now.serve(
        loop({
          format: ndjson(),
          subscribe({ monitor }) {
            // what is watched is asked first whether it is alive, and the channel is followed meanwhile
            monitor(new Promise(() => {}))
            return channel
          },
        }),
      )
      expect((await site.get().whole()).status).to.equal(503)
      expect(channel.subscribers).to.equal(0)
    })

    it(`one that ${how} ends the streams of its channel and of its parts with \`down\`: it has failed, and they are cut`, async () => {
      const broken = new Error('broken')
      let die = () => {}
      const channel = hub.channel<number>('a', {
        source: () =>
          new Promise<undefined>((resolve, reject) => {
            die = () => {
              try {
                resolve(source(broken)() as undefined)
              } catch (error) {
                reject(error)
              }
            }
          }),
      })
      const shared = await follow(channel, jsonArray())
      const part = await follow(() => channel.filter(() => true), jsonArray())
      const informed = await follow(channel, jsonArray(), {
        info: (message, { write }) => void write(message),
      })
      await channel.publish(1)
      for (const { client } of [shared, part, informed]) await client.until('1')
      die()
      for (const { client, reasons } of [shared, part, informed]) {
        expect(await client.closed()).to.include({ body: '[1', isWhole: false })
        expect(reasons).to.have.length(1)
        expect(reasons[0]).to.include({ kind: 'down' })
        expect(reasons[0]!.error).to.include({ code: 'LARIAT_DOWN' })
      }
      expect(channel.subscribers).to.equal(0)
    })
  }

  it('one that throws at once: 503 for the first subscriber, a problem without the reason', async () => {
    const channel = hub.channel<number>('a', {
      source() {
        throw new Error('secret reason')
      },
    })
    const terminated: Reason[] = []
    const site = await stage.now.serve(
      loop({
        format: ndjson(),
        subscribe: channel,
        terminate: (reason) => void terminated.push(reason),
      }),
    )
    const message = await site.get().whole()
    expect(message.status).to.equal(503)
    expect(message.headers['content-type']).to.match(/^application\/problem\+json/)
    expect(message.body).not.to.contain('secret')
    expect(terminated).to.have.length(1)
    expect(terminated[0]).to.include({ kind: 'down' })
  })

  for (const linger of [0, 1000]) {
    it(`after its death the next subscriber starts it again, whatever its linger (${linger} ms)`, async () => {
      let starts = 0
      const channel = hub.channel<number>('a', {
        linger,
        source() {
          if (++starts === 1) throw new Error('broken')
        },
      })
      const site = await stage.now.serve(loop({ format: ndjson(), subscribe: channel }))
      expect((await site.get().whole()).status).to.equal(503)
      const client = site.get()
      expect((await client.head()).status).to.equal(200)
      await channel.publish(1)
      await client.until('1\n')
      expect(starts).to.equal(2)
      client.leave()
      await counts(channel, 0)
      stage.now.time.advance(linger)
    })
  }

  for (const [how, end] of Object.entries({
    throws: () => {
      throw new Error('broken stop')
    },
    rejects: () => Promise.reject(new Error('broken stop')),
  })) {
    it(`a stop that ${how} is a warning`, async () => {
      const channel = hub.channel<number>('a', { source: () => end })
      const { client } = await follow(channel, ndjson())
      client.leave()
      await counts(channel, 0)
      expect((await stage.now.warning()).message).to.contain('broken stop')
    })
  }

  it('one that rejects after it was stopped is a warning, and ends nobody', async () => {
    const fails: ((error: Error) => void)[] = []
    const channel = hub.channel<number>('a', {
      source: () => new Promise<undefined>((_, reject) => fails.push(reject)),
    })
    const { site, client } = await follow(channel, ndjson())
    client.leave()
    await counts(channel, 0)
    const again = site.get()
    await again.head()
    fails[0]!(new Error('late failure'))
    expect((await stage.now.warning()).message).to.contain('late failure')
    await channel.publish(1)
    await again.until('1\n')
  })
})

onEach('hub.close() (docs/guide/channels.md)', (on) => {
  withHub(on)

  it('ends all streams with `down`, complete, after what was published', async () => {
    const channels = [hub.channel<number>('a'), hub.channel<number>('b')]
    const followers = [
      await follow(channels[0], jsonArray()),
      await follow(() => channels[0]!.filter(() => true), jsonArray()),
      await follow(channels[1], jsonArray()),
      await follow(channels[1], jsonArray(), { info: (message, { write }) => void write(message) }),
    ]
    for (const channel of channels) void channel.publish(1)
    await settled()
    await hub.close()
    for (const { client, reasons } of followers) {
      expect((await client.whole()).body).to.equal('[1]')
      expect(reasons).to.deep.equal([{ kind: 'down' }])
    }
    expect(channels.map(({ subscribers }) => subscribers)).to.deep.equal([0, 0])
  })

  it('after it publish rejects, a request is a 503, and no channel is made', async () => {
    const channel = hub.channel<number>('a', { history: 5 })
    const { site, client } = await follow(channel, ndjson())
    await hub.close()
    await client.whole()
    const error = await rejection(channel.publish(1))
    expect(error).to.include({ code: 'LARIAT_DOWN', name: 'LariatError' })
    for (const path of ['/', '/?lastEventId=earliest', '/?lastEventId=x']) {
      const message = await site.get(path).whole()
      expect(message.status, path).to.equal(503)
      expect(message.headers['content-type']).to.match(/^application\/problem\+json/)
    }
    expect(hub.channel('a')).to.equal(channel)
    expect(() => hub.channel('b')).to.throw('closed')
  })

  on.immediately('twice is once, and closes the backend once', async () => {
    let closes = 0
    const backend = asyncMemory()
    backend.close = async () => {
      closes += 1
    }
    const closing = createHub(backend)
    await Promise.all([closing.close(), closing.close()])
    await closing.close()
    expect(closes).to.equal(1)
  })
})

describe('A channel of a store that takes its time (docs/guide/channels.md)', () => {
  withHub()

  const open = async (channel: Channel<number>) =>
    stage.now.serve(loop({ format: ndjson(), subscribe: channel }))

  it('the head goes out once the store listens: what is published after it comes', async () => {
    const backend = asyncMemory()
    const channel = createHub(backend).channel<number>('a', { history: 5 })
    const site = await open(channel)
    backend.hold('listen')
    const client = site.get()
    await backend.held('listen')
    await turns()
    expect(client.size).to.equal(0)
    backend.release('listen')
    await client.head()
    await channel.publish(1)
    await client.until('1\n')
  })

  it('who leaves before the store listens leaves nothing', async () => {
    const backend = asyncMemory()
    const channel = createHub(backend).channel<number>('a', { history: 5 })
    const site = await open(channel)
    backend.hold('listen')
    const client = site.get()
    await backend.held('listen')
    client.leave()
    await counts(channel, 0)
    const again = site.get()
    await counts(channel, 1)
    backend.release('listen')
    await again.head()
    await turns()
    await channel.publish(1)
    await again.until('1\n')
    await turns()
    expect(again.body).to.equal('1\n')
  })

  it('who comes back while the store stops listening gets each event once', async () => {
    const backend = asyncMemory()
    const channel = createHub(backend).channel<number>('a', { history: 5 })
    const site = await open(channel)
    const client = site.get()
    await client.head()
    await turns()
    backend.hold('listen')
    client.leave()
    await counts(channel, 0)
    const clients = [site.get(), site.get()]
    await counts(channel, 2)
    backend.release('listen')
    for (const each of clients) await each.head()
    for (const n of [1, 2, 3]) await channel.publish(n)
    for (const each of clients) await each.until('3\n')
    for (const each of clients) expect(each.body).to.equal('1\n2\n3\n')
  })

  it('a store that cannot listen: 503 before the head', async () => {
    const backend = asyncMemory()
    const channel = createHub(backend).channel<number>('a', { history: 5 })
    const site = await open(channel)
    backend.lose()
    for (const path of ['/', '/?lastEventId=earliest']) {
      expect((await site.get(path).whole()).status, path).to.equal(503)
    }
    expect(channel.subscribers).to.equal(0)
    backend.restore()
    const client = site.get()
    expect((await client.head()).status).to.equal(200)
  })

  it('what was published while it was away elsewhere is delivered, also to parts and info', async () => {
    const backend = asyncMemory()
    const other = createHub(backend.another()).channel<number>('a', { history: 5 })
    const channel = createHub(backend).channel<number>('a', { history: 5 })
    const followers = [
      await follow(channel, ndjson()),
      await follow(() => channel.filter(() => true), ndjson()),
      await follow(channel, ndjson(), { info: (message, { write }) => void write(message) }),
    ]
    await turns()
    await channel.publish(1)
    for (const { client } of followers) await client.until('1\n')
    backend.lose()
    for (const n of [2, 3]) await other.publish(n)
    backend.restore()
    await other.publish(4)
    for (const { client } of followers) await client.until('4\n')
    for (const { client } of followers) expect(client.body).to.equal('1\n2\n3\n4\n')
  })

  it('what came in the same turn as a loss is before its gap', async () => {
    const backend = asyncMemory()
    const other = createHub(backend.another()).channel<number>('a', { history: 1 })
    const channel = createHub(backend).channel<number>('a', { history: 1 })
    const { client } = await follow(channel)
    await turns()
    const before = await channel.publish(1)
    for (let tick = 0; tick < 20; tick++) await undefined
    backend.lose()
    const lost = await other.publish(2)
    const after = await other.publish(3)
    backend.restore()
    await client.until('"data":3')
    expect(records(client)).to.deep.equal([
      { id: before, data: 1 },
      { notice: 'gap', id: lost, requested: before, from: after, reason: 'trimmed' },
      { id: after, data: 3 },
    ])
  })

  it('what is not retained after a loss is told in-band, before what comes, to every stream', async () => {
    const backend = asyncMemory()
    const options = { history: 2 }
    const other = createHub(backend.another()).channel<number>('a', options)
    const channel = createHub(backend).channel<number>('a', options)
    const followers = [
      await follow(channel),
      await follow(() => channel.filter(() => true)),
      await follow(channel, enveloped(), { info: (message, { write }) => void write(message) }),
    ]
    const gaps: unknown[] = []
    const replaced = await follow(channel, enveloped(), {
      onGap: (gap, { write }) => {
        gaps.push(gap)
        write('told')
      },
    })
    await turns()
    const before = await channel.publish(1)
    for (const { client } of [...followers, replaced]) await client.until('"data":1')
    backend.lose()
    const ids: string[] = []
    for (const n of [2, 3, 4]) ids.push(await other.publish(n))
    backend.restore()
    const gap = { requested: before, from: ids[1], reason: 'trimmed', id: ids[0] }
    for (const { client } of [...followers, replaced]) await client.until('"data":4')
    for (const { client } of followers) {
      expect(records(client).slice(1)).to.deep.equal([
        { notice: 'gap', ...gap },
        { id: ids[1], data: 3 },
        { id: ids[2], data: 4 },
      ])
    }
    expect(gaps).to.deep.equal([gap])
    expect(records(replaced.client).slice(1)).to.deep.equal([
      { data: 'told' },
      { id: ids[1], data: 3 },
      { id: ids[2], data: 4 },
    ])
  })
})
