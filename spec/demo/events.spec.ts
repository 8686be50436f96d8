import { once } from 'node:events'
import { expect } from 'chai'
import { BooksInMemory } from '../../demo/books.js'
import { type Demo, eventsOf, next, recordsOf, runDemo } from './demo.js'

const path = '/api/books/9780262560993'
const book = { isbn: '9780262560993', title: 'The Little Schemer', author: 'Daniel P. Friedman' }
const dated = { ...book, year: 1995 }
const happened = [
  { kind: 'created', book },
  { kind: 'updated', book: dated },
  { kind: 'deleted', book: dated },
]

describe('The demo: /api/events/stream', () => {
  const books = new BooksInMemory()
  let demo: Demo

  before(async () => {
    demo = await runDemo({ books })
  })

  after(() => demo.close())

  const send = (request: string, body?: unknown) =>
    demo.ask(request, {
      body: body ? JSON.stringify(body) : null,
      headers: { 'Content-Type': 'application/json' },
    })

  it('Two clients are told of each book that is created, updated and deleted, each in its format', async () => {
    const lines = await demo.ask('GET /api/events/stream', { headers: { Accept: 'application/x-ndjson' } })
    const events = await demo.ask('GET /api/events/stream', { headers: { Accept: 'text/event-stream' } })
    await send('POST /api/books', book)
    await send(`PUT ${path}`, dated)
    await send(`DELETE ${path}`)
    const records = recordsOf(lines)
    const messages = eventsOf(events)
    expect(await next(3, records)).to.deep.equal(happened)
    expect(await next(3, messages)).to.deep.equal(
      happened.map((each) => ({ type: each.kind, data: JSON.stringify(each) })),
    )
    await Promise.all([records.return(null), messages.return(null)])
  })

  it('A request that changes nothing is told to nobody', async () => {
    const records = recordsOf(
      await demo.ask('GET /api/events/stream', { headers: { Accept: 'application/x-ndjson' } }),
    )
    await send('POST /api/books', { ...book, isbn: '1' })
    await send(`DELETE ${path}`)
    await send('PUT /api/books/9781937785536', book)
    await send('POST /api/books', book)
    expect(await next(1, records)).to.deep.equal([{ kind: 'created', book }])
    await records.return(null)
  })

  it('A client that leaves is forgotten', async () => {
    const answer = await demo.ask('GET /api/events/stream')
    const listeners = books.bus.listenerCount('event')
    const forgotten = once(books.bus as NodeJS.EventEmitter, 'removeListener')
    await answer.body!.cancel()
    await forgotten
    expect(books.bus.listenerCount('event')).to.be.below(listeners)
  })

  it('Without an Accept it is SSE', async () => {
    const answer = await demo.ask('GET /api/events/stream')
    expect(answer.headers.get('content-type')).to.equal('text/event-stream')
    await answer.body!.cancel()
  })

  it('HEAD has the head and ends', async () => {
    const answer = await demo.ask('HEAD /api/events/stream')
    expect(answer.status).to.equal(200)
    expect(answer.headers.get('content-type')).to.equal('text/event-stream')
    expect(await answer.text()).to.equal('')
  })

  it('Another format is 406', async () => {
    const answer = await demo.ask('GET /api/events/stream', { headers: { Accept: 'text/html' } })
    expect(answer.status).to.equal(406)
    expect(await answer.json())
      .to.have.property('offered')
      .that.includes('text/event-stream')
  })

  it('POST is 405', async () => {
    const answer = await demo.ask('POST /api/events/stream')
    expect(answer.status).to.equal(405)
    expect(answer.headers.get('allow')).to.equal('GET, HEAD, OPTIONS')
  })
})
