// Turns the data of an event into text, or says why it cannot.
import { misuse, show } from '../errors.js'
import { forsake } from '../guard.js'
import { isPromise } from '../promise.js'
import { asBytes, isBlob } from '../values/bytes.js'
import type { Event } from '../values/event.js'
import { isLostInJson, isSource } from '../values/json.js'

/** Turns the data of an event into text. */
export type Serialize = (data: unknown, event: Event) => string

/**
 * Whether an event has metadata only. Undefined is no data; every other value, even an empty one, is data.
 *
 * @throws TypeError for an event that has neither data nor metadata
 */
export function isBare({ data, id, type, retry, comment }: Event): boolean {
  if (data !== undefined) return false
  if (id === undefined && type === undefined && retry === undefined && comment === undefined) {
    throw misuse('LARIAT_DATA', 'undefined cannot be written: expected data, or an event() with metadata')
  }
  return true
}

/**
 * The JSON text of a value.
 *
 * @throws TypeError for a promise, a function, a BigInt, a Map, an Error and whatever else JSON has no text for, a
 *   circular structure, or a `toJSON` that throws
 */
export function json(value: unknown): string {
  refusePromise(value)
  if (isLostInJson(value)) {
    const remedy = isSource(value as object)
      ? 'subscribe to it, and write what it gives'
      : 'write its entries or fields'
    throw misuse('LARIAT_DATA', `${show(value)} cannot be written as JSON: ${remedy}`)
  }
  let text: string | undefined
  try {
    text = JSON.stringify(value)
  } catch (cause) {
    throw threw(`${show(value)} cannot be written as JSON`, cause)
  }
  if (text === undefined) throw misuse('LARIAT_DATA', `${show(value)} cannot be written as JSON`)
  return text
}

/** Throws the TypeError for a promise, whose rejection is then nobody's. */
export function refusePromise(value: unknown): void {
  if (!isPromise(value)) return
  forsake(value)
  throw misuse('LARIAT_DATA', 'A promise cannot be written: await it first')
}

/** Wraps a user's `serialize`, which must return a string without the characters that separate records. */
export function guarded(call: string, serialize: Serialize, framing = ''): Serialize {
  const name = `${call}({ serialize })`
  return (data, event) => {
    let text: unknown
    try {
      text = serialize(data, event)
    } catch (cause) {
      throw threw(`${name} threw for ${show(data)}`, cause)
    }
    if (typeof text !== 'string') {
      forsake(text)
      throw misuse('LARIAT_DATA', `${name} returned ${show(text)}: expected a string`)
    }
    for (const character of framing) {
      if (text.includes(character)) {
        throw misuse(
          'LARIAT_DATA',
          `${name} returned ${show(text)}: it must not contain any of ${show(framing)}`,
        )
      }
    }
    return text
  }
}

/**
 * Bytes and strings as they are; undefined for anything else.
 *
 * @throws TypeError for a Blob, whose bytes are not at hand, and for a promise
 */
export function asBody(data: unknown): string | Uint8Array | undefined {
  if (typeof data === 'string') return data
  refusePromise(data)
  const bytes = asBytes(data)
  if (bytes === undefined && isBlob(data)) {
    throw misuse('LARIAT_DATA', `${show(data)} cannot be written at once: await its arrayBuffer() first`)
  }
  return bytes
}

/** Throws unless a member of an event's metadata is a string. */
export function checkString(name: 'id' | 'type' | 'comment', value: unknown): asserts value is string {
  if (typeof value !== 'string') {
    throw misuse('LARIAT_DATA', `event(…, { ${name}: ${show(value)} }): expected a string`)
  }
}

/** Wraps an error that user code threw; the first line of its message is kept. */
export function threw(what: string, cause: unknown): TypeError {
  const message = cause instanceof Error ? cause.message : show(cause)
  return misuse('LARIAT_DATA', `${what}: ${message.replace(/\n.*/s, '')}`, { cause })
}
