// Closes the streams and lists in an answer that is not sent.
import { quietly } from '../guard.js'
import { isOnce } from '../values/once.js'
import { isNodeStream, isStream } from '../values/readable.js'
import { isStop } from '../values/stop.js'

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
  if (isStop(answer)) close(answer.body)
  else if (isOnce(answer)) discardList(answer.list)
  else if (isStream(answer)) discardStream(answer)
  else if ('body' in answer && isStream(answer.body)) discardStream(answer.body)
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
