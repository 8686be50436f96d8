// A stop: ends a request or a held response with an answer.
import { is, isBranded } from '../brand.js'
import { misuse, show } from '../errors.js'
import { isFieldValue, isToken } from '../http/field.js'
import type { Body } from './body.js'

/** What `stop()` returns: end here, with this answer. */
export interface Stop {
  readonly [is]: 'stop'
}

/** What `stop()` takes beside the status. */
export interface StopAnswer {
  headers?: Record<string, string>
  /** A string is text/plain, bytes are application/octet-stream, anything else is JSON, unless `headers` say more. */
  body?: Body
  /** Why, in the problem body of a status of 400 and above. */
  detail?: string
}

/** A stop as the library reads it. */
export interface StopValue extends Stop {
  readonly status: number
  readonly headers?: Record<string, string>
  readonly body?: Body
  readonly detail?: string
}

/** What Node writes into a header: text, or a number. */
const isWritable = (value: unknown) => typeof value === 'number' || isFieldValue(value)

/**
 * Ends a request or a held response; returned from any callback, as Cowboy's `{stop, Req, State}`.
 *
 * From a decision or a provider it is the answer. From `subscribe` it is the answer if the head has not
 * gone out. From `info` it ends the stream completely.
 *
 * @param status the status, 200 to 599; 204 by default
 * @param answer `headers` to set, a `body`, or the `detail` of the problem body (RFC 9457) that a status of
 *   400 and above without a `body` gets
 * @throws TypeError for a status that no final response can have, and for headers that none can
 */
export function stop(status = 204, answer: StopAnswer = {}): Stop {
  if (!Number.isInteger(status) || status < 200 || status > 599) {
    throw misuse('LARIAT_ANSWER', `stop(${show(status)}): expected a final status, 200 to 599`)
  }
  for (const [name, each] of Object.entries(answer.headers ?? {})) {
    if (each === undefined || (isToken(name) && [each].flat().every(isWritable))) continue
    throw misuse(
      'LARIAT_ANSWER',
      `stop(…, { headers: { ${show(name)}: ${show(each)} } }): no header can be that`,
    )
  }
  const value: StopValue = { [is]: 'stop', status, ...answer }
  return value
}

export function isStop(value: unknown): value is StopValue {
  return isBranded(value, 'stop')
}
