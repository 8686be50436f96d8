import { isDeepStrictEqual } from 'node:util'
import { createHub } from '../../lib/index.js'
import type { Book } from './book.js'
import { Books, eventOf } from './books.js'
import { classics } from './classics.js'

/** Books that live and die with this process. */
export class BooksInMemory extends Books {
  readonly place = 'memory'
  readonly isAvailable = true
  readonly #books = new Map(classics.map((book) => [book.isbn, book]))

  constructor() {
    super(createHub())
  }

  async all() {
    return [...this.#books.values()]
  }

  async get(isbn: string) {
    return this.#books.get(isbn)
  }

  async change(isbn: string, seen: Book | undefined, next: Book | undefined) {
    if (!isDeepStrictEqual(this.#books.get(isbn), seen)) return false
    if (next) this.#books.set(isbn, next)
    else this.#books.delete(isbn)
    const event = eventOf(seen, next)
    if (event) await this.events.publish(event, { type: event.kind })
    return true
  }
}
