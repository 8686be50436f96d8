// Makes a stop, which ends a request or a held response where a callback returns it.
import { is, isBranded } from '../brand.js'
import { misuse, show } from '../errors.js'
import { isFieldValue, isToken } from '../http/field.js'
import { type Body, isBody } from './body.js'

/** The result of `stop()`. */
export interface Stop {
  readonly [is]: 'stop'
}

/** The second argument of `stop()`. */
export interface StopAnswer {
  headers?: Record<string, string>
  /**
   * A string is text/plain, bytes are application/octet-stream, a Blob is of its own type, anything else is JSON, unless
   * `headers` set a type.
   */
  body?: Body
  /** The `detail` of the problem body of a status of 400 or above. */
  detail?: string
}

/** A stop, as the library reads it. */
export interface StopValue extends Stop {
  readonly status: number
  readonly headers?: Record<string, string>
  readonly body?: Body
  readonly detail?: string
}

/** Whether Node can write a value into a header. */
const isWritable = (value: unknown) => typeof value === 'number' || isFieldValue(value)

/**
 * Ends a request or a held response. Any callback may return it; the counterpart of Cowboy's `{stop, Req, State}`.
 *
 * From a decision or a provider, it is the answer. From `subscribe`, it is the answer if the head has not been sent.
 * From `info`, it ends the stream complete.
 *
 * @param status 200 to 599, default 204
 * @param answer `headers` to set; a `body`; or the `detail` of the problem body (RFC 9457) that a status of 400 or above
 *   gets if there is no `body`
 * @throws TypeError for a status that is not final, for invalid headers, and for a body that cannot be written
 */
export function stop(status = 204, answer: StopAnswer = {}): Stop {
  if (!Number.isInteger(status) || status < 200 || status > 599) {
    throw misuse('LARIAT_ANSWER', `stop(${show(status)}): expected a final status, 200 to 599`)
  }
  for (const [name, each] of Object.entries(answer.headers ?? {})) {
    if (each === undefined || (isToken(name) && [each].flat().every(isWritable))) continue
    throw misuse(
      'LARIAT_ANSWER',
      `stop(…, { headers: { ${show(name)}: ${show(each)} } }): this is not a valid header`,
    )
  }
  if (answer.body !== undefined && !isBody(answer.body)) {
    const expected = 'expected a string, bytes, a stream or a JSON value'
    throw misuse('LARIAT_ANSWER', `stop(…, { body: ${show(answer.body)} }): ${expected}`)
  }
  const value: StopValue = { [is]: 'stop', status, ...answer }
  return value
}

export function isStop(value: unknown): value is StopValue {
  return isBranded(value, 'stop')
}
