import { type Awaitable, isPromise } from '../promise.js'
import type { Exchange } from '../request/exchange.js'

/** Checks for every method: may this request go on at all? */
export const questions = {
  serviceAvailable: (x: Exchange) => x.ask('serviceAvailable', (value) => value === true || refuse(x, value)),

  knownMethod: (x: Exchange) => x.ask('knownMethods', (methods) => methods.includes(x.req.method)),

  uriTooLong: (x: Exchange) => x.ask('uriTooLong', is),

  methodAllowed: (x: Exchange) =>
    x.ask('allowedMethods', (methods) => methods.includes(x.req.method) || refuseMethod(x, methods)),

  malformedRequest: (x: Exchange) => x.ask('malformedRequest', is),

  isAuthorized: (x: Exchange) => x.ask('isAuthorized', (value) => value === true || challenge(x, value)),

  forbidden: (x: Exchange) => x.ask('forbidden', is),

  rateLimited: (x: Exchange) => x.ask('rateLimited', (value) => value !== false && !refuse(x, value)),

  validContentHeaders: (x: Exchange) => x.ask('validContentHeaders', is),

  validEntityLength: (x: Exchange) => x.ask('validEntityLength', is),

  isOptions: (x: Exchange) => x.req.method === 'OPTIONS' && describeOptions(x),
}

const is = (value: boolean) => value

/** Whether the client may still have what it gets, asked anew: for a response that is held for long. */
export function stillAllowed(x: Exchange): Awaitable<boolean> {
  const isNot = (value: unknown) => value === false
  return after(x.askAgain('isAuthorized'), (value) =>
    value === true ? after(x.askAgain('forbidden'), isNot) : false,
  )
}

function after<T>(value: Awaitable<unknown>, then: (value: unknown) => Awaitable<T>): Awaitable<T> {
  return isPromise(value) ? value.then(then) : then(value)
}

/** Says when to come back, where that is known. */
function refuse(x: Exchange, until: boolean | number | Date): false {
  if (until instanceof Date) x.headers['Retry-After'] = until.toUTCString()
  else if (typeof until === 'number') x.headers['Retry-After'] = String(Math.ceil(until))
  return false
}

export function refuseMethod(x: Exchange, allowed: readonly string[]): false {
  x.headers.Allow = allowed.join(', ')
  x.offered = allowed
  x.detail = `The method ${x.req.method} is not allowed here.`
  return false
}

function challenge(x: Exchange, challenges: string | readonly string[]): false {
  x.headers['WWW-Authenticate'] = challenges
  return false
}

function describeOptions(x: Exchange) {
  return x.ask('allowedMethods', (methods) =>
    x.ask('options', (headers) => {
      Object.assign(x.headers, { Allow: methods.join(', ') }, headers)
      return true
    }),
  )
}
