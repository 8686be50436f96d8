// The guard around code that is not ours: runs it so that its failure, now or later, goes where it should.
import { isPromise } from './promise.js'

/** Runs a function and hands its error, thrown or rejected, to another. */
export function safely(run: () => unknown, failed: (error: unknown) => void): void {
  try {
    const result = run()
    if (isPromise(result)) result.then(undefined, failed)
  } catch (error) {
    failed(error)
  }
}

/** Closes something that is not ours. A failure, now or later, is ignored: nobody is left to be told. */
export function quietly(close: () => unknown): void {
  safely(close, () => {})
}
