/** An ISBN-13 without its hyphens, or what stands for them. */
export function plain(isbn: string): string {
  return isbn.replace(/[\s\p{Pd}]/gu, '')
}

/** What is wrong with a plain ISBN-13, for whoever wrote it; undefined if nothing is. */
export function flawOfIsbn(isbn: string): string | undefined {
  if (!/^97[89]\d{10}$/.test(isbn)) return 'expected 13 digits that begin with 978 or 979'
  const expected = checkDigit(isbn)
  if (!isbn.endsWith(expected)) return `its last digit should be ${expected}, by the twelve before it`
  return undefined
}

function checkDigit(isbn: string): string {
  const sum = [...isbn.slice(0, 12)].reduce(
    (total, digit, index) => total + Number(digit) * (index % 2 ? 3 : 1),
    0,
  )
  return String((10 - (sum % 10)) % 10)
}
