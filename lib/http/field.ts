// Tells which strings may stand in header fields, reads fields that stand more than once, and removes fields.
import type { IncomingMessage, ServerResponse } from 'node:http'

import { isPlainObject } from '../rules.js'

const token = /^[!#$%&'*+.^_`|~\w-]+$/
/** The characters that Node writes into a field: no line break, no NUL, none above U+00FF (RFC 9110 5.5). */
const value = /^[\t\x20-\x7e\x80-\xff]*$/

/** Whether a value may be the name of a header field, or a method, charset or other name in one (RFC 9110 5.6.2). */
export function isToken(given: unknown): given is string {
  return typeof given === 'string' && token.test(given)
}

/** Whether a value may be the value of a header field. */
export function isFieldValue(given: unknown): given is string {
  return typeof given === 'string' && value.test(given)
}

/** Header fields by their names: a list is several lines, undefined is none. */
export type Fields = Readonly<Record<string, string | number | readonly string[] | undefined>>

/** Whether a value is an object of valid field names and values. */
export function isFields(given: unknown): given is Fields {
  return isPlainObject(given) && invalidField(given) === undefined
}

/** The name of the first field that Node could not write. */
export function invalidField(given: object): string | undefined {
  return Object.entries(given).find(
    ([name, each]) => each !== undefined && !(isToken(name) && [each].flat().every(isWritable)),
  )?.[0]
}

const isWritable = (given: unknown) => typeof given === 'number' || isFieldValue(given)

/** The headers of a held response: its framing is the library's. */
export const streamHeaders = {
  expected: 'an object of header names and values, without Content-Length and Transfer-Encoding',
  fits: (given: unknown) =>
    isFields(given) &&
    !Object.keys(given).some((name) => /^(?:content-length|transfer-encoding)$/i.test(name)),
}

/**
 * All lines of a field. Of some fields `req.headers` has only the first, as if it stood alone. A request that no server
 * made, such as one of a test tool, may have nothing else.
 *
 * @param name in lower case
 */
export function linesOf({ headers, rawHeaders }: IncomingMessage, name: string): readonly string[] {
  const shown = headers[name]
  // middleware may have removed or replaced the field
  if (shown === undefined) return []
  const lines: string[] = []
  for (let at = 0; at < (rawHeaders?.length ?? 0); at += 2)
    if (rawHeaders[at]?.toLowerCase() === name) lines.push(rawHeaders[at + 1] as string)
  return lines.length > 1 ? lines : [shown].flat()
}

/**
 * Removes fields of a response. Asks before whether they are there: Node remembers that a framing field was removed, also
 * one that was not there, and then ends the connection to end the next answer.
 */
export function removeFields(res: ServerResponse, names: readonly string[]): void {
  for (const name of names) if (res.hasHeader(name)) res.removeHeader(name)
}
