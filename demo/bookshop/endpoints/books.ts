import { createHash } from 'node:crypto'
import { csv, ndjson, resource, sse } from '../../../lib/index.js'
import { type Book, parseBook } from '../book.js'
import type { Books } from '../books.js'
import { flawed } from './flawed.js'

/** All books, or those that one looks for: read them in this format or that, follow them, or add one. */
export const allBooks = (books: Books) =>
  resource({
    init: () => ({ found: [] as Book[] }),
    serviceAvailable: () => books.isAvailable || 1,
    allowedMethods: ['GET', 'HEAD', 'POST', 'OPTIONS'],
    languagesProvided: ['en', 'de', 'fr'],
    resourceExists: async ({ req, state }) => {
      state.found = search(String(req.query.q ?? ''), await books.all())
      return true
    },
    generateEtag: ({ state, negotiated }) => etag(negotiated.mediaType, negotiated.language, state.found),
    rangesProvided: 'auto',
    contentTypesProvided: {
      'application/json': ({ state }) => state.found,
      'application/x-ndjson': ({ state }) => ndjson().once(state.found),
      'text/csv': ({ state }) => csv({ columns: ['isbn', 'title', 'author', 'year'] }).once(state.found),
      'text/plain': ({ state, negotiated }) => listing(negotiated.language, state.found),
      'text/event-stream': sse(),
    },
    contentTypesAccepted: {
      'application/json': async ({ json }) => {
        const { book, flaws } = parseBook(await json())
        if (!book) return flawed(400, flaws)
        const isAdded = await books.change(book.isbn, undefined, book)
        if (!isAdded)
          return flawed(
            409,
            [{ field: 'isbn', detail: 'there is a book of this ISBN already' }],
            `There is a book ${book.isbn} already`,
          )
        return { created: `/api/books/${book.isbn}`, body: book }
      },
    },
    subscribe: () => books.events,
  })

/** The books that have each word of a search in their title, author, year or ISBN. */
function search(words: string, books: readonly Book[]): Book[] {
  const wanted = words.toLowerCase().split(/\s+/)
  return books.filter((book) => {
    const text = Object.values(book).join(' ').toLowerCase()
    return wanted.every((word) => text.includes(word))
  })
}

const headings: Record<string, (count: number) => string> = {
  en: (count) => `Books on the shelf: ${count}`,
  de: (count) => `Bücher im Regal: ${count}`,
  fr: (count) => `Livres sur l’étagère : ${count}`,
}

function listing(language: string, books: readonly Book[]): string {
  const lines = books.map(({ title, author }) => `- ${title} (${author})`)
  return [headings[language]?.(books.length), ...lines, ''].join('\n')
}

/** Of a representation: another type or language is another one. */
function etag(...parts: unknown[]): string {
  return `"${createHash('sha256').update(JSON.stringify(parts)).digest('base64url')}"`
}
