// Reads headers of many shapes and sizes, and prints what that has cost. A process of its own: V8 counts in what is
// loaded after the counting has begun.
import 'express'
import type { Spec } from '../support/http.js'
import { some } from '../support/runs.js'
import { beginnings, beside, type Header, shapes } from './shapes.js'
import { type Work, workIn } from './work.js'

/** What it costs, by length. */
export interface Cost {
  readonly what: string
  readonly works: readonly Work[]
}

/** Bytes of a header. */
export const sizes = [4096, 8192, 16_384, 65_536]

const workOf = workIn(/\/lib\/|content-type|squares/)
const { resource, sse } = await import('../../lib/index.js')
const { Site } = await import('../support/http.js')
const { cutting, nested } = await import('./squares.js')

const spec: Spec = {
  allowedMethods: ['GET', 'HEAD', 'POST', 'OPTIONS'],
  contentTypesProvided: {
    'text/plain': () => 'hello',
    'application/json': () => ({}),
    'text/html;level=1': () => '',
    'text/event-stream': sse(),
  },
  contentTypesAccepted: { 'application/json': ({ json }) => json().then(() => true), 'text/*': () => true },
  subscribe: ({ lastEventId }) => [lastEventId],
  languagesProvided: ['en', 'de-CH'],
  charsetsProvided: ['utf-8', 'iso-8859-1'],
  encodingsProvided: ['gzip', 'identity'],
  rangesProvided: 'auto',
  generateEtag: '"a"',
  lastModified: new Date(0),
  // so that each header is read, whatever was made of the one before
  negotiation: 'lenient',
}

const site = await new Site(resource(spec), { options: { maxHeaderSize: 80 * 1024 } }).open()

/** Asks with a header of so many bytes, for each piece that it may be made of. */
async function read(header: Header, pieces: readonly string[], size: number): Promise<void> {
  for (const piece of pieces) {
    const start = beginnings[header] ?? ''
    const value = (start + piece.repeat(Math.ceil(size / piece.length))).slice(0, size)
    const hasBody = header.startsWith('content')
    const { status } = await site.ask({
      method: hasBody ? 'POST' : 'GET',
      headers: { ...beside[header], [header]: value },
      ...(hasBody && { body: '{}' }),
    })
    if (status === 431 || status >= 500) throw new Error(`${header}: ${status}`)
  }
}

async function cost(what: string, run: (size: number) => unknown): Promise<Cost> {
  await workOf(() => run(1024)) // what is made once is made
  const works = []
  for (const size of sizes) works.push(await workOf(() => run(size)))
  return { what, works }
}

const all: Cost[] = [
  await cost('nested', (size) => nested(size / 64)),
  await cost('cutting', (size) => cutting(size / 64)),
]
const { any, ...own } = shapes
for (const [header, pieces] of Object.entries(own) as [Header, readonly string[]][]) {
  for (const made of [any, ...some(pieces, 2).map((piece) => [piece])]) {
    all.push(
      await cost(`${header}: ${made.map((piece) => JSON.stringify(piece)).join()}`, (size) =>
        read(header, made, size),
      ),
    )
  }
}
site.close()
console.log(JSON.stringify(all))
