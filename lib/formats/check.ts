// Checks the options of formats, and whether a string is a media type.
import { isUint8Array } from 'node:util/types'
import { show } from '../errors.js'
import { isBoolean, isFunction, type Rules, wrong } from '../rules.js'

const aMediaType = 'a media type such as "text/plain", without wildcards'

/** The options of all text formats. */
export const textRules: Rules = {
  mediaType: [isMediaType, aMediaType],
  serialize: [isFunction, 'a function that returns a string'],
  notice: [isFunction, 'a function that returns an event(), a string or undefined'],
}

/** The options of the JSON formats. */
export const jsonRules: Rules = {
  ...textRules,
  envelope: [isBoolean, 'a boolean'],
}

/** The options of `csv`. */
export const csvRules: Rules = {
  ...textRules,
  columns: [isNames, 'a list of column names', 'needed'],
  delimiter: [isDelimiter, 'one character, not a quote, CR or LF'],
  bom: [isBoolean, 'a boolean'],
}

const bytes = [isBytes, 'a string or a Uint8Array'] as const

/** The parts of `format`. */
export const partRules: Rules = {
  mediaType: [isMediaTypes, `${aMediaType}, or a list of them`, 'needed'],
  encode: [isFunction, 'a function that returns a string or a Uint8Array', 'needed'],
  open: bytes,
  close: bytes,
  heartbeat: bytes,
  notice: [isFunction, 'a function that returns a string or a Uint8Array'],
}

/** Throws unless the value is a media type: it becomes a Content-Type, or a line of a multipart body. */
export function checkMediaType(call: string, type: unknown): void {
  if (!isMediaType(type)) wrong(`${call}(${show(type)}): expected ${aMediaType}`)
}

const token = "[!#$%&'+.^_`|~\\w-]+"
const quoted = '"(?:[\\t !#-[\\]-~\\x80-\\xff]|\\\\[\\t -~\\x80-\\xff])*"'
const mediaType = new RegExp(`^${token}/${token}(?:[ \\t]*;[ \\t]*${token}[*]?=(?:${token}|${quoted}))*$`)

/** Whether a value is a concrete media type, parameters included (RFC 9110 8.3.1). One with `*` is a range, not a type. */
export function isMediaType(value: unknown): value is string {
  return typeof value === 'string' && mediaType.test(value)
}

function isMediaTypes(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 && value.every(isMediaType) : isMediaType(value)
}

function isNames(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0 && value.every((name) => typeof name === 'string')
}

/** One character, which may be a surrogate pair. */
function isDelimiter(value: unknown): boolean {
  return typeof value === 'string' && /^[^"\r\n\p{Surrogate}]$/u.test(value)
}

function isBytes(value: unknown): boolean {
  return typeof value === 'string' || isUint8Array(value)
}
