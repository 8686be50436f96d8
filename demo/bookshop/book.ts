import { flawOfIsbn, plain } from './isbn.js'

export interface Book {
  isbn: string
  title: string
  author: string
  year?: number
}

/** A book from what a client sent, or what is wrong with it. */
export function parseBook(
  value: unknown,
): { book: Book; flaw?: undefined } | { book?: undefined; flaw: string } {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { flaw: 'expected an object' }
  const { isbn, title, author, year } = value as Record<string, unknown>
  if (typeof isbn !== 'string') return { flaw: 'isbn: expected a string' }
  const flaw = flawOfIsbn(plain(isbn))
  if (flaw) return { flaw }
  if (!isText(title)) return { flaw: 'title: expected 1 to 500 characters' }
  if (!isText(author)) return { flaw: 'author: expected 1 to 500 characters' }
  if (year === undefined) return { book: { isbn: plain(isbn), title, author } }
  if (!isYear(year)) return { flaw: 'year: expected a whole number from 1 to 9999, or none' }
  return { book: { isbn: plain(isbn), title, author, year } }
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== '' && value.length <= 500
}

function isYear(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 9999
}
