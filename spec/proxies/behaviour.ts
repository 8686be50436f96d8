import { expect } from 'chai'
import { ndjson } from '../../lib/index.js'
import { failing, snapshotAndStream } from './endpoints.js'
import { type Front, patience, visitorOf } from './fronts.js'
import { Origin } from './origin.js'
import type { RunningProxy } from './proxy.js'
import type { Http1, Version, Visitor } from './visitor.js'

/** What of a proxy's behaviour differs. */
export interface Expected {
  /** How it speaks to the app. */
  readonly upstream: '1.0' | '1.1'
  /** When the app learns that a client of HTTP/1.1 has left. */
  readonly leaving: 'at once' | 'at the next writes'
  /** Whether a client that sends no more is taken for one that has left. */
  readonly halfClosed: 'leaving' | 'nothing'
  /** The app gets a request once its body has come as a whole. */
  readonly buffersBodies: boolean
  /** It says who the client is. */
  readonly forwards: boolean
  /** It keeps its connections to the app. */
  readonly keepsConnections: boolean
}

/** What is true of every proxy; the table of the page, row by row. */
export function behaves(front: Front, expected: Expected): void {
  describe(front.name, () => {
    const origin = new Origin()
    let proxy: RunningProxy
    before(async () => {
      await origin.open()
      proxy = await front.start(origin.port)
    })
    after(async () => {
      await proxy?.close()
      await origin.close()
    })

    const visitors: Visitor[] = []
    afterEach(() => {
      for (const each of visitors.splice(0)) each.close()
    })
    const visitor = (version: Version, from?: string): Visitor => {
      const made = visitorOf(front, proxy, version, from)
      visitors.push(made)
      return made
    }
    const http1 = () => visitor('HTTP/1.1') as Http1

    for (const version of front.versions) {
      describe(`to a client of ${version}`, () => {
        const opened = async (spec = {}) => {
          const held = origin.hold(spec)
          const client = visitor(version)
          const visit = client.visit('/')
          const context = await held.context()
          await visit.until(':\n')
          const { send, stream } = context
          return { send, stream, held, client, visit }
        }

        it('hands on each event before the next one is sent', async () => {
          const { send, visit } = await opened()
          for (let n = 1; n <= 3; n++) {
            send(`event ${n}`)
            await visit.until(`event ${n}\n\n`)
          }
          expect(origin.arrivals[0]?.version).to.equal(expected.upstream)
        })

        it('hands on a complete end as one', async () => {
          const { send, stream, visit } = await opened()
          send('last')
          stream.close()
          expect(await visit.ended()).to.equal('complete')
          expect(visit.body).to.equal(':\ndata: last\n\n')
        })

        it('hands on the end of a shutdown as complete, and the 503 that comes after it', async () => {
          const { held, client, visit } = await opened()
          await held.endpoint.close()
          expect(await visit.ended()).to.equal('complete')
          const refused = client.visit('/')
          const { status, headers } = await refused.head()
          expect(await refused.ended()).to.equal('complete')
          expect([status, headers['content-type']]).to.deep.equal([503, 'application/problem+json'])
          expect(Number(headers['retry-after'])).to.be.within(5, 10)
        })

        const cut = [...front.cut[version]!]
        const made = cut.map((ending) => (ending === 'cut' ? 'a cut' : 'a complete end, wrongly,'))
        it(`makes ${made.join(' or ')} of a cut`, async () => {
          const { send, held, visit } = await opened(failing)
          send('last')
          send('fail')
          expect(await visit.ended()).to.be.oneOf(cut)
          expect(visit.body).to.equal(':\ndata: last\n\n')
          expect(held.log.entries).to.deep.equal(['subscribe', 'error'])
        })

        const when = version === 'HTTP/2' ? 'at once' : expected.leaving
        it(`tells the app ${when} that the client has left`, async () => {
          const { send, held, visit } = await opened()
          visit.leave()
          if (when === 'at the next writes') await writesUntil(held.log.until('disconnect'), send)
          await held.log.until('disconnect')
        })

        it('waits for a client that does not read: the app learns that it is behind, and ends its stream as after a failure', async () => {
          const held = origin.hold({
            format: ndjson(),
            stream: { writeTimeout: 300 },
            *subscribe() {
              for (let sent = 0; sent < unheld; sent += part.length) yield part
            },
          })
          const visit = visitor(version).visit('/')
          visit.pause()
          await Promise.race(['overflow', 'end', 'disconnect'].map((kind) => held.log.until(kind)))
          expect(held.log.entries).to.deep.equal(['subscribe', 'overflow'])
          visit.resume()
          expect(await visit.ended()).to.be.oneOf(cut)
        })

        it('passes methods, statuses and headers as they are', async () => {
          origin.serve(snapshotAndStream())
          const client = visitor(version)
          const answers = async (method: string, headers: Record<string, string>, body?: string) => {
            const visit = client.visit('/', { method, headers, ...(body && { body }) })
            const head = await visit.head()
            expect(await visit.ended(), method).to.equal('complete')
            return { ...head, type: head.headers['content-type'], body: visit.body }
          }
          const events = { accept: 'text/event-stream' }
          const json = { accept: 'application/json' }
          expect(await answers('HEAD', events)).to.include({ status: 200, type: events.accept, body: '' })
          const refused = await answers('DELETE', {})
          expect([refused.status, refused.headers.allow]).to.deep.equal([405, 'GET, HEAD, POST'])
          expect(await answers('GET', { accept: 'image/png' })).to.include({ status: 406 })
          expect((await answers('GET', json)).headers).to.include({ etag: '"1"', vary: 'Accept' })
          expect(await answers('GET', { ...json, 'if-none-match': '"1"' })).to.include({
            status: 304,
            body: '',
          })
          const resumed = await answers('GET', { ...events, 'last-event-id': '7' })
          expect(resumed.body).to.equal(':\ndata: after 7\n\n')
          expect(resumed.headers).to.include({ 'cache-control': 'no-store, no-transform' })
          const prompt = await answers('POST', { 'content-type': 'text/plain' }, 'to be or not')
          expect(prompt).to.include({ type: 'application/x-ndjson', body: '"to"\n"be"\n"or"\n"not"\n' })
        })

        const who = expected.forwards ? 'who the client is, whatever it says itself' : 'what the client says'
        it(`tells the app ${who}`, async function () {
          // elsewhere a machine has 127.0.0.1 alone to call itself
          if (process.platform !== 'linux') this.skip()
          const held = origin.hold({ stream: { maxStreamsPerClient: 1 } })
          const status = async (from: string, headers = {}) =>
            (await visitor(version, from).visit('/', { headers }).head()).status
          expect(await status('127.0.0.5')).to.equal(200)
          const spoofed = { 'x-forwarded-for': '203.0.113.7' }
          const [others, again] = expected.forwards ? [200, 429] : [429, 200]
          expect(await status('127.0.0.6')).to.equal(others)
          expect(await status('127.0.0.5', spoofed)).to.equal(again)
          expect(held.contexts.map(({ stream }) => stream.client)).to.deep.equal(
            expected.forwards ? ['127.0.0.5', '127.0.0.6'] : ['127.0.0.1', '203.0.113.7'],
          )
        })
      })
    }

    it('has nothing to complain of in its configuration', () => {
      expect(proxy.said).not.to.match(/\[(warn|warning|emerg|alert)\]/i)
    })

    if (front.versions.includes('HTTP/2')) {
      it('lets one stream of a connection go, and keeps the other', async () => {
        const held = origin.hold()
        const client = visitor('HTTP/2')
        const leaving = client.visit('/leaving')
        await held.context(1)
        const staying = client.visit('/staying')
        const { send } = await held.context(2)
        await leaving.until(':\n')
        leaving.leave()
        await held.log.until('disconnect')
        send('on')
        await staying.until('data: on\n\n')
        expect(held.log.count('disconnect')).to.equal(1)
      })
    }

    it(`tells the app ${expected.leaving} of a reset`, async () => {
      const held = origin.hold()
      const visit = http1().visit('/')
      const { send } = await held.context()
      await visit.until(':\n')
      visit.reset()
      if (expected.leaving === 'at the next writes') await writesUntil(held.log.until('disconnect'), send)
      await held.log.until('disconnect')
    })

    it(`takes a half-close for ${expected.halfClosed}`, async () => {
      const held = origin.hold()
      const visit = http1().visit('/')
      const { send } = await held.context()
      await visit.until(':\n')
      visit.client.halfClose()
      if (expected.halfClosed === 'leaving') return held.log.until('disconnect')
      send('on')
      await visit.until('data: on\n\n')
      visit.leave()
      await writesUntil(held.log.until('disconnect'), send)
    })

    it(`hands on a request ${expected.buffersBodies ? 'once its body has come' : 'as it comes'}`, async () => {
      origin.serve(snapshotAndStream())
      const { client } = http1().connect()
      const fields = ['Host: spec', 'Content-Type: text/plain', 'Content-Length: 6', 'Expect: 100-continue']
      client.write(`POST / HTTP/1.1\r\n${fields.join('\r\n')}\r\n\r\n`)
      await client.taken('HTTP/1.1 100 Continue\r\n\r\n'.length)
      client.socket.write('to ')
      await http1().visit('/', { method: 'HEAD' }).head()
      expect(origin.arrivals).to.have.length(expected.buffersBodies ? 1 : 2)
      client.socket.write('be!')
      await client.taken(200)
      await new Promise<void>((resolve) => {
        const look = () =>
          client.raw.includes('"be!"\n') ? resolve() : void client.socket.once('data', look)
        look()
      })
      expect(origin.arrivals).to.have.length(2)
    })

    const keeps = expected.keepsConnections ? 'uses its connections to the app again' : 'connects anew'
    it(`${keeps} after a complete stream`, async () => {
      const sockets = new Set<unknown>()
      const { client } = http1().connect()
      for (let n = 1; n <= 3; n++) {
        const held = origin.hold()
        client.ask('/')
        const { stream } = await held.context()
        sockets.add(origin.arrivals[0]?.socket)
        stream.close()
        await client.whole()
      }
      // the first request of a connection need not get one that others have used
      expect(sockets.size).to.be.oneOf(expected.keepsConnections ? [1, 2] : [3])
    })

    it('serves whoever comes after a cut', async () => {
      for (const end of ['fail', 'stop']) {
        const held = origin.hold(failing)
        const visit = http1().visit('/')
        const { send, stream } = await held.context()
        await visit.until(':\n')
        if (end === 'fail') send('fail')
        else stream.close()
        expect(await visit.ended()).to.equal(end === 'fail' ? 'cut' : 'complete')
      }
    })

    it('answers pipelined requests in order', async () => {
      origin.serve(snapshotAndStream())
      const { client } = http1().connect()
      for (const id of ['1', '2', '3']) {
        client.ask('/', { headers: { accept: 'text/event-stream', 'last-event-id': id } })
      }
      await client.whole()
      expect(client.messages.map(({ body }) => body)).to.deep.equal(
        ['1', '2', '3'].map((id) => `:\ndata: after ${id}\n\n`),
      )
    })
  })
}

const part = '.'.repeat(2 ** 16)
/** More than all sockets between the app and a client hold, which grow to 32 MiB each. */
const unheld = 2 ** 28

/** Writes until something has come of it: each write is a chance to learn that the client has left. */
async function writesUntil(happened: Promise<void>, send: (message: unknown) => void): Promise<void> {
  let isDone = false
  void happened.then(() => {
    isDone = true
  })
  for (const began = performance.now(); !isDone && performance.now() - began < patience / 2; ) {
    send('more')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
