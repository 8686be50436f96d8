import type { Reader, ReadOptions, Received } from '../../lib/readers/reader.js'

export const utf8 = (text: string) => new TextEncoder().encode(text)

/** What a response has said, in pieces; and whether it was whole, where it has come to an end. */
export interface Read {
  readonly received: Received[]
  readonly isWhole: boolean | undefined
}

export interface How extends ReadOptions {
  readonly type?: string
  /** The response does not end. */
  readonly goesOn?: boolean
}

/** Reads pieces. */
export function read(
  reader: Reader,
  pieces: readonly (Uint8Array | string)[],
  { type = reader.mediaTypes[0] ?? '', goesOn = false, ...options }: How = {},
): Read {
  const into: Received[] = []
  const parser = reader.read(type, options, into)
  for (const piece of pieces) parser.take(typeof piece === 'string' ? utf8(piece) : piece)
  const isWhole = goesOn ? undefined : parser.end()
  return { received: into.map(said), isWhole }
}

/** Without what is not said. */
function said(received: Received): Received {
  return Object.fromEntries(Object.entries(received).filter(([, value]) => value !== undefined))
}

/** The data alone. */
export function dataOf(...given: Parameters<typeof read>): unknown[] {
  return read(...given).received.map(({ data }) => data)
}

/** Bytes cut at these places, in any order. */
export function cutAt(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const all = [
    0,
    ...places.map((place) => place % (bytes.length + 1)).sort((one, other) => one - other),
    bytes.length,
  ]
  return all.slice(1).map((end, at) => bytes.slice(all[at], end))
}

/** Byte by byte. */
export function byByte(bytes: Uint8Array): Uint8Array[] {
  return Array.from(bytes, (byte) => Uint8Array.of(byte))
}
