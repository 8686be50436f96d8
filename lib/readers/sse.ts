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
    /** Of the event that comes: its data, each line with an LF. */
    let lines = ''
    let type = ''
    let id: string | undefined

    function read(line: string): void {
      if (!line) return dispatch()
      const [name = ''] = line.split(':', 1)
      const value = line.slice(name.length + 1).replace(/^ /, '')
      if (name === 'data') lines += `${value}\n`
      else if (name === 'event') type = value
      else if (name === 'id' && !value.includes('\0')) id = value
      else if (name === 'retry' && /^\d+$/.test(value)) into.push({ retry: +value })
      else if (!name && /^dropped \d+$/.test(value))
        into.push({ data: { count: +value.slice(8) }, notice: 'dropped' })
    }

    function dispatch(): void {
      const text = lines.slice(0, -1)
      // what a notice has tells it from an event of the user's that has its type
      if (notices.test(`${type} ${text}`)) into.push({ data: jsonOrText(text), id, notice: type })
      else if (lines) into.push({ data: parsed(text, parse), id, type: type || undefined })
      else if (id !== undefined) into.push({ id })
      lines = type = ''
      id = undefined
    }

    return {
      take(bytes) {
        let text = decode(bytes)
        if (!text) return
        if (isAfterCr && text[0] === '\n') text = text.slice(1)
        isAfterCr = text.endsWith('\r')
        divide(text.replace(/\r\n?/g, '\n'), read)
      },
      // an event without the blank line behind it is none, and no reason to doubt the end
      end: () => true,
    }
  },
}

const notices = /^(gap {"requested":"|(end|reconnect) {"reason":"|(position|failed) {("heartbeat":\d+)?}$)/

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
