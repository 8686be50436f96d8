import { createHub, LariatError } from '../../lib/index.js'
import { redisStreams } from '../../lib/redis.js' // elsewhere: 'express-lariat/redis'
import type { Book } from './book.js'
import { type BookEvent, Books, eventOf } from './books.js'
import { classics } from './classics.js'
import { answered, openRedis, type Redis } from './redis.js'

/**
 * Books that outlive this process, and that other processes share: in Redis each is a hash `bookshop:book:…`, and
 * `bookshop:isbns` is their order.
 *
 * A process may be killed at any time, also when it has changed a book and told nobody yet. So what is to be told is kept
 * in the step that changes the book, in the list `bookshop:untold`, and it is told from there, in its order, by whichever
 * process comes first: its key makes it one event, however many try.
 */
export class BooksInRedis extends Books {
  readonly place = 'Redis'
  readonly redis: Redis
  #told = Promise.resolve()
  #toTell: Promise<void> | undefined

  private constructor(redis: Redis) {
    const hub = createHub(redisStreams({ client: redis, prefix: 'channel:' }))
    super(hub)
    this.redis = redis
    const back = () => void this.#begin().catch(() => {}) // if it is lost again: it will be back again
    redis.on('ready', back)
    hub.on('up', () => {
      console.log('Redis is back')
      back()
    })
  }

  /** Rejects if Redis cannot be reached; when it is lost later, it is waited for. */
  static async open(url: string): Promise<BooksInRedis> {
    const books = new BooksInRedis(await openRedis(url))
    await books.#begin()
    return books
  }

  get isAvailable() {
    return this.redis.isReady
  }

  async all() {
    const isbns = await this.#answer(this.redis.lRange('isbns', 0, -1))
    const books = await Promise.all(isbns.map((isbn) => this.get(isbn)))
    return books.filter((book) => book !== undefined)
  }

  async get(isbn: string): Promise<Book | undefined> {
    const { title, author, year } = await this.#answer(this.redis.hGetAll(`book:${isbn}`))
    if (title === undefined || author === undefined) return undefined
    return { isbn, title, author, ...(year !== undefined && { year: Number(year) }) }
  }

  async change(isbn: string, seen: Book | undefined, next: Book | undefined) {
    const event = eventOf(seen, next)
    const texts = [isbn, ...fieldsOf(seen), ...fieldsOf(next), event ? untold(event) : '']
    const given = { keys: [`book:${isbn}`, 'isbns', 'untold'], arguments: texts }
    if ((await this.#answer(this.redis.eval(replacing, given))) !== 1) return false
    await this.#tell()
    return true
  }

  override async close() {
    await super.close()
    this.redis.destroy()
  }

  /** Redis is there, or is there again: it may be empty, and what was to be told may not have been. */
  async #begin() {
    const texts = classics.flatMap((book) => [book.isbn, ...fieldsOf(book)])
    const keys = ['seeded', 'isbns', 'untold', ...classics.map(({ isbn }) => `book:${isbn}`)]
    await this.redis.eval(seeding, { keys, arguments: [untold({ kind: 'restocked' }), ...texts] })
    await this.#tell()
  }

  /** Resolves when all is told that is to be told now, or cannot be. */
  #tell(): Promise<void> {
    // one at a time: who comes while another tells is told of by the next, with all who wait
    this.#toTell ??= this.#told.then(() => {
      this.#toTell = undefined
      this.#told = this.#tellAll()
      return this.#told
    })
    return this.#toTell
  }

  async #tellAll() {
    try {
      for (const text of await this.redis.lRange('untold', 0, -1)) {
        const { key, event } = JSON.parse(text) as Untold
        await this.events.publish(event, { type: event.kind, key })
        await this.redis.lRem('untold', 1, text)
      }
    } catch (error) {
      // it is still there, and told when Redis is back, or with the next change
      const isAway = !this.isAvailable || (error instanceof LariatError && error.code === 'LARIAT_DOWN')
      if (!isAway) console.error(error)
    }
  }

  #answer<Answer>(command: Promise<Answer>): Promise<Answer> {
    return answered(this.redis, command)
  }
}

interface Untold {
  key: string
  event: BookEvent
}

function untold(event: BookEvent): string {
  return JSON.stringify({ key: crypto.randomUUID(), event } satisfies Untold)
}

/** What is absent is empty. */
function fieldsOf(book: Book | undefined): string[] {
  return [book?.title, book?.author, book?.year].map((value) => String(value ?? ''))
}

const put = `
  local names = { 'title', 'author', 'year' }

  local function put(book, isbns, isbn, first)
    local wasThere = redis.call('DEL', book) == 1
    for i = 1, #names do
      local value = ARGV[first + i - 1]
      if value ~= '' then redis.call('HSET', book, names[i], value) end
    end
    local isThere = redis.call('EXISTS', book) == 1
    if isThere and not wasThere then redis.call('RPUSH', isbns, isbn) end
    if wasThere and not isThere then redis.call('LREM', isbns, 0, isbn) end
  end
`

/** Compares and replaces as one step, for Redis runs one script at a time. */
const replacing = `
  ${put}
  local book, isbns, untold = unpack(KEYS)
  local isbn, event = ARGV[1], ARGV[2 + 2 * #names]

  local now = redis.call('HMGET', book, unpack(names))
  for i = 1, #names do
    if (now[i] or '') ~= ARGV[1 + i] then return 0 end
  end
  put(book, isbns, isbn, 2 + #names)
  if event ~= '' then redis.call('RPUSH', untold, event) end
  return 1
`

/** Once in the life of this Redis, so that a shop that has sold all of its books stays empty. */
const seeding = `
  ${put}
  local seeded, isbns, untold = unpack(KEYS)

  if redis.call('SETNX', seeded, 1) == 0 then return 0 end
  for i = 4, #KEYS do
    local first = 2 + (i - 4) * (1 + #names)
    put(KEYS[i], isbns, ARGV[first], first + 1)
  end
  redis.call('RPUSH', untold, ARGV[1])
  return 1
`
