import { parse } from 'content-type'

/** A media type, or a range of them, in lower case but for the values of its parameters. */
export interface MediaType {
  readonly type: string
  readonly subtype: string
  readonly parameters: readonly (readonly [name: string, value: string])[]
}

const essence = /^([!#$%&'*+.^_`|~0-9a-z-]+)\/([!#$%&'*+.^_`|~0-9a-z-]+)$/

/** Parses a media type or range (RFC 9110 8.3.1); undefined for what is none. */
export function parseMediaType(text: string): MediaType | undefined {
  const { type, parameters } = parse(text)
  const match = essence.exec(type)
  return match
    ? { type: match[1] as string, subtype: match[2] as string, parameters: Object.entries(parameters) }
    : undefined
}

/** A media type without its parameters. */
export function essenceOf(text: string): string {
  return parse(text, { parameters: false }).type
}

/** Types that are UTF-8 by definition and have no charset parameter: event streams, JSON and its relatives. */
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

/** Whether two parameter values are equal: their case does not count, as in Accept matching everywhere. */
export function sameParameter(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase()
}
