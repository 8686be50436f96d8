// Writes Accept-Query, a structured field that lists the media types of queries (RFC 10008 3, RFC 9651).
import type { MediaType } from './media-type.js'

const token = /^[a-z*][!#$%&'*+.^_`|~0-9a-z:/-]*$/i
const key = /^[a-z*][a-z0-9_.*-]*$/
/** The characters of a string of a structured field. */
const printable = /^[\x20-\x7e]*$/

/** The field's value. A type with a parameter that no structured field can say is left out. */
export function acceptQuery(ranges: readonly MediaType[]): string {
  return ranges.flatMap((range) => member(range) ?? []).join(', ')
}

function member({ type, subtype, parameters }: MediaType): string | undefined {
  const name = `${type}/${subtype}`
  const parts = [token.test(name) ? name : string(name)]
  for (const [own, value] of parameters) {
    // every sender has its own boundary
    if (own === 'boundary') continue
    if (!key.test(own) || !printable.test(value)) return undefined
    parts.push(`${own}=${string(value)}`)
  }
  return parts.join(';')
}

function string(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`
}
