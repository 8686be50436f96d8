// Writes the CSV format: a header row, then a record for each event.
import { isDate } from 'node:util/types'
import { misuse, show } from '../errors.js'
import { checkKeys } from '../rules.js'
import type { Event } from '../values/event.js'
import { isLostInJson } from '../values/json.js'
import { csvRules } from './check.js'
import { guarded, isBare, json, refusePromise, threw } from './data.js'
import type { Format, FormatOptions } from './format.js'
import { make, withoutIds } from './format.js'
import { noticeBy } from './notices.js'

const CRLF = '\r\n'
const BOM = '\uFEFF'

/** The options of `csv()`. */
export interface CsvOptions extends FormatOptions {
  /** The names of the columns, in order. */
  columns: readonly string[]
  /** Between two fields: one character, not a quote, CR or LF. Default: a comma. */
  delimiter?: string
  /** Begins with a byte-order mark, by which Excel knows UTF-8. Default: false. */
  bom?: boolean
}

/**
 * Comma-separated values: `text/csv` (RFC 4180), the header row first, then a record for each event.
 *
 * Data is an object, whose properties are read by column name, or an array with one value for each column. Null and
 * undefined become empty fields, a Date its ISO text, other objects JSON. An event without data is not written.
 *
 * @param options `columns`, the names in order; `delimiter`, one character (default: a comma); `bom: true` begins with a
 *   byte-order mark, by which Excel knows UTF-8; `mediaType`; `serialize(data, event)` returns the text of a record without
 *   its line break; `notice(kind, details)` returns what is written for a notice, a string being a record of one field
 * @throws TypeError for missing columns, and for unknown or invalid options
 * @see https://www.rfc-editor.org/rfc/rfc4180
 */
export function csv(options: CsvOptions): Format {
  checkKeys('csv()', options, csvRules)
  const { mediaType = 'text/csv', delimiter = ',', bom = false } = options
  const columns = [...options.columns]
  const line = (values: readonly unknown[]) => record(values, columns, delimiter)
  const serialize = options.serialize
    ? guarded('csv', options.serialize)
    : (data: unknown) => line(values(data, columns))
  const encode = (event: Event) => (isBare(event) ? '' : serialize(event.data, event) + CRLF)
  const notice = options.notice && noticeBy('csv', options.notice, encode, (text) => line([text]) + CRLF)
  return make(
    { mediaType, open: (bom ? BOM : '') + line(columns) + CRLF, encode, ...(notice && { notice }) },
    withoutIds(options),
  )
}

function values(data: unknown, columns: readonly string[]): readonly unknown[] {
  refusePromise(data)
  if (typeof data !== 'object' || data === null || isOpaque(data, columns)) {
    throw misuse('LARIAT_DATA', `${show(data)} is not a record: expected an object or an array`)
  }
  if (!Array.isArray(data)) return columns.map((name) => member(data, name))
  if (data.length === columns.length) return data
  throw misuse(
    'LARIAT_DATA',
    `${show(data)} is not a record: expected ${columns.length} values, one for each column`,
  )
}

/** Whether an object has nothing of a record: a Date, bytes, a Map, a stream and the like, but for what they do have. */
function isOpaque(data: object, columns: readonly string[]): boolean {
  if (ArrayBuffer.isView(data) || isDate(data)) return true
  return isLostInJson(data) && !columns.some((name) => name in data)
}

/** Reads a property. Getters of a class are read; members of Object.prototype, such as `constructor`, are not. */
function member(data: object, name: string): unknown {
  if (name in Object.prototype && !Object.hasOwn(data, name)) return undefined
  try {
    return (data as Record<string, unknown>)[name]
  } catch (cause) {
    throw threw(`column ${show(name)} cannot be read`, cause)
  }
}

function record(values: readonly unknown[], columns: readonly string[], delimiter: string): string {
  const text = Array.from(values, (value, index) => field(value, columns[index], delimiter)).join(delimiter)
  // A lone empty field would be an empty line, which readers skip.
  return text === '' ? '""' : text
}

function field(value: unknown, column: string | undefined, delimiter: string): string {
  const text = fieldText(value, column)
  const isQuoted = /["\r\n]/.test(text) || text.includes(delimiter)
  return isQuoted ? `"${text.replaceAll('"', '""')}"` : text
}

function fieldText(value: unknown, column: string | undefined): string {
  if (value === null || value === undefined) return ''
  if (!isDate(value)) return typeof value === 'object' ? json(value) : scalar(value, column)
  if (!Number.isNaN(value.getTime())) return value.toISOString()
  throw misuse('LARIAT_DATA', `column ${show(column)}: the Date is invalid`)
}

function scalar(value: unknown, column: string | undefined): string {
  if (typeof value !== 'function' && typeof value !== 'symbol') return String(value)
  throw misuse('LARIAT_DATA', `column ${show(column)}: ${show(value)} cannot be written`)
}
