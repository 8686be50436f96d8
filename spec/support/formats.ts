import { csv, type Format, jsonArray, jsonSeq, multipart, ndjson, raw, sse, text } from '../../lib/index.js'

/** All formats of the library, each with what it has to be told: of CSV that a record has a `name`. */
export const formats = {
  sse,
  ndjson,
  jsonSeq,
  jsonArray,
  csv: () => csv({ columns: ['name'] }),
  multipart: () => multipart('text/plain'),
  text,
  raw: () => raw('application/octet-stream'),
} as const satisfies Readonly<Record<string, () => Format>>

export type FormatName = keyof typeof formats
export const formatNames = Object.keys(formats) as FormatName[]
