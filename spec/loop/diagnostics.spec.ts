import { execFile } from 'node:child_process'
import { PassThrough } from 'node:stream'
import { promisify } from 'node:util'
import { expect } from 'chai'
import express from 'express'
import { lineOf } from '../../lib/debug.js'
import {
  createHub,
  loop,
  ndjson,
  type OpenStream,
  raw,
  resource,
  resources,
  type StreamEnded,
  sse,
} from '../../lib/index.js'
import { bundledCode } from '../support/bundled.js'
import { hold } from '../support/held.js'
import { flood, stage, staged, turns, turnsUntil } from '../support/stage.js'
import { listening } from '../support/told.js'

/** A message without its stream. */
function bare<Message extends { readonly stream: OpenStream; readonly endpoint: object }>({
  stream,
  endpoint,
  ...rest
}: Message) {
  return rest
}

describe('Diagnostics channels of streams (docs/operate/diagnostics.md)', () => {
  staged()
  const told = listening()
  const labels = { route: '/', format: 'application/x-ndjson' }

  describe('open, first and end', () => {
    it('tell the whole life of a stream, with the times of each turn', async () => {
      told.now.on('open').on('first').on('end')
      let answer = () => {}
      const asked = new Promise<void>((resolve) => {
        answer = resolve
      })
      const { client, context } = await hold({ subscribe: () => asked })
      stage.now.time.advance(30)
      expect(told.now.all).to.deep.equal([])
      answer()
      await client.head()
      expect(told.now.of('open').map(bare)).to.deep.equal([{ ...labels, msToHead: 30 }])

      stage.now.time.advance(200)
      context.write('first')
      context.write('second')
      await client.until('second')
      stage.now.time.advance(1000)
      context.stream.close()
      await client.whole()

      expect(told.now.of('first').map(bare)).to.deep.equal([{ ...labels, msToFirst: 230 }])
      expect(told.now.of('end').map(bare)).to.deep.equal([
        {
          ...labels,
          reason: { kind: 'revoked' },
          wasOpen: true,
          msToHead: 30,
          msToFirst: 230,
          life: 1230,
          events: 2,
          bytes: 17,
          dropped: 0,
        },
      ])
      expect(told.now.names).to.deep.equal(['open', 'first', 'end'])
      for (const { stream } of [...told.now.of('open'), ...told.now.of('end')])
        expect(stream).to.equal(context.stream)
    })

    it('name the route, as the key of a table or the pattern of a mount', async () => {
      told.now.on('open').on('end')
      const spec = { contentTypesProvided: [sse()], subscribe: () => {} }
      const app = express()
      app.use('/shops/:shop', resource(spec), resources({ '/books/:isbn': spec }))
      app.use(resources({ '/books/:isbn': spec }))
      const site = await stage.now.serve(app)
      for (const path of ['/shops/1', '/books/2?token=secret']) await site.get(path).head()
      const opened = told.now.of('open')
      expect(opened.map(({ route, format }) => [route, format])).to.deep.equal([
        ['/shops/:shop', 'text/event-stream'],
        ['/books/:isbn', 'text/event-stream'],
      ])
      expect(opened.map(({ stream }) => stream.path)).to.deep.equal(['/shops/1', '/books/2'])
    })

    it('tell the events that waited for the head behind `open`', async () => {
      told.now.on('open').on('first')
      const { client } = await hold({ subscribe: ({ send }) => send('early') })
      await client.until('early')
      expect(told.now.names).to.deep.equal(['open', 'first'])
    })

    it('with `head: "first"`, in the same order', async () => {
      told.now.on('open').on('first')
      const { client, context } = await hold({ stream: { head: 'first' } })
      stage.now.time.advance(40)
      context.send(1)
      await client.until('1')
      expect(told.now.names).to.deep.equal(['open', 'first'])
      expect(told.now.of('open')[0]).to.include({ msToHead: 40 })
      expect(told.now.of('first')[0]).to.include({ msToFirst: 40 })
    })

    it('a notice is no event, and what is gathered is told when it goes out', async () => {
      told.now.on('first')
      const hub = createHub()
      const channel = hub.channel<number>('gathered', { history: 1 })
      const site = await stage.now.serve(
        loop({
          format: sse(),
          subscribe: channel,
          info: (message, { write }) => write(message),
          stream: { gather: 50 },
        }),
      )
      const client = site.get()
      // a notice of the position
      await client.until('position')
      await channel.publish(1)
      await turns()
      expect(told.now.all).to.deep.equal([])
      stage.now.time.advance(50)
      await client.until('data: 1')
      expect(told.now.of('first').map(({ msToFirst }) => msToFirst)).to.deep.equal([50])
    })
  })

  describe('first, of streams that share', () => {
    async function shared(count: number) {
      const channel = createHub().channel<number>('shared')
      const endpoint = loop({ format: ndjson(), subscribe: channel })
      const site = await stage.now.serve(endpoint)
      const clients = await Promise.all(
        Array.from({ length: count }, async () => {
          const client = site.get()
          await client.head()
          return client
        }),
      )
      await turnsUntil(() => channel.subscribers === count)
      return { channel, endpoint, site, clients }
    }

    it('is told once for each, when the bytes of their group went out', async () => {
      told.now.on('open').on('first')
      const { channel, endpoint, site, clients } = await shared(3)
      stage.now.time.advance(70)
      await channel.publish(1)
      await clients[0]!.until('1')
      await channel.publish(2)
      await clients[0]!.until('2')
      const newcomer = site.get()
      await newcomer.head()
      await channel.publish(3)
      await newcomer.until('3')
      expect(told.now.of('first').map(({ msToFirst }) => msToFirst)).to.deep.equal([70, 70, 70, 0])
      expect(new Set(told.now.of('first').map(({ stream }) => stream))).to.deep.equal(
        new Set(endpoint.streams),
      )
    })

    it('not of one that left before, nor of one that had an event by the time it joined', async () => {
      told.now.on('open').on('first').on('end')
      const { channel, clients } = await shared(2)
      clients[0]!.leave()
      await turnsUntil(() => told.now.of('end').length === 1)
      await channel.publish(1)
      await clients[1]!.until('1')
      expect(told.now.of('first').map(({ stream }) => stream)).to.deep.equal([told.now.of('open')[1]!.stream])

      const resumed = createHub().channel<number>('resumed', { history: 5 })
      await resumed.publish(1)
      const site = await stage.now.serve(loop({ format: ndjson(), subscribe: resumed.from('earliest') }))
      const client = site.get()
      await client.until('1')
      await turns()
      await resumed.publish(2)
      await client.until('2')
      expect(told.now.of('first')).to.have.length(2)
    })

    it('of 1,000 streams a listener sees each open, begin and end', async () => {
      told.now.on('open').on('first').on('end')
      const { channel, endpoint, clients } = await shared(1000)
      await channel.publish(1)
      await Promise.all(clients.map((client) => client.until('1')))
      await endpoint.close()
      for (const name of ['open', 'first', 'end'] as const)
        expect(new Set(told.now.of(name).map(({ stream }) => stream.id)).size, name).to.equal(1000)
      expect(told.now.all).to.have.length(3000)
      expect(told.now.of('end').every((end) => end.events === 1 && end.bytes === 2)).to.equal(true)
    }).timeout(30_000)
  })

  describe('end', () => {
    const reasonOf = ({ reason }: StreamEnded) => reason.kind

    it('of reasons that time and the endpoint bring: expired and shutdown', async () => {
      told.now.on('end')
      await hold({ stream: { maxDuration: 1000 } })
      await turns()
      stage.now.time.advance(1000)
      const endpoint = loop({ format: ndjson(), subscribe: () => {} })
      const site = await stage.now.serve(endpoint)
      await site.get().head()
      await endpoint.close()
      expect(told.now.of('end').map(reasonOf)).to.deep.equal(['expired', 'shutdown'])
    })

    it('with the error of a target that failed, and of a channel whose source died', async () => {
      told.now.on('end')
      const { context, log } = await hold()
      const target = new PassThrough().on('error', () => {})
      context.monitor(target)
      const failure = new Error('broken pipe')
      target.destroy(failure)
      await log.until('down')
      const channel = createHub().channel<number>('dies', {
        source: async () => {
          throw failure
        },
      })
      const site = await stage.now.serve(loop({ format: ndjson(), subscribe: channel }))
      await site.get().closed()
      const [first, second] = told.now.of('end').map(({ reason }) => reason)
      expect(first).to.deep.equal({ kind: 'down', error: failure })
      expect(second).to.include({ kind: 'down' })
      expect(second?.error).to.include({ code: 'LARIAT_DOWN', cause: failure })
    })

    it('of a client that left while `subscribe` was pending, once, at once', async () => {
      told.now.on('open').on('end')
      let answer = () => {}
      const asked = new Promise<void>((resolve) => {
        answer = resolve
      })
      const { client, log } = await hold({ subscribe: () => asked })
      stage.now.time.advance(10)
      client.leave()
      await turnsUntil(() => told.now.of('end').length === 1)
      answer()
      await log.until('disconnect')
      expect(told.now.of('end').map(bare)).to.deep.equal([
        {
          ...labels,
          reason: { kind: 'disconnect' },
          wasOpen: false,
          msToHead: undefined,
          msToFirst: undefined,
          life: 10,
          events: 0,
          bytes: 0,
          dropped: 0,
        },
      ])
    })

    it('of nobody that was refused before, or asked for the head alone', async () => {
      told.now.on('open').on('end')
      const spec = { format: ndjson(), subscribe: () => {}, stream: { maxStreams: 1 } }
      const site = await stage.now.serve(loop(spec))
      expect((await site.get('/', { method: 'HEAD' }).whole()).status).to.equal(200)
      await site.get().head()
      expect((await site.get().whole()).status).to.equal(503)
      expect(told.now.names).to.deep.equal(['open'])
    })

    it('of a stream that is older than the listener, by the clock on the wall', async () => {
      const { client, context } = await hold()
      await client.head()
      told.now.on('first').on('end')
      context.write(1)
      context.stream.close()
      await client.whole()
      expect(told.now.names).to.deep.equal(['first', 'end'])
      expect(told.now.of('end')[0]).to.include({ wasOpen: true, events: 1, msToHead: undefined })
      expect(told.now.of('end')[0]?.life).to.be.at.least(0)
    })

    it('keeps the address of a client that has left, and the state is there to be read', async () => {
      const states: unknown[] = []
      told.now.on('end', ({ stream }) => states.push(stream.state))
      const site = await stage.now.serve(
        loop({ init: () => 'mine', format: ndjson(), subscribe: () => {}, terminate: () => {} }),
      )
      const client = site.get()
      await client.head()
      client.leave()
      await turnsUntil(() => told.now.of('end').length === 1)
      expect(told.now.of('end')[0]?.stream.client).to.match(/127\.0\.0\.1$/)
      expect(states).to.deep.equal(['mine'])
    })
  })

  describe('overflow', () => {
    it('is told once a turn, and what is left of it before the end', async () => {
      told.now.on('overflow').on('end')
      const { context } = await hold(
        { format: raw('a/b'), stream: { maxQueuedBytes: 1, overflow: 'dropNewest' } },
        { reads: false },
      )
      context.write(flood)
      // past what the kernel takes the limits are judged at once
      for (let count = 0; count < 3; count++) context.write(flood)
      await turns()
      const before = context.stream.dropped
      context.write(flood)
      context.stream.close()
      expect(told.now.of('overflow').map(({ dropped }) => dropped)).to.deep.equal([before, 1])
      expect(told.now.names).to.deep.equal(['overflow', 'overflow', 'end'])
      expect(told.now.of('end')[0]?.dropped).to.equal(before + 1)
    })
  })

  it('while nobody listens, no stream is looked at: nothing is made for it', async () => {
    const channel = createHub().channel<number>('unseen')
    const endpoint = loop({ format: ndjson(), subscribe: channel })
    const site = await stage.now.serve(endpoint)
    const idOfOne = async () => Number.parseInt((await hold()).context.stream.id, 36)
    const before = await idOfOne()
    const clients = [site.get(), site.get(), site.get()]
    for (const client of clients) await client.head()
    await channel.publish(1)
    await Promise.all(clients.map((client) => client.until('1')))
    await endpoint.close()
    expect(await idOfOne()).to.equal(before + 1)
  })

  describe('a listener', () => {
    it('may end the stream that it is told of: in `open`, and in `first`', async () => {
      for (const name of ['open', 'first'] as const) {
        told.now.on(name, ({ stream }: { stream: OpenStream }) => stream.close()).on('end')
        const { client, log, reasons } = await hold({ subscribe: () => [1, 2, 3] })
        const message = await client.closed()
        expect(message.isWhole, name).to.equal(false)
        await log.until('revoked')
        expect(reasons).to.have.length(1)
        expect(told.now.names).to.deep.equal([name, 'end'])
        expect(told.now.of('end')[0]?.wasOpen).to.equal(true)
        told.now.off()
        told.now.all.length = 0
      }
    })

    it('that throws is an uncaught exception, as Node defines it, and harms neither stream nor publisher', async () => {
      const { stdout, stderr } = await child(`
        import { subscribe } from 'node:diagnostics_channel'
        process.on('uncaughtException', ({ message }) => console.log(message))
        for (const name of ['open', 'first', 'resume', 'publish', 'end'])
          subscribe('express-lariat:' + name, () => { throw new Error(name) })
      `)
      expect(stdout.trim().split('\n').sort()).to.deep.equal(
        ['LARIAT_DATA', 'body 1', 'end', 'first', 'open', 'publish', 'publish', 'resume'].sort(),
      )
      // nothing is printed without NODE_DEBUG
      expect(stderr).to.equal('')
    }).timeout(60_000)
  })

  describe('NODE_DEBUG=lariat', () => {
    it('a client writes no line of its own, and nothing that a terminal obeys', () => {
      const bad = [
        '\n',
        '\r',
        '\x1b[2J',
        '\x85',
        '\x9b2J',
        '\u2028',
        '\u2029',
        '\u202e',
        '\u2066',
        '\ufeff',
        '\0',
        '\x7f',
      ]
      for (const text of bad) {
        const evil = `9f2c-1${text}LARIAT 1: end`
        const error = new Error(evil)
        const line = lineOf('resume', { requested: evil, url: `/${evil}`, reason: { kind: 'error', error } })
        expect(line, JSON.stringify(text)).to.match(/^[\x20-\x7e]+$/)
        expect(JSON.parse(line.slice(line.indexOf('"'), line.indexOf(' path=')))).to.equal(evil)
      }
    })

    it('prints each turn on one line, without queries', async () => {
      const { stderr, stdout } = await child('', { NODE_DEBUG: 'lariat' })
      expect(stdout.trim().split('\n').sort()).to.deep.equal(['LARIAT_DATA', 'body 1'])
      const lines = stderr
        .trim()
        .split('\n')
        .map((line) => line.replace(/^LARIAT \d+: /, '').replace(/(ms\w*|life|id)=[^ ]+/g, '$1=…'))
      const stream = 'stream=1 path=/a route=/a format=application/x-ndjson'
      expect(lines).to.deep.equal([
        'decisions method=GET path=/a route=/a after=methodAllowed outcome=loop status=200 mediaType=application/x-ndjson',
        `resume ${stream} outcome=live snapshot=false isMidStream=false ms=…`,
        `open ${stream} msToHead=…`,
        'publish channel="a channel" outcome=confirmed ms=… id=…',
        'publish channel="a channel" outcome=refused ms=… error="TypeError: publish(undefined): expected data, or a type"',
        'delivery channel="a channel" streams=… events=1 ms=…',
        `first ${stream} msToFirst=…`,
        `end ${stream} reason=revoked wasOpen=true msToHead=… msToFirst=… life=… events=1 bytes=2 dropped=0`,
      ])
    }).timeout(60_000)
  })
})

/** A process with a stream of one event, which it prints. */
async function child(before: string, env: Record<string, string> = {}) {
  const code = `
    ${before}
    process.on('unhandledRejection', ({ code }) => console.log(code))
    import express from 'express'
    import { createHub, loop, ndjson } from './lib/index.js'
    const channel = createHub().channel('a channel')
    const endpoint = loop({ format: ndjson(), subscribe: channel })
    const server = express().all('/a', endpoint).listen(0, '127.0.0.1', async () => {
      const response = await fetch('http://127.0.0.1:' + server.address().port + '/a?token=secret')
      await channel.publish(1)
      void channel.publish(undefined)
      setImmediate(() => { for (const stream of endpoint.streams) stream.close() })
      console.log('body ' + (await response.text()).trim())
      server.close()
    })
  `
  const { NODE_DEBUG, ...rest } = process.env
  return promisify(execFile)(process.execPath, [await bundledCode(code)], {
    env: { ...rest, NODE_NO_WARNINGS: '1', ...env },
  })
}
