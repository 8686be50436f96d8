// Turns the data and the key of an event into text for a store, and the data back.
import { json } from '../formats/data.js'
import { asBytes } from '../values/bytes.js'

/** The name of a field of an entry, and its text. */
export type Payload = readonly [kind: 'json' | 'base64' | '', text: string]

/** @throws TypeError for what JSON cannot hold */
export function payloadOf(data: unknown): Payload {
  if (data === undefined) return ['', '']
  const bytes = asBytes(data)
  if (!bytes) return ['json', json(data)]
  return ['base64', Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64')]
}

/** @param kind as an entry of a store has it */
export function dataOf(kind: string, text: string): unknown {
  if (kind === 'json') return JSON.parse(text)
  return kind === 'base64' ? new Uint8Array(Buffer.from(text, 'base64')) : undefined
}

/** UTF-8 has nothing for a surrogate on its own: a key with one is written as JSON, and so is one that might be taken for that. */
export function keyText(key: string): string {
  return /^"|\p{Surrogate}/u.test(key) ? JSON.stringify(key) : key
}
