import { isDeepStrictEqual } from 'node:util'
import type { Book } from './book.js'
import { Books } from './books.js'
import { classics } from './classics.js'

/** Books that live and die with this process. */
export class BooksInMemory extends Books {
  readonly place = 'memory'
  readonly isAvailable = true
  readonly #books = new Map(classics.map((book) => [book.isbn, book]))

  async all() {
    return [...this.#books.values()]
  }

  async get(isbn: string) {
    return this.#books.get(isbn)
  }

  protected async replace(isbn: string, seen: Book | undefined, next: Book | undefined) {
    if (!isDeepStrictEqual(this.#books.get(isbn), seen)) return false
    if (next) this.#books.set(isbn, next)
    else this.#books.delete(isbn)
    return true
  }
}
