// Closes the streams and lists in an answer that is not sent.
import { forsake, quietly } from '../guard.js'
import { isPromise } from '../promise.js'
import { isOnce } from '../values/once.js'
import { isNodeStream, isStream } from '../values/readable.js'

/**
 * Discards an answer that came too late, or for a client that has left: closes streams and lists, also within
 * `{ body }` and `stop()`. Never fails, now or later.
 */
export function discard(answer: unknown): void {
  // getters of the answer may throw
  quietly(() => close(answer))
}

function close(answer: unknown): void {
  if (typeof answer !== 'object' || answer === null) return
  const value = !isOnce(answer) && !isStream(answer) && 'body' in answer ? answer.body : answer
  if (isOnce(value)) discardList(value.list)
  else if (isStream(value)) discardStream(value)
  else if (isPromise(value)) forsake(value)
}

/** Closes a list that is not sent. */
export function discardList(list: Iterable<unknown> | AsyncIterable<unknown>): void {
  if (isStream(list)) return discardStream(list)
  quietly(() => {
    const iterator = Symbol.asyncIterator in list ? list[Symbol.asyncIterator]() : list[Symbol.iterator]()
    return iterator.return?.()
  })
}

function discardStream(stream: object): void {
  // a Web stream rejects while another reader has it
  quietly(() =>
    isNodeStream(stream) ? void stream.on('error', () => {}).destroy() : (stream as ReadableStream).cancel(),
  )
}
