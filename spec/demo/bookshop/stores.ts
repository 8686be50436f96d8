import type { Book } from '../../../demo/bookshop/book.js'
import type { Books } from '../../../demo/bookshop/books.js'
import { BooksInMemory } from '../../../demo/bookshop/books-in-memory.js'
import { BooksInRedis } from '../../../demo/bookshop/books-in-redis.js'
import { needs } from '../../support/installed.js'
import { RedisServer } from '../../support/redis/server.js'

/** Declares specs for each of the places where books can be kept; what they open is closed after them. */
export function inEachStore(specs: (open: () => Promise<Books>) => void): void {
  describe('in memory', () => specs(async () => new BooksInMemory()))

  describe('in Redis', () => {
    needs('redis-server')
    const opened: Books[] = []
    let redis: RedisServer

    before(async () => {
      redis = new RedisServer({ socket: true })
      await redis.start()
    })

    specs(async () => {
      const books = await BooksInRedis.open(redis.url)
      opened.push(books)
      return books
    })

    after(async () => {
      await Promise.all(opened.map((books) => books.close()))
      await redis.close()
    })
  })
}

/** Replaces what is there, whatever it is. */
export async function replaced(books: Books, isbn: string, next: Book | undefined): Promise<void> {
  await books.change(isbn, await books.get(isbn), next)
}
