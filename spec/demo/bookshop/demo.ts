import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { makeApp, type Options } from '../../../demo/bookshop/app.js'
import type { OpenStream } from '../../../lib/index.js'

export interface Demo {
  url: string
  server: Server
  /** The folder of the log files. */
  logs: string
  /** The open streams. */
  streams: Iterable<OpenStream>
  /** Sends a request: `ask('PUT /api/books/1', { body })`. */
  ask(request: string, init?: RequestInit): Promise<Response>
  close(): Promise<void>
}

/** Runs the demo on a port of its own, with log files of its own. */
export async function runDemo(options: Options = {}): Promise<Demo> {
  const logs = await mkdtemp(join(tmpdir(), 'lariat-demo-'))
  const { app, streams, close } = makeApp({ logs, ...options })
  const server = createServer(app).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url,
    server,
    logs,
    streams,
    ask(request, init) {
      const [method, path] = request.split(' ') as [string, string]
      return fetch(url + path, { method, redirect: 'manual', ...init })
    },
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
      await close()
      await rm(logs, { recursive: true })
    },
  }
}

/** The lines of a body as they come; leaving the loop is leaving the server. */
export async function* linesOf(response: Response): AsyncGenerator<string> {
  let rest = ''
  for await (const piece of response.body!.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + piece).split('\n')
    rest = lines.pop()!
    yield* lines
  }
  if (rest) yield rest
}

/** The records of an NDJSON body as they come. */
export async function* recordsOf<T>(response: Response): AsyncGenerator<T> {
  for await (const line of linesOf(response)) if (line.trim()) yield JSON.parse(line)
}

/** An event of an SSE body. */
export interface Message {
  type: string
  data: string
  id?: string
}

/** The events of an SSE body as they come, without the places to come back to, and the process that answers. */
export async function* eventsOf(response: Response): AsyncGenerator<Message> {
  let message = { type: 'message' }
  for await (const line of linesOf(response)) {
    const [, name, value] = /^(event|id|data): (.*)/.exec(line) ?? []
    if (name === 'event') message = { ...message, type: value! }
    if (name === 'id') message = Object.assign(message, { id: value! })
    if (name === 'data' && !/^(?:position|process)$/.test(message.type)) yield { ...message, data: value! }
    if (line === '') message = { type: 'message' }
  }
}

/** The next so many of what comes; the rest stays to be asked for. */
export async function next<T>(count: number, from: AsyncGenerator<T>): Promise<T[]> {
  const taken: T[] = []
  while (taken.length < count) {
    const { done, value } = await from.next()
    if (done) throw new Error(`Ended after ${taken.length} of ${count}: ${JSON.stringify(taken)}`)
    taken.push(value)
  }
  return taken
}

/** All that comes until the complete end; a cut stream throws. */
export async function all<T>(from: AsyncIterable<T>): Promise<T[]> {
  const taken: T[] = []
  for await (const each of from) taken.push(each)
  return taken
}

/** Waits until something holds that tells nobody when it does. */
export async function until(holds: () => unknown): Promise<void> {
  while (!(await holds())) await setTimeout(10)
}
