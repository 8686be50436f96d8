import { type Client, request } from '../../spec/support/raw.js'
import type { Asked, Visit, Visitor } from './visit.js'

const missing = '/api/books/9790000099990'
const refused: readonly Asked[] = [
  { method: 'HEAD', path: '/api/books', statuses: [200] },
  { method: 'HEAD', path: '/api/events/stream', statuses: [200] },
  { method: 'OPTIONS', path: '/api/books', statuses: [200] },
  { method: 'OPTIONS', path: '/api/ask', statuses: [200] },
  { method: 'PATCH', path: '/api/books', statuses: [405] },
  { method: 'DELETE', path: '/api/events/stream', statuses: [405] },
  { method: 'PROPFIND', path: '/api/books', statuses: [501] },
  { path: '/api/books', headers: { Accept: 'image/png' }, statuses: [406] },
  { path: '/api/books', headers: { 'Accept-Language': 'tlh' }, statuses: [200, 406] },
  { path: '/api/stream', headers: { Accept: 'text/html;q=1, */*;q=0' }, statuses: [406] },
  { path: '/api/tail', statuses: [400] },
  { path: '/api/tail?file=..%2Fserver.ts', statuses: [404] },
  { path: '/api/tail?file=access.log&last=-1', statuses: [400] },
  { path: '/api/books/%ff', statuses: [400] },
  { path: '/nothing', statuses: [404] },
  { path: missing, statuses: [404] },
  { path: '/', headers: { Accept: 'text/html' }, statuses: [200] },
  { path: '/main.js', statuses: [200] },
  {
    method: 'POST',
    path: '/api/books',
    headers: { 'Content-Type': 'text/plain' },
    body: 'a',
    statuses: [415],
  },
  {
    method: 'POST',
    path: '/api/books',
    headers: { 'Content-Type': 'application/json' },
    body: '{',
    statuses: [400],
  },
  {
    method: 'POST',
    path: '/api/books',
    headers: { 'Content-Type': 'application/json' },
    body: `"${'a'.repeat(2 ** 20)}"`,
    statuses: [413],
  },
  { method: 'PUT', path: missing, headers: { 'If-Match': '*' }, body: '{}', statuses: [412] },
]

/** Asks for what is refused, or has no body. */
export function curious(): Visitor {
  return (visit) => visit.ask(visit.chance.one(refused))
}

/** Kills the process that samples, now and then, and looks whether another comes. */
export function killer(): Visitor {
  return async (visit) => {
    await visit.pause(visit.chance.between(3000, 20_000))
    if (visit.leaving.aborted) return
    await visit.ask({ method: 'DELETE', path: '/api/stream/source', statuses: [204] })
    await visit.ask({ path: '/api/stream/source', statuses: [200] })
  }
}

const wholes = ['/api/books', missing, '/', '/api/stream/source']
const held = ['/api/events/stream', '/api/events/stream?lastEventId=earliest', '/api/stream', '/api/books']

/** A connection that is expected to be closed by the other side, whatever is answered. */
async function closes(visit: Visit, what: string, client: Client): Promise<void> {
  try {
    await visit.watched(`${what}: not closed`, () => client.ended)
  } finally {
    client.leave()
  }
  inspect(visit, what, client)
}

/** Whatever came is no failure of the server. */
function inspect({ ledger, shop }: Visit, what: string, client: Client): void {
  for (const { status, body } of client.messages) {
    ledger.answered(status)
    ledger.inspect(status, body, what)
    if (status >= 500 && status !== 501 && status !== 503 && shop.isUp) ledger.violation(`${what}: ${status}`)
  }
}

/** Asks, and closes its half. */
export function halfCloser(): Visitor {
  return async (visit) => {
    const path = visit.chance.one([...held, ...wholes])
    const client = visit.raw().ask(path, { headers: { Accept: 'text/event-stream, */*' } })
    await visit.pause(visit.chance.between(0, 300))
    client.halfClose()
    await closes(visit, `a half-closed ${path}`, client)
  }
}

/** Resets at some byte of its request, or of the response. */
export function resetter(): Visitor {
  return async (visit) => {
    const { chance } = visit
    const asked = chance.is(0.3)
      ? request('/api/ask', { method: 'POST', headers: { 'Content-Type': 'text/plain' }, body: 'lisp?' })
      : request(chance.one([...held, ...wholes]), { headers: { Accept: 'text/event-stream, */*' } })
    const client = visit.raw()
    if (chance.is(0.5)) {
      client.write(asked.slice(0, chance.between(0, asked.length)))
      await visit.pause(chance.between(0, 20))
    } else {
      client.write(asked)
      const most = chance.between(1, 600)
      await Promise.race([client.taken(most).catch(() => undefined), visit.pause(1000)])
    }
    client.reset()
    await client.ended
    inspect(visit, 'a request that was reset', client)
  }
}

/** Sends what is no request, or no longer one. */
export function garbler(): Visitor {
  return async (visit) => {
    const { chance } = visit
    const isNoise = chance.is(0.4)
    const bytes = isNoise
      ? Buffer.from(Array.from({ length: chance.between(1, 2000) }, () => chance.between(0, 255)))
      : Buffer.from(request('/api/books', { headers: { Accept: '*/*', 'If-None-Match': '"a"' } }))
    for (let times = chance.between(1, 4); !isNoise && times > 0; times--) {
      bytes[chance.between(0, bytes.length - 1)] = chance.between(0, 255)
    }
    const client = visit.raw().write(bytes)
    await Promise.race([client.ended, visit.pause(300)])
    client.leave()
    await client.ended
    inspect(visit, `garbage ${bytes.toString('latin1').slice(0, 60)}`, client)
  }
}

/** Asks for several at once on one connection: answered in turn, the stream at the end as well. */
export function pipeliner(): Visitor {
  return async (visit) => {
    const { chance } = visit
    const asked = Array.from(
      { length: chance.between(2, 10) },
      () => `/api/books/${9790000100000 + chance.between(0, 9999)}`,
    )
    const client = visit.raw()
    for (const path of asked) client.ask(path)
    client.ask('/api/events/stream')
    try {
      await visit.watched('pipelined', () => client.head())
      const heads = client.messages.map(({ status }) => status)
      inspect(visit, 'pipelined', client)
      const inTurn = client.messages.every(
        ({ body }, at) => at === asked.length || body.includes(asked[at]!.slice(11)),
      )
      const isSo = inTurn && heads.join() === [...asked.map(() => 404), 200].join()
      if (!isSo && visit.shop.isUp) visit.ledger.violation(`pipelined, and answered with ${heads}`)
      await visit.pause(chance.between(0, 1000))
    } finally {
      client.reset()
    }
    await client.ended
  }
}
