// Tells which values JSON has no text for, though JSON.stringify writes `{}`, or what they are made of, for them.
import { types } from 'node:util'
import { isObservable } from './observable.js'

/**
 * Whether JSON would lose what a value holds: a Map, a Response, an Error, a generator object, a stream and the like. A value with a
 * `toJSON` is fine, and so is an instance of a class with plain fields. Looks at the value alone, not into it.
 */
export function isLostInJson(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype || prototype === Array.prototype || prototype === null) return false
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function' || types.isTypedArray(value)) return false
  if (types.isMap(value) || types.isSet(value) || types.isNativeError(value) || types.isPromise(value))
    return true
  if (isSource(value)) return true
  // built-in classes have a tag of their own, and keep what they hold where JSON does not look
  const isWritten = written.has(Object.prototype.toString.call(value)) && !isIterable(value)
  return !isWritten && Object.keys(value).length === 0
}

/** A collection, but an array or a string. */
function isIterable(value: object): boolean {
  return Symbol.iterator in value && !Array.isArray(value) && !types.isStringObject(value)
}

/** Whether a value gives others in time: a Node or Web stream, a channel, an async iterable, an Observable. */
export function isSource(value: object): boolean {
  return Symbol.asyncIterator in value || isObservable(value)
}

/** What JSON writes by its value, and objects without a tag. */
const written: ReadonlySet<string> = new Set(
  ['Object', 'Array', 'String', 'Number', 'Boolean', 'Arguments'].map((tag) => `[object ${tag}]`),
)
