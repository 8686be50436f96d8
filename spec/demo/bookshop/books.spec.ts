import { expect } from 'chai'
import type { Book } from '../../../demo/bookshop/book.js'
import type { Books } from '../../../demo/bookshop/books.js'
import { BooksInMemory } from '../../../demo/bookshop/books-in-memory.js'
import { flawOfIsbn } from '../../../demo/bookshop/isbn.js'
import { all, type Demo, eventsOf, linesOf, next, recordsOf, runDemo } from './demo.js'
import { inEachStore, replaced } from './stores.js'

const erlang = {
  isbn: '9781937785536',
  title: 'Programming Erlang',
  author: 'Joe Armstrong',
  year: 2013,
}
const schemer = { isbn: '9780262560993', title: 'The Little Schemer', author: 'Daniel P. Friedman' }

describe('The demo: books', () => {
  inEachStore((open) => {
    let books: Books
    let demo: Demo

    before(async () => {
      books = await open()
      demo = await runDemo({ books })
    })

    afterEach(async () => {
      await replaced(books, erlang.isbn, erlang)
      await replaced(books, schemer.isbn, undefined)
    })

    after(() => demo.close())

    const sent = (body: unknown, headers = {}) => ({
      body: typeof body === 'string' ? body : JSON.stringify(body),
      headers: { 'Content-Type': 'application/json', ...headers },
    })

    describe('/api/books', () => {
      it('GET answers all books as JSON, each with a true ISBN', async () => {
        const answer = await demo.ask('GET /api/books')
        const books = (await answer.json()) as (typeof erlang)[]
        expect(answer.status).to.equal(200)
        expect(answer.headers.get('content-type')).to.equal('application/json')
        expect(books).to.have.length(12)
        expect(books).to.deep.include(erlang)
        expect(books.map(({ isbn }) => flawOfIsbn(isbn)).filter(Boolean)).to.deep.equal([])
      })

      it('GET answers them as CSV', async () => {
        const answer = await demo.ask('GET /api/books', { headers: { Accept: 'text/csv' } })
        const lines = await all(linesOf(answer))
        expect(answer.headers.get('content-type')).to.equal('text/csv')
        expect(lines).to.have.length(13)
        expect(lines[0]).to.equal('isbn,title,author,year\r')
        expect(lines).to.include('9781937785536,Programming Erlang,Joe Armstrong,2013\r')
      })

      it('GET answers them as NDJSON', async () => {
        const answer = await demo.ask('GET /api/books', { headers: { Accept: 'application/x-ndjson' } })
        const books = await all(recordsOf(answer))
        expect(answer.headers.get('content-type')).to.equal('application/x-ndjson')
        expect(books).to.have.length(12)
        expect(books).to.deep.include(erlang)
      })

      it('GET of a type that is not provided is 406, and lists what is', async () => {
        const answer = await demo.ask('GET /api/books', { headers: { Accept: 'image/png' } })
        expect(answer.status).to.equal(406)
        expect(await answer.json()).to.deep.include({
          status: 406,
          offered: [
            'application/json',
            'application/x-ndjson',
            'text/csv',
            'text/plain',
            'text/event-stream',
          ],
        })
      })

      it('GET ?q= answers those that have each word of it, in whatever format', async () => {
        const found = async (query: string, headers = {}) =>
          (await (await demo.ask(`GET /api/books?q=${query}`, { headers })).text()).match(/\d{13}/g)?.sort()
        expect(await found('ERLANG')).to.deep.equal(['9781593274351', erlang.isbn])
        expect(await found('armstrong%20erlang')).to.deep.equal([erlang.isbn])
        expect(await found('2013', { Accept: 'text/csv' })).to.deep.equal(['9781593274351', erlang.isbn])
        expect(await found('nothing%20of%20this')).to.equal(undefined)
        expect(await found('')).to.have.length(12)
        expect(await found('q&q=erlang')).to.equal(undefined)
      })

      it('GET answers them as text in the language that the client likes best', async () => {
        const heading = async (language: string) => {
          const headers = { Accept: 'text/plain', 'Accept-Language': language }
          const answer = await demo.ask('GET /api/books', { headers })
          return [answer.headers.get('content-language'), (await answer.text()).split('\n')[0]]
        }
        expect(await heading('de-AT, en;q=0.5')).to.deep.equal(['de', 'Bücher im Regal: 12'])
        expect(await heading('fr')).to.deep.equal(['fr', 'Livres sur l’étagère : 12'])
        expect(await heading('*')).to.deep.equal(['en', 'Books on the shelf: 12'])
        const refused = await demo.ask('GET /api/books', { headers: { 'Accept-Language': 'it' } })
        expect(refused.status).to.equal(406)
        expect(await refused.json()).to.deep.include({ offered: ['en', 'de', 'fr'] })
      })

      it('GET has an etag for each representation, which is another one when a book changes', async () => {
        const etag = async (headers = {}, query = '') =>
          (await demo.ask(`GET /api/books${query}`, { headers })).headers.get('etag')
        const representations = [
          await etag(),
          await etag({}, '?q=erlang'),
          await etag({ Accept: 'text/plain' }),
          await etag({ Accept: 'text/plain', 'Accept-Language': 'fr' }),
        ]
        expect(new Set(representations).size).to.equal(4)
        expect(await etag()).to.equal(representations[0])
        const seen = { headers: { 'If-None-Match': representations[0]! } }
        expect((await demo.ask('GET /api/books', seen)).status).to.equal(304)
        await replaced(books, erlang.isbn, { ...erlang, year: 2014 })
        expect((await demo.ask('GET /api/books', seen)).status).to.equal(200)
      })

      it('GET answers a part of it', async () => {
        const headers = { Accept: 'text/plain', Range: 'bytes=0-4' }
        const answer = await demo.ask('GET /api/books', { headers })
        expect([answer.status, await answer.text()]).to.deep.equal([206, 'Books'])
      })

      it('GET as an event stream is the firehose: a snapshot and a stream in one resource', async () => {
        const events = eventsOf(
          await demo.ask('GET /api/books', { headers: { Accept: 'text/event-stream' } }),
        )
        await replaced(books, erlang.isbn, { ...erlang, year: 2014 })
        const [{ type, data } = { type: '', data: '{}' }] = await next(1, events)
        expect([type, JSON.parse(data).book.year]).to.deep.equal(['updated', 2014])
        await events.return(null)
      })

      it('POST creates a book, and says where it is', async () => {
        const answer = await demo.ask('POST /api/books', sent(schemer))
        expect(answer.status).to.equal(201)
        expect(answer.headers.get('location')).to.equal('/api/books/9780262560993')
        expect(await answer.json()).to.deep.equal(schemer)
        const created = await demo.ask('GET /api/books/9780262560993')
        expect(await created.json()).to.deep.equal(schemer)
      })

      it('POST takes an ISBN with hyphens, or what stands for them, and keeps it without', async () => {
        const answer = await demo.ask('POST /api/books', sent({ ...schemer, isbn: '978-0 262–56099-3' }))
        expect(answer.status).to.equal(201)
        expect(await answer.json()).to.deep.equal(schemer)
      })

      it('POST of a book that is there is 409, and changes nothing', async () => {
        const answer = await demo.ask('POST /api/books', sent({ ...erlang, title: 'Another' }))
        expect(answer.status).to.equal(409)
        expect(await answer.json()).to.deep.include({ detail: 'There is a book 9781937785536 already' })
        const kept = await demo.ask('GET /api/books/9781937785536')
        expect(await kept.json()).to.deep.equal(erlang)
      })

      const flaws: [what: string, body: unknown, detail: string | RegExp][] = [
        ['a wrong check digit', { ...schemer, isbn: '9780262560994' }, /^isbn: its last digit should be 3/],
        ['a short ISBN', { ...schemer, isbn: '978026256' }, /^isbn: expected 13 digits/],
        [
          'digits of another script',
          { ...schemer, isbn: '９７８０２６２５６０９９３' },
          /^isbn: expected 13 digits/,
        ],
        ['an ISBN that is a number', { ...schemer, isbn: 9780262560993 }, 'isbn: expected a string'],
        ['no ISBN', {}, 'isbn: expected a string'],
        ['no title', { ...schemer, title: undefined }, /^title: /],
        ['an empty title', { ...schemer, title: ' ' }, /^title: /],
        ['a title that is too long', { ...schemer, title: 'x'.repeat(501) }, /^title: /],
        ['no author', { ...schemer, author: undefined }, /^author: /],
        ['a year in words', { ...schemer, year: 'long ago' }, /^year: /],
        ['a year with a fraction', { ...schemer, year: 1995.5 }, /^year: /],
        ['a year before there were books', { ...schemer, year: -5000 }, /^year: /],
        ['a list', [schemer], 'expected an object'],
        ['null', null, 'expected an object'],
        ['half a JSON text', '{"isbn":', /JSON/],
        ['nothing', '', /JSON/],
      ]

      for (const [what, body, detail] of flaws) {
        it(`POST of ${what} is 400, and says what is wrong`, async () => {
          const answer = await demo.ask('POST /api/books', sent(body))
          expect(answer.status).to.equal(400)
          expect(answer.headers.get('content-type')).to.equal('application/problem+json')
          expect(((await answer.json()) as { detail: string }).detail).to.match(
            typeof detail === 'string' ? new RegExp(`^${detail}$`) : detail,
          )
        })
      }

      it('POST of another type than JSON is 415, and says what is taken', async () => {
        const answer = await demo.ask('POST /api/books', sent('isbn=1', { 'Content-Type': 'text/plain' }))
        expect(answer.status).to.equal(415)
        expect(answer.headers.get('accept')).to.equal('application/json')
      })

      it('DELETE is 405, and says what is allowed', async () => {
        const answer = await demo.ask('DELETE /api/books')
        expect(answer.status).to.equal(405)
        expect(answer.headers.get('allow')).to.equal('GET, HEAD, POST, OPTIONS')
      })
    })

    describe('/api/books/:isbn', () => {
      const path = '/api/books/9781937785536'
      const etag = async () => (await demo.ask(`HEAD ${path}`)).headers.get('etag')!

      it('GET answers the book, with a strong etag', async () => {
        const answer = await demo.ask(`GET ${path}`)
        expect(answer.status).to.equal(200)
        expect(answer.headers.get('etag')).to.match(/^"[\w-]+"$/)
        expect(await answer.json()).to.deep.equal(erlang)
      })

      it('GET finds the book by its ISBN with hyphens', async () => {
        const answer = await demo.ask('GET /api/books/978-1-937785-53-6')
        expect(await answer.json()).to.deep.equal(erlang)
      })

      it('HEAD has the head of GET', async () => {
        const [get, head] = await Promise.all([demo.ask(`GET ${path}`), demo.ask(`HEAD ${path}`)])
        const ofConnection = ['date', 'connection', 'keep-alive']
        const fields = ({ headers }: Response) =>
          [...headers].filter(([name]) => !ofConnection.includes(name))
        expect(fields(head)).to.deep.equal(fields(get))
        expect(await head.text()).to.equal('')
      })

      it('GET of what the client has is 304', async () => {
        const answer = await demo.ask(`GET ${path}`, { headers: { 'If-None-Match': await etag() } })
        expect(answer.status).to.equal(304)
        expect(await answer.text()).to.equal('')
      })

      it('GET of a book that is not there is 404, and says so', async () => {
        const answer = await demo.ask('GET /api/books/9780262560993')
        expect(answer.status).to.equal(404)
        expect(await answer.json()).to.deep.include({ detail: 'There is no book 9780262560993' })
      })

      it('GET of a type that is not provided is 406', async () => {
        const answer = await demo.ask(`GET ${path}`, { headers: { Accept: 'text/html' } })
        expect(answer.status).to.equal(406)
      })

      it('GET of a path that cannot be decoded is 400', async () => {
        const answer = await demo.ask('GET /api/books/%ff')
        expect(answer.status).to.equal(400)
      })

      it('PUT replaces the book, and changes its etag', async () => {
        const before = await etag()
        const answer = await demo.ask(`PUT ${path}`, sent({ ...erlang, year: 2014 }, { 'If-Match': before }))
        expect(answer.status).to.equal(200)
        expect(await answer.json()).to.deep.equal({ ...erlang, year: 2014 })
        expect(await etag()).to.not.equal(before)
      })

      it('PUT of a book that has changed since the client saw it is 412, and changes nothing', async () => {
        const seen = await etag()
        await demo.ask(`PUT ${path}`, sent({ ...erlang, year: 2014 }))
        const answer = await demo.ask(`PUT ${path}`, sent({ ...erlang, year: 2015 }, { 'If-Match': seen }))
        expect(answer.status).to.equal(412)
        const kept = await demo.ask(`GET ${path}`)
        expect(await kept.json()).to.deep.include({ year: 2014 })
      })

      it('PUT creates a book that is not there', async () => {
        const answer = await demo.ask('PUT /api/books/9780262560993', sent(schemer))
        expect(answer.status).to.equal(201)
        expect((await demo.ask('GET /api/books/9780262560993')).status).to.equal(200)
      })

      it('PUT with If-Match of a book that is not there is 412, and creates nothing', async () => {
        const answer = await demo.ask('PUT /api/books/9780262560993', sent(schemer, { 'If-Match': '*' }))
        expect(answer.status).to.equal(412)
        expect((await demo.ask('GET /api/books/9780262560993')).status).to.equal(404)
      })

      it('PUT with If-None-Match: * of a book that is there is 412', async () => {
        const answer = await demo.ask(`PUT ${path}`, sent(erlang, { 'If-None-Match': '*' }))
        expect(answer.status).to.equal(412)
      })

      it('PUT of another book than that of the path is 400', async () => {
        const answer = await demo.ask(`PUT ${path}`, sent(schemer))
        expect(answer.status).to.equal(400)
        expect(await answer.json()).to.deep.include({
          detail: 'isbn: expected 9781937785536, as in the path',
        })
      })

      it('PUT of another type than JSON is 415', async () => {
        const answer = await demo.ask(`PUT ${path}`, sent(erlang, { 'Content-Type': 'text/csv' }))
        expect(answer.status).to.equal(415)
      })

      it('DELETE removes the book', async () => {
        const answer = await demo.ask(`DELETE ${path}`)
        expect(answer.status).to.equal(204)
        expect((await demo.ask(`GET ${path}`)).status).to.equal(404)
        expect((await demo.ask(`DELETE ${path}`)).status).to.equal(404)
      })

      it('DELETE of a book that has changed since the client saw it is 412', async () => {
        const answer = await demo.ask(`DELETE ${path}`, { headers: { 'If-Match': '"old"' } })
        expect(answer.status).to.equal(412)
        expect((await demo.ask(`GET ${path}`)).status).to.equal(200)
      })
    })

    describe('Two requests at once', () => {
      const path = '/api/books/9781937785536'
      const newPath = '/api/books/9780262560993'
      const etag = async () => (await demo.ask(`HEAD ${path}`)).headers.get('etag')!

      /** Sends both, and lets neither change a book before both have looked at it. */
      async function together(...requests: [request: string, init?: RequestInit][]): Promise<Response[]> {
        const { get } = books
        const { met } = new Meeting(requests.length)
        books.get = async (isbn) => {
          const book = await get.call(books, isbn)
          await met()
          return book
        }
        try {
          return await Promise.all(requests.map(([request, init]) => demo.ask(request, init)))
        } finally {
          books.get = get
        }
      }

      const statusesOf = (answers: Response[]) => answers.map(({ status }) => status).sort()
      const detailOf = async (answers: Response[], status: number) => {
        const answer = answers.find((each) => each.status === status)
        return ((await answer?.json()) as { detail?: string } | undefined)?.detail
      }

      it('PUT and PUT of what both have seen: one is 200, the other 412, and nothing is lost', async () => {
        const headers = { 'If-Match': await etag() }
        const answers = await together(
          [`PUT ${path}`, sent({ ...erlang, year: 2014 }, headers)],
          [`PUT ${path}`, sent({ ...erlang, year: 2015 }, headers)],
        )
        expect(statusesOf(answers)).to.deep.equal([200, 412])
        const done = answers.find(({ status }) => status === 200)
        expect(await done!.json()).to.deep.equal(await books.get(erlang.isbn))
      })

      it('PUT and PUT of a new book, with If-None-Match: *: one is 201, the other 412', async () => {
        const headers = { 'If-None-Match': '*' }
        const answers = await together(
          [`PUT ${newPath}`, sent(schemer, headers)],
          [`PUT ${newPath}`, sent({ ...schemer, year: 1995 }, headers)],
        )
        expect(statusesOf(answers)).to.deep.equal([201, 412])
        const done = answers.find(({ status }) => status === 201)
        expect(await done!.json()).to.deep.equal(await books.get(schemer.isbn))
      })

      it('PUT and PUT without a precondition: one is 200, the other 409, and is to try again', async () => {
        const answers = await together(
          [`PUT ${path}`, sent({ ...erlang, year: 2014 })],
          [`PUT ${path}`, sent({ ...erlang, year: 2015 })],
        )
        expect(statusesOf(answers)).to.deep.equal([200, 409])
        expect(await detailOf(answers, 409)).to.equal('The book was changed meanwhile: try again')
      })

      it('PUT and DELETE of what both have seen: one is done, the other 412', async () => {
        const headers = { 'If-Match': await etag() }
        const answers = await together(
          [`PUT ${path}`, sent({ ...erlang, year: 2014 }, headers)],
          [`DELETE ${path}`, { headers }],
        )
        expect(statusesOf(answers)).to.be.deep.oneOf([
          [200, 412],
          [204, 412],
        ])
        const isDeleted = answers[1]!.status === 204
        expect(await books.get(erlang.isbn)).to.deep.equal(isDeleted ? undefined : { ...erlang, year: 2014 })
      })

      it('DELETE and DELETE without a precondition: one is 204, the other 409', async () => {
        const answers = await together([`DELETE ${path}`], [`DELETE ${path}`])
        expect(statusesOf(answers)).to.deep.equal([204, 409])
      })

      it('POST and POST of a new book: one is 201, the other 409', async () => {
        const answers = await together(
          ['POST /api/books', sent(schemer)],
          ['POST /api/books', sent({ ...schemer, year: 1995 })],
        )
        expect(statusesOf(answers)).to.deep.equal([201, 409])
        expect(await detailOf(answers, 409)).to.equal('There is a book 9780262560993 already')
      })
    })

    describe('The store', () => {
      it('keeps the books in the order of adding: replaced, one keeps its place; added again, it is the last', async () => {
        const isbns = async () => (await books.all()).map(({ isbn }) => isbn)
        const [first, ...rest] = (await books.all()) as [Book, ...Book[]]
        const others = rest.map(({ isbn }) => isbn)
        await replaced(books, first.isbn, { ...first, title: 'Another' })
        expect(await isbns()).to.deep.equal([first.isbn, ...others])
        await replaced(books, first.isbn, undefined)
        await replaced(books, first.isbn, first)
        expect(await isbns()).to.deep.equal([...others, first.isbn])
      })

      it('keeps a book as it is, whatever its text', async () => {
        const book = { ...schemer, title: '"{}\r\n\0', author: 'Ærø 書 🐎' }
        await replaced(books, schemer.isbn, book)
        expect(await books.get(schemer.isbn)).to.deep.equal(book)
      })

      const changes: [what: string, seen: Book | undefined, next: Book | undefined][] = [
        ['a book that is not there', { ...erlang, isbn: schemer.isbn }, schemer],
        ['nothing, where a book is', undefined, { ...erlang, year: 2014 }],
        ['another year', { ...erlang, year: 2014 }, { ...erlang, year: 2015 }],
        ['no year', withoutYear(erlang), { ...erlang, year: 2015 }],
        ['another book to delete', { ...erlang, title: 'Another' }, undefined],
      ]

      for (const [what, seen, next] of changes) {
        it(`changes nothing for whoever has seen ${what}, and tells nobody`, async () => {
          const now = async () => ({
            books: await books.all(),
            told: await all(books.events.replay('earliest')),
          })
          const before = await now()
          expect(await books.change((seen ?? next)!.isbn, seen, next)).to.equal(false)
          expect(await now()).to.deep.equal(before)
        })
      }
    })
  })

  it('A library that fails is 500, told to the server in full and to the client in no detail', async () => {
    const books = Object.assign(new BooksInMemory(), {
      all: () => Promise.reject(new Error('out of shelves')),
    })
    const broken = await runDemo({ books })
    const { error } = console
    const told: unknown[] = []
    console.error = (what) => told.push(what)
    try {
      const answer = await broken.ask('GET /api/books')
      expect(answer.status).to.equal(500)
      expect(await answer.json()).to.deep.equal({ title: 'Internal Server Error', status: 500 })
      expect(told.map(String)).to.deep.equal(['Error: out of shelves'])
    } finally {
      console.error = error
      await broken.close()
    }
  })
})

function withoutYear({ year: _, ...book }: Book): Book {
  return book
}

/** Where so many meet: nobody goes on before all are there. */
class Meeting {
  #missing: number
  #all = () => {}
  readonly #met = new Promise<void>((resolve) => {
    this.#all = resolve
  })

  constructor(count: number) {
    this.#missing = count
  }

  readonly met = () => {
    this.#missing--
    if (this.#missing === 0) this.#all()
    return this.#met
  }
}
