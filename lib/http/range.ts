// Parses Range fields (RFC 9110 14.1.2, 14.2).

/** A part of a body: the positions of its first and last byte. */
export interface ByteRange {
  readonly first: number
  readonly last: number
}

const spec = /^(?:(\d+)-(\d*)|-(\d+))$/
const maxRanges = 100

/**
 * Parses a Range field for a body of the given size.
 *
 * @returns the satisfiable parts, which may be none; or undefined if the field is to be ignored, because it is malformed,
 *   has a unit other than bytes, or asks for more than 100 parts or twice the body
 */
export function parseRange(header: string, size: number): readonly ByteRange[] | undefined {
  const [unit, list, more] = header.split('=')
  if (unit?.toLowerCase() !== 'bytes' || list === undefined || more !== undefined) return undefined
  const ranges: ByteRange[] = []
  let asked = 0
  let specs = 0
  for (const part of list.split(',')) {
    const text = part.trim()
    if (text === '') continue
    specs += 1
    const match = spec.exec(text)
    if (!match) return undefined
    const range = within(match, size)
    if (range === undefined) return undefined
    if (range.first > range.last) continue
    ranges.push(range)
    asked += range.last - range.first + 1
  }
  if (specs === 0 || specs > maxRanges || asked > 2 * size) return undefined
  return ranges
}

/** One range clamped to the body: empty if it is not satisfiable, undefined if it is malformed. */
function within([, from, to, suffix]: RegExpExecArray, size: number): ByteRange | undefined {
  if (suffix !== undefined) {
    const length = Math.min(Number(suffix), size)
    return { first: size - length, last: size - 1 }
  }
  const first = Number(from)
  const last = to === '' ? size - 1 : Number(to)
  if (to !== '' && last < first) return undefined
  return { first, last: Math.min(last, size - 1) }
}
