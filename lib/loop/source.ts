import type { Awaitable } from '../promise.js'
import { wrongAnswer } from '../request/callback.js'
import { isNodeStream, isWebStream } from '../values/readable.js'

/** What a loop pulls from, whatever it was made of. */
export interface Pull {
  /** The next message. */
  next(): Awaitable<IteratorResult<unknown>>
  /** Tells the source that nothing more is wanted; never waits, and never fails. */
  close(): void
}

/**
 * Opens what `subscribe` has answered.
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

function pullIterator(iterator: AsyncIterator<unknown> | Iterator<unknown>): Pull {
  return {
    next: () => iterator.next(),
    // a generator that waits in an await answers return() only after that: nobody waits for it
    close: () => quietly(() => iterator.return?.()),
  }
}

function pullNodeStream(stream: NodeJS.ReadableStream & { destroy(): unknown }): Pull {
  // an error that comes after the end of the loop has nobody to tell
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

function quietly(close: () => unknown): void {
  try {
    Promise.resolve(close()).catch(() => {})
  } catch {
    // a source that cannot be closed is left to itself
  }
}
