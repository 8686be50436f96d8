import { isUint8Array } from 'node:util/types'
import { misuse, show } from '../errors.js'

/** What each key may be: a test, its words, and whether the key must be there. */
export type Rules = Readonly<
  Record<string, readonly [test: (value: unknown) => boolean, expected: string, needed?: 'needed']>
>

/**
 * Checks an object that a user wrote, key by key; undefined counts as absent.
 *
 * @throws TypeError that names the call, says what came and what was expected
 */
export function check(call: string, given: unknown, rules: Rules): void {
  if (!isObject(given)) {
    throw misuse('LARIAT_SPEC', `${call}(${show(given)}): expected an object with ${names(rules)}`)
  }
  for (const key of Object.keys(given)) {
    if (!Object.hasOwn(rules, key)) {
      throw misuse('LARIAT_SPEC', `${call}({ ${key} }): unknown; known are ${names(rules)}`)
    }
  }
  for (const [key, [test, expected, needed]] of Object.entries(rules)) {
    const value = given[key]
    if (value === undefined ? needed : !test(value)) {
      throw misuse('LARIAT_SPEC', `${call}({ ${key}: ${show(value)} }): expected ${expected}`)
    }
  }
}

const aMediaType = 'a media type such as "text/plain", without wildcards'

/** What all text formats take. */
export const textRules: Rules = {
  mediaType: [isMediaType, aMediaType],
  serialize: [isFunction, 'a function that returns a string'],
}

/** What the JSON formats take. */
export const jsonRules: Rules = {
  ...textRules,
  envelope: [(value) => typeof value === 'boolean', 'a boolean'],
}

/** What `csv` takes. */
export const csvRules: Rules = {
  ...textRules,
  columns: [isNames, 'a list of column names', 'needed'],
}

const bytes = [isBytes, 'a string or a Uint8Array'] as const

/** What `format` takes. */
export const partRules: Rules = {
  mediaType: [isMediaTypes, `${aMediaType}, or a list of them`, 'needed'],
  encode: [isFunction, 'a function that returns a string or a Uint8Array', 'needed'],
  open: bytes,
  close: bytes,
  heartbeat: bytes,
  notice: [isFunction, 'a function that returns a string or a Uint8Array'],
}

/** Refuses what is no media type: it becomes a Content-Type, or a line of a multipart body. */
export function checkMediaType(call: string, type: unknown): void {
  if (!isMediaType(type)) throw misuse('LARIAT_SPEC', `${call}(${show(type)}): expected ${aMediaType}`)
}

const token = "[!#$%&'+.^_`|~\\w-]+"
const quoted = '"(?:[\\t !#-[\\]-~\\x80-\\xff]|\\\\[\\t -~\\x80-\\xff])*"'
const mediaType = new RegExp(`^${token}/${token}(?:[ \\t]*;[ \\t]*${token}[*]?=(?:${token}|${quoted}))*$`)

/** Whether a value is a concrete media type, parameters included (RFC 9110 8.3.1); `*` stands for a range. */
export function isMediaType(value: unknown): value is string {
  return typeof value === 'string' && mediaType.test(value)
}

function isMediaTypes(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 && value.every(isMediaType) : isMediaType(value)
}

function isNames(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0 && value.every((name) => typeof name === 'string')
}

function isBytes(value: unknown): boolean {
  return typeof value === 'string' || isUint8Array(value)
}

function isFunction(value: unknown): boolean {
  return typeof value === 'function'
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function names(rules: Rules): string {
  return Object.keys(rules).join(', ')
}
