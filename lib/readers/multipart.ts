// Reads multipart bodies (RFC 2046 5.1): each part by its own type.
import { FormatError, parsed, type Reader, type ReadOptions } from './reader.js'

/** Reads `multipart/mixed` and its like: parts of JSON as values, of text as strings, others as a Uint8Array. */
export const multipart: Reader = {
  mediaTypes: ['multipart/mixed', 'multipart/x-mixed-replace', 'multipart/*'],
  read(contentType, options, into) {
    const boundary = /;\s*boundary="?([^";]*[^";\s])/i.exec(contentType)?.[1]
    if (!boundary) throw new FormatError(`No boundary in ${contentType}`)
    const delimiter = bytesOf(`\r\n--${boundary}`)
    /** What has come and is not read: the first so many bytes of a buffer. The first delimiter has no line before it. */
    let buffer = bytesOf('\r\n')
    let size = 2
    /** No delimiter begins before this. */
    let at = 0
    /** The first delimiter has come, and the last. */
    let isBegun = false
    let isOver = false

    return {
      take(bytes) {
        if (isOver) return
        const end = size + bytes.length
        if (end > buffer.length) {
          const larger = new Uint8Array(2 * end)
          larger.set(buffer)
          buffer = larger
        }
        buffer.set(bytes, size)
        const come = buffer.subarray(0, end)
        let start = 0
        // two hyphens behind a delimiter make it the last; the part before it is whole before they come
        for (;;) {
          isOver = isBegun && come[start] === HYPHEN && come[start + 1] === HYPHEN
          if (isOver) break
          at = come.indexOf(CR, at)
          if (at < 0) at = end
          if (at + delimiter.length > end) break
          if (delimiter.every((byte, offset) => come[at + offset] === byte)) {
            if (isBegun) into.push({ data: partOf(come.slice(start, at), options) })
            isBegun = true
            start = at + delimiter.length
            at = start
          } else at += 1
        }
        buffer.copyWithin(0, start, end)
        size = end - start
        at -= start
      },
      end: () => isOver,
    }
  },
}

const [CR, HYPHEN] = [13, 45]

/** What is between two delimiters: the rest of the delimiter's line, fields, a blank line, and the body. */
function partOf(bytes: Uint8Array, { parse }: ReadOptions): unknown {
  const start = decoded(bytes.subarray(0, 2 ** 14), 'latin1')
  const end = start.indexOf('\r\n\r\n')
  if (end < 0) throw new FormatError('A part without a blank line')
  const head = start.slice(0, end)
  const rest = bytes.subarray(end + 4)
  const isBase64 = /^content-transfer-encoding:\s*base64\s*$/im.test(head)
  const body = isBase64 ? bytesOf(atob(decoded(rest))) : rest
  const type = /^content-type:\s*([^;\s]*)/im.exec(head)?.[1]?.toLowerCase() ?? 'text/plain'
  if (/[/+]json$/.test(type)) return parsed(decoded(body), parse)
  return type.startsWith('text/') ? decoded(body) : body
}

const decoded = (bytes: Uint8Array, charset?: string) => new TextDecoder(charset).decode(bytes)

/** Of characters that are bytes. */
function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0))
}
