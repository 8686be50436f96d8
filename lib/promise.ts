// Tells a promise from a plain value, so that synchronous code costs no promise.
import { setImmediate } from './turn.js'

/** A value, or a promise of it. */
export type Awaitable<T> = T | PromiseLike<T>

export function isPromise(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  )
}

/** The values of all, at once if none is a promise. */
export function all<T>(values: readonly Awaitable<T>[]): Awaitable<readonly T[]> {
  return values.some(isPromise) ? Promise.all(values) : (values as readonly T[])
}

/** Resolves in the next turn of the event loop, after timers, sockets and other requests have had theirs. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
