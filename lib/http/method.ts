// Tells whether a method only reads, and whether its name is in the wrong case.
import { METHODS } from 'node:http'

const known: ReadonlySet<string> = new Set([...METHODS, 'QUERY'])

/** Whether a string is the name of a registered method but for its case: `get` is not GET (RFC 9110 9.1). */
export function isMiscased(value: unknown): value is string {
  return typeof value === 'string' && !known.has(value) && known.has(value.toUpperCase())
}

/** The methods that retrieve a representation (RFC 9110 9.3.1, 9.3.2). */
export function isReading(method: string): boolean {
  return method === 'GET' || method === 'HEAD'
}
