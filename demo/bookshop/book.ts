import { flawOfIsbn, plain } from './isbn.js'

export interface Book {
  isbn: string
  title: string
  author: string
  year?: number
}

/** What is wrong with what a client sent: in one of its fields, or as a whole. */
export interface Flaw {
  field?: keyof Book
  detail: string
}

/** A book from what a client sent, or what is wrong with it. */
export function parseBook(
  value: unknown,
): { book: Book; flaws?: undefined } | { book?: undefined; flaws: readonly [Flaw, ...Flaw[]] } {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { flaws: [{ detail: 'expected an object' }] }
  const { isbn, title, author, year } = value as Record<string, unknown>
  const details: [field: keyof Book, detail: string | undefined][] = [
    ['isbn', typeof isbn === 'string' ? flawOfIsbn(plain(isbn)) : 'expected a string'],
    ['title', isText(title) ? undefined : 'expected 1 to 500 characters'],
    ['author', isText(author) ? undefined : 'expected 1 to 500 characters'],
    [
      'year',
      year === undefined || isYear(year) ? undefined : 'expected a whole number from 1 to 9999, or none',
    ],
  ]
  const [first, ...others] = details.flatMap(([field, detail]) => (detail ? [{ field, detail }] : []))
  if (first) return { flaws: [first, ...others] }
  const book = { isbn: plain(isbn as string), title: title as string, author: author as string }
  return { book: { ...book, ...(year !== undefined && { year: year as number }) } }
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== '' && value.length <= 500
}

function isYear(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 9999
}
