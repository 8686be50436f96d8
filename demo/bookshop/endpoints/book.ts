import { createHash } from 'node:crypto'
import type { Request } from 'express'
import { resource, stop } from '../../../lib/index.js'
import { type Book, parseBook } from '../book.js'
import type { Books } from '../books.js'
import { plain } from '../isbn.js'
import { flawed } from './flawed.js'

/** One book: read, create, replace or delete it, guarded by its etag. */
export const oneBook = (books: Books) =>
  resource({
    init: ({ req }) => ({ isbn: plain(req.params.isbn!), book: undefined as Book | undefined }),
    serviceAvailable: () => books.isAvailable || 1,
    allowedMethods: ['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS'],
    resourceExists: async ({ req, state }) => {
      state.book = await books.get(state.isbn)
      if (state.book || req.method === 'PUT') return state.book !== undefined
      return stop(404, { detail: `There is no book ${state.isbn}` })
    },
    generateEtag: ({ state }) => state.book && etag(state.book),
    contentTypesProvided: {
      'application/json': ({ state }) => state.book ?? stop(404),
    },
    contentTypesAccepted: {
      'application/json': async ({ req, json, state }) => {
        const { book, flaws } = parseBook(await json())
        if (!book) return flawed(400, flaws)
        if (book.isbn !== state.isbn)
          return flawed(400, [{ field: 'isbn', detail: `expected ${state.isbn}, as in the path` }])
        const isDone = await books.change(state.isbn, state.book, book)
        return isDone ? { body: book } : overtaken(req)
      },
    },
    deleteResource: async ({ req, state }) =>
      (await books.change(state.isbn, state.book, undefined)) || overtaken(req),
  })

/** Another request has changed the book since this one looked at it, and what this one was decided by is past. */
function overtaken(req: Request) {
  const detail = 'The book was changed meanwhile'
  const hasPrecondition = req.get('If-Match') !== undefined || req.get('If-None-Match') !== undefined
  return hasPrecondition ? stop(412, { detail }) : stop(409, { detail: `${detail}: try again` })
}

function etag(book: Book): string {
  return `"${createHash('sha256').update(JSON.stringify(book)).digest('base64url')}"`
}
