import { isOnce } from '../values/once.js'
import { isNodeStream, isStream } from '../values/readable.js'
import { isStop } from '../values/stop.js'

/**
 * Lets go of what a callback answered too late, or to a client that has left: streams and lists are closed,
 * also within `{ body }` and `stop()`. Never fails, now or later.
 */
export function discard(answer: unknown): void {
  if (typeof answer !== 'object' || answer === null) return
  if (isStop(answer)) discard(answer.body)
  else if (isOnce(answer)) discardList(answer.list)
  else if (isStream(answer)) discardStream(answer)
  else if ('body' in answer && isStream(answer.body)) discardStream(answer.body)
}

/** Closes a list that nobody is to get. */
export function discardList(list: Iterable<unknown> | AsyncIterable<unknown>): void {
  if (isStream(list)) return discardStream(list)
  const iterator = Symbol.asyncIterator in list ? list[Symbol.asyncIterator]() : list[Symbol.iterator]()
  try {
    Promise.resolve(iterator.return?.()).catch(() => {})
  } catch {
    // what cannot be closed is left to itself
  }
}

function discardStream(stream: object): void {
  if (isNodeStream(stream)) stream.on('error', () => {}).destroy()
  else (stream as ReadableStream).cancel().catch(() => {}) // rejects where somebody else reads it
}
