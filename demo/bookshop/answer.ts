import type { Book } from './book.js'

/** An answer to a question about the books: no language model, but whoever has looked at the shelf. */
export function answerTo(question: string, books: readonly Book[]): string {
  const asked = new Set(keywordsOf(question))
  const found = books
    .map((book) => ({
      book,
      hits: keywordsOf(`${book.title} ${book.author}`).filter((each) => asked.has(each)),
    }))
    .filter(({ hits }) => hits.length > 0)
    .sort((one, other) => other.hits.length - one.hits.length)
    .slice(0, 3)
  const shelf = `There are ${books.length} books on the shelf.`
  const end =
    'That is all I can say: I am no language model, I only compare your words with those on the spines.'
  const [first, ...others] = found.map(({ book }) => described(book))
  if (!first) {
    const [any] = books
    const hint = any
      ? `Ask me for one of their words: "${keywordsOf(any.title)[0] ?? any.title}", for example.`
      : ''
    return `${shelf} None of them has a word of your question in its title or among its authors. ${hint} ${end}`
  }
  const more = others.length > 0 ? ` You may also like ${others.join(', and ')}.` : ''
  return `${shelf} I would begin with ${first}.${more} ${end}`
}

function described({ title, author, year, isbn }: Book): string {
  return `${title} by ${author}${year === undefined ? '' : `, of ${year}`}, which is ISBN ${isbn}`
}

const common = new Set(
  'a about an and any are book books by for from have i in is it me of on or the there to what which who with you'.split(
    ' ',
  ),
)

function keywordsOf(text: string): string[] {
  const words = text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []
  return [...new Set(words)].filter((word) => !common.has(word))
}
