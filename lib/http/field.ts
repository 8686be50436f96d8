// Tells which strings may stand in header fields.
import { isPlain } from '../rules.js'

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

/** Whether a value is an object of valid field names and values. */
export function isHeaders(given: unknown): given is Readonly<Record<string, string>> {
  return isPlain(given) && Object.entries(given).every(([name, each]) => isToken(name) && isFieldValue(each))
}

/** The headers of a held response: its framing is the library's. */
export const streamHeaders = {
  expected: 'an object of header names and values, without Content-Length and Transfer-Encoding',
  fits: (given: unknown) =>
    isHeaders(given) &&
    !Object.keys(given).some((name) => /^(?:content-length|transfer-encoding)$/i.test(name)),
}
