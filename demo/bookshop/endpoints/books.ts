import { csv, ndjson, resource, stop } from '../../../lib/index.js'
import { parseBook } from '../book.js'
import type { Books } from '../books.js'

/** All books: read them in one of three formats, or add one. */
export const allBooks = (books: Books) =>
  resource({
    allowedMethods: ['GET', 'HEAD', 'POST', 'OPTIONS'],
    contentTypesProvided: {
      'application/json': () => books.all(),
      'application/x-ndjson': async () => ndjson().once(await books.all()),
      'text/csv': async () => csv({ columns: ['isbn', 'title', 'author', 'year'] }).once(await books.all()),
    },
    contentTypesAccepted: {
      'application/json': async ({ json }) => {
        const { book, flaw } = parseBook(await json())
        if (!book) return stop(400, { detail: flaw })
        const isAdded = await books.add(book)
        if (!isAdded) return stop(409, { detail: `There is a book ${book.isbn} already` })
        return { created: `/api/books/${book.isbn}`, body: book }
      },
    },
  })
