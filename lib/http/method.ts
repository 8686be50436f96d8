// Tells whether a method only reads, and whether it is one by its name.
import { METHODS } from 'node:http'
import { isToken } from './field.js'

const known: ReadonlySet<string> = new Set([...METHODS, 'QUERY'])

/** Whether a value is the name of a method. Names are case-sensitive (RFC 9110 9.1): `get` is not GET, and never comes. */
export function isMethodName(value: unknown): value is string {
  return isToken(value) && !isMiscased(value)
}

/** Whether a string is the name of a registered method, but for its case. */
export function isMiscased(value: unknown): value is string {
  return typeof value === 'string' && !known.has(value) && known.has(value.toUpperCase())
}

/** The methods that retrieve a representation (RFC 9110 9.3.1, 9.3.2). */
export function isReading(method: string): boolean {
  return method === 'GET' || method === 'HEAD'
}
