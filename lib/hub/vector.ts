// Writes the place in several channels as one id, and reads it: the place in each, by the channel's name.
import { createHash } from 'node:crypto'
import { earliest, now } from './gap.js'

/** The most characters of a name in an id: clients send the id as a header, which has room for some kilobytes. */
const maxKey = 40

/** What stands for a text in an id: the text, percent-encoded; a digest of one that is long, or has half a character. */
export function keyOf(text: string): string {
  const isPlain = text.length <= maxKey && !/\p{Surrogate}/u.test(text)
  const key = isPlain ? encodeURIComponent(text) : ''
  if (isPlain && key.length <= maxKey) return key
  // no text is encoded with a colon
  return `:${createHash('sha256').update(text, 'utf16le').digest().toString('base64url', 0, 16)}`
}

/** The place in one channel, as a piece of an id. */
export function pieceOf(key: string, place: string): string {
  return `${key}=${encodeURIComponent(place)}`
}

export function idOf(pieces: readonly string[]): string {
  return pieces.join('&')
}

/** The place in each channel, by its key; undefined for what is no id of several channels. */
export function placesIn(id: string): ReadonlyMap<string, string> | undefined {
  const places = new Map<string, string>()
  for (const piece of id.split('&')) {
    const [, key, text] = /^([\w.!~*'()%:-]+)=([\w.!~*'()%:-]+)$/.exec(piece) ?? []
    const place = text && decoded(text)
    if (!key || !place || places.has(key) || place === earliest || place === now) return undefined
    places.set(key, place)
  }
  return places
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
