// Runs what may fail without failing.
import { isPromise } from './promise.js'

/** Runs a function whose error, now or later, is reported and has no other consequence. */
export function safely(run: () => unknown, failed: (error: unknown) => void): void {
  try {
    const result = run()
    if (isPromise(result)) result.then(undefined, failed)
  } catch (error) {
    failed(error)
  }
}
