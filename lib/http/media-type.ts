// Parses media types and media ranges (RFC 9110 8.3.1).
import { parse } from 'content-type'

/** A media type or a media range, in lower case except for the values of its parameters. */
export interface MediaType {
  readonly type: string
  readonly subtype: string
  readonly parameters: readonly (readonly [name: string, value: string])[]
}

const essence = /^([!#$%&'*+.^_`|~0-9a-z-]+)\/([!#$%&'*+.^_`|~0-9a-z-]+)$/

/** Parses a media type or a media range; undefined for anything else. */
export function parseMediaType(text: string): MediaType | undefined {
  const { type, parameters } = parse(text)
  const match = essence.exec(type)
  return match
    ? { type: match[1] as string, subtype: match[2] as string, parameters: Object.entries(parameters) }
    : undefined
}

/** The media type without its parameters. */
export function essenceOf(text: string): string {
  return parse(text, { parameters: false }).type
}

/** Whether a type is UTF-8 by definition, without a charset parameter: event streams, JSON, and types based on JSON. */
export function isUtf8ByDefinition({ type, subtype }: MediaType): boolean {
  return type === 'text'
    ? subtype === 'event-stream'
    : subtype === 'json' ||
        subtype === 'x-ndjson' ||
        subtype === 'jsonl' ||
        subtype === 'json-seq' ||
        subtype.endsWith('+json') ||
        subtype.endsWith('+json-seq')
}

/** Whether two names of charsets are equal; many clients write `utf8`. */
export function sameCharset(one: string, other: string): boolean {
  return sameParameter(one.replace(/^utf8$/i, 'utf-8'), other.replace(/^utf8$/i, 'utf-8'))
}

/** Whether two parameter values are equal. As is usual for Accept, case is ignored. */
export function sameParameter(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase()
}
