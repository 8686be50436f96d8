// A shop with traffic, to look at its inspector: npx tsx tools/inspected.ts
import { once } from 'node:events'
import { get, type IncomingMessage, request, type Server } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import express from 'express'
import { createHub, csv, jsonArray, ndjson, resources, sse } from '../lib/index.js'
import { inspector } from '../lib/inspector.js'

export interface Inspected {
  readonly url: string
  close(): Promise<void>
}

/** Starts the shop, and clients that come, go, read slowly, and ask for what there is not. */
export async function runInspected(port = 0): Promise<Inspected> {
  const { app, close } = makeShop()
  const server = app.listen(port)
  await once(server, 'listening')
  const url = `http://localhost:${(server.address() as AddressInfo).port}`
  const crowd = new Crowd(url)
  await crowd.come()
  return {
    url,
    close: async () => {
      crowd.leave()
      await close()
      await closed(server)
    },
  }
}

function closed(server: Server): Promise<unknown> {
  server.closeAllConnections()
  return new Promise((settle) => server.close(settle))
}

interface Price {
  symbol: string
  price: number
  change: number
}

function makeShop() {
  const hub = createHub()
  const prices = hub.channel<Price>('prices', { history: 500 })
  const orders = hub.channel<{ id: number; state: string }>('orders', { history: 20 })
  const rooms = ['lobby', 'kitchen', 'roof'].map((name) =>
    hub.channel<{ from: string; text: string }>(`room ${name}`, { history: 200 }),
  )
  const clock = hub.channel('clock', {
    linger: 60_000,
    source: (channel) => {
      const timer = setInterval(() => void channel.publish(new Date().toISOString()), 1000)
      return () => clearInterval(timer)
    },
  })
  const replicas = hub.channel<string>('replica', { history: 10 })
  const page = 'x'.repeat(64_000)
  let count = 0
  const timers = [
    setInterval(
      () =>
        void prices.publish({ symbol: 'ACME', price: ++count, change: (count % 7) - 3 }, { type: 'tick' }),
      40,
    ),
    setInterval(() => void replicas.publish(page, { type: 'page' }), 40),
    setInterval(() => void orders.publish({ id: ++count, state: 'packed' }, { type: 'changed' }), 300),
    setInterval(() => {
      for (const room of rooms) void room.publish({ from: 'Ada', text: 'Milk first?' }, { type: 'said' })
    }, 2500),
  ]
  const endpoints = resources({
    '/prices': {
      contentTypesProvided: [sse(), ndjson()],
      subscribe: prices,
      stream: { maxStreams: 60 },
    },
    '/replica': {
      contentTypesProvided: [sse()],
      subscribe: replicas,
      stream: { maxQueuedBytes: 2 ** 21, overflow: 'dropOldest', writeTimeout: 300_000 },
    },
    '/orders': {
      isAuthorized: ({ req }) => req.headers.authorization === 'Bearer sesame' || 'Bearer realm="orders"',
      contentTypesProvided: [sse()],
      subscribe: orders,
    },
    '/rooms/:room': {
      resourceExists: ({ req }) => ['lobby', 'kitchen', 'roof'].includes(String(req.params.room)),
      contentTypesProvided: [sse()],
      subscribe: ({ req }) => hub.channel(`room ${req.params.room}`),
    },
    '/clock': { contentTypesProvided: [ndjson()], subscribe: clock },
    '/export': {
      contentTypesProvided: [csv({ columns: ['row', 'name'] }), jsonArray()],
      subscribe: async function* ({ req }) {
        for (let row = 0; row < 40; row++) {
          yield { row, name: `Book ${row}` }
          await sleep(100)
          if (row === 12 && req.query.broken) throw new Error('connect ECONNREFUSED 10.0.7.12:5432')
        }
      },
    },
    '/report': {
      rateLimited: ({ req }) => (req.query.again ? 30 : false),
      contentTypesProvided: { 'application/json': () => ({ sold: 12 }), 'text/plain': () => 'sold: 12' },
      lastModified: new Date('2026-11-01T12:00:00Z'),
    },
  })
  const app = express()
  app.set('trust proxy', true)
  const inspecting = inspector({
    of: endpoints,
    hub,
    actions: true,
    payloads: true,
    isAuthorized: () => true,
  })
  app.use('/inspector', inspecting)
  app.use(endpoints)
  const close = async () => {
    for (const timer of timers) clearInterval(timer)
    await Promise.all([endpoints.close(), inspecting.close()])
    await hub.close()
  }
  return { app, close }
}

const browser =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36'

/** Those who ask. */
class Crowd {
  readonly #url: string
  readonly #sockets: Socket[] = []
  readonly #open: IncomingMessage[] = []
  #timer: NodeJS.Timeout | undefined
  #turn = 0

  constructor(url: string) {
    this.#url = url
  }

  async come(): Promise<void> {
    const sign = { Authorization: 'Bearer sesame' }
    for (let each = 0; each < 14; each++) await this.#stay('/prices', { Accept: 'text/event-stream' })
    for (let each = 0; each < 6; each++) await this.#stay('/prices', { Accept: 'application/x-ndjson' })
    for (let each = 0; each < 9; each++) await this.#stay('/orders', sign)
    for (const room of ['lobby', 'lobby', 'kitchen', 'roof', 'lobby']) await this.#stay(`/rooms/${room}`)
    for (let each = 0; each < 3; each++) await this.#stay('/clock')
    await this.#stay('/replica')
    for (let each = 0; each < 2; each++) await this.#creep('/replica')
    this.#timer = setInterval(() => this.#pass(), 700)
  }

  leave(): void {
    clearInterval(this.#timer)
    for (const each of this.#open) each.destroy()
    for (const each of this.#sockets) each.destroy()
  }

  #headers(more: Record<string, string> = {}): Record<string, string> {
    const turn = this.#turn++
    const from = `10.0.${turn % 4}.${17 + ((turn * 37) % 200)}`
    return { 'User-Agent': turn % 3 ? browser : 'okhttp/4.12.0', 'X-Forwarded-For': from, ...more }
  }

  async #stay(path: string, headers?: Record<string, string>): Promise<IncomingMessage> {
    const asked = get(this.#url + path, { headers: this.#headers(headers), agent: false })
    asked.on('error', () => {})
    const [answer] = (await once(asked, 'response')) as [IncomingMessage]
    answer.on('error', () => {}).resume()
    this.#open.push(answer)
    return answer
  }

  /** Reads nothing. */
  async #creep(path: string): Promise<void> {
    const { hostname, port } = new URL(this.#url)
    const socket = connect({ host: hostname, port: Number(port) })
    socket.on('error', () => {})
    this.#sockets.push(socket)
    await once(socket, 'connect')
    const fields = Object.entries(this.#headers({ Host: hostname, Accept: 'text/event-stream' }))
    socket.write(
      `GET ${path} HTTP/1.1\r\n${fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`,
    )
    socket.pause()
  }

  /** Some come and go. */
  #pass(): void {
    const kinds: (() => void)[] = [
      () => this.#ask('GET', '/report', { Accept: 'application/json' }),
      () => this.#ask('GET', '/report?token=s3cret', { Accept: 'application/xml' }),
      () => this.#visit('/prices', 900),
      () => this.#ask('GET', '/orders', {}),
      () => this.#visit('/rooms/kitchen', 1500),
      () => this.#ask('GET', '/report', { 'If-Modified-Since': 'Sun, 01 Nov 2026 12:00:00 GMT' }),
      () => this.#ask('GET', '/rooms/attic', {}),
      () => this.#visit('/export?broken=1', 9000),
      () => this.#ask('GET', '/report?again=1', {}),
      () => this.#visit('/export', 9000),
      () => this.#visit('/orders', 1200, { Authorization: 'Bearer sesame', 'Last-Event-ID': 'gone-1' }),
      () => this.#ask('POST', '/report', { 'Content-Type': 'application/json' }),
    ]
    kinds[this.#turn % kinds.length]?.()
  }

  #ask(method: string, path: string, headers: Record<string, string>): void {
    const asked = request(this.#url + path, { method, headers: this.#headers(headers), agent: false })
    asked.on('error', () => {}).on('response', (answer) => answer.resume().on('error', () => {}))
    asked.end()
  }

  #visit(path: string, stay: number, headers?: Record<string, string>): void {
    void this.#stay(path, headers).then(async (answer) => {
      await sleep(stay)
      answer.destroy()
      this.#open.splice(this.#open.indexOf(answer), 1)
    })
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { url } = await runInspected(Number(process.env.PORT || 4500))
  console.log(`${url}/inspector`)
}
