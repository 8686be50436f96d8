import { expect } from 'chai'
import type { Books } from '../../../demo/bookshop/books.js'
import { type Demo, eventsOf, linesOf, type Message, next, recordsOf, runDemo } from './demo.js'
import { inEachStore } from './stores.js'

const path = '/api/books/9780262560993'
const book = { isbn: '9780262560993', title: 'The Little Schemer', author: 'Daniel P. Friedman' }
const dated = { ...book, year: 1995 }
const happened = [
  { kind: 'created', book },
  { kind: 'updated', book: dated },
  { kind: 'deleted', book: dated },
]

describe('The demo: /api/events/stream', () => {
  inEachStore((open) => {
    let books: Books
    let demo: Demo

    before(async () => {
      books = await open()
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
      expect((await next(3, messages)).map(({ type, data }) => ({ type, data }))).to.deep.equal(
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

    it('An EventSource is told which process it has come to, where there may be several', async () => {
      const lines = linesOf(await demo.ask('GET /api/events/stream'))
      await send(`PUT ${path}`, { ...book, year: 1 })
      const told: string[] = []
      for await (const line of lines) {
        told.push(line)
        if (/^event: (?:created|updated)/.test(line)) break
      }
      const process = told.indexOf('event: process')
      if (books.place === 'memory') expect(process).to.equal(-1)
      else expect(told[process + 1]).to.equal(`data: {"pid":${globalThis.process.pid}}`)
    })

    it('A client that leaves is forgotten', async () => {
      const answer = await demo.ask('GET /api/events/stream')
      const { subscribers } = books.events
      const forgotten = new Promise((resolve) => books.events.on('leave', resolve))
      await answer.body!.cancel()
      await forgotten
      expect(books.events.subscribers).to.be.below(subscribers)
    })

    describe('A client that is stopped, and started again with its last id', () => {
      const put = (year: number) => send(`PUT ${path}`, { ...book, year })
      const yearsOf = (messages: readonly { data: string }[]) =>
        messages.map(({ data }) => JSON.parse(data).book.year)
      const listen = (headers = {}, query = '') => demo.ask(`GET /api/events/stream${query}`, { headers })

      /** Reads so many events, and leaves. */
      async function read(count: number, answer: Response): Promise<Message[]> {
        const messages = eventsOf(answer)
        const taken = await next(count, messages)
        await messages.return(null)
        return taken
      }

      it('gets what it has missed, then goes on live: each event once, in order (docs/guide/resume.md)', async () => {
        const years: number[] = []
        let last: string | undefined
        let year = 2000
        for (let round = 0; round < 5; round++) {
          const answer = await listen(last ? { 'Last-Event-ID': last } : {})
          await put(year++) // while it listens
          const messages = await read(round === 0 ? 1 : 3, answer)
          last = messages.at(-1)!.id
          years.push(...yearsOf(messages))
          for (let missed = 0; missed < 2; missed++) await put(year++)
        }
        const [...rest] = await read(2, await listen({ 'Last-Event-ID': last! }))
        years.push(...yearsOf(rest))
        expect(years).to.deep.equal(Array.from({ length: 15 }, (_, index) => 2000 + index))
      })

      it('is told so in the head, and gets no `gap` (docs/guide/resume.md)', async () => {
        const first = await listen()
        await put(1)
        const [{ id } = { id: '' }] = await read(1, first)
        await put(2)
        const answer = await listen({ 'Last-Event-ID': id! })
        expect(answer.headers.get('last-event-id')).to.equal(id)
        expect(answer.headers.get('event-gap')).to.equal(null)
        expect((await read(1, answer)).map(({ type }) => type)).to.deep.equal(['updated'])
      })

      it('may begin from the position that a head has told, before any event has come (docs/guide/resume.md)', async () => {
        const answer = await listen()
        const position = answer.headers.get('last-event-id')!
        const { value } = await answer.body!.getReader().read()
        expect(new TextDecoder().decode(value)).to.include(`event: position\nid: ${position}\n`)
        await put(1)
        await put(2)
        const records = recordsOf<{ book: typeof dated }>(
          await listen({ Accept: 'application/x-ndjson' }, `?lastEventId=${position}`),
        )
        expect((await next(2, records)).map(({ book }) => book.year)).to.deep.equal([1, 2])
        await records.return(null)
      })

      it('is told when the server was started anew, and gets all that is there (docs/guide/resume.md)', async () => {
        await put(1)
        const answer = await listen({ 'Last-Event-ID': '0123456789-7' })
        expect(answer.headers.get('last-event-id')).to.equal('earliest')
        expect(answer.headers.get('event-gap')).to.equal('unknown')
        const [gap] = await read(1, answer)
        expect(gap!.type).to.equal('gap')
        expect(JSON.parse(gap!.data)).to.deep.include({ requested: '0123456789-7', reason: 'unknown' })
      })
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
})
