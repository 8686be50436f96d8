import { expect } from 'chai'
import { BooksInMemory } from '../../../demo/bookshop/books.js'
import { flawOfIsbn } from '../../../demo/bookshop/isbn.js'
import { all, type Demo, linesOf, recordsOf, runDemo } from './demo.js'

const erlang = {
  isbn: '9781937785536',
  title: 'Programming Erlang',
  author: 'Joe Armstrong',
  year: 2013,
}
const schemer = { isbn: '9780262560993', title: 'The Little Schemer', author: 'Daniel P. Friedman' }

describe('The demo: books', () => {
  const books = new BooksInMemory()
  let demo: Demo

  before(async () => {
    demo = await runDemo({ books })
  })

  afterEach(async () => {
    await books.put(erlang)
    await books.delete(schemer.isbn)
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
        offered: ['application/json', 'application/x-ndjson', 'text/csv'],
      })
    })

    it('POST creates a book, and says where it is', async () => {
      const answer = await demo.ask('POST /api/books', sent(schemer))
      expect(answer.status).to.equal(201)
      expect(answer.headers.get('location')).to.equal('/api/books/9780262560993')
      expect(await answer.json()).to.deep.equal(schemer)
      const created = await demo.ask('GET /api/books/9780262560993')
      expect(await created.json()).to.deep.equal(schemer)
    })

    it('POST takes an ISBN with hyphens, and keeps it without', async () => {
      const answer = await demo.ask('POST /api/books', sent({ ...schemer, isbn: '978-0-262-56099-3' }))
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
      ['no author', { ...schemer, author: undefined }, /^author: /],
      ['a year in words', { ...schemer, year: 'long ago' }, /^year: /],
      ['a year with a fraction', { ...schemer, year: 1995.5 }, /^year: /],
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
      const fields = ({ headers }: Response) => [...headers].filter(([name]) => !ofConnection.includes(name))
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
      expect(await answer.json()).to.deep.include({ detail: 'isbn: expected 9781937785536, as in the path' })
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
