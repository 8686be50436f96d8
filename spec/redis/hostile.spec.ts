import { expect } from 'chai'
import { keysOf } from '../../lib/redis/place.js'
import { failure } from '../../lib/testing/backends/expecting.js'
import { accept, publish, read } from '../../lib/testing/backends/logs.js'
import { needs } from '../support/installed.js'
import { Processes } from '../support/redis/processes.js'
import { RedisServer } from '../support/redis/server.js'
import { until } from '../support/redis/until.js'

const names = [
  ...[
    '{}',
    '{',
    '}',
    '{a}b}',
    '{a}',
    'a',
    'a}b',
    '{{a}}',
    'a:meta',
    'a:log',
    ':',
    ' ',
    '  ',
    '\0',
    '\r\n',
    '*',
    '?',
  ],
  ...['%', '%25', '%7B%7D', '%ud800', '\ud800', '\udc00', '\ud800\ud800', '😀', 'é', 'e\u0301', '__proto__'],
  ...['constructor', 'x'.repeat(10_000), '😀'.repeat(2500), '-1', '$', '\u2028', '\ufffd'],
]

describe('Hostile names, ids, keys and data on Redis', () => {
  needs('redis-server')
  const server = new RedisServer()
  before(() => server.start())
  after(() => server.close())
  const processes = new Processes(server)

  it('names: each is a channel of its own, in one slot of a cluster, for all processes', async () => {
    const [here, there] = [await processes.start(), await processes.start()]
    const listeners = await Promise.all(names.map((name) => processes.listen(there.log(name))))
    const ids = await Promise.all(names.map((name) => here.log(name).publish(name, {}, accept)))
    await until('all have come', () => listeners.every(({ items }) => items.length > 0))
    for (const [at, name] of names.entries()) {
      expect(listeners[at]!.ids, name.slice(0, 20)).to.deep.equal([ids[at]])
      expect(listeners[at]!.data).to.deep.equal([name])
      expect((await read(there.log(name), 'earliest')).ids).to.deep.equal([ids[at]])
    }
    const tags = names.map((name) => {
      const { meta, log } = keysOf('any:', name)
      const [tag, other] = [meta, log].map((key) => /\{(.*?)\}/.exec(key)?.[1])
      expect(tag).to.equal(other).and.not.to.equal('')
      return tag
    })
    expect(new Set(tags).size).to.equal(names.length)
  })

  it('ids: of another channel, another store, or made by hand: unknown, and nothing is thrown', async () => {
    const [here, elsewhere] = [await processes.start(), await processes.start({ prefix: 'elsewhere:' })]
    const log = here.log('c')
    const ids = await publish(log, 1, 2, 3)
    const [epoch, ms] = ids[1]!.split('-') as [string, string, string]
    const later = (Number.parseInt(ms, 36) + 1).toString(36)
    const strangers = [
      ...(await publish(here.log('d'), 1, 2)),
      ...(await publish(elsewhere.log('c'), 1, 2)),
      ...[`${epoch}-${later}-2`, `${epoch}-0-2`, `${epoch}-${ms}-4`, `${epoch}-${ms}-999999999999999`],
      ...[`${epoch}-0-1`, `${epoch}-${ms}-0`, `${epoch}-${ms}--1`, `${epoch}-${ms}-1e0`, `${epoch}-${ms}-02`],
      ...[
        `${epoch}-${ms}-${'9'.repeat(18)}`,
        `${epoch}-${'z'.repeat(10)}-2`,
        `${epoch}-${'z'.repeat(400)}-2`,
      ],
      ...[
        `${epoch}-${ms.toUpperCase()}-2 `,
        ` ${ids[1]}`,
        `${ids[1]}\n`,
        `${ids[1]}\0`,
        `${ids[1]}-`,
        `${epoch}-${ms}-２`,
      ],
      ...[
        '',
        '-',
        '--',
        '0-0',
        '$',
        '>',
        '+',
        '*',
        'x'.repeat(10_000),
        '-'.repeat(10_000),
        '\0',
        '😀',
        '\ud800',
        '{}',
      ],
      ...[
        'NaN',
        'Infinity',
        'undefined',
        '__proto__',
        `${epoch}`,
        `${epoch}-`,
        `${epoch}-${ms}`,
        '0000000000-0-0',
      ],
    ]
    for (const id of strangers) {
      expect(await read(log, id), id.slice(0, 60)).to.deep.equal({ outcome: 'unknown', from: ids[0], ids })
      expect(log.compare(id, ids[0]!)).to.be.a('number')
      expect(log.compare(ids[0]!, id)).to.be.a('number')
    }
    // the place before all
    expect((await read(log, `${epoch}-0-0`)).outcome).to.equal('found')
    for (const amount of [0, 1e9, Number.MAX_SAFE_INTEGER, Number.MAX_VALUE, Infinity])
      expect((await read(log, { last: amount })).ids).to.deep.equal(amount === 0 ? [] : ids)
    for (const since of [-1, 0, 0.5, 1e12])
      expect((await read(log, { since })).ids, `${since}`).to.deep.equal(ids)
    for (const since of [1e15, Number.MAX_VALUE, Infinity])
      expect((await read(log, { since })).ids, `${since}`).to.deep.equal([])
  })

  it('data: what JSON can hold, and bytes, come as they were; a type may be any text', async () => {
    const [here, there] = [await processes.start(), await processes.start()]
    const listener = await processes.listen(there.log('c'))
    const data: unknown[] = [
      ...[
        0,
        -0.5,
        1e308,
        '',
        ' ',
        'null',
        '\0',
        '\r\n',
        '\ud800',
        '😀',
        '\u2028',
        null,
        true,
        false,
        [],
        {},
        [[[]]],
      ],
      JSON.parse('{"__proto__":{"a":1},"constructor":2,"toString":3}'),
      '"'.repeat(1000),
      'é'.repeat(2 ** 20),
      new Uint8Array([0, 13, 10, 255]),
      new Uint8Array(0),
    ]
    const ids = await publish(here.log('c'), ...data)
    await until('all have come', () => listener.items.length === ids.length)
    expect(listener.ids).to.deep.equal(ids)
    expect(listener.data).to.deep.equal(data)
    expect(Object.getPrototypeOf(listener.data[17])).to.equal(Object.prototype)

    const bytes = [Buffer.from([1, 2]), new Uint8Array([3, 4]).buffer, new Uint8Array([9, 5, 6]).subarray(1)]
    await publish(here.log('b'), ...bytes)
    const found = await there.log('b').read('earliest')
    const read: unknown[] = []
    for await (const event of found.events) read.push((event as { data: unknown }).data)
    expect(read).to.deep.equal(
      [
        [1, 2],
        [3, 4],
        [5, 6],
      ].map((each) => Uint8Array.from(each)),
    )

    const types = ['', '=', 'type', '__proto__', 'json', 'before', ' ', '😀', 'x'.repeat(10_000)]
    for (const type of types) await here.log('t').publish(undefined, { type }, accept)
    const typed: unknown[] = []
    for await (const event of (await there.log('t').read('earliest')).events)
      typed.push((event as { type: unknown }).type)
    expect(typed).to.deep.equal(types)
  })

  it('data that JSON cannot hold is refused with a TypeError, and nothing is appended', async () => {
    const { log } = await processes.start()
    const circular: unknown[] = []
    circular.push(circular)
    const refused = [
      1n,
      [1n],
      new Map([[1, 2]]),
      new Set([1]),
      () => {},
      Symbol('a'),
      circular,
      new Error('no'),
    ]
    for (const data of [...refused, Promise.resolve(1), { toJSON: () => undefined }])
      expect(await failure(() => log('c').publish(data, {}, accept))).to.be.instanceOf(TypeError)
    expect((await read(log('c'), 'earliest')).ids).to.deep.equal([])
  })

  it('keys: each text is a key of its own, for all processes', async () => {
    const [here, there] = [await processes.start(), await processes.start()]
    const keys = [...names, 'count', 'tail', '"', '"\\ud800"', '\ud800\udfff', '=']
    const ids: string[] = []
    for (const key of keys) ids.push(await here.log('c').publish(1, { key }, accept))
    expect(new Set(ids).size).to.equal(keys.length)
    for (const [at, key] of keys.entries())
      expect(await there.log('c').publish(1, { key }, accept), key.slice(0, 20)).to.equal(ids[at])
    expect((await read(there.log('c'), 'earliest')).ids).to.deep.equal(ids)
  })
})
