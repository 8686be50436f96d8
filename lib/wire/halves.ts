// Joins surrogate pairs that were split over two strings: the first half waits for the second, in each stream.

/**
 * What the next event of a stream is joined to. `first`: it is the first record, and needs no separator. A number: the half
 * of a surrogate pair that waits for the other. Undefined, almost always: it follows as it is.
 */
export type Seam = 'first' | number | undefined

/** The lone halves that a text begins and ends with; 0 for none. */
export interface Halves {
  readonly low: number
  readonly high: number
}

/** The bytes of U+FFFD, which UTF-8 has in place of a lone half. */
const replacement = Buffer.from('\uFFFD')
const nothing = Buffer.alloc(0)

/** Undefined for almost every text. */
export function halvesOf(text: string): Halves | undefined {
  const first = text.charCodeAt(0)
  const last = text.charCodeAt(text.length - 1)
  const low = first >= 0xdc00 && first <= 0xdfff ? first : 0
  const high = last >= 0xd800 && last <= 0xdbff ? last : 0
  return low || high ? { low, high } : undefined
}

/** The pieces of a text after the half that waits: the joint, and the text without its halves. */
export function join(waiting: number, bytes: Buffer, halves: Halves | undefined): readonly Uint8Array[] {
  const { low, high } = halves ?? none
  const rest = bytes.subarray(low ? replacement.length : 0, high ? -replacement.length : undefined)
  return [joint(waiting, low), rest]
}

/** A pair; or the replacement of a half that stays alone. */
function joint(high: number, low: number): Uint8Array {
  if (high && low) return Buffer.from(String.fromCharCode(high, low))
  return high || low ? replacement : nothing
}

const none: Halves = { low: 0, high: 0 }
