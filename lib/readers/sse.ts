// Reads Server-Sent Events (WHATWG HTML 9.2.6), and the notices of the library among them.
import { decoding, type Parser, type Reader, type ReadOptions, type Received } from './reader.js'

/** Reads `text/event-stream`. */
export const sse: Reader = {
  mediaTypes: ['text/event-stream'],
  tellsGaps: true,
  read: (_type, options) => parser(options),
}

type Writable = { -readonly [Key in keyof Received]: Received[Key] }

function parser({ parse = jsonOrText }: ReadOptions): Parser {
  const decode = decoding()
  /** The line that has not ended. */
  let rest = ''
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
    // no spreads: they would take most of the time of a reader
    const received: Writable = {}
    if (data !== undefined) {
      const notice = type === '' ? undefined : noticeOf(data, type)
      received.data = notice ?? parse(data)
      if (notice) received.notice = type
      else if (type !== '') received.type = type
    }
    if (id !== undefined) received.id = id
    if (data !== undefined || id !== undefined) into.push(received)
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
      const lines = text.split('\n')
      lines[0] = rest + lines[0]
      rest = lines.pop() as string
      for (const each of lines) line(each, into)
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

/** What the data of a notice has, by which it is told from an event of the user's that has its type. */
const members: Readonly<Record<string, string>> = { gap: 'requested', end: 'reason', reconnect: 'reason' }

/** The details, if it is one. */
function noticeOf(text: string, type: string): object | undefined {
  const member = members[type]
  if (member === undefined && !/^(?:position|failed)$/.test(type)) return undefined
  // not by the user's parse, which may make anything of it
  const data = jsonOrText(text)
  const details = Object(data)
  const isIt = member
    ? typeof details[member] === 'string'
    : data === details && Object.keys(details).every((key) => key === 'heartbeat')
  return isIt ? details : undefined
}
