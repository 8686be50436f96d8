import { isPromise } from './promise.js'

/** Runs something that may fail, now or later, without a consequence but that it is told. */
export function safely(run: () => unknown, failed: (error: unknown) => void): void {
  try {
    const result = run()
    if (isPromise(result)) result.then(undefined, failed)
  } catch (error) {
    failed(error)
  }
}
