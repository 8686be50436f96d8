import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { serve } from '../fanout/remote.js'

const filling = '.'.repeat(100)
const types: Readonly<Record<string, string>> = {
  '/sse': 'text/event-stream',
  '/ndjson': 'application/x-ndjson',
}

function framed(path: string, n: number): string {
  const data = { n, filling }
  return path === '/sse'
    ? `id: 5b0c61f2a9-${n}\ndata: ${JSON.stringify(data)}\n\n`
    : `${JSON.stringify({ id: `5b0c61f2a9-${n}`, data })}\n`
}

/** So many events in chunks of so many each; framed once for all who ask. */
const bodies = new Map<string, Buffer[]>()

function bodyOf(path: string, events: number, inChunk: number): Buffer[] {
  const key = `${path} ${events} ${inChunk}`
  const known = bodies.get(key)
  if (known) return known
  const chunks: Buffer[] = []
  for (let n = 0; n < events; n += inChunk) {
    const numbers = Array.from({ length: Math.min(inChunk, events - n) }, (_, at) => n + at + 1)
    chunks.push(Buffer.from(numbers.map((each) => framed(path, each)).join('')))
  }
  bodies.set(key, chunks)
  return chunks
}

/** `/sse?events=100000&chunk=100`; the response stays open. */
const server = createServer(async (req, res) => {
  const { pathname, searchParams } = new URL(req.url!, 'http://bench')
  const chunks = bodyOf(pathname, Number(searchParams.get('events')), Number(searchParams.get('chunk')))
  const gone = once(res, 'close')
  res.writeHead(200, { 'Content-Type': types[pathname] })
  for (const chunk of chunks) {
    const isTaken = res.write(chunk)
    // a chunk in a turn, and no faster than it is read
    if (isTaken) await setImmediate()
    else await Promise.race([once(res, 'drain'), gone])
    if (res.destroyed) return
  }
})

server.listen(0, '127.0.0.1', () => {
  const handlers = { port: (_: null) => (server.address() as AddressInfo).port }
  serve(handlers)
})

export type Server = { port(asked: null): number }
