import { expect } from 'chai'
import { createHub, ndjson, raw } from '../../lib/index.js'
import { type Context, hold } from '../support/held.js'
import { onBoth } from '../support/http.js'
import { Http2Client, overHttp2 } from '../support/http2.js'
import { flood, stage, staged, turns, turnsUntil } from '../support/stage.js'

type Spec = Parameters<typeof hold>[0]

/** A held response over HTTP/2; the client of HTTP/1 that `hold` brings is refused, and is nobody. */
async function held(spec: Spec = {}, { reads = true } = {}) {
  let client: Http2Client | undefined
  const listen: typeof overHttp2 = (app) => {
    const server = overHttp2(app) as { on(name: string, listener: () => void): unknown }
    server.on('listening', () => {
      const { port } = (server as unknown as { address(): { port: number } }).address()
      client = new Http2Client(port)
      first = client.get('/', { reads })
    })
    return server as never
  }
  let first: ReturnType<Http2Client['get']> | undefined
  const opened = await hold(spec, {}, { listen })
  return { ...opened, h2: client as Http2Client, message: first as NonNullable<typeof first> }
}

onBoth('HTTP/2, by the compatibility API of Node (docs/guide/existing-app.md)', () => {
  staged()

  it('events arrive at once, and a complete end is one', async () => {
    const { context, message, h2 } = await held()
    context.write(1)
    await turnsUntil(() => message.body === '1\n')
    context.stream.close()
    expect(await message.code).to.equal(0)
    expect(message.status).to.equal(200)
    h2.session.destroy()
  })

  it('a source that fails: what it has said arrives, the stream is reset, and the session goes on', async () => {
    const subscribe = function* () {
      yield 1
      yield 2
      throw new Error('broken')
    }
    const { message, log, h2 } = await held({ subscribe: subscribe as never })
    expect(await message.code).to.equal(2)
    expect(message.body).to.equal('1\n2\n')
    await log.until('error')
    const other = h2.get()
    expect(await other.code).to.equal(2)
    expect(other.status).to.equal(200)
    h2.session.destroy()
  })

  it('a client that is too slow: its stream is reset, and the session goes on', async () => {
    const { message, context, log, h2, contexts } = await held({ format: raw('a/b') }, { reads: false })
    context.write(flood)
    await turns()
    context.write(flood)
    await log.until('overflow')
    message.read()
    expect(await message.code).to.equal(8)
    const other = h2.get()
    await log.until('subscribe', 2)
    ;(contexts[1] as Context).write(Buffer.from('x'))
    await turnsUntil(() => other.body === 'x')
    h2.session.destroy()
    await log.until('disconnect')
  })

  it('a client that reads one large event steadily is not cut, and one that stops is', async () => {
    const { message, context, log, h2 } = await held(
      { format: raw('a/b'), stream: { writeTimeout: 4000 } },
      { reads: false },
    )
    context.write(flood)
    message.read()
    for (let quarter = 0; quarter < 8; quarter++) {
      const before = message.body.length
      message.stream.resume()
      await turnsUntil(() => message.body.length >= before + 2 ** 19)
      message.stream.pause()
      await turns()
      stage.now.time.advance(2000)
      await turns()
      expect(log.entries).to.deep.equal(['subscribe'])
    }
    for (let quarter = 0; quarter < 5; quarter++) {
      stage.now.time.advance(1000)
      await turns()
    }
    await log.until('overflow')
    h2.session.destroy()
  })

  it('a client that leaves one stream is noticed, and the others go on', async () => {
    const channel = createHub().channel<number>('two')
    const { message, log, h2 } = await held({ subscribe: (() => channel) as never, format: ndjson() })
    const other = h2.get()
    await log.until('subscribe', 2)
    await turns()
    message.stream.close(8)
    await log.until('disconnect')
    await channel.publish(1)
    await turnsUntil(() => other.body === '1\n')
    h2.session.destroy()
    await log.until('disconnect', 2)
  })
})
