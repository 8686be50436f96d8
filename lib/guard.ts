// Runs user code, and hands its failure, thrown or rejected, to a function, or ignores it.
import { isPromise } from './promise.js'

/**
 * Runs a function. Calls `failed` with its error, thrown or rejected, and at most once: a thenable of the user's may
 * call back twice, or throw after it has.
 */
export function safely(run: () => unknown, failed: (error: unknown) => void): void {
  try {
    const result = run()
    if (isPromise(result)) Promise.resolve(result).then(undefined, failed)
  } catch (error) {
    failed(error)
  }
}

/** Runs a function that closes something. Ignores a failure: there is no caller left to report it to. */
export function quietly(close: () => unknown): void {
  safely(close, () => {})
}

/** Ignores what becomes of a value that is a promise where none may be: the error for it has its own way. */
export function forsake(value: unknown): void {
  quietly(() => value)
}
