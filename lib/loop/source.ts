// Turns the answer of `subscribe` (an iterable, an async iterable or a stream) into a source to pull from.
import { forsake, quietly } from '../guard.js'
import type { ReplayStep } from '../hub/replay.js'
import type { Awaitable } from '../promise.js'
import { wrongAnswer } from '../request/callback.js'
import { isNodeStream, isWebStream } from '../values/readable.js'

/** A source that a mailbox pulls from. */
export interface Pull {
  /** The next message, the end, or a skipped step. */
  next(): Awaitable<IteratorResult<unknown> | ReplayStep>
  /** Closes the source without waiting. Never throws. */
  close(): void
}

/**
 * Opens the answer of `subscribe`.
 *
 * @throws TypeError for a value that is no source
 */
export function open(source: unknown): Pull {
  if (isWebStream(source)) return pullWebStream(source as ReadableStream<unknown>)
  if (typeof source !== 'object' || source === null) return none(source)
  if (isNodeStream(source) && Symbol.asyncIterator in source) return pullNodeStream(source)
  if (Symbol.asyncIterator in source) {
    return pullIterator((source as AsyncIterable<unknown>)[Symbol.asyncIterator]())
  }
  if (Symbol.iterator in source) return pullIterator((source as Iterable<unknown>)[Symbol.iterator]())
  return none(source)
}

function none(answer: unknown): never {
  const sources = 'a channel, an iterable, an async iterable or a stream'
  throw wrongAnswer('subscribe', answer, `nothing, a function that unsubscribes, ${sources}`)
}

/** A running generator cannot be returned: one that ends its own stream is closed after it has yielded. */
function pullIterator(iterator: AsyncIterator<unknown> | Iterator<unknown>): Pull {
  if (typeof iterator?.next !== 'function') {
    forsake(iterator)
    throw wrongAnswer('The iterator of subscribe', iterator, 'an object with next()')
  }
  let isRunning = false
  let isUnwanted = false
  // a generator that is in an await returns only after it: do not wait for that
  const close = () => quietly(() => iterator.return?.())
  return {
    next() {
      isRunning = true
      try {
        return iterator.next()
      } finally {
        isRunning = false
        if (isUnwanted) close()
      }
    },
    close() {
      isUnwanted = true
      if (!isRunning) close()
    },
  }
}

function pullNodeStream(stream: NodeJS.ReadableStream & { destroy(): unknown }): Pull {
  // ignore errors after the loop has ended
  stream.on('error', () => {})
  const iterator = stream[Symbol.asyncIterator]()
  return { next: () => iterator.next(), close: () => quietly(() => stream.destroy()) }
}

function pullWebStream(stream: ReadableStream<unknown>): Pull {
  const reader = stream.getReader()
  return {
    next: () => reader.read() as Promise<IteratorResult<unknown>>,
    close: () => quietly(() => reader.cancel()),
  }
}
