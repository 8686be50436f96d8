import { isArrayBuffer, isUint8Array } from 'node:util/types'
import { misuse, show } from '../errors.js'
import { isPromise } from '../promise.js'
import type { Event } from '../values/event.js'

/** How an event's data becomes text. */
export type Serialize = (data: unknown, event: Event) => string

/**
 * Whether an event has metadata alone. Undefined is no data; every other value is, however empty.
 *
 * @throws TypeError for an event that has neither
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
 * @throws TypeError for a value that has none: a promise, a function, a BigInt, a circle, a `toJSON` that throws
 */
export function json(value: unknown): string {
  if (isPromise(value)) {
    throw misuse('LARIAT_DATA', 'A promise cannot be written: await it, and write what it resolves to')
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

/** The user's own `serialize`, held to its word: a string, without the characters that frame this format. */
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
      throw misuse('LARIAT_DATA', `${name} returned ${show(text)}: expected a string`)
    }
    for (const character of framing) {
      if (text.includes(character)) {
        throw misuse('LARIAT_DATA', `${name} returned ${show(text)}: expected none of ${show(framing)} in it`)
      }
    }
    return text
  }
}

/** What is a body as it stands: bytes, or a string. Undefined for anything else. */
export function asBody(data: unknown): string | Uint8Array | undefined {
  if (typeof data === 'string' || isUint8Array(data)) return data
  return isArrayBuffer(data) ? new Uint8Array(data) : undefined
}

/** An id or a type, where it is written. */
export function checkString(name: 'id' | 'type' | 'comment', value: unknown): asserts value is string {
  if (typeof value !== 'string') {
    throw misuse('LARIAT_DATA', `event(…, { ${name}: ${show(value)} }): expected a string`)
  }
}

/** What the user's code threw, as an error of the data; its first line says why. */
export function threw(what: string, cause: unknown): TypeError {
  const message = cause instanceof Error ? cause.message : show(cause)
  return misuse('LARIAT_DATA', `${what}: ${message.replace(/\n.*/s, '')}`, { cause })
}
