import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { expect } from 'chai'
import { BooksInRedis } from '../../../demo/bookshop/books-in-redis.js'
import { classics } from '../../../demo/bookshop/classics.js'
import { SpeakingInRedis } from '../../../demo/bookshop/speaking-in-redis.js'
import { needs } from '../../support/installed.js'
import { RedisServer } from '../../support/redis/server.js'
import { all, type Demo, next, runDemo, until } from './demo.js'
import { startServer } from './process.js'
import { replaced } from './stores.js'

const sicp = classics[0]!
const schemer = { isbn: '9780262560993', title: 'The Little Schemer', author: 'Daniel P. Friedman' }

describe('The demo: books in Redis', () => {
  needs('redis-server')
  const opened: BooksInRedis[] = []
  let redis: RedisServer

  beforeEach(async () => {
    redis = new RedisServer({ socket: true, appends: true })
    await redis.start()
  })

  afterEach(async () => {
    await Promise.all(opened.splice(0).map((books) => books.close()))
    await redis.close()
  })

  /** Opens the books as each process of the demo does. */
  async function open(): Promise<BooksInRedis> {
    const books = await BooksInRedis.open(redis.url)
    opened.push(books)
    return books
  }

  it('A Redis that is new has the classics', async () => {
    expect(await (await open()).all()).to.deep.equal(classics)
  })

  it('The books are there again for the next process, in their order', async () => {
    const books = await open()
    await replaced(books, schemer.isbn, schemer)
    await replaced(books, sicp.isbn, undefined)
    const kept = await books.all()
    books.close()
    expect(await (await open()).all()).to.deep.equal(kept)
    expect(kept).to.deep.equal([...classics.slice(1), schemer])
  })

  it('A shop whose books were all deleted stays empty', async () => {
    const books = await open()
    for (const { isbn } of classics) await replaced(books, isbn, undefined)
    expect(await (await open()).all()).to.deep.equal([])
  })

  it('Two that open it at once do not seed it twice', async () => {
    const [books] = await Promise.all([open(), open()])
    expect(await books.all()).to.deep.equal(classics)
  })

  it('Of two processes that change the same book at once, one is told that it did not', async () => {
    const shops = await Promise.all([open(), open()])
    const done = await Promise.all(
      shops.map((books, index) => books.change(sicp.isbn, sicp, { ...sicp, year: 2000 + index })),
    )
    expect(done.sort()).to.deep.equal([false, true])
  })

  it('What each of two processes does is told by both, in the order in which it was done', async () => {
    const shops = [await open(), await open()] as const
    const told: Promise<boolean>[] = []
    let seen = sicp
    for (let year = 2000; year < 2020; year++) {
      const next = { ...sicp, year }
      told.push(shops[year % 2]!.change(sicp.isbn, seen, next))
      // not until it is told: the other one is to change it before that
      await until(async () => (await shops[0].get(sicp.isbn))?.year === year)
      seen = next
    }
    await Promise.all(told)
    for (const { events } of shops) {
      const [, ...updates] = await all(events.replay('earliest'))
      const years = updates.map(({ data }) => data.kind === 'updated' && data.book.year)
      expect(years).to.deep.equal(Array.from({ length: 20 }, (_, index) => 2000 + index))
    }
  })

  it('What a process has done and told nobody, when it was killed, is told by the next one, once', async () => {
    const watcher = await open()
    const killed = await open()
    // it falls between the two: the change is made, and the event is not
    killed.events.publish = () => new Promise(() => {})
    void killed.change(sicp.isbn, sicp, { ...sicp, year: 2000 })
    await until(async () => (await watcher.get(sicp.isbn))?.year === 2000)
    await Promise.all([open(), open()])
    await replaced(watcher, sicp.isbn, { ...sicp, year: 2001 })
    const [, ...updates] = await all(watcher.events.replay('earliest'))
    expect(updates.map(({ data }) => data.kind === 'updated' && data.book.year)).to.deep.equal([2000, 2001])
  })

  it('An answer that one process speaks is known to the others; that of one that was killed is not for long', async () => {
    const { redis: client } = await open()
    const [here, elsewhere] = [new SpeakingInRedis(client), new SpeakingInRedis(client)]
    const known = async () => [await elsewhere.has('mine'), await elsewhere.count()]
    await here.add('mine')
    await here.add('another')
    expect(await known()).to.deep.equal([true, 2])
    await here.delete('another')
    expect(await known()).to.deep.equal([true, 1])
    await here.delete('mine')
    expect(await known()).to.deep.equal([false, 0])
    await redis.command('ZADD', 'bookshop:speaking', Date.now() - 1, 'mine')
    expect(await known()).to.deep.equal([false, 0])
  })

  it('Where there is no Redis it does not open', async () => {
    await redis.stop()
    const error = await BooksInRedis.open(redis.url).catch((reason) => reason)
    expect(error).to.have.property('code', 'ECONNREFUSED')
  })

  describe('that is lost', () => {
    const { error, log } = console
    const told: string[] = []
    let books: BooksInRedis
    let demo: Demo

    beforeEach(async () => {
      books = await open()
      demo = await runDemo({ books })
      told.length = 0
      console.error = (what) => told.push(String(what))
      console.log = console.error
    })

    afterEach(async () => {
      Object.assign(console, { error, log })
      await demo.close()
    })

    const requests = [
      'GET /api/books',
      'POST /api/books',
      `GET /api/books/${sicp.isbn}`,
      `PUT /api/books/${sicp.isbn}`,
      `DELETE /api/books/${sicp.isbn}`,
    ]

    it('tells when it is back that anything may have happened, and is seeded if it is empty', async () => {
      const forgetful = new RedisServer({ socket: true })
      await forgetful.start()
      const shop = await BooksInRedis.open(forgetful.url)
      opened.push(shop)
      await replaced(shop, sicp.isbn, undefined)
      // behind what there is it has a place, and follows what comes
      const events = shop.events.from('earliest')[Symbol.asyncIterator]()
      try {
        for (let type = ''; type !== 'deleted'; ) type = (await events.next()).value.type
        const coming = events.next()
        await forgetful.stop()
        await forgetful.start()
        let { value } = await coming
        // that of all that was before nothing is known
        if (value.type === 'gap') value = (await events.next()).value
        expect(value).to.deep.include({ data: { kind: 'restocked' }, type: 'restocked' })
        expect(await shop.all()).to.deep.equal(classics)
      } finally {
        await events.return?.()
        await forgetful.close()
      }
    })

    it('is 503 with Retry-After until it is back, and told of once', async () => {
      const { body, headers } = {
        body: JSON.stringify(sicp),
        headers: { 'Content-Type': 'application/json' },
      }
      await redis.stop()
      await until(() => !books.isAvailable)
      for (const request of requests) {
        const answer = await demo.ask(request, request.startsWith('P') ? { body, headers } : {})
        expect(answer.status, request).to.equal(503)
        expect(answer.headers.get('retry-after'), request).to.equal('1')
      }
      expect(told).to.have.length(1)
      expect(told[0]).to.match(/Redis is away: ./)
      await redis.start()
      await until(() => books.isAvailable)
      const answer = await demo.ask('GET /api/books')
      expect(await answer.json()).to.deep.equal(classics)
      const changed = await demo.ask(`PUT /api/books/${sicp.isbn}`, {
        body: JSON.stringify({ ...sicp, year: 1997 }),
        headers,
      })
      expect(changed.status).to.equal(200)
      await until(() => told.length > 1)
      expect(told.slice(1)).to.deep.equal(['Redis is back'])
    })

    it('while it owes an answer is 503', async () => {
      const { get } = books
      const asked = new Promise<void>((resolve) => {
        books.get = (isbn) => {
          const book = get.call(books, isbn)
          resolve()
          return book
        }
      })
      redis.freeze()
      const answer = demo.ask(`GET /api/books/${sicp.isbn}`)
      await asked
      await redis.stop()
      expect((await answer).status).to.equal(503)
    })
  })

  describe('by `REDIS_URL`', function () {
    this.timeout(30_000)

    const start = (url: string) => startServer({ REDIS_URL: url })

    it('The server says where the books are, and they are there when it is started again', async () => {
      for (const status of [201, 409]) {
        const server = await start(redis.url)
        const closed = once(server, 'close')
        const [books, demo] = await next(2, createInterface(server.stdout!)[Symbol.asyncIterator]() as never)
        expect(books).to.equal(`The books are in Redis at ${redis.url}`)
        const [url] = /http:.*/.exec(demo as string)!
        const answer = await fetch(`${url}/api/books`, {
          method: 'POST',
          body: JSON.stringify(schemer),
          headers: { 'Content-Type': 'application/json' },
        })
        expect(answer.status).to.equal(status)
        server.kill('SIGTERM')
        expect(await closed).to.deep.equal([0, null])
      }
    })

    it('The server ends by itself while Redis is away', async () => {
      const server = await start(redis.url)
      const closed = once(server, 'close')
      await next(2, createInterface(server.stdout!)[Symbol.asyncIterator]() as never)
      await redis.stop()
      await next(1, createInterface(server.stderr!)[Symbol.asyncIterator]() as never)
      server.kill('SIGTERM')
      expect(await closed).to.deep.equal([0, null])
    })

    it('Where Redis cannot be reached, the server says so in one line without the password, and ends', async () => {
      for (const place of ['127.0.0.1:1', 'localhost:1']) {
        const server = await start(`redis://me:secret@${place}`)
        const closed = once(server, 'close')
        let said = ''
        server.stderr!.on('data', (piece) => {
          said += piece
        })
        expect(await closed).to.deep.equal([1, null])
        expect(said).to.match(/^Redis cannot be reached at redis:\/\/\S+:1: .*ECONNREFUSED.*\n$/)
        expect(said).to.not.include('secret')
      }
    })
  })
})
