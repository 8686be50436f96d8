// Tells which methods only read, which answers can be revalidated, and whether a method's name is in the wrong case.
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

/** The methods whose answer can be revalidated (RFC 9110 13.1.2, 13.1.3): those, and QUERY (RFC 10008 2). */
export function isRevalidated(method: string): boolean {
  return isReading(method) || method === 'QUERY'
}
