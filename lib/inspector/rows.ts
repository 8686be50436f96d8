// Cuts the rows of a view into pages.

/** How many rows a page has. */
const size = 50

export interface Page<Row> {
  /** All, and those that the query names. */
  readonly total: number
  readonly matched: number
  /** From 1: the last one, where another is asked for that is not there. */
  readonly page: number
  readonly pages: number
  readonly rows: readonly Row[]
}

/** One page of what was found, in its order; `rowOf` is only asked for what is on the page. */
export function pageOf<Found, Row>(
  found: readonly Found[],
  total: number,
  asked: number,
  rowOf: (found: Found) => Row,
): Page<Row> {
  const pages = Math.max(1, Math.ceil(found.length / size))
  const page = Math.min(asked, pages)
  const rows = found.slice((page - 1) * size, page * size).map(rowOf)
  return { total, matched: found.length, page, pages, rows }
}

/** Puts what was found in order. The keys are read once each: to read them may take more time than to compare them. */
export function sorted<Found>(
  found: readonly Found[],
  keyOf: (found: Found) => number | string,
  isDescending: boolean,
): readonly Found[] {
  const keys = found.map(keyOf)
  const sign = isDescending ? -1 : 1
  const order = Array.from(keys, (_, index) => index)
  order.sort((one, other) => sign * compare(keys[one] as string, keys[other] as string))
  return order.map((index) => found[index] as Found)
}

function compare<Key extends number | string>(one: Key, other: Key): number {
  return one < other ? -1 : one > other ? 1 : 0
}
