import { createClient } from '@redis/client'
import type { Book } from './book.js'
import { Books } from './books.js'
import { classics } from './classics.js'

/** Books that outlive this process: in Redis each is a hash `bookshop:book:…`, and `bookshop:isbns` is their order. */
export class BooksInRedis extends Books {
  readonly place = 'Redis'
  readonly #client: Client

  private constructor(client: Client) {
    super()
    this.#client = client
  }

  /** Rejects if Redis cannot be reached; when it is lost later, it is waited for. */
  static async open(url: string): Promise<BooksInRedis> {
    const client = makeClient(url)
    await client.connect()
    const books = new BooksInRedis(client)
    await books.#seed()
    client.on('ready', () => void books.#back().catch(() => {})) // if it is lost again: it will be back again
    return books
  }

  get isAvailable() {
    return this.#client.isReady
  }

  async all() {
    const isbns = await this.#answer(this.#client.lRange('isbns', 0, -1))
    const books = await Promise.all(isbns.map((isbn) => this.get(isbn)))
    return books.filter((book) => book !== undefined)
  }

  async get(isbn: string): Promise<Book | undefined> {
    const { title, author, year } = await this.#answer(this.#client.hGetAll(`book:${isbn}`))
    if (title === undefined || author === undefined) return undefined
    return { isbn, title, author, ...(year !== undefined && { year: Number(year) }) }
  }

  protected async replace(isbn: string, seen: Book | undefined, next: Book | undefined) {
    const keys = [`book:${isbn}`, 'isbns']
    const values = [isbn, seen?.title, seen?.author, seen?.year, next?.title, next?.author, next?.year]
    const given = { keys, arguments: values.map((value) => String(value ?? '')) }
    return (await this.#answer(this.#client.eval(script, given))) === 1
  }

  override close() {
    this.#client.destroy()
  }

  /** Once in the life of this Redis, so that a shop that has sold all of its books stays empty. */
  async #seed() {
    const isNew = await this.#client.set('seeded', new Date().toISOString(), { condition: 'NX' })
    if (isNew) await Promise.all(classics.map((book) => this.replace(book.isbn, undefined, book)))
  }

  /**
   * Redis is there again: it may be empty now, or have done what it gave no answer to. What that was cannot be told;
   * that something may have happened can.
   */
  async #back() {
    await this.#seed()
    await this.restocked()
  }

  /** A command that got no answer because Redis was lost meanwhile is no fault of this server: 503. */
  async #answer<Answer>(command: Promise<Answer>): Promise<Answer> {
    try {
      return await command
    } catch (error) {
      if (this.isAvailable) throw error
      throw Object.assign(new Error('Redis is away', { cause: error }), { status: 503 })
    }
  }
}

type Client = ReturnType<typeof makeClient>

/** Fails at once where Redis was never reached; tells on the console when it is lost, and when it is back. */
function makeClient(url: string) {
  let redis: 'awaited' | 'there' | 'away' = 'awaited'
  return createClient({
    url,
    RESP: 2,
    keyPrefix: 'bookshop:',
    // a request is rather refused than left waiting
    disableOfflineQueue: true,
    socket: { reconnectStrategy: () => redis !== 'awaited' && 200 },
  })
    .on('error', (error: Error) => {
      if (redis !== 'there') return // told already, or by whoever opens
      redis = 'away'
      console.error(`Redis is away: ${error.message}`)
    })
    .on('ready', () => {
      if (redis === 'away') console.log('Redis is back')
      redis = 'there'
    })
}

/** Compares and replaces as one step, for Redis runs one script at a time. An absent value is empty here. */
const script = `
  local book, isbns = unpack(KEYS)
  local isbn = ARGV[1]
  local names = { 'title', 'author', 'year' }

  local now = redis.call('HMGET', book, unpack(names))
  for i = 1, #names do
    if (now[i] or '') ~= ARGV[1 + i] then return 0 end
  end

  local wasThere = redis.call('DEL', book) == 1
  for i = 1, #names do
    local value = ARGV[1 + #names + i]
    if value ~= '' then redis.call('HSET', book, names[i], value) end
  end
  local isThere = redis.call('EXISTS', book) == 1

  if isThere and not wasThere then redis.call('RPUSH', isbns, isbn) end
  if wasThere and not isThere then redis.call('LREM', isbns, 0, isbn) end
  return 1
`
