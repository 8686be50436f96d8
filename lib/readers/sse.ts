// Reads Server-Sent Events (WHATWG HTML 9.2.6), and the notices of the library among them.
import {
  decoding,
  dividing,
  type Parser,
  parsed,
  type Reader,
  type ReadOptions,
  type Received,
} from './reader.js'

/** Reads `text/event-stream`. */
export const sse: Reader = {
  mediaTypes: ['text/event-stream'],
  tellsGaps: true,
  read: (_type, options) => parser(options),
}

function parser({ parse = jsonOrText }: ReadOptions): Parser {
  const decode = decoding()
  const divide = dividing('\n')
  /** The last chunk ended in CR: an LF that follows belongs to it. */
  let isAfterCr = false
  let data: string | undefined
  let type = ''
  let id: string | undefined

  function line(text: string, into: Received[]): void {
    if (text === '') return dispatch(into)
    const colon = text.indexOf(':')
    const name = colon < 0 ? text : text.slice(0, colon)
    const value = colon < 0 ? '' : text.slice(text[colon + 1] === ' ' ? colon + 2 : colon + 1)
    if (name === 'data') data = data === undefined ? value : `${data}\n${value}`
    else if (name === 'event') type = value
    else if (name === 'id' && !value.includes('\0')) id = value
    else if (name === 'retry' && /^\d+$/.test(value)) into.push({ retry: Number(value) })
    else if (name === '' && /^dropped \d+$/.test(value))
      into.push({ notice: 'dropped', data: { count: Number(value.slice(8)) } })
  }

  function dispatch(into: Received[]): void {
    if (data !== undefined) {
      const notice = noticeOf(type, data)
      const received: { -readonly [Key in keyof Received]: Received[Key] } = notice ?? {
        data: parsed(data, { parse }),
      }
      if (type !== '' && !notice) received.type = type
      if (id !== undefined) received.id = id
      into.push(received)
    } else if (id !== undefined) into.push({ id })
    data = id = undefined
    type = ''
  }

  return {
    take(bytes, into) {
      let text = decode(bytes)
      if (text === '') return
      if (isAfterCr && text[0] === '\n') text = text.slice(1)
      isAfterCr = text.endsWith('\r')
      if (text.includes('\r')) text = text.replace(/\r\n?/g, '\n')
      divide(text, (each) => line(each, into))
    },
    // an event without the blank line behind it is none, and no reason to doubt the end
    end: () => true,
  }
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** A notice, whose details tell it from an event of the user's that has its type. */
function noticeOf(type: string, text: string): Received | undefined {
  if (!/^(?:gap|end|reconnect|position|failed)$/.test(type)) return
  const data = jsonOrText(text)
  const details = Object(data)
  const member = { gap: 'requested', end: 'reason', reconnect: 'reason' }[type]
  const isNotice = member
    ? typeof details[member] === 'string'
    : text[0] === '{' && Object.keys(details).every((key) => key === 'heartbeat')
  return isNotice ? { notice: type, data } : undefined
}
