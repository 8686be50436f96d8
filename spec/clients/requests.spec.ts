import { expect } from 'chai'
import compression from 'compression'
import type { RequestHandler, Response } from 'express'
import { event, loop, ndjson, type PlainSpec, resource, sse } from '../../lib/index.js'
import { Log } from '../support/log.js'
import { staged } from '../support/stage.js'
import { eventSources, readers, serve, usesClients, withEach } from './clients.js'
import { curl } from './programs.js'

/** The word that a text begins with, and then nothing, until the client goes. */
const answers = (log: Log, bodyLimit = 2 ** 20) =>
  resource({
    init: () => ({ words: [] as string[] }),
    allowedMethods: ['POST'],
    bodyLimit,
    contentTypesProvided: [ndjson()],
    contentTypesAccepted: {
      'text/plain': async ({ state, text, negotiated }) => {
        state.words = (await text()).split(' ')
        return negotiated.format
      },
    },
    subscribe: async function* ({ state, signal }) {
      yield state.words[0]
      log.add('answered')
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
    },
    terminate: ({ kind }) => log.add(kind),
  })

describe('Requests of real clients', () => {
  staged()

  withEach(readers, (client) => {
    it(`${client.accept === undefined ? 'without Accept' : `with Accept: ${client.accept}`}, and get what is provided first; with one they get what it names`, async () => {
      const numbers: PlainSpec = { contentTypesProvided: [ndjson(), sse()], subscribe: () => [1] }
      const site = await serve({ '/numbers': numbers }, { client })
      const first = client.read(`${site.url}/numbers`)
      expect(await first.ended()).to.equal('whole')
      expect(site.asked[0]!.headers.accept).to.equal(client.accept)
      expect(first.text).to.equal('1\n')
      const named = client.read(`${site.url}/numbers`, { headers: { Accept: 'text/event-stream' } })
      expect(await named.ended()).to.equal('whole')
      expect(named.text).to.equal(':\ndata: 1\n\n')
    })

    it('by HEAD and OPTIONS, and get a head alone: nobody is subscribed', async () => {
      const log = new Log()
      const stream: PlainSpec = { contentTypesProvided: [sse()], subscribe: () => log.add('subscribe') }
      const site = await serve({ '/stream': stream }, { client })
      const head = client.read(`${site.url}/stream`, { method: 'HEAD' })
      expect(await head.ended()).to.equal('whole')
      const { status, headers } = await head.head()
      expect([status, headers['content-type'], head.text]).to.deep.equal([200, 'text/event-stream', ''])
      const options = client.read(`${site.url}/stream`, { method: 'OPTIONS' })
      expect(await options.ended()).to.equal('whole')
      expect((await options.head()).headers.allow).to.equal('GET, HEAD, OPTIONS')
      expect(log.entries).to.deep.equal([])
    })

    it('by POST, and read the answer as it comes; the app is told when they leave', async () => {
      const log = new Log()
      const site = await serve({ '/answers': answers(log) }, { client })
      const headers = { 'Content-Type': 'text/plain' }
      const answer = client.read(`${site.url}/answers`, { method: 'POST', headers, body: 'höre me out' })
      await answer.until('"höre"\n')
      await log.until('answered')
      answer.leave()
      await log.until('disconnect')
      expect(log.entries).to.deep.equal(['answered', 'disconnect'])
    })
  })

  withEach(eventSources, (client) => {
    it('with Accept: text/event-stream', async () => {
      const numbers: PlainSpec = {
        contentTypesProvided: [ndjson(), sse()],
        subscribe: () => [event(1, { id: '1' })],
      }
      const site = await serve({ '/numbers': numbers }, { client })
      expect((await client.listen(`${site.url}/numbers`).next()).data).to.equal('1')
      expect(site.asked[0]!.headers.accept).to.equal('text/event-stream')
    })

    for (const isCompressed of [false, true]) {
      const what = isCompressed
        ? 'compressed, where no-transform was taken back'
        : 'as it is, because of no-transform'

      it(`behind compression(), and get each event at once: the stream is ${what}`, async () => {
        const log = new Log()
        let send: (n: number) => void = () => {}
        const counter = resource({
          init: ({ res }) => {
            if (isCompressed) res.set('Cache-Control', 'no-store')
          },
          contentTypesProvided: [sse()],
          subscribe: (context) => {
            send = context.send
            log.add('subscribe')
          },
        })
        let response: Response | undefined
        const see: RequestHandler = (_req, res, next) => {
          response = res
          next()
        }
        const before = [compression({ threshold: 0 }), see]
        const site = await serve({ '/counter': counter }, { client, before })
        const listening = client.listen(`${site.url}/counter`)
        await log.until('subscribe')
        for (let n = 0; n < 3; n++) {
          send(n)
          expect((await listening.next()).data).to.equal(`${n}`)
        }
        expect(response?.hasHeader('Content-Encoding')).to.equal(isCompressed)
      })
    }
  })

  describe('curl', () => {
    usesClients('curl')

    for (const before of [[], [compression({ threshold: 0 })]]) {
      it(`with --compressed ${before.length ? 'behind' : 'without'} compression(): streams come as they are, event by event`, async () => {
        const log = new Log()
        let send: (n: number) => void = () => {}
        const stream = loop({
          format: sse(),
          subscribe: (context) => {
            send = context.send
            log.add('subscribe')
          },
        })
        const plain: PlainSpec = { contentTypesProvided: { 'application/json': () => ({ some: 'JSON' }) } }
        const site = await serve({ '/stream': stream, '/plain': plain }, { before })
        const answer = curl(`${site.url}/stream`, {}, ['--compressed'])
        await log.until('subscribe')
        for (let n = 0; n < 3; n++) {
          send(n)
          await answer.until(`data: ${n}\n`)
        }
        expect(site.asked[0]!.headers['accept-encoding']).to.include('gzip')
        expect((await answer.head()).headers).not.to.have.property('content-encoding')
        const other = curl(`${site.url}/plain`, {}, ['--compressed'])
        expect(await other.ended()).to.equal('whole')
        expect(other.text).to.equal('{"some":"JSON"}')
        expect('content-encoding' in (await other.head()).headers).to.equal(before.length > 0)
      })
    }

    it('with a big body after Expect: 100-continue, and streams the answer (RFC 9110 10.1.1)', async () => {
      const log = new Log()
      const site = await serve({ '/answers': answers(log, 4 * 2 ** 20) })
      const ask = { headers: { 'Content-Type': 'text/plain' }, body: `long ${'x'.repeat(2 * 2 ** 20)}` }
      const answer = curl(`${site.url}/answers`, ask)
      await answer.until('"long"\n')
      expect(site.asked[0]!.headers.expect).to.equal('100-continue')
      answer.leave()
      await log.until('disconnect')
    })

    it('with a body past the limit, and is answered 413 with a problem', async () => {
      const site = await serve({ '/answers': answers(new Log()) })
      const ask = { headers: { 'Content-Type': 'text/plain' }, body: 'x'.repeat(2 * 2 ** 20) }
      const answer = curl(`${site.url}/answers`, ask)
      expect((await answer.head()).status).to.equal(413)
      await answer.until('"status":413')
    })
  })
})
