import { setTimeout as sleep } from 'node:timers/promises'
import { parse } from 'csv-parse/sync'
import { createParser } from 'eventsource-parser'
import { Order } from './order.js'
import type { Visit, Visitor } from './visit.js'

/** Reads events as EventSource does: leaves, comes back with the last id, and must not miss any. */
export function eventSource(): Visitor {
  const order = new Order()
  return async (visit) => {
    const asked = order.last
    const response = await visit.open({
      path: '/api/events/stream',
      headers: { Accept: 'text/event-stream', ...(asked !== undefined && { 'Last-Event-ID': asked }) },
      statuses: [200],
    })
    if (!response) return
    await visit.listen(response, visit.chance.between(100, 12_000), inOrder(visit, order))
  }
}

/** The text of a stream, piece by piece; what it tells is put in order. */
function inOrder({ ledger }: Visit, order: Order): (text: string) => void {
  const parser = createParser({
    onEvent({ id, event, data }) {
      if (event === 'gap') ledger.gaps += 1
      else ledger.events += 1
      const wrong = event === 'gap' ? order.gap(data) : order.take(id)
      if (wrong) ledger.violation(`events: ${wrong}`)
    },
  })
  return (text) => parser.feed(text)
}

/** Reads the same slowly, from the first that is there; is not cut for that. */
export function slow(): Visitor {
  return async (visit) => {
    const order = new Order()
    const path = '/api/events/stream?lastEventId=earliest'
    const response = await visit.open({ path, headers: { Accept: 'text/event-stream' }, statuses: [200] })
    if (!response) return
    const take = inOrder(visit, order)
    await visit.listen(response, visit.chance.between(2000, 10_000), (text) => {
      take(text)
      response.pause()
      void sleep(100).then(() => response.resume())
    })
  }
}

const streams = ['text/event-stream', 'application/x-ndjson', 'application/json-seq', 'application/json']

/** Follows the books, or the machine, in some format; a record that comes whole has to be one. */
export function follower(path: '/api/events/stream' | '/api/stream' | '/api/books'): Visitor {
  return async (visit) => {
    const type = visit.chance.one(
      path === '/api/books'
        ? ['text/event-stream']
        : path === '/api/stream'
          ? [...streams, 'text/csv']
          : streams,
    )
    // while the sampler is dead there is no stream of the machine
    const statuses = path === '/api/stream' ? [200, 503] : [200]
    const response = await visit.open({ path, headers: { Accept: type }, statuses })
    if (!response) return
    let rest = ''
    await visit.listen(response, visit.chance.between(50, 8000), (text) => {
      const lines = (rest + text).split('\n')
      rest = lines.pop()!
      if (type !== 'application/x-ndjson') return
      for (const line of lines.filter(Boolean)) {
        visit.ledger.events += 1
        if (!isJson(line)) visit.ledger.violation(`${path}: a record that is none: ${line.slice(0, 200)}`)
      }
    })
  }
}

/** Reads the shelf as a whole, in each of its forms, and again if it has changed. */
export function browser(): Visitor {
  const forms: Record<string, (body: string) => unknown> = {
    'application/json': (body) => JSON.parse(body),
    'application/x-ndjson': (body) =>
      body
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line)),
    'text/csv': (body) => parse(body, { columns: true }),
    'text/plain': (body) => body.split('\n'),
  }
  return async (visit) => {
    const { chance } = visit
    const type = chance.one(Object.keys(forms))
    const path = chance.is(0.7)
      ? '/api/books'
      : `/api/books?q=${chance.one(['a', 'erlang', 'book', '%C3%9F'])}`
    const headers = { Accept: type, 'Accept-Language': chance.one(['en', 'de', 'fr;q=0.5', '*']) }
    const first = await visit.ask({ path, headers, statuses: [200] })
    try {
      forms[type]!(first.body)
    } catch (error) {
      visit.ledger.violation(`${path} as ${type} cannot be read: ${error}`)
    }
    const { etag } = first.headers
    if (!etag) return
    await visit.ask({ path, headers: { ...headers, 'If-None-Match': etag }, statuses: [200, 304] })
    await visit.ask({
      path,
      headers: { ...headers, Range: 'bytes=0-9', 'If-Range': etag },
      statuses: [200, 206],
    })
  }
}

/** Follows the log: some of it, or all. It is there from the first request on that was answered. */
export function tail(): Visitor {
  let isThere = false
  return async (visit) => {
    const last = visit.chance.is(0.9) ? `&last=${visit.chance.between(0, 100)}` : ''
    const path = `/api/tail?file=access.log${last}`
    const type = visit.chance.one(['text/plain', 'application/x-ndjson'])
    const statuses = isThere ? [200] : [200, 404]
    const response = await visit.open({ path, headers: { Accept: type }, statuses })
    if (!response) return
    isThere = true
    await visit.listen(response, visit.chance.between(50, 5000))
  }
}

/** Asks, and hears the answer to its end, or does not. */
export function asker(): Visitor {
  return async (visit) => {
    const { chance } = visit
    const response = await visit.open({
      method: 'POST',
      path: chance.is(0.5) ? '/api/ask' : '/api/echo',
      headers: {
        'Content-Type': 'text/plain',
        Accept: chance.one(['text/event-stream', 'application/x-ndjson']),
      },
      body: chance.one(['Which books are about Erlang?', 'lisp', 'Hold on to the rope', 'x '.repeat(40)]),
      statuses: [200],
    })
    if (response) await visit.listen(response, chance.is(0.5) ? 25_000 : chance.between(1, 2000))
  }
}

/** Asks for a stream, and does not read it. */
export function idler(): Visitor {
  return async (visit) => {
    const client = visit.raw({ reads: false })
    client.ask(
      visit.chance.one([
        '/api/tail?file=access.log',
        '/api/stream',
        '/api/events/stream?lastEventId=earliest',
      ]),
    )
    await visit.pause(visit.chance.between(500, 8000))
    client.reset()
    await client.ended
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
