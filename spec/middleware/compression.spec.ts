import { gunzipSync } from 'node:zlib'
import { expect } from 'chai'
import compression from 'compression'
import { type RequestHandler, Router } from 'express'
import { type LoopContext, loop, raw, resource, sse } from '../../lib/index.js'
import { gunzipped } from '../support/gunzip.js'
import { onBoth } from '../support/http.js'
import { Log } from '../support/log.js'
import { flood, stage, staged } from '../support/stage.js'

const gzip = { 'Accept-Encoding': 'gzip' }

const cacheable: RequestHandler = (_req, res, next) => {
  res.setHeader('Cache-Control', 'no-cache')
  next()
}

onBoth('Behind compression() (docs/guide/existing-app.md)', () => {
  staged()

  async function held(format = sse(), before: readonly RequestHandler[] = [compression()]) {
    const log = new Log()
    const contexts: LoopContext<undefined>[] = []
    const site = await stage.now.serve(
      loop({
        format,
        subscribe: (context) => void contexts.unshift(context),
        terminate: ({ kind }) => log.add(kind),
      }),
      { before },
    )
    const client = site.get('/', { headers: gzip })
    await client.head()
    return { site, client, contexts, context: contexts[0] as LoopContext<undefined>, log }
  }

  for (const control of [undefined, 'max-age=60']) {
    it(`a part of a body${control ? `, cacheable by ${control},` : ''} is not compressed: Content-Range counts its bytes (RFC 9110 14.4)`, async () => {
      const body = 'abcdefgh'.repeat(1000)
      const site = await stage.now.serve(
        resource({
          contentTypesProvided: {
            'text/plain': ({ res }) => {
              if (control) res.setHeader('Cache-Control', control)
              return body
            },
          },
          rangesProvided: 'auto',
        }),
        { before: [compression()] },
      )
      const part = await site.get('/', { headers: { ...gzip, Range: 'bytes=0-3999' } }).whole()
      expect(part.status).to.equal(206)
      expect(part.headers).not.to.have.property('content-encoding')
      expect(part.headers['cache-control']).to.equal(control ? `${control}, no-transform` : 'no-transform')
      expect(part.body).to.equal(body.slice(0, 4000))
    })
  }

  const file = 'abcdefgh'.repeat(1000)
  const download = (headers: Record<string, string> = {}, ranges: 'auto' | 'none' = 'auto') =>
    resource({
      contentTypesProvided: {
        'text/plain': ({ res }) => {
          res.set(headers)
          return file
        },
      },
      rangesProvided: ranges,
      generateEtag: '"v1"',
    })

  it('a whole that offers ranges is not compressed: its etag names one sequence of bytes, and a download can be resumed', async () => {
    const site = await stage.now.serve(download(), { before: [compression()] })
    const whole = await site.get('/', { headers: gzip }).whole()
    expect(whole.headers).to.include({
      etag: '"v1"',
      'accept-ranges': 'bytes',
      'cache-control': 'no-transform',
    })
    expect(whole.headers).not.to.have.property('content-encoding')
    const begun = whole.bytes.subarray(0, 5000)
    const headers = { ...gzip, Range: 'bytes=5000-', 'If-Range': whole.headers.etag! }
    const rest = await site.get('/', { headers }).whole()
    expect(rest.status).to.equal(206)
    expect(Buffer.concat([begun, rest.bytes]).toString()).to.equal(file)
    // a cache takes the fields of a 304 for those of what it has
    const same = await site.get('/', { headers: { ...gzip, 'If-None-Match': '"v1"' } }).whole()
    expect([same.status, same.headers['cache-control']]).to.deep.equal([304, 'no-transform'])
    const head = await site.get('/', { method: 'HEAD', headers: gzip }).whole()
    expect(head.headers['cache-control']).to.equal('no-transform')
  })

  it('what the resource says to caches stays, and no-transform is said once', async () => {
    for (const [control, said] of [
      ['private, max-age=60', 'private, max-age=60, no-transform'],
      ['No-Transform, max-age=60', 'No-Transform, max-age=60'],
    ] as const) {
      const site = await stage.now.serve(download({ 'Cache-Control': control }), { before: [compression()] })
      expect((await site.get('/', { headers: gzip }).whole()).headers['cache-control']).to.equal(said)
    }
  })

  it('a whole without ranges is compressed, and nothing is said where nobody compresses', async () => {
    const without = await stage.now.serve(download({}, 'none'), { before: [compression()] })
    expect((await without.get('/', { headers: gzip }).whole()).headers['content-encoding']).to.equal('gzip')
    const alone = await stage.now.serve(download())
    expect((await alone.get('/', { headers: gzip }).whole()).headers).not.to.have.property('cache-control')
  })

  it('a stream says no-transform, and is not compressed: each event arrives at once', async () => {
    const { client, context } = await held()
    expect(client.message.headers).not.to.have.property('content-encoding')
    for (const count of [1, 2, 3]) {
      expect(context.write(count)).to.equal('ok')
      await client.until(`data: ${count}\n\n`)
    }
    context.stream.close()
    expect((await client.whole()).body).to.equal(':\ndata: 1\n\ndata: 2\n\ndata: 3\n\n')
  })

  it('where the resource says otherwise it is compressed: each event arrives at once all the same', async () => {
    const { client, context } = await held(sse(), [cacheable, compression()])
    expect(client.message.headers).to.include({ 'cache-control': 'no-cache', 'content-encoding': 'gzip' })
    const lines = gunzipped(client)
    await lines.until(':')
    for (const count of [1, 2, 3]) {
      context.write(count)
      await lines.until(`data: ${count}`)
    }
    context.stream.close()
    await client.whole()
    await lines.until('end')
    expect(client.ask('/') && (await client.head()).status).to.equal(200)
  })

  it('a heartbeat of a compressed stream arrives at once as well', async () => {
    const { client } = await held(sse(), [cacheable, compression()])
    const lines = gunzipped(client)
    await lines.until(':')
    stage.now.time.advance(15_000)
    await lines.until(':', 2)
  })

  it('a compressed stream that fails is cut, and does not look whole', async () => {
    const seen = new Log()
    const site = await stage.now.serve(
      loop({
        format: sse(),
        async *subscribe() {
          yield 'before'
          await seen.until('before')
          throw new Error('broken')
        },
        terminate() {},
      }),
      { before: [cacheable, compression()] },
    )
    const client = site.get('/', { headers: gzip })
    await client.head()
    const lines = gunzipped(client)
    await lines.until('data: before')
    seen.add('before')
    expect((await client.closed()).isWhole).to.equal(false)
    expect(lines.count('end')).to.equal(0)
  })

  it('a compressed stream has one drain listener, however often it is behind', async () => {
    const { client, context } = await held(raw('text/plain'), [cacheable, compression({ level: 0 })])
    expect(client.message.headers).to.include({ 'content-encoding': 'gzip' })
    const { res } = context
    const counts = () => ['drain', 'close', 'error', 'finish'].map((name) => res.listenerCount(name))
    const before = counts()
    let total = 0
    for (let round = 0; round < 15; round++) {
      expect(context.write(flood.subarray(0, 2 ** 20))).to.equal('wait')
      total += 2 ** 20
      expect(await context.drained()).to.equal('ok')
      await client.taken(total)
    }
    // Node's own warning of too many listeners would fail the test at its end
    expect(counts()).to.deep.equal(before)
  })

  it('a client that leaves ends the loop', async () => {
    for (const before of [[compression()], [cacheable, compression()]]) {
      const { client, log } = await held(sse(), before)
      client.leave()
      await log.until('disconnect')
    }
  })

  it('HEAD has the head alone', async () => {
    const { site } = await held()
    const client = site.get('/', { method: 'HEAD', headers: gzip })
    expect((await client.whole()).status).to.equal(200)
    expect((await client.ask('/', { method: 'HEAD' }).whole()).status).to.equal(200)
  })

  describe('wherever it is mounted, and with whatever filter', () => {
    const numbers = () =>
      resource({
        contentTypesProvided: { 'text/event-stream': sse(), 'application/json': () => [long] },
        generateEtag: ({ negotiated }) => (negotiated.mediaType === 'application/json' ? '"1"' : undefined),
        subscribe: () => [1],
      }) as object as RequestHandler
    const long = 'long enough '.repeat(200)

    for (const [where, mount] of [
      ['before it', () => [compression(), numbers()]],
      ['on its route alone', () => [Router().use('/', compression(), numbers())]],
      ['before it, with a filter that takes all', () => [compression({ filter: () => true }), numbers()]],
      ['after it, where it does nothing', () => [numbers(), compression()]],
    ] as const satisfies [string, () => RequestHandler[]][]) {
      it(`a stream is not compressed: ${where}`, async () => {
        const site = await stage.now.serve(mount()[0]!, { after: mount().slice(1) })
        const message = await site.get('/', { headers: gzip }).whole()
        expect(message.body).to.equal(':\ndata: 1\n\n')
        expect(message.headers).not.to.have.property('content-encoding')
      })
    }

    it('a body is compressed, and Vary names both (RFC 9110 12.5.5)', async () => {
      const site = await stage.now.serve(numbers(), { before: [compression()] })
      const Accept = 'application/json'
      const { headers, bytes } = await site.get('/', { headers: { ...gzip, Accept } }).whole()
      expect(headers).to.include({ 'content-encoding': 'gzip', vary: 'Accept, Accept-Encoding', etag: '"1"' })
      expect(JSON.parse(gunzipSync(bytes).toString())).to.deep.equal([long])
      const plain = await site.get('/', { headers: { Accept } }).whole()
      expect(plain.headers).to.include({
        'content-length': String(long.length + 4),
        vary: 'Accept, Accept-Encoding',
      })
    })

    it('304, HEAD, a refusal and OPTIONS are what they are without it', async () => {
      const site = await stage.now.serve(numbers(), { before: [compression({ threshold: 0 })] })
      const Accept = 'application/json'
      const client = site.connect()
      for (const [status, method, headers] of [
        [304, 'GET', { Accept, 'If-None-Match': '"1"' }],
        [200, 'HEAD', { Accept }],
        [200, 'OPTIONS', {}],
      ] as const) {
        const message = await client.ask('/', { method, headers: { ...gzip, ...headers } }).whole()
        expect(message).to.include({ status, body: '' })
        expect(message.headers).not.to.have.property('content-encoding')
      }
      const refused = await client.ask('/', { headers: { ...gzip, Accept: 'image/png' } }).whole()
      expect(refused.status).to.equal(406)
      expect(JSON.parse(gunzipSync(refused.bytes).toString())).to.include({ status: 406 })
    })

    it('what a resource encodes itself is not encoded again', async () => {
      const site = await stage.now.serve(
        resource({ encodingsProvided: ['gzip'], contentTypesProvided: { 'text/plain': () => long } }),
        { before: [compression()] },
      )
      const { headers, bytes } = await site.get('/', { headers: gzip }).whole()
      expect(headers).to.include({ 'content-encoding': 'gzip', 'content-length': String(bytes.length) })
      expect(headers.vary?.match(/accept-encoding/gi)).to.have.length(1)
      expect(gunzipSync(bytes).toString()).to.equal(long)
    })

    for (const [how, before] of [
      ['not compressed', []],
      ['compressed', [cacheable]],
    ] as const) {
      it(`many streams on one connection, ${how}, leave no listener on it`, async () => {
        const { client, contexts, context } = await held(sse(), [...before, compression()])
        const { socket } = context.req
        context.stream.close()
        await client.whole()
        const count = () => socket.eventNames().reduce((sum, name) => sum + socket.listenerCount(name), 0)
        const idle = count()
        for (let n = 0; n < 15; n++) {
          await client.ask('/', { headers: gzip }).head()
          contexts[0]!.stream.close()
          await client.whole()
        }
        expect(count()).to.equal(idle)
      })
    }
  })
})
