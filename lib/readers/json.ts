// Reads the JSON formats: NDJSON, JSON text sequences (RFC 7464), and the elements of one array as they come.
import { unwrapping } from './envelope.js'
import {
  decoding,
  dividing,
  FormatError,
  parsed,
  type Reader,
  type ReadOptions,
  type Received,
} from './reader.js'

/** Reads `application/x-ndjson` and its like. */
export const ndjson: Reader = {
  mediaTypes: ['application/x-ndjson', 'application/jsonl', 'application/ndjson', 'application/x-jsonlines'],
  read(_contentType, options, into) {
    const decode = decoding()
    const add = adding(options, into)
    const divide = dividing('\n')
    return {
      take: (bytes) => void divide(decode(bytes), add),
      // the last line may lack its LF; if it is no JSON then, it was cut
      end: () => isWhole(add, divide('', add)),
    }
  },
}

const RS = '\x1e'

/** Reads `application/json-seq`. */
export const jsonSeq: Reader = {
  mediaTypes: ['application/json-seq'],
  read(_contentType, options, into) {
    const decode = decoding()
    const add = adding(options, into)
    const divide = dividing(RS)
    return {
      take(bytes) {
        const text = decode(bytes)
        // a record that was cut is passed over (RFC 7464 2.3)
        const rest = divide(text, (record) => isWhole(add, record))
        // LF says that the record is whole, but for one within it: then it is as if the next RS had come
        if (text.endsWith('\n') && isWhole(add, rest)) divide(RS, () => {})
      },
      end: () => isWhole(add, divide('', add)),
    }
  },
}

/** Reads the elements of one array, `application/json`, as they come. A value that is no array is one event, at its end. */
export const jsonArray: Reader = {
  mediaTypes: ['application/json'],
  read(_contentType, options, into) {
    const decode = decoding()
    const add = adding(options, into)
    /** How the value begins: an array with `[`. */
    let first: string | undefined
    /** What has come of the element. */
    let rest = ''
    let depth = 0
    let isString = false
    let isOver = false
    /** Where to go on in the text that comes: behind what is escaped. */
    let at = 0

    return {
      take(bytes) {
        const text = decode(bytes)
        let start = 0
        first ??= /[^ \t\r\n]/.exec(text)?.[0]
        while (first === '[' && !isOver) {
          const marks = isString ? marksOfString : marksOfArray
          marks.lastIndex = at
          const mark = marks.exec(text)
          if (!mark) break
          const [character] = mark
          at = marks.lastIndex
          if (character === '\\') at += 1
          else if (character === '"') isString = !isString
          else if (/[[{]/.test(character)) {
            if (!depth) start = at
            depth += 1
            continue
          } else if (character !== ',') depth -= 1
          if (depth > 1 || isString) continue
          isOver = !depth
          // an element that has an end of its own is whole before a comma comes
          const isBehind = character === ',' || (isOver && character === ']')
          add(rest + text.slice(start, isBehind ? mark.index : at))
          rest = ''
          start = at
        }
        at = Math.max(0, at - text.length)
        rest = (isOver ? '' : rest) + text.slice(start)
        if (isOver && /[^ \t\r\n]/.test(rest))
          throw new FormatError(`Behind the end of the array: ${rest.slice(0, 100)}`)
      },
      end: () => isOver || (first !== '[' && !!first && isWhole(add, `${rest}\n`)),
    }
  },
}

const marksOfArray = /["[\]{},]/g
const marksOfString = /["\\]/g

/** Adds records to what was received, but for the white space that a heartbeat is. */
function adding(options: ReadOptions, into: Received[]): (record: string) => void {
  const unwrap = unwrapping(options)
  return (record) => {
    if (/[^ \t\r\n]/.test(record)) into.push(unwrap(parsed(record, options.parse)))
  }
}

/**
 * Adds what is left, if that is whole: a number with nothing behind it may have lost digits (RFC 7464 2.4). Throws what the
 * user's `parse` throws of a record that is whole.
 */
function isWhole(add: (record: string) => void, rest: string): boolean {
  if (/[^\s"\]}]$/.test(rest)) return false
  try {
    if (/\S/.test(rest)) JSON.parse(rest)
  } catch {
    return false
  }
  add(rest)
  return true
}
