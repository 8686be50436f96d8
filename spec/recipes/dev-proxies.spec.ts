import { once } from 'node:events'
import { createServer, get, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import express, { type RequestHandler } from 'express'
import plainExpressHttpProxy from 'express-http-proxy'
import { createProxyMiddleware } from 'http-proxy-middleware'
import { createProxyMiddleware as createProxyMiddleware3 } from 'http-proxy-middleware-3'
import { createServer as createVite, type ViteDevServer } from 'vite'
import { createHub, type Reason, resource, sse, stop } from '../../lib/index.js'
import { expressHttpProxy, httpProxyMiddleware, vite } from './dev-proxies.js'

/** A proxy of a developer's machine in front of an app: where it is, and how it is closed. */
type Start = (target: string) => Promise<{ url: string; close(): Promise<unknown> }>

const by =
  (made: (target: string) => RequestHandler): Start =>
  async (target) => {
    const server = createServer(express().use(made(target)))
    return listening(server)
  }

const byVite =
  (made: (target: string) => string | object): Start =>
  async (target) => {
    const server: ViteDevServer = await createVite({
      configFile: false,
      root: new URL('.', import.meta.url).pathname,
      cacheDir: join(tmpdir(), 'lariat-vite'),
      logLevel: 'silent',
      optimizeDeps: { noDiscovery: true },
      server: { port: 0, host: '127.0.0.1', ws: false, watch: null, proxy: { '/stream': made(target) } },
    })
    await server.listen()
    const { port } = server.httpServer!.address() as AddressInfo
    return { url: `http://127.0.0.1:${port}`, close: () => server.close() }
  }

async function listening(server: Server) {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const close = () => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  }
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close }
}

const of4 = (target: string) => createProxyMiddleware({ target }) as RequestHandler

/** Each as it is, and what helps, where something is to be helped. */
const proxies: Record<string, { plain: Start; helped?: Start }> = {
  'Vite 8': { plain: byVite((target) => target), helped: byVite(vite) },
  'http-proxy-middleware 3': {
    plain: by((target) => createProxyMiddleware3({ target }) as RequestHandler),
    helped: by((target) => httpProxyMiddleware(target) as RequestHandler),
  },
  'http-proxy-middleware 4': { plain: by(of4) },
  'express-http-proxy 2': {
    plain: by((target) => plainExpressHttpProxy(target)),
    helped: by(expressHttpProxy),
  },
}

describe('The proxies of developers (docs/recipes/clients-and-proxies.md)', function () {
  this.timeout(30_000)
  const news = createHub().channel<string>('news')
  let app: Awaited<ReturnType<typeof listening>>
  let ended: (reason: Reason) => void
  const endings: Promise<Reason>[] = []

  before(async () => {
    const endpoint = resource({
      contentTypesProvided: [sse()],
      subscribe: () => {
        endings.push(
          new Promise((resolve) => {
            ended = resolve
          }),
        )
        return news
      },
      info: ({ data: text }, { write }) => {
        if (text === 'cut') throw new Error('meant')
        return text === 'end' ? stop() : write(text)
      },
      terminate: (reason) => ended(reason),
    })
    app = await listening(createServer(express().use('/stream', endpoint)))
  })

  after(() => app.close())

  /** A client of a proxy, and how its stream has ended, if it has. */
  class Client {
    text = ''
    readonly closed: Promise<'complete' | 'cut'>
    readonly #answer: IncomingMessage

    constructor(answer: IncomingMessage) {
      this.#answer = answer
      answer.setEncoding('utf8').on('data', (piece) => {
        this.text += piece
      })
      answer.on('error', () => {})
      this.closed = new Promise((resolve) => {
        answer.once('close', () => resolve(answer.complete ? 'complete' : 'cut'))
      })
    }

    static async of(url: string): Promise<Client> {
      const request = get(`${url}/stream`, { agent: false })
      const [answer] = await once(request, 'response')
      return new Client(answer)
    }

    async gets(text: string): Promise<void> {
      while (!this.text.includes(text)) await once(this.#answer, 'data')
    }

    leave(): void {
      this.#answer.destroy()
    }
  }

  for (const [name, { plain, helped }] of Object.entries(proxies)) {
    for (const start of [plain, helped]) {
      if (!start) continue
      const passesCuts = start === helped || !helped
      describe(`${name}${start === helped ? ', helped' : ''}`, () => {
        let proxy: Awaited<ReturnType<Start>>

        before(async () => {
          proxy = await start(app.url)
        })

        after(() => proxy.close())

        it('An event arrives at once, a complete end is one, and the app learns of a client that leaves', async () => {
          const client = await Client.of(proxy.url)
          await news.publish('hello')
          await client.gets('hello')
          await news.publish('end')
          expect(await client.closed).to.equal('complete')
          const other = await Client.of(proxy.url)
          await news.publish('hello')
          await other.gets('hello')
          other.leave()
          expect((await endings.at(-1)!).kind).to.equal('disconnect')
        })

        it(`A cut ${passesCuts ? 'is passed on' : 'leaves the client waiting'}`, async () => {
          const client = await Client.of(proxy.url)
          await news.publish('hello')
          await client.gets('hello')
          await news.publish('cut')
          expect((await endings.at(-1)!).kind).to.equal('error')
          if (passesCuts) return expect(await client.closed).to.equal('cut')
          // a whole stream comes and goes meanwhile
          const other = await Client.of(proxy.url)
          await news.publish('end')
          expect(await other.closed).to.equal('complete')
          expect(await Promise.race([client.closed, 'waits'])).to.equal('waits')
          client.leave()
        })
      })
    }
  }
})
