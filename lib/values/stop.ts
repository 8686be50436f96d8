// Makes a stop, which ends a request or a held response where a callback returns it.
import { is, isBranded } from '../brand.js'
import { show } from '../errors.js'
import { type Fields, invalidField } from '../http/field.js'
import { isPromise } from '../promise.js'
import { type Advice, checkKeys, isObject, isPlainObject, type Rules, wrong } from '../rules.js'
import { type Body, isBody } from './body.js'

/** The result of `stop()`. */
export interface Stop {
  readonly [is]: 'stop'
}

/** The second argument of `stop()`. */
export interface StopAnswer {
  /** Header fields to set. Default none. Not Transfer-Encoding, since Node frames the body. */
  headers?: Fields
  /**
   * Default none. A string is text/plain, bytes are application/octet-stream, a Blob is of its own type, anything else is JSON, unless
   * `headers` set a type.
   */
  body?: Body
  /** The `detail` of the problem body of a status of 400 or above. */
  detail?: string
}

/** A stop, as the library reads it. */
export interface StopValue extends Stop {
  readonly status: number
  readonly headers?: Fields
  readonly body?: Body
  readonly detail?: string
}

export const answerRules = {
  headers: [isPlainObject, 'a plain object of header names and values'],
  body: [isBody, 'a string, bytes, a stream or a JSON value'],
  detail: [(value: unknown) => typeof value === 'string', 'a string'],
} as const satisfies Rules

const advice = {
  code: 'LARIAT_ANSWER',
  key: (key: string) => (key === 'status' ? 'the status is the first argument' : undefined),
  value: (key, value) => {
    if (isPromise(value)) return 'await it before'
    if (key !== 'headers' || !isObject(value) || !(Symbol.iterator in value)) return undefined
    return 'write Object.fromEntries(…) around it'
  },
} as const satisfies Advice

/**
 * Checks the headers and the body of an answer.
 *
 * @throws TypeError that names the place and the mistake
 */
export function checkAnswer(
  where: string,
  answer: unknown,
  rules: Rules = answerRules,
  adviseKey: Advice['key'] & {} = advice.key,
): void {
  if (!isPlainObject(answer) || isStop(answer)) {
    const known = Object.keys(rules).join(', ')
    const body = typeof answer === 'string' || Array.isArray(answer) ? show(answer) : '…'
    wrong(
      `${where}: expected an object with ${known}, not ${show(answer)}; write { body: ${body} }`,
      'LARIAT_ANSWER',
    )
  }
  checkKeys(where, answer, rules, { ...advice, key: adviseKey })
  const headers = (answer.headers ?? {}) as Fields
  const framing = Object.keys(headers).find(isFraming)
  const name = framing ?? invalidField(headers)
  if (name === undefined) return
  const reason = name === framing ? 'Node frames the body' : 'this is not a valid header'
  wrong(`${where}: { headers: { ${show(name)}: ${show(headers[name])} } }: ${reason}`, 'LARIAT_ANSWER')
}

function isFraming(name: string): boolean {
  return name.toLowerCase() === 'transfer-encoding'
}

/**
 * Ends a request or a held response. Any callback may return it; the counterpart of Cowboy's `{stop, Req, State}`.
 *
 * From a decision or a provider, it is the answer. From `subscribe`, it is the answer if the head has not been sent.
 * From `info`, it ends the stream complete.
 *
 * @param status 200 to 599, default 204
 * @param answer `headers` to set; a `body`; or the `detail` of the problem body (RFC 9457) that a status of 400 or above
 *   gets if there is no `body`
 * @throws TypeError for a status that is not final, an unknown key or a wrong value in `answer`, and invalid headers
 */
export function stop(status = 204, answer: StopAnswer = {}): Stop {
  if (!Number.isInteger(status) || status < 200 || status > 599) {
    wrong(
      `stop(${show(status)}): expected a final status, 200 to 599${adviseStatus(status)}`,
      'LARIAT_ANSWER',
    )
  }
  checkAnswer(`stop(${status}, …)`, answer)
  const value: StopValue = { [is]: 'stop', status, ...answer }
  return value
}

function adviseStatus(status: unknown): string {
  if (typeof status === 'string' && /^[2-5]\d\d$/.test(status)) return `; write stop(${status})`
  return isObject(status) ? '; write stop(200, { … })' : ''
}

export function isStop(value: unknown): value is StopValue {
  return isBranded(value, 'stop')
}
