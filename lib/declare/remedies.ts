// Says what to write instead of a value that a spec cannot have, and where a key belongs that stands elsewhere.
import { isMethod } from '../brand.js'
import { show } from '../errors.js'
import { csv } from '../formats/csv.js'
import { format, isFormat } from '../formats/format.js'
import { jsonArray, jsonSeq, ndjson } from '../formats/json.js'
import { multipart } from '../formats/multipart.js'
import { sse } from '../formats/sse.js'
import { raw, text } from '../formats/text.js'
import { invalidField } from '../http/field.js'
import { isMiscased } from '../http/method.js'
import { isPromise } from '../promise.js'
import { type Advice, isObject, isPlainObject } from '../rules.js'
import { isFeed } from '../values/feed.js'
import { isSource } from '../values/json.js'
import { isObservable } from '../values/observable.js'
import { isOnce } from '../values/once.js'
import { isStop } from '../values/stop.js'

/** How each factory of a format is called. */
const factories: ReadonlyMap<unknown, string> = new Map<unknown, string>([
  [sse, 'sse()'],
  [ndjson, 'ndjson()'],
  [jsonSeq, 'jsonSeq()'],
  [jsonArray, 'jsonArray()'],
  [text, 'text()'],
  [csv, "csv({ columns: ['…'] })"],
  [multipart, "multipart('image/jpeg')"],
  [raw, "raw('audio/mpeg')"],
  [format, "format({ mediaType: '…', encode: … })"],
])

/**
 * Whether a value is a function that may be a callback: it does not make formats, is no method that was taken off its
 * object, and no class, which can only be called with `new`.
 */
export function isCallback(value: unknown): boolean {
  return typeof value === 'function' && !(factories.has(value) || isMethod(value) || isClass(value))
}

function isClass(value: unknown): boolean {
  return typeof value === 'function' && /^class\b/.test(Function.prototype.toString.call(value))
}

/** What to write instead of a value that a key cannot have; undefined if the value gives no clue. */
export function remedy(key: string, value: unknown, expected = ''): string | undefined {
  if (factories.has(value)) return ofFactory(key, factories.get(value) as string)
  if (isMethod(value)) return "this method was taken off its object: write hub.channel('…')"
  if (isClass(value)) return 'this is a class: write a function that makes an instance, or calls a method'
  if (isPromise(value)) return 'await it before, or write a function that returns it'
  if (isStop(value)) return 'stop() is returned by a function: write () => stop(…)'
  if (key === 'contentTypesProvided') return ofProvided(value)
  if (key === 'contentTypesAccepted') return ofMembers(key, value)
  if (key === 'subscribe') return ofSubscribe(value)
  if ((key === 'headers' || key === 'options') && isPlainObject(value)) return ofFields(value)
  if (key === 'format' && typeof value === 'string') return 'write sse(), or another factory of a format'
  if (key === 'format' && Array.isArray(value))
    return 'a loop has one: to negotiate, write resource({ contentTypesProvided: […], subscribe: … })'
  if (Array.isArray(value)) return ofMethods(value)
  if (typeof value === 'string') return ofNumber(value, expected)
  return isObject(value) ? ofObject(key, value, expected) : undefined
}

/** The remedy for an object that is no answer to any callback, though it may hold one. */
function ofObject(key: string, value: object, expected: string): string | undefined {
  if (value instanceof Response) return 'its body is a stream: return response.body'
  if (isPlainObject(value) && !isSource(value)) return undefined
  const isProvider = key.startsWith('contentTypesProvided[')
  if (isProvider && (isFeed(value) || isObservable(value)))
    return 'provide a format, sse(), and write subscribe: () => …'
  if (hasPairs(value)) return 'write Object.fromEntries(…) around it'
  const isList = Symbol.iterator in value
  if (isProvider && (isList || Symbol.asyncIterator in value))
    return `a list is streamed by ndjson().once(list)${isList ? ', or is a body as [...list]' : ''}`
  return isList && expected.startsWith('a list') ? 'write [...set]' : undefined
}

/** Whether a value gives names and values: a Map, Headers, a FormData, URLSearchParams. */
function hasPairs(value: object): boolean {
  return (
    Symbol.iterator in value &&
    typeof (value as { entries?: unknown }).entries === 'function' &&
    !(value instanceof Set)
  )
}

function ofFactory(key: string, call: string): string {
  if (key === 'contentTypesProvided') return `write [${call}]`
  if (key === 'format' || key.includes('[')) return `write ${call}`
  return `formats are provided: write contentTypesProvided: [${call}]`
}

const typesNeedProviders = "write formats: [sse()], or an object: { 'text/html': () => … }"

function ofProvided(value: unknown): string | undefined {
  if (isFormat(value)) return 'write a list: [sse()]'
  if (typeof value === 'string') return typesNeedProviders
  return ofMembers('contentTypesProvided', value)
}

/** The remedy for the first member that has one. */
function ofMembers(key: string, value: unknown): string | undefined {
  if (Array.isArray(value)) {
    if (key === 'contentTypesAccepted') return "write { 'application/json': async ({ json }) => … }"
    if (value.some((each) => typeof each === 'string')) return typesNeedProviders
  }
  if (!isObject(value) && !Array.isArray(value)) return undefined
  if (value instanceof Map) return 'write Object.fromEntries(…) around it'
  for (const [name, each] of Object.entries(value)) {
    const label = Array.isArray(value) ? `${key}[${name}]` : `${key}['${name}']`
    if (isOnce(each)) return `a list is sent once: write { '…': () => format.once(list) }`
    const found = remedy(label, each)
    if (found) return `${label}: ${found}`
    if (!Array.isArray(value) && typeof each === 'string') return `${label}: write () => '…'`
  }
  return undefined
}

function ofSubscribe(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  if (Array.isArray(value) && value.some(isFeed)) return undefined
  if (value instanceof Response) return 'its body is a stream: return response.body'
  if (Symbol.iterator in value || isSource(value))
    return 'each response needs a source of its own: write a function that returns it'
  return undefined
}

function ofFields(value: Readonly<Record<string, unknown>>): string | undefined {
  const name = invalidField(value)
  return name === undefined ? undefined : `{ ${show(name)}: ${show(value[name])} } is not a valid header`
}

function ofMethods(value: readonly unknown[]): string | undefined {
  const miscased = value.find(isMiscased)
  return miscased && `names of methods are case-sensitive: write '${miscased.toUpperCase()}'`
}

const units: Readonly<Record<string, number>> = {
  '': 1,
  ms: 1,
  s: 1000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
}

/** A number or a time that was written as a string. */
function ofNumber(value: string, expected: string): string | undefined {
  const [, digits, unit = ''] = /^(\d+(?:\.\d+)?) ?([a-z]*)$/i.exec(value) ?? []
  const factor = units[unit.toLowerCase()]
  if (digits === undefined || factor === undefined) return undefined
  if (unit !== '' && !expected.includes('milliseconds')) return undefined
  return /milliseconds|seconds|bytes|number|status/.test(expected)
    ? `write ${Number(digits) * factor}`
    : undefined
}

// ---- keys

const writing = 'it is written as `contentTypesAccepted` and `allowedMethods`'

/** Handlers by method, as other frameworks have them. */
export const byMethod: Readonly<Record<string, string>> = {
  get: 'it is written as `contentTypesProvided`',
  post: writing,
  put: writing,
  patch: writing,
  delete: 'it is written as `deleteResource` and `allowedMethods`',
}

const own = (places: Readonly<Record<string, string>>, key: string) =>
  Object.hasOwn(places, key) ? places[key] : undefined

/** Advises on the keys and values of an object in which keys of other places may stand by mistake. */
export function advise(...places: readonly Readonly<Record<string, string>>[]): Advice {
  return {
    key: (key) => places.map((each) => own(each, key)).find((each) => each !== undefined),
    value: remedy,
  }
}

/** Says the same of all keys. */
export function placed(
  keys: readonly string[],
  say: (key: string) => string,
): Readonly<Record<string, string>> {
  return Object.fromEntries(keys.map((key) => [key, say(key)]))
}
