import { createServer } from 'node:http'
import https from 'node:https'
import { connect, type TLSSocket } from 'node:tls'
import { expect } from 'chai'
import compression from 'compression'
import type { Express, RequestHandler } from 'express'
import { ndjson, resource } from '../../lib/index.js'
import { certificate } from '../support/certificate.js'
import { hold } from '../support/held.js'
import { onBoth } from '../support/http.js'
import { needs } from '../support/installed.js'
import { Log } from '../support/log.js'
import { stage, staged } from '../support/stage.js'

onBoth('Servers of the app (docs/guide/existing-app.md)', () => {
  staged()

  it('`server.timeout` ends a stream that is silent for as long, and `terminate` is told', async () => {
    const listen = (app: Express) => createServer(app).setTimeout(60_000)
    const { client, context, log } = await hold({}, {}, { listen })
    await client.head()
    // the same timer, which is only now short: a stall before the request would be a silence, too
    context.req.socket.setTimeout(50)
    await client.closed()
    await log.until('disconnect')
  })

  it('`requestTimeout` and `headersTimeout` do not', async () => {
    const listen = (app: Express) => createServer({ connectionsCheckingInterval: 5 }, app)
    const { client, context, site } = await hold({}, {}, { listen })
    await client.head()
    // not before: a stall would end the stream's own request
    Object.assign(site.server, { requestTimeout: 20, headersTimeout: 20 })
    // a request that is not whole is what they end: when that has happened, they have been at work
    await site
      .connect()
      .write('GET / HTTP/1.1\r\n')
      .closed()
      .catch(() => {})
    context.write('still there')
    await client.until('still there')
  })

  describe('https', () => {
    needs('openssl')

    /** A stream over TLS: what has come of it, in a log of lines, and how it ended. */
    async function held(version: '1.0' | '1.1', before: readonly RequestHandler[] = []) {
      const log = new Log()
      const came = new Log()
      const site = await stage.now.serve(
        resource({
          contentTypesProvided: [ndjson()],
          async *subscribe() {
            yield 'first'
            await came.until('"first"')
            yield 'second'
            await log.until('fail')
            throw new Error('broken')
          },
          terminate: ({ kind }) => log.add(kind),
        }),
        {
          before,
          listen: (app) => https.createServer({ key: certificate(), cert: certificate() }, app) as never,
        },
      )
      const socket: TLSSocket = connect({ port: site.port, host: '127.0.0.1', rejectUnauthorized: false })
      let text = ''
      socket.on('error', () => {})
      socket.on('data', (bytes) => {
        text += bytes
        for (const line of text.split(/\r?\n/).slice(0, -1)) came.add(line)
        text = text.slice(text.lastIndexOf('\n') + 1)
      })
      const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
      socket.write(`GET / HTTP/${version}\r\nHost: spec\r\n\r\n`)
      return { socket, came, log, closed }
    }

    for (const version of ['1.1', '1.0'] as const) {
      it(`events arrive at once over HTTP/${version}, and a stream that fails is cut`, async () => {
        const { came, log, closed } = await held(version)
        await came.until('"second"')
        log.add('fail')
        await closed
        await log.until('error')
        expect(came.count('0')).to.equal(0)
      })

      it(`a client that leaves is noticed over HTTP/${version}`, async () => {
        const { came, log, socket } = await held(version)
        await came.until('"second"')
        socket.destroy()
        await log.until('disconnect')
        log.add('fail')
      })
    }

    it('events arrive at once behind compression(), too', async () => {
      const { came, socket, log } = await held('1.1', [compression()])
      await came.until('"second"')
      socket.destroy()
      await log.until('disconnect')
      log.add('fail')
    })
  })
})
