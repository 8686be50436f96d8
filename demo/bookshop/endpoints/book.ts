import { createHash } from 'node:crypto'
import { resource, stop } from '../../../lib/index.js'
import { type Book, parseBook } from '../book.js'
import type { Books } from '../books.js'
import { plain } from '../isbn.js'

/** One book: read, create, replace or delete it, guarded by its etag. */
export const oneBook = (books: Books) =>
  resource({
    init: async ({ req }) => {
      const isbn = plain(req.params.isbn!)
      return { isbn, book: await books.get(isbn) }
    },
    allowedMethods: ['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS'],
    resourceExists: ({ req, state }) => {
      if (state.book || req.method === 'PUT') return state.book !== undefined
      return stop(404, { detail: `There is no book ${state.isbn}` })
    },
    generateEtag: ({ state }) => state.book && etag(state.book),
    contentTypesProvided: {
      'application/json': ({ state }) => state.book ?? stop(404),
    },
    contentTypesAccepted: {
      'application/json': async ({ json, state }) => {
        const { book, flaw } = parseBook(await json())
        if (!book) return stop(400, { detail: flaw })
        if (book.isbn !== state.isbn)
          return stop(400, { detail: `isbn: expected ${state.isbn}, as in the path` })
        await books.put(book)
        return { body: book }
      },
    },
    deleteResource: ({ state }) => books.delete(state.isbn),
  })

function etag(book: Book): string {
  return `"${createHash('sha256').update(JSON.stringify(book)).digest('base64url')}"`
}
