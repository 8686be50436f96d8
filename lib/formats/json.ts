// Writes the JSON formats: NDJSON, JSON text sequences, and one JSON array.
import { misuse, show } from '../errors.js'
import { checkKeys } from '../rules.js'
import { type Event, event } from '../values/event.js'
import { jsonRules } from './check.js'
import type { Serialize } from './data.js'
import { checkString, guarded, isBare, json } from './data.js'
import type { Format, FormatParts, JsonOptions, Notice, NoticeDetails, Wire } from './format.js'
import { make, withoutIds } from './format.js'
import { noticeBy } from './notices.js'

const RS = '\x1e'

/**
 * Newline-delimited JSON: `application/x-ndjson`, also offered as `application/jsonl`.
 *
 * A record is the JSON of the data, then LF; a heartbeat is a space before the next record, since strict readers refuse
 * an empty line. Without `envelope`, ids and types are not written, and neither are events without data.
 *
 * @param options `mediaType` replaces both media types; `serialize(data, event)` returns a JSON text on one line;
 *   `envelope: true` writes records `{ id, type, data }` and notices `{ notice, … }`; `notice(kind, details)` chooses the
 *   notices
 * @throws TypeError for unknown or invalid options
 * @see https://github.com/ndjson/ndjson-spec
 */
export function ndjson(options: JsonOptions = {}): Format {
  const mediaType = ['application/x-ndjson', 'application/jsonl']
  return records('ndjson', options, { mediaType, heartbeat: ' ' }, { after: '\n', framing: '\r\n' })
}

/**
 * JSON text sequences: `application/json-seq` (RFC 7464).
 *
 * A record is RS, the JSON of the data, then LF, so that a reader can detect a truncated record. A heartbeat is RS, an
 * empty record that readers skip. Without `envelope`, ids and types are not written, and neither are events
 * without data.
 *
 * @param options `mediaType`; `serialize(data, event)` returns a JSON text without RS; `envelope: true` writes
 *   records `{ id, type, data }` and notices `{ notice, … }`; `notice(kind, details)` chooses the notices
 * @throws TypeError for unknown or invalid options
 * @see https://www.rfc-editor.org/rfc/rfc7464
 */
export function jsonSeq(options: JsonOptions = {}): Format {
  const mediaType = 'application/json-seq'
  return records('jsonSeq', options, { mediaType, heartbeat: RS }, { before: RS, after: '\n', framing: RS })
}

/**
 * One JSON array: `application/json`, its elements written as they arrive.
 *
 * The array is closed at a complete end only, so that a cut one is not valid JSON. A heartbeat is a space. Most
 * clients parse the array at its end: use it for sources that have one.
 *
 * @param options `mediaType`; `serialize(data, event)` returns a JSON text; `envelope: true` writes elements
 *   `{ id, type, data }` and notices `{ notice, … }`; `notice(kind, details)` chooses the notices
 * @throws TypeError for unknown or invalid options
 */
export function jsonArray(options: JsonOptions = {}): Format {
  const mediaType = 'application/json'
  const parts = { mediaType, open: '[', close: ']', heartbeat: ' ' }
  return records('jsonArray', options, parts, {}, { separator: ',' })
}

interface Frame {
  readonly before?: string
  readonly after?: string
  /** The characters that separate records; a record must not contain them. */
  readonly framing?: string
}

function records(
  name: string,
  options: JsonOptions,
  parts: Omit<FormatParts, 'encode' | 'notice'>,
  { before = '', after = '', framing = '' }: Frame,
  own?: Wire,
): Format {
  checkKeys(`${name}()`, options, jsonRules)
  const { mediaType = parts.mediaType, envelope = false } = options
  const serialize = options.serialize ? nonEmpty(name, guarded(name, options.serialize, framing)) : json
  const record = envelope ? enveloped : plain
  const framed = (text: string) => text && before + text + after
  const encode = (event: Event) => framed(record(event, serialize))
  const notice = options.notice
    ? noticeBy(name, options.notice, encode, (text) => framed(record(event(text), json)))
    : envelope
      ? (kind: Notice, details: NoticeDetails) => framed(json({ notice: kind, ...details }))
      : undefined
  return make(
    { ...parts, mediaType, encode, ...(notice && { notice }) },
    { ...own, ...(envelope ? { envelope } : withoutIds(options)) },
  )
}

function plain(event: Event, serialize: Serialize): string {
  return isBare(event) ? '' : serialize(event.data, event)
}

function enveloped(event: Event, serialize: Serialize): string {
  const members: string[] = []
  for (const name of ['id', 'type'] as const) {
    const value = event[name]
    if (value === undefined) continue
    checkString(name, value)
    members.push(`"${name}":${json(value)}`)
  }
  if (!isBare(event)) members.push(`"data":${serialize(event.data, event)}`)
  return members.length > 0 ? `{${members.join()}}` : ''
}

/** Refuses whitespace, which is not a JSON text: between two commas it would break the whole array. */
function nonEmpty(name: string, serialize: Serialize): Serialize {
  return (data, event) => {
    const text = serialize(data, event)
    if (text.trim() !== '') return text
    throw misuse('LARIAT_DATA', `${name}({ serialize }) returned ${show(text)}: expected a JSON text`)
  }
}
