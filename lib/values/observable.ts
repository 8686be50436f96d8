// Recognises Observables, as RxJS and others have them, and subscribes to them.
import { forsake, safely } from '../guard.js'

/** What an Observable tells. */
export interface Observer<in Message> {
  next(message: Message): void
  error(error: unknown): void
  complete(): void
}

/** An Observable: recognised by `Symbol.observable` or `'@@observable'`. */
export interface Subscribable<out Message> {
  subscribe(observer: Observer<Message>): { unsubscribe(): unknown }
}

/** Whether a value is an Observable. */
export function isObservable(value: unknown): value is object {
  return inner(value) !== undefined
}

/** The method that returns the Observable of a value. */
function inner(value: unknown): (() => unknown) | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { observable } = Symbol as { readonly observable?: symbol }
  for (const key of [observable ?? '@@observable', '@@observable']) {
    const method = (value as Record<PropertyKey, unknown>)[key]
    if (typeof method === 'function') return method as () => unknown
  }
  return undefined
}

/**
 * Subscribes to an Observable. The observer hears nothing more after an error, a completion, or its own failure, which
 * is an error too. An error or completion within `subscribe` is told after `subscribed` was called.
 *
 * @param subscribed called once, with the function that unsubscribes
 * @throws what the Observable throws, and a TypeError for one that cannot be subscribed to
 */
export function observe(
  observable: object,
  observer: Observer<unknown>,
  subscribed: (unsubscribe: () => unknown) => void,
): void {
  let isOver = false
  let isSubscribed = false
  let last = () => {}
  const finish = (tell: () => void) => {
    if (isOver) return
    isOver = true
    if (isSubscribed) tell()
    else last = tell
  }
  const source = inner(observable)?.call(observable) as Subscribable<unknown>
  forsake(source)
  const subscription: unknown = source.subscribe({
    next(message) {
      if (isOver) return
      try {
        observer.next(message)
      } catch (error) {
        // thrown into the Observable, it would be nobody's
        finish(() => observer.error(error))
      }
    },
    error: (error) => finish(() => observer.error(error)),
    complete: () => finish(() => observer.complete()),
  })
  // an async `subscribe` is none, and may fail all the same
  safely(
    () => subscription,
    (error) => finish(() => observer.error(error)),
  )
  isSubscribed = true
  subscribed(() => {
    isOver = true
    if (typeof subscription === 'function') return subscription()
    return (subscription as { unsubscribe?(): unknown } | undefined)?.unsubscribe?.()
  })
  last()
}
