import { createParser } from 'eventsource-parser'
import { type Asked, Interrupted, type Visit, type Visitor } from './visit.js'

/** ISBNs that nobody has given to a book yet, with the right digit at the end. */
const isbns = Array.from({ length: 40 }, (_, at) => withCheckDigit(`97900000${String(1000 + at)}`))

function withCheckDigit(twelve: string): string {
  const sum = [...twelve].reduce((total, digit, at) => total + Number(digit) * (at % 2 ? 3 : 1), 0)
  return `${twelve}${(10 - (sum % 10)) % 10}`
}

/** Adds, changes and removes books, and heeds what others have done meanwhile. */
export function writer(): Visitor {
  return async (visit) => {
    const { chance } = visit
    const isbn = chance.one(isbns)
    const path = `/api/books/${isbn}`
    const seen = await visit.ask({ path, statuses: [200, 404] })
    const book = {
      isbn,
      title: `Soaked ${chance.between(1, 1e6)}`,
      author: 'Nobody',
      year: chance.between(1, 2026),
    }
    const json = { body: JSON.stringify(book), headers: { 'Content-Type': 'application/json' } }
    if (seen.status === 404) {
      if (chance.is(0.5))
        return await change(visit, { method: 'POST', path: '/api/books', ...json, statuses: [201, 409] })
      const headers = { ...json.headers, 'If-None-Match': '*' }
      return await change(visit, { method: 'PUT', path, ...json, headers, statuses: [201, 412] })
    }
    const guard = { 'If-Match': seen.headers.etag! }
    if (chance.is(0.4))
      return await change(visit, { method: 'DELETE', path, headers: guard, statuses: [204, 404, 412] })
    await change(visit, {
      method: 'PUT',
      path,
      ...json,
      headers: { ...json.headers, ...guard },
      statuses: [200, 412],
    })
  }
}

/** What is confirmed is an event, and what is refused is none; of what got no answer nobody knows. */
async function change(visit: Visit, asked: Asked): Promise<void> {
  const { shop } = visit
  const { life } = shop
  try {
    const { status } = await visit.ask(asked)
    if (shop.life === life && status < 300) shop.confirmed += 1
  } catch (error) {
    if (shop.life === life) shop.uncertain += 1
    throw error
  }
}

/** Puts a last book there, and counts how many events there are: one for each change that was confirmed. */
export async function reckon(visit: Visit): Promise<void> {
  const { shop, ledger } = visit
  const title = `The last ${visit.chance.between(1, 1e9)}`
  const isbn = withCheckDigit('979000009999')
  const body = JSON.stringify({ isbn, title, author: 'Nobody' })
  const path = `/api/books/${isbn}`
  await change(visit, {
    method: 'PUT',
    path,
    body,
    headers: { 'Content-Type': 'application/json' },
    statuses: [200, 201],
  })
  const response = await visit.open({
    path: '/api/events/stream?lastEventId=earliest',
    headers: { Accept: 'text/event-stream' },
    statuses: [200],
  })
  if (!response) throw new Interrupted()
  let count: number | undefined
  const parser = createParser({
    onEvent({ id, data }) {
      if (!data.includes(title)) return
      count = Number(id?.split('-').at(-1))
    },
  })
  await visit.listen(response, 10_000, (text) => {
    parser.feed(text)
    return count === undefined ? undefined : 'enough'
  })
  const { confirmed, uncertain } = shop
  if (count === undefined || count < confirmed || count > confirmed + uncertain) {
    ledger.violation(`${count} events of ${confirmed} changes that were confirmed, ${uncertain} that may be`)
  }
}
