// Turns what `subscribe` returned into a source to pull from, whatever it is made of.
import { quietly } from '../guard.js'
import type { Step } from '../hub/replay.js'
import type { Awaitable } from '../promise.js'
import { wrongAnswer } from '../request/callback.js'
import { isNodeStream, isWebStream } from '../values/readable.js'

/** A source that a mailbox pulls from. */
export interface Pull {
  /** The next message, the end, or a step that gave nothing. */
  next(): Awaitable<IteratorResult<unknown> | Step>
  /** Tells the source that nothing more is wanted; never waits, and never fails. */
  close(): void
}

/**
 * Opens what `subscribe` returned.
 *
 * @throws TypeError for what is no source
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

/** A generator that is running cannot be returned: one that ends its own stream is closed after it has yielded. */
function pullIterator(iterator: AsyncIterator<unknown> | Iterator<unknown>): Pull {
  let isRunning = false
  let isUnwanted = false
  // a generator that waits in an await returns only after that: the end does not wait for it
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
  // an error after the end of the loop has nobody to be told to
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
