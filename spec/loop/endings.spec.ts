import { once } from 'node:events'
import { expect } from 'chai'
import {
  csv,
  event,
  type Format,
  format,
  jsonArray,
  jsonSeq,
  type LoopContext,
  loop,
  multipart,
  ndjson,
  raw,
  sse,
  stop,
  text,
} from '../../lib/index.js'
import { Log } from '../support/log.js'
import { flood, stage, staged, turns } from '../support/stage.js'

type Options = NonNullable<Parameters<typeof loop>[0]['stream']>

/** A stream that waits to be told how to end. */
async function held(
  format: Format,
  {
    version = '1.1',
    reads = true,
    stream = {},
  }: { version?: '1.0' | '1.1'; reads?: boolean; stream?: Options } = {},
) {
  const log = new Log()
  const contexts: LoopContext<undefined>[] = []
  const site = await stage.now.serve(
    loop({
      format,
      stream,
      subscribe(context) {
        contexts.push(context)
        log.add('subscribed')
      },
      info(message: unknown, { write }) {
        if (message === 'stop') return stop()
        if (message instanceof Error) throw message
        write(message)
      },
      terminate: ({ kind }) => log.add(kind),
    }),
  )
  const client = site.get('/', { version, reads })
  await log.until('subscribed')
  if (reads) await client.head()
  return { client, context: contexts[0] as LoopContext<undefined>, log }
}

/** Time for a client that takes nothing: what the kernel takes at first is progress. */
async function stall() {
  for (let second = 0; second < 5; second++) {
    await turns(50)
    stage.now.time.advance(1000)
  }
}

const lastChunk = '0\r\n\r\n'
const boundary = /boundary=([^;]+)/

interface Case {
  readonly format: () => Format
  readonly data: unknown
  readonly record: string | RegExp
  /** What only a complete end has. */
  readonly tail: string | RegExp
}

const cases: Record<string, Case> = {
  sse: { format: sse, data: 'x', record: ':\ndata: x\n\n', tail: '' },
  ndjson: { format: ndjson, data: 'x', record: '"x"\n', tail: '' },
  jsonSeq: { format: jsonSeq, data: 'x', record: '\x1e"x"\n', tail: '' },
  jsonArray: { format: jsonArray, data: 'x', record: '["x"', tail: ']' },
  csv: { format: () => csv({ columns: ['a'] }), data: ['x'], record: 'a\r\nx\r\n', tail: '' },
  multipart: { format: () => multipart('text/plain'), data: 'x', record: /x\r\n/, tail: /--[^\r\n]+--\r\n$/ },
  text: { format: text, data: 'x', record: 'x', tail: '' },
  raw: { format: () => raw('a/b'), data: Buffer.from('x'), record: 'x', tail: '' },
  'one of the user’s own': {
    format: () => format({ mediaType: 'a/b', encode: ({ data }) => `${data}!`, open: '<', close: '>' }),
    data: 'x',
    record: '<x!',
    tail: '>',
  },
}

/** A pattern for a body: its text as it is, or a pattern of it. */
function source(part: string | RegExp): string {
  return typeof part === 'string' ? part.replace(/[[\](){}.*+?^$|\\]/g, '\\$&') : part.source
}

describe('A complete end against one that is cut (docs/guide/loop.md)', () => {
  staged()

  for (const [name, { format, data, record, tail }] of Object.entries(cases)) {
    describe(name, () => {
      it('complete: the record, the tail of the format, the last chunk; the connection stays', async () => {
        const { client, context, log } = await held(format())
        context.send(data)
        context.send('stop')
        const message = await client.whole()
        expect(message.body).to.match(new RegExp(`${source(record)}${source(tail)}`))
        expect(client.raw.toString()).to.satisfy((all: string) => all.endsWith(lastChunk))
        expect(log.entries).to.deep.equal(['subscribed', 'stop'])
        expect(client.ask('/') && (await client.head()).status).to.equal(200)
      })

      it('cut: what was written before arrives, then a FIN without the tail or the last chunk', async () => {
        const { client, context, log } = await held(format())
        context.send(data)
        context.send(new Error('secret'))
        const message = await client.closed()
        expect(message.body).to.match(new RegExp(source(record)))
        if (tail !== '') expect(message.body).not.to.match(new RegExp(`${source(tail)}$`))
        expect(message.isWhole).to.equal(false)
        expect(client.raw.toString()).not.to.include(lastChunk)
        expect(client.raw.toString()).not.to.include('secret')
        expect(log.entries).to.deep.equal(['subscribed', 'error'])
      })

      it('over HTTP/1.0 complete: the same bytes, ended by a FIN', async () => {
        const { client, context } = await held(format(), { version: '1.0' })
        context.send(data)
        context.send('stop')
        expect(await client.ended).to.equal('fin')
        expect(client.message.headers).not.to.have.any.keys('transfer-encoding', 'content-length')
        expect(client.body).to.match(new RegExp(`${source(record)}${source(tail)}$`))
      })

      it('over HTTP/1.0 cut: a TCP reset, so that it can be told from a whole one', async () => {
        const { client, context } = await held(format(), { version: '1.0' })
        context.send(data)
        await client.until('x')
        context.send(new Error('broken'))
        expect(await client.ended).to.equal('reset')
      })
    })
  }

  it('the boundary of the multipart that is closed is that of the head', async () => {
    const { client, context } = await held(multipart('text/plain'))
    context.send('x')
    context.send('stop')
    const { headers, body } = await client.whole()
    const [, delimiter] = boundary.exec(headers['content-type'] as string) ?? []
    expect(delimiter).to.be.a('string')
    expect(body).to.match(new RegExp(`--${delimiter}--\r\n$`))
  })

  it('all that was written before a failure arrives before the cut, also what the client was behind with', async () => {
    const { client, context } = await held(raw('a/b'), { reads: false, stream: { maxQueuedBytes: 2 ** 26 } })
    context.write(flood)
    expect(context.write(Buffer.from('and this'))).to.equal('wait')
    context.send(new Error('broken'))
    await turns()
    client.socket.resume()
    const message = await client.closed()
    expect(message.bytes.length).to.equal(flood.length + 'and this'.length)
    expect(message.isWhole).to.equal(false)
  })

  it('all that was written before a complete end arrives before the last chunk', async () => {
    const { client, context } = await held(raw('a/b'), { reads: false, stream: { maxQueuedBytes: 2 ** 26 } })
    context.write(flood)
    context.write(Buffer.from('and this'))
    context.send('stop')
    await turns()
    client.socket.resume()
    await client.taken(flood.length)
    const message = await client.whole()
    expect(message.bytes.length).to.equal(flood.length + 'and this'.length)
  })

  it('a source that fails is cut, its error is for terminate, and where there is none for a warning', async () => {
    const error = new Error('disk')
    const reasons: unknown[] = []
    const failing = async function* () {
      yield 1
      throw error
    }
    const told = await stage.now.serve(
      loop({ format: ndjson(), subscribe: failing, terminate: (reason) => void reasons.push(reason) }),
    )
    expect(await told.get().closed()).to.include({ body: '1\n', isWhole: false })
    expect(reasons).to.deep.equal([{ kind: 'error', error }])
    const untold = await stage.now.serve(loop({ format: ndjson(), subscribe: failing }))
    expect(await untold.get().closed()).to.include({ body: '1\n', isWhole: false })
    expect(await stage.now.warning()).to.include({ name: 'LariatWarning' })
  })
})

describe('In-band notices of the end (docs/guide/loop.md)', () => {
  staged()

  const both = { endEvent: true, errorEvent: true }

  it('without the options an end says nothing', async () => {
    for (const format of [sse(), ndjson({ envelope: true })]) {
      for (const end of ['stop', new Error('secret')]) {
        const { client, context } = await held(format)
        context.send('x')
        await client.until('x')
        const before = client.body
        context.send(end)
        await (end === 'stop' ? client.whole() : client.closed())
        expect(client.body).to.equal(before)
      }
    }
  })

  const said: readonly (readonly [string, () => Format, end: string | RegExp, error: string])[] = [
    ['sse', sse, ':\nevent: end\ndata: {"reason":"stop"}\n\n', ':\nevent: failed\ndata: {}\n\n'],
    [
      'ndjson in envelopes',
      () => ndjson({ envelope: true }),
      '{"notice":"end","reason":"stop"}\n',
      '{"notice":"error"}\n',
    ],
    [
      'jsonSeq in envelopes',
      () => jsonSeq({ envelope: true }),
      '\x1e{"notice":"end","reason":"stop"}\n',
      '\x1e{"notice":"error"}\n',
    ],
    [
      'jsonArray in envelopes',
      () => jsonArray({ envelope: true }),
      '[{"notice":"end","reason":"stop"}]',
      '[{"notice":"error"}',
    ],
    ['ndjson, which has none without envelopes', ndjson, '', ''],
    ['csv, which has none', () => csv({ columns: ['a'] }), 'a\r\n', 'a\r\n'],
  ]
  for (const [name, format, end, error] of said) {
    it(`${name}: \`endEvent\` marks a complete end`, async () => {
      const { client, context } = await held(format(), { stream: both })
      context.send('stop')
      expect((await client.whole()).body).to.equal(end)
    })

    it(`${name}: \`errorEvent\` says so before the cut, without the error's message`, async () => {
      const { client, context } = await held(format(), { stream: both })
      context.send(new Error('secret'))
      expect(await client.closed()).to.include({ body: error, isWhole: false })
    })
  }

  it('`errorEvent: "complete"` ends properly once the failure is told; its reason stays, and a format without notices is cut', async () => {
    for (const [format, body] of [
      [sse(), ':\nevent: failed\ndata: {}\n\n'],
      [jsonArray({ envelope: true }), '[{"notice":"error"}]'],
      [ndjson(), undefined],
    ] as const) {
      const { client, context, log } = await held(format, { stream: { errorEvent: 'complete' } })
      context.send(new Error('secret'))
      if (body === undefined) expect(await client.closed()).to.include({ body: '', isWhole: false })
      else expect((await client.whole()).body).to.equal(body)
      await log.until('error')
    }
  })

  it('in an array the notice is one more element', async () => {
    const { client, context } = await held(jsonArray({ envelope: true }), { stream: both })
    context.send(event(1, { id: 'a' }))
    context.send('stop')
    expect(JSON.parse((await client.whole()).body)).to.deep.equal([
      { id: 'a', data: 1 },
      { notice: 'end', reason: 'stop' },
    ])
  })

  it('an end says its reason: `end` where it is over, `reconnect` where it is not', async () => {
    for (const [reason, notice] of [
      ['end', 'end'],
      ['down', 'reconnect'],
      ['revoked', 'reconnect'],
    ]) {
      const site = await stage.now.serve(
        loop({
          format: sse(),
          stream: both,
          subscribe({ monitor, stream }) {
            const abort = new AbortController()
            if (reason === 'end') return []
            if (reason === 'down') monitor(abort.signal)
            setImmediate(() => (reason === 'down' ? abort.abort() : stream.close()))
            return undefined
          },
        }),
      )
      expect((await site.get().whole()).body).to.include(`event: ${notice}\ndata: {"reason":"${reason}"}\n\n`)
    }
  })

  it('a client that is too slow is told nothing', async () => {
    const { client, context, log } = await held(sse(), { reads: false, stream: { ...both, maxQueued: 1 } })
    context.write(flood.toString())
    context.write(1)
    expect(context.write(2)).to.equal('closed')
    await log.until('overflow')
    client.socket.resume()
    expect((await client.closed()).body).not.to.include('event:')
  })
})

describe('A client that is too slow is cut (docs/guide/loop.md)', () => {
  staged()

  it('past `maxQueuedBytes` at once, with reason overflow', async () => {
    const { client, context, log } = await held(raw('a/b'), {
      reads: false,
      stream: { maxQueuedBytes: 2 ** 20 },
    })
    expect(context.write(flood)).to.equal('wait')
    expect(context.write(Buffer.from('x'))).to.equal('closed')
    expect(log.entries).to.deep.equal(['subscribed', 'overflow'])
    client.socket.resume()
    const message = await client.closed()
    expect(message.isWhole).to.equal(false)
    expect(message.bytes.length).to.be.lessThan(flood.length)
  })

  it('past `maxQueued` at once: those in the mailbox and those that wait for the client', async () => {
    const { context, log } = await held(ndjson(), {
      reads: false,
      stream: { maxQueued: 3, maxQueuedBytes: 2 ** 30 },
    })
    expect(context.write(flood.toString())).to.equal('wait')
    for (const wrote of ['wait', 'wait', 'wait', 'closed']) expect(context.write(1)).to.equal(wrote)
    expect(log.entries).to.deep.equal(['subscribed', 'overflow'])
  })

  it('one event larger than the limit passes when nothing else waits', async () => {
    const { client, context } = await held(raw('a/b'), { stream: { maxQueuedBytes: 10 } })
    expect(context.write(flood)).to.equal('wait')
    expect(await context.drained()).to.equal('ok')
    expect(context.write(flood)).to.equal('wait')
    context.send('stop')
    await client.taken(2 * flood.length)
    expect((await client.whole()).bytes.length).to.equal(2 * flood.length)
  })

  it('over HTTP/1.0 by a TCP reset, at once', async () => {
    const { client, context } = await held(raw('a/b'), { version: '1.0', reads: false })
    context.write(flood)
    const closed = once(context.req.socket, 'close')
    context.write(Buffer.from('x'))
    await closed
    // a client that does not read is told of a reset when it writes, and of a FIN never
    client.socket.write('x')
    expect(await client.ended).to.equal('reset')
  })

  it('that takes no byte for the `writeTimeout` while bytes wait', async () => {
    const { client, context, log } = await held(raw('a/b'), { reads: false, stream: { writeTimeout: 1000 } })
    context.write(flood)
    await stall()
    expect(log.entries).to.deep.equal(['subscribed', 'overflow'])
    client.socket.resume()
    expect((await client.closed()).isWhole).to.equal(false)
  })

  for (const [name, end] of [
    ['a complete end', 'stop'],
    ['a failure', new Error('broken')],
  ] as const) {
    it(`that stalls after ${name} is dropped after the \`writeTimeout\``, async () => {
      const { client, context, log } = await held(raw('a/b'), {
        reads: false,
        stream: { writeTimeout: 1000 },
      })
      context.write(flood)
      context.send(end)
      await log.until(end === 'stop' ? 'stop' : 'error')
      await stall()
      client.socket.resume()
      const message = await client.closed()
      expect(message.isWhole).to.equal(false)
      expect(message.bytes.length).to.be.lessThan(flood.length)
      expect(log.entries).to.have.length(2)
    })
  }

  it('that takes bytes, however slowly, is not', async () => {
    const { client, context, log } = await held(raw('a/b'), { reads: false, stream: { writeTimeout: 1000 } })
    context.write(flood)
    while (client.size < flood.length) {
      stage.now.time.advance(900)
      const before = client.size
      client.socket.resume()
      // less would be within what the kernel holds
      await client.taken(Math.min(before + 2 ** 22, flood.length))
      client.socket.pause()
      await turns()
    }
    expect(log.entries).to.deep.equal(['subscribed'])
  })
})
