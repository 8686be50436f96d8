// Asks a callback of the spec: at most once, within a deadline, and checks the answer.
import { clock } from '../clock.js'
import { type CallbackName, callbacks, type Value } from '../declare/callbacks.js'
import { remedy } from '../declare/remedies.js'
import { misuse, Refusal, show } from '../errors.js'
import { type Format, isFormat } from '../formats/format.js'
import { type Awaitable, isPromise } from '../promise.js'
import { isOnce } from '../values/once.js'
import { isStop } from '../values/stop.js'
import type { Context } from './context.js'
import { discard } from './discard.js'
import type { Exchange } from './exchange.js'
import type { Answer, Held, Outcome } from './outcome.js'

type Callback = (context: Context) => unknown

/** Continues with a value. Gets the exchange, so that it need not be a closure. */
type Then<V, T> = (value: V, x: Exchange) => Awaitable<T>

const left: Outcome = { kind: 'left' }

/** Asks a callback, at most once per request, and continues with its answer or its default. */
export function ask<Name extends CallbackName>(
  x: Exchange,
  name: Name,
  then: Then<Value<Name>, Answer>,
): Awaitable<Answer> {
  const callback = x.plan.spec[name]
  if (typeof callback === 'function') return askOnce(x, name, callback as Callback, then)
  if (callback === undefined) return then(callbacks[name].fallback as Value<Name>, x)
  x.onAnswer?.(name, callback)
  return then(callback as Value<Name>, x)
}

function askOnce<Name extends CallbackName>(
  x: Exchange,
  name: Name,
  callback: Callback,
  then: Then<Value<Name>, Answer>,
): Awaitable<Answer> {
  if (x.answers && name in x.answers) {
    const value = x.answers[name] as Value<Name>
    x.onAnswer?.(name, value)
    return then(value, x)
  }
  return run(x, name, callback, (value) => {
    const { fits, expected } = callbacks[name]
    if (!fits(value)) throw wrongAnswer(name, value, expected)
    x.answers ??= {}
    x.answers[name] = value
    x.onAnswer?.(name, value)
    return then(value as Value<Name>, x)
  })
}

/** Calls another function of the spec, such as a provider, and continues with its answer, unchecked. */
export function call<T>(
  x: Exchange,
  name: string,
  callback: Callback,
  then: Then<unknown, T>,
): Awaitable<T | Outcome> {
  if (!x.onAnswer) return run(x, name, callback, then)
  return run(x, name, callback, (value) => {
    x.onAnswer?.(name, value)
    return then(value, x)
  })
}

/** Calls a function of the spec and continues with its value; `stop()` ends the request there. */
function run<T>(
  x: Exchange,
  name: string,
  callback: Callback,
  then: Then<unknown, T>,
): Awaitable<T | Outcome> {
  const value = callback(x.context)
  if (!isPromise(value)) return hasAnswered(x) ? drop(value) : proceed(x, value, then)
  return withDeadline(name, value, x.plan.decisionTimeout).then((settled) =>
    x.isOver ? drop(settled) : proceed(x, settled, then),
  )
}

/** Asks a callback again, while a response is held. Returns its value unchecked. */
export function askAgain(x: Exchange, name: CallbackName): Awaitable<unknown> {
  const callback = x.plan.spec[name]
  if (typeof callback !== 'function') return callback ?? callbacks[name].fallback
  const value = (callback as Callback)(x.context)
  return isPromise(value) ? withDeadline(name, value, x.plan.decisionTimeout) : value
}

/** The outcome of a callback that returned a format, or a list in a format; undefined for any other value. */
export function switchTo(value: unknown): Held | undefined {
  if (isFormat(value)) return { kind: 'loop', status: 200, format: value }
  if (isOnce(value)) {
    return { kind: 'loop', status: 200, format: value.format as Format, list: value.list }
  }
  return undefined
}

/** The callback sent its own answer. The client cannot have left during a synchronous call. */
function hasAnswered({ res }: Exchange): boolean {
  return res.headersSent || res.destroyed
}

function drop(value: unknown): Outcome {
  discard(value)
  return left
}

function proceed<T>(x: Exchange, value: unknown, then: Then<unknown, T>): Awaitable<T | Outcome> {
  return isStop(value) ? { kind: 'stop', stop: value } : then(value, x)
}

/** Rejects when a callback's promise does not settle in time; its late answer is discarded. */
export function withDeadline<T>(name: string, promise: PromiseLike<T>, milliseconds: number): Promise<T> {
  return new Promise((resolve, reject) => {
    let isLate = false
    const deadline = clock.after(milliseconds, () => {
      isLate = true
      reject(tooLate(name, milliseconds))
    })
    // a thenable of the user's may throw, or call back twice
    Promise.resolve(promise).then(
      (value) => {
        deadline.cancel()
        if (isLate) discard(value)
        else resolve(value)
      },
      (error) => {
        deadline.cancel()
        reject(error)
      },
    )
  })
}

/** The 503 for a callback that did not settle in time. The client does not learn which. */
export function tooLate(name: string, milliseconds: number): Refusal {
  const message = `${name} did not settle within ${milliseconds} ms (decisionTimeout)`
  return new Refusal(503, 'The server did not decide in time.', { code: 'LARIAT_DEADLINE', message })
}

/** Discards an answer that a callback may not give, and makes the error that says so. */
export function wrongAnswer(name: string, value: unknown, expected: string): TypeError {
  const hint = remedy(name, value, expected)
  discard(value)
  return misuse(
    'LARIAT_ANSWER',
    `${name} answered ${show(value)}: expected ${expected}${hint ? ` (${hint})` : ''}, or stop()`,
  )
}
