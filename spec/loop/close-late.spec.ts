import { expect } from 'chai'
import type { RequestHandler } from 'express'
import session from 'express-session'
import { jsonArray, loop, raw } from '../../lib/index.js'
import { flood, stage, staged, turns } from '../support/stage.js'

/** A middleware that carries out the ends of responses below a path when it is told to. */
class Late {
  #waiting: (() => void)[] = []

  get count(): number {
    return this.#waiting.length
  }

  below(path: string): RequestHandler {
    return (req, res, next) => {
      const end = res.end.bind(res) as (...given: unknown[]) => typeof res
      if (req.path.startsWith(path)) {
        res.end = (...given: unknown[]) => {
          this.#waiting.push(() => end(...given))
          return res
        }
      }
      next()
    }
  }

  carryOut(): void {
    for (const each of this.#waiting.splice(0)) each()
  }
}

/** A promise, and whether it has settled. */
function watched(promise: Promise<unknown>) {
  const state = { isSettled: false, promise }
  void promise.then(() => {
    state.isSettled = true
  })
  return state
}

const open = (endpoint: { streams: Iterable<unknown> }) => [...endpoint.streams].length

describe('endpoint.close() waits a second for ends that a middleware carries out late (docs/operate/operating.md)', () => {
  staged()

  for (const over of [0, 5000]) {
    it(`after an \`over\` of ${over} ms, and no longer than until the last is carried out`, async () => {
      const late = new Late()
      const endpoint = loop({ format: jsonArray(), stream: { heartbeat: false }, subscribe: () => {} })
      const site = await stage.now.serve(endpoint, { before: [late.below('/')] })
      const clients = [1, 2, 3].map(() => site.get())
      for (const client of clients) await client.until('[')
      const closing = watched(endpoint.close({ over }))
      stage.now.time.advance(over)
      await turns()
      stage.now.time.advance(999)
      await turns()
      expect([late.count, closing.isSettled]).to.deep.equal([3, false])
      late.carryOut()
      await closing.promise
      for (const client of clients) expect((await client.whole()).body).to.equal('[]')
    })
  }

  it('and cuts those that are not carried out by then', async () => {
    const late = new Late()
    const endpoint = loop({ format: jsonArray(), subscribe: () => {} })
    const site = await stage.now.serve(endpoint, { before: [late.below('/')] })
    const client = site.get()
    await client.until('[')
    const closing = endpoint.close()
    await turns()
    stage.now.time.advance(1000)
    await closing
    expect((await client.closed()).isWhole).to.equal(false)
  })

  it('an end that came on its own right before is waited for as well', async () => {
    const late = new Late()
    const endpoint = loop({ format: jsonArray(), subscribe: () => [1] })
    const site = await stage.now.serve(endpoint, { before: [late.below('/')] })
    const client = site.get()
    while (late.count === 0) await turns(1)
    const closing = watched(endpoint.close())
    await turns()
    expect(closing.isSettled).to.equal(false)
    late.carryOut()
    await closing.promise
    expect((await client.whole()).body).to.equal('[1]')
  })

  it('but not for clients that have not taken what waits', async () => {
    const late = new Late()
    const endpoint = loop({
      format: raw('a/b'),
      stream: { maxQueuedBytes: 2 ** 26 },
      subscribe: ({ req, write }) => void write(req.path === '/late' ? 'x' : flood),
    })
    const site = await stage.now.serve(endpoint, { before: [late.below('/late')] })
    const waited = site.get('/late')
    const stalled = site.get('/', { reads: false })
    await waited.until('x')
    while (open(endpoint) < 2) await turns(1)
    const closing = watched(endpoint.close())
    await turns()
    stalled.socket.resume()
    expect((await stalled.closed()).isWhole).to.equal(false)
    expect(closing.isSettled).to.equal(false)
    late.carryOut()
    await closing.promise
    expect((await waited.whole()).isWhole).to.equal(true)
  })

  it('nor for those whose end is a cut', async () => {
    let failed = false
    const endpoint = loop({
      format: raw('a/b'),
      stream: { maxQueuedBytes: 2 ** 26 },
      async subscribe({ write }) {
        write(flood)
        throw new Error('broken')
      },
      terminate: ({ kind }) => {
        failed = kind === 'error'
      },
    })
    const stalled = (await stage.now.serve(endpoint)).get('/', { reads: false })
    while (!failed) await turns(1)
    await endpoint.close()
    stalled.socket.resume()
    expect((await stalled.closed()).isWhole).to.equal(false)
  })

  it('such as that of a session whose store is slow', async () => {
    let save = () => {}
    class Slow extends session.MemoryStore {
      override set(...given: Parameters<session.MemoryStore['set']>): void {
        save = () => super.set(...given)
      }
    }
    const before = [
      session({
        secret: 'rope',
        resave: false,
        saveUninitialized: true,
        store: new Slow(),
      }) as RequestHandler,
    ]
    const endpoint = loop({ format: jsonArray(), subscribe: () => {} })
    const client = (await stage.now.serve(endpoint, { before })).get()
    await client.until('[')
    const closing = endpoint.close()
    await turns()
    save()
    await closing
    expect((await client.whole()).body).to.equal('[]')
  })
})
