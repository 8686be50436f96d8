import { expect } from 'chai'
import compression from 'compression'
import type { RequestHandler } from 'express'
import { createHub, loop, type OpenStream, type Overflow, raw } from '../../lib/index.js'
import { hold } from '../support/held.js'
import { Log } from '../support/log.js'
import { overTls, TlsClient } from '../support/secure.js'
import { flood, type ServeOptions, stage, staged, turns, turnsUntil } from '../support/stage.js'

const overflows: Readonly<Record<string, Overflow>> = {
  close: 'close',
  dropOldest: 'dropOldest',
  dropNewest: 'dropNewest',
  conflate: { conflate: () => 'all' },
}

const wrapping: RequestHandler = (_req, res, next) => {
  const write = res.write as (...given: unknown[]) => boolean
  res.write = ((...given: unknown[]) => write.apply(res, given)) as typeof res.write
  next()
}

const connections: Readonly<Record<string, ServeOptions>> = {
  'plain HTTP': {},
  TLS: { listen: overTls },
  'a wrapped `write`': { before: [wrapping] },
  'compression()': { before: [compression({ filter: () => true })] },
}

const chunk = Buffer.alloc(2 ** 16, '.')

/** A stream over TLS or not, and a count of what its client has got. */
async function opened(options: ServeOptions, stream: object, reads = true) {
  const channel = createHub().channel<Buffer>('burst')
  const log = new Log()
  const endpoint = loop({
    format: raw('a/b'),
    headers: { 'Cache-Control': 'no-store' },
    stream,
    subscribe: channel,
    terminate: ({ kind }) => log.add(kind),
  })
  const site = await stage.now.serve(endpoint, options)
  const client = options.listen
    ? new TlsClient(site.port, { reads })
    : site.get('/', { reads, headers: { 'Accept-Encoding': 'gzip' } })
  await turnsUntil(() => [...endpoint.streams].length === 1)
  await turns()
  return { channel, log, client, stream: [...endpoint.streams][0] as OpenStream }
}

describe('Whether a client is too slow is judged once the kernel had its chance (docs/guide/slow-clients.md)', () => {
  staged()

  for (const [name, options] of Object.entries(connections)) {
    for (const [policy, overflow] of Object.entries(overflows)) {
      it(`${name}, ${policy}: 2 MiB and 40 events in one turn neither cut a client that reads, nor are dropped`, async () => {
        const { channel, client, log, stream } = await opened(options, { overflow, maxQueued: 20 })
        for (let count = 0; count < 40; count++) void channel.publish(chunk)
        await turnsUntil(() => stream.sent === 40 || log.entries.length > 0)
        expect(log.entries).to.deep.equal([])
        expect(stream).to.include({ sent: 40, dropped: 0, queued: 0 })
        client.socket.destroy()
        await log.until('disconnect')
      })
    }
  }

  it('24 times `send` of 64 KiB in one turn: the same', async () => {
    const { client, context, log } = await hold({ format: raw('a/b') })
    for (let count = 0; count < 24; count++) context.send(chunk)
    await client.taken(24 * chunk.length)
    expect(log.entries).to.deep.equal(['subscribe'])
  })

  for (const [policy, overflow] of Object.entries(overflows)) {
    it(`${policy}: a client that does not read is judged all the same`, async () => {
      const { channel, log, stream } = await opened({}, { overflow, maxQueued: 10 }, false)
      void channel.publish(flood)
      for (let count = 0; count < 40; count++) void channel.publish(Buffer.from([count]))
      await turns()
      if (policy === 'close') return expect(log.entries).to.deep.equal(['overflow'])
      expect(stream.queued).to.be.at.most(10)
      expect(stream.queued + stream.dropped).to.equal(40)
    })
  }

  it('what one turn may bring for a client that is behind has a limit as well', async () => {
    const { context, log } = await hold({ format: raw('a/b'), stream: { maxQueuedBytes: 2 ** 16 } })
    let count = 0
    while (context.write(chunk) !== 'closed') expect(++count).to.be.below(100)
    expect(log.entries).to.include('overflow')
  })
})

describe('Progress of a slow reader over TLS (docs/guide/slow-clients.md)', () => {
  staged()

  it('one large event, read steadily: not cut, and all of it arrives', async () => {
    const large = Buffer.alloc(2 ** 25, '.')
    const { channel, client, log } = await opened({ listen: overTls }, { writeTimeout: 4000 }, false)
    void channel.publish(large)
    await turns()
    for (let quarter = 0; client.size < large.length - 2 ** 23; quarter++) {
      const before = client.size
      client.socket.resume()
      await turnsUntil(() => client.size >= before + 2 ** 22)
      client.socket.pause()
      await turns()
      stage.now.time.advance(2000)
      expect(log.entries, `after ${quarter}`).to.deep.equal([])
    }
    client.socket.resume()
    await turnsUntil(() => client.size >= large.length)
    expect(log.entries).to.deep.equal([])
    client.socket.destroy()
    await log.until('disconnect')
  })

  it('one that stops reading is cut after the writeTimeout', async () => {
    const { channel, log } = await opened({ listen: overTls }, { writeTimeout: 4000 }, false)
    void channel.publish(flood)
    // until no more is on its way
    await turns(500)
    for (let quarter = 0; quarter < 5; quarter++) {
      stage.now.time.advance(1000)
      await turns()
    }
    expect(log.entries).to.deep.equal(['overflow'])
  })
})
