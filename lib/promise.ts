// Tells a value from a promise of one, so that a value which is there at once costs no promise.

/** A value, or a promise of it. */
export type Awaitable<T> = T | PromiseLike<T>

export function isPromise(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  )
}

/** Resolves in the next turn of the event loop: timers, sockets and other requests come before it. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
