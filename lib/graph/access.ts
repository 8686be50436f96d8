// Decides whether a request may proceed at all: the checks for every method.
import { isDate } from 'node:util/types'
import { type Accepts, accepts } from '../declare/media-types.js'
import { acceptQuery } from '../http/accept-query.js'
import { type Awaitable, isPromise } from '../promise.js'
import { askAgain } from '../request/callback.js'
import { discard } from '../request/discard.js'
import type { Exchange } from '../request/exchange.js'
import { byCallback, flag, question } from './question.js'

export const access = {
  serviceAvailable: byCallback(
    'serviceAvailable',
    (value, x) => {
      if (value !== true) setRetryAfter(x, value)
      return value === true
    },
    { byDefault: true },
  ),

  knownMethod: byCallback('knownMethods', (methods, x) => methods.includes(x.req.method)),

  uriTooLong: flag('uriTooLong'),

  methodAllowed: byCallback('allowedMethods', (methods, x) => isAllowed(x, methods)),

  malformedRequest: flag('malformedRequest'),

  isAuthorized: byCallback('isAuthorized', (value, x) => value === true || challenge(x, value), {
    byDefault: true,
  }),

  forbidden: flag('forbidden'),

  rateLimited: byCallback(
    'rateLimited',
    (value, x) => {
      if (value !== false) setRetryAfter(x, value)
      return value !== false
    },
    { byDefault: false },
  ),

  validContentHeaders: flag('validContentHeaders'),

  validEntityLength: flag('validEntityLength'),

  isOptions: question({
    asks: 'options',
    also: ['allowedMethods'],
    describes: ['contentTypesAccepted'],
    onlyFor: (method) => method === 'OPTIONS',
    isPassed: true,
    answer: (x, ask) =>
      ask(x, 'allowedMethods', (methods) => {
        x.draft.headers.Allow = methods.join(', ')
        const answered = () =>
          ask(x, 'options', (headers) => {
            Object.assign(x.draft.headers, headers)
            return true
          })
        if (!methods.includes('QUERY')) return answered()
        return ask(x, 'contentTypesAccepted', (acceptors) => {
          listQueries(x, x.plan.accepted ?? accepts(acceptors))
          return answered()
        })
      }),
  }),
}

/** Says which queries are accepted (RFC 10008 3). */
export function listQueries({ draft }: Exchange, accepted: readonly Accepts[]): void {
  const types = acceptQuery(accepted.map(({ range }) => range))
  if (types !== '') draft.headers['Accept-Query'] = types
}

/** Whether the method is one of those allowed. If not, the answer lists them. */
export function isAllowed(x: Exchange, methods: readonly string[]): boolean {
  const { draft, req } = x
  if (methods.includes(req.method)) return true
  draft.headers.Allow = methods.join(', ')
  draft.offered = methods
  draft.detail = `The method ${req.method} is not allowed here.`
  return false
}

/** Asks again, while a response is held, whether the client is still authorized. */
export function stillAllowed(x: Exchange): Awaitable<boolean> {
  // anything else ends the stream, and is no answer
  const isExactly = (expected: boolean) => (value: unknown) => {
    if (value !== expected) discard(value)
    return value === expected
  }
  return after(after(askAgain(x, 'isAuthorized'), isExactly(true)), (isAuthorized) =>
    isAuthorized ? after(askAgain(x, 'forbidden'), isExactly(false)) : false,
  )
}

function after<T>(value: Awaitable<unknown>, then: (value: unknown) => Awaitable<T>): Awaitable<T> {
  return isPromise(value) ? value.then(then) : then(value)
}

/** Seconds or a date say when to try again; a boolean does not. */
function setRetryAfter({ draft }: Exchange, until: boolean | number | Date): void {
  if (isDate(until)) draft.headers['Retry-After'] = until.toUTCString()
  else if (typeof until === 'number') draft.headers['Retry-After'] = String(Math.ceil(until))
}

function challenge({ draft }: Exchange, challenges: string | readonly string[]): false {
  draft.headers['WWW-Authenticate'] = challenges
  return false
}
