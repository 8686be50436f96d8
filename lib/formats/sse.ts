// Writes the Server-Sent Events format, which a browser's EventSource reads.
import { misuse, show } from '../errors.js'
import { checkKeys } from '../rules.js'
import { type Event, event } from '../values/event.js'
import { textRules } from './check.js'
import { checkString, guarded, isBare, json, type Serialize } from './data.js'
import type { Format, FormatOptions, Notice, NoticeDetails } from './format.js'
import { make } from './format.js'
import { noticeBy } from './notices.js'

// An empty comment: some clients and proxies wait for a first byte. No blank line follows a comment: careless parsers
// dispatch an empty event at each one.
const nudge = ':\n'

const newline = /\r\n|\r|\n/g

/**
 * Server-Sent Events: `text/event-stream`, which a browser's EventSource reads.
 *
 * An event is its comment, `event`, `id`, `retry` and `data`, as far as it has them. A string is written as it is,
 * anything else as JSON. Text with CR, LF or CRLF becomes several `data` lines, so that data cannot forge an event. An
 * event with a type and no data gets an empty `data` line, since a browser dispatches nothing without one. An event with
 * neither data, type nor id is lines without a blank line behind them: nothing is to be dispatched.
 *
 * Notices: the events `gap`, `position`, `end`, `reconnect` and `failed` with JSON data, and the comment `dropped 17`.
 *
 * @param options `mediaType`; `serialize(data, event)` returns the text of the data; `notice(kind, details)` replaces the
 *   notices
 * @throws TypeError for unknown or invalid options
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export function sse(options: FormatOptions = {}): Format {
  checkKeys('sse()', options, textRules)
  const { mediaType = 'text/event-stream' } = options
  const serialize = options.serialize ? guarded('sse', options.serialize) : textOrJson
  const encode = (event: Event) => frame(event, serialize)
  return make(
    {
      mediaType,
      open: nudge,
      heartbeat: nudge,
      encode,
      notice: options.notice
        ? noticeBy('sse', options.notice, encode, (text) => frame(event(text), textOrJson))
        : notice,
    },
    { retry },
  )
}

/** Lines for a parser; a blank line if there is something to dispatch or to remember. */
function frame(event: Event, serialize: Serialize): string {
  const lines = metadata(event) + data(event, serialize)
  const isWhole = event.data !== undefined || event.type !== undefined || event.id !== undefined
  return isWhole ? `${lines}\n` : lines
}

function metadata(event: Event): string {
  return (
    (event.comment === undefined ? '' : comment(event.comment)) +
    (event.type === undefined ? '' : field('event', oneLine('type', event.type))) +
    (event.id === undefined ? '' : field('id', oneLine('id', event.id))) +
    (event.retry === undefined ? '' : retry(event.retry))
  )
}

function data(event: Event, serialize: Serialize): string {
  if (!isBare(event)) return lines('data', serialize(event.data, event))
  return event.type === undefined ? '' : field('data', '')
}

function textOrJson(data: unknown): string {
  return typeof data === 'string' ? data : json(data)
}

function notice(kind: Notice, { id, ...details }: NoticeDetails): string {
  if (kind === 'dropped') return comment(`dropped ${details.count}`)
  // EventSource itself dispatches `error` when it loses the connection.
  const type = kind === 'error' ? 'failed' : kind
  return frame(event(details, { type, id }), json)
}

function comment(text: string): string {
  checkString('comment', text)
  return lines('', text)
}

function retry(milliseconds: number): string {
  if (!Number.isSafeInteger(milliseconds) || milliseconds < 0) {
    throw misuse('LARIAT_DATA', `retry ${show(milliseconds)}: expected a whole number of milliseconds`)
  }
  return field('retry', String(milliseconds))
}

/** Refuses an id or type that would end the field, or that clients ignore (NUL: WHATWG HTML 9.2.6). */
function oneLine(name: 'id' | 'type', value: string): string {
  checkString(name, value)
  if (/[\r\n]/.test(value) || value.includes('\0')) {
    throw misuse('LARIAT_DATA', `event(…, { ${name}: ${show(value)} }): it must not contain CR, LF or NUL`)
  }
  return value
}

function lines(name: string, text: string): string {
  return field(name, text.replace(newline, `\n${name}: `))
}

/** A client removes one space after the colon, so one is always written: the value may begin with a space. */
function field(name: string, value: string): string {
  return `${name}: ${value}\n`
}
