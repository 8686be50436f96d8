// Reads multipart bodies (RFC 2046 5.1): each part by its own type.
import { FormatError, type Parser, parsed, type Reader, type ReadOptions } from './reader.js'

/** Reads `multipart/mixed` and its like: parts of JSON as values, of text as strings, others as a Uint8Array. */
export const multipart: Reader = {
  mediaTypes: ['multipart/mixed', 'multipart/x-mixed-replace'],
  read: (contentType, options) => parser(boundaryOf(contentType), options),
}

function boundaryOf(contentType: string): string {
  const [, quoted, token] = /;\s*boundary=(?:"([^"]*)"|([^\s;]+))/i.exec(contentType) ?? []
  const boundary = quoted ?? token
  if (boundary) return boundary
  throw new FormatError(`No boundary in ${contentType}`)
}

const [CR, HYPHEN] = [13, 45]

function parser(boundary: string, options: ReadOptions): Parser {
  const delimiter = bytesOf(`\r\n--${boundary}`)
  /** What has come and is not read: the first so many bytes of a buffer. The first delimiter has no line before it. */
  let buffer = new Uint8Array(2 ** 12)
  let size = 0
  /** No delimiter begins before this. */
  let searched = 0
  let state: 'preamble' | 'parts' | 'over' = 'preamble'
  append(bytesOf('\r\n'))

  function append(bytes: Uint8Array): void {
    if (size + bytes.length > buffer.length) {
      const larger = new Uint8Array(2 * (size + bytes.length))
      larger.set(buffer.subarray(0, size))
      buffer = larger
    }
    buffer.set(bytes, size)
    size += bytes.length
  }

  /** Where the next delimiter begins that has come whole; -1 if there is none. */
  function find(): number {
    for (let at = searched; ; at += 1) {
      at = buffer.subarray(0, size).indexOf(CR, at)
      if (at < 0 || at + delimiter.length > size) {
        searched = at < 0 ? size : at
        return -1
      }
      if (delimiter.every((byte, offset) => buffer[at + offset] === byte)) return at
    }
  }

  return {
    take(bytes, into) {
      append(bytes)
      let at = 0
      while (state !== 'over') {
        // two hyphens behind a delimiter make it the last; the part before it is whole before they come
        if (state === 'parts' && at + 1 < size && buffer[at] === HYPHEN && buffer[at + 1] === HYPHEN)
          state = 'over'
        const found = state === 'over' ? -1 : find()
        if (found < 0) break
        if (state === 'parts') into.push({ data: partOf(buffer.slice(at, found), options) })
        state = 'parts'
        at = found + delimiter.length
        searched = at
      }
      buffer.copyWithin(0, at, size)
      size = state === 'over' ? 0 : size - at
      searched -= at
    },
    end: () => state === 'over',
  }
}

/** What is between two delimiters: the rest of the delimiter's line, fields, a blank line, and the body. */
function partOf(bytes: Uint8Array, options: ReadOptions): unknown {
  const head = /^[\s\S]*?\r\n\r\n/.exec(latin1(bytes.subarray(0, 2 ** 14)))?.[0]
  if (head === undefined) throw new FormatError('A part without a blank line')
  const rest = bytes.subarray(head.length)
  const isBase64 = /^content-transfer-encoding:\s*base64\s*$/im.test(head)
  const body = isBase64 ? bytesOf(atob(latin1(rest).replace(/\s/g, ''))) : rest
  const type = /^content-type:\s*([^;\s]*)/im.exec(head)?.[1]?.toLowerCase() ?? 'text/plain'
  const text = () => new TextDecoder().decode(body)
  if (/[/+]json$/.test(type)) return parsed(text(), options)
  return type.startsWith('text/') ? text() : body
}

const latin1 = (bytes: Uint8Array) => new TextDecoder('latin1').decode(bytes)

/** Of characters that are bytes. */
function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0))
}
