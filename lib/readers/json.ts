// Reads the JSON formats: NDJSON, JSON text sequences (RFC 7464), and the elements of one array as they come.
import { unwrapping } from './envelope.js'
import {
  decoding,
  dividing,
  FormatError,
  type Parser,
  parsed,
  type Reader,
  type ReadOptions,
  type Received,
  succeeds,
} from './reader.js'

/** Reads `application/x-ndjson` and its like. */
export const ndjson: Reader = {
  mediaTypes: ['application/x-ndjson', 'application/jsonl', 'application/ndjson', 'application/x-jsonlines'],
  read: (_type, options) => lines(options),
}

/** Reads `application/json-seq`. */
export const jsonSeq: Reader = {
  mediaTypes: ['application/json-seq'],
  read: (_type, options) => sequence(options),
}

/** Reads the elements of one array, `application/json`, as they come. A value that is no array is one event, at its end. */
export const jsonArray: Reader = {
  mediaTypes: ['application/json'],
  read: (_type, options) => elements(options),
}

/** Adds records to what was received, but for the white space that a heartbeat is. */
function records(options: ReadOptions): (record: string, into: Received[]) => void {
  const unwrap = unwrapping(options)
  return (record, into) => {
    if (/[^ \t\r\n]/.test(record)) into.push(unwrap(parsed(record, options)))
  }
}

/**
 * Adds what is left, if that is whole: a number with nothing behind it may have lost digits (RFC 7464 2.4). Throws what the
 * user's `parse` throws of a record that is whole.
 */
function isWhole(add: (record: string, into: Received[]) => void, rest: string, into: Received[]): boolean {
  if (/[^\s"\]}]$/.test(rest)) return false
  try {
    add(rest, into)
  } catch (error) {
    if (succeeds(() => JSON.parse(rest))) throw error
    return false
  }
  return true
}

function lines(options: ReadOptions): Parser {
  const decode = decoding()
  const add = records(options)
  const divide = dividing('\n')
  return {
    take: (bytes, into) => void divide(decode(bytes), (line) => add(line, into)),
    // the last line may lack its LF; if it is no JSON then, it was cut
    end: (into) =>
      isWhole(
        add,
        divide('', () => {}),
        into,
      ),
  }
}

const RS = '\x1e'

function sequence(options: ReadOptions): Parser {
  const decode = decoding()
  const add = records(options)
  const divide = dividing(RS)
  return {
    take(bytes, into) {
      const text = decode(bytes)
      // a record that was cut is passed over (RFC 7464 2.3)
      const rest = divide(text, (record) => isWhole(add, record, into))
      // LF says that the record is whole, but for one within it: then it is as if the next RS had come
      if (text.endsWith('\n') && isWhole(add, rest, into)) divide(RS, () => {})
    },
    end: (into) =>
      isWhole(
        add,
        divide('', () => {}),
        into,
      ),
  }
}

const marks = /["[\]{},]/g
const marksOfString = /["\\]/g

function elements(options: ReadOptions): Parser {
  const decode = decoding()
  const add = records(options)
  /** What the value is: unknown as yet, an array whose elements come, an array that has ended, or another value. */
  let state: 'unknown' | 'elements' | 'over' | 'value' = 'unknown'
  let rest = ''
  let depth = 0
  let isString = false
  /** Characters to pass over, since they are escaped. */
  let escaped = 0

  /** Reads elements, and returns where the one begins that is not whole yet. */
  function read(text: string, from: number, into: Received[]): number {
    let start = from
    let at = from + escaped
    escaped = 0
    while (state === 'elements' && at < text.length) {
      const next = isString ? marksOfString : marks
      next.lastIndex = at
      const mark = next.exec(text)
      if (!mark) return start
      const [character] = mark
      at = mark.index + 1
      if (character === '\\') at += 1
      else if (character === '"') isString = !isString
      else if (character === '{' || character === '[') depth += 1
      else if (character !== ',') depth -= 1
      if (depth > 0 || isString) continue
      // an element that has an end of its own is whole before a comma comes
      const isBehind = character === ',' || (depth < 0 && character === ']')
      add(rest + text.slice(start, isBehind ? mark.index : at), into)
      rest = ''
      start = at
      if (depth < 0) state = 'over'
    }
    escaped = Math.max(0, at - text.length)
    return start
  }

  return {
    take(bytes, into) {
      const text = decode(bytes)
      let at = 0
      if (state === 'unknown') {
        at = text.search(/[^ \t\r\n]/)
        if (at < 0) return
        state = text[at] === '[' ? 'elements' : 'value'
        if (state === 'elements') at += 1
      }
      if (state === 'elements') at = read(text, at, into)
      rest = (state === 'over' ? '' : rest) + text.slice(at)
      if (state === 'over' && rest.trim() !== '')
        throw new FormatError(`Behind the end of the array: ${rest.slice(0, 100)}`)
    },
    end: (into) => state === 'over' || (state === 'value' && isWhole(add, `${rest}\n`, into)),
  }
}
