// Reads Server-Sent Events (WHATWG HTML 9.2.6), and the notices of the library among them.
import { decoding, dividing, parsed, type Reader } from './reader.js'

/** Reads `text/event-stream`. */
export const sse: Reader = {
  mediaTypes: ['text/event-stream'],
  read(_contentType, { parse = jsonOrText }, into) {
    const decode = decoding()
    const divide = dividing('\n')
    /** The last chunk ended in CR: an LF that follows belongs to it. */
    let isAfterCr = false
    let data: string | undefined
    let type = ''
    let id: string | undefined

    function read(line: string): void {
      if (!line) return dispatch()
      let colon = line.indexOf(':')
      if (colon < 0) colon = line.length
      const name = line.slice(0, colon)
      const value = line.slice(colon + (line[colon + 1] === ' ' ? 2 : 1))
      if (name === 'data') data = data === undefined ? value : `${data}\n${value}`
      else if (name === 'event') type = value
      else if (name === 'id' && !value.includes('\0')) id = value
      else if (name === 'retry' && /^\d+$/.test(value)) into.push({ retry: +value })
      else if (!name && /^dropped \d+$/.test(value))
        into.push({ data: { count: +value.slice(8) }, notice: 'dropped' })
    }

    function dispatch(): void {
      // what a notice has tells it from an event of the user's that has its type
      if (type && data && notices.test(`${type} ${data}`))
        into.push({ data: jsonOrText(data), id, notice: type })
      else if (data !== undefined) into.push({ data: parsed(data, parse), id, type: type || undefined })
      else if (id !== undefined) into.push({ id })
      type = ''
      data = id = undefined
    }

    return {
      take(bytes) {
        let text = decode(bytes)
        if (!text) return
        if (isAfterCr && text[0] === '\n') text = text.slice(1)
        isAfterCr = text.endsWith('\r')
        if (text.includes('\r')) text = text.replace(/\r\n?/g, '\n')
        divide(text, read)
      },
      // an event without the blank line behind it is none, and no reason to doubt the end
      end: () => true,
    }
  },
}

/** The type of a notice, and how its data begins, as the library writes it. */
const notices = /^(gap {"requested":"|(end|reconnect) {"reason":"|(position|failed) {("heartbeat":[^,]+)?}$)/

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
