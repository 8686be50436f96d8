// Turns the answer of `subscribe`, or of `snapshot`, (an iterable, an async iterable or a stream) into a source to pull from.
import { type Readable, Transform } from 'node:stream'
import { misuse } from '../errors.js'
import { isFormat } from '../formats/format.js'
import { forsake, quietly } from '../guard.js'
import type { ReplayStep } from '../hub/replay.js'
import type { Awaitable } from '../promise.js'
import { wrongAnswer } from '../request/callback.js'
import { asBytes } from '../values/bytes.js'
import { isEvent } from '../values/event.js'
import { isFeed } from '../values/feed.js'
import { isObservable } from '../values/observable.js'
import { isOnce } from '../values/once.js'
import { isNodeStream, isWebStream } from '../values/readable.js'

/** A source that a mailbox pulls from. */
export interface Pull {
  /** The next message, the end, or a skipped step. */
  next(): Awaitable<IteratorResult<unknown> | ReplayStep>
  /** Closes the source without waiting. Never throws. */
  close(): void
  /** How much it has at hand, as `sizeOf` counts. Absent if nobody knows. */
  atHand?(): number
  /** Counts a message. Absent: each is one. */
  sizeOf?(value: unknown): number
  /** It is sure to end, and has more until then. */
  isEnding?(): boolean
}

/**
 * Opens the answer of `subscribe`.
 *
 * @throws TypeError for a value that is no source
 */
export function open(source: unknown): Pull {
  if (isWebStream(source)) return pullWebStream(source as ReadableStream<unknown>)
  if (typeof source !== 'object' || source === null) return none(source)
  if (Array.isArray(source) && source.some(isFeed)) return severalFeeds(source.length)
  if (isNodeStream(source) && Symbol.asyncIterator in source) return pullNodeStream(source)
  if (Symbol.asyncIterator in source) {
    return pullIterator('subscribe', (source as AsyncIterable<unknown>)[Symbol.asyncIterator]())
  }
  if (Symbol.iterator in source) {
    const pull = pullIterator('subscribe', (source as Iterable<unknown>)[Symbol.iterator]())
    // a collection is at hand as a whole
    const isWhole = Array.isArray(source) || source instanceof Set || source instanceof Map
    return isWhole ? { ...pull, atHand: () => Infinity } : pull
  }
  return none(source)
}

/**
 * Opens the answer of `snapshot`: an iterable or a stream of items, or one item; none for undefined. Text and bytes are
 * items, though they can be iterated.
 *
 * @throws TypeError for a source without an end, and for what is no data
 */
export function openItems(value: unknown): Pull {
  if (value === undefined) return openItems([])
  if (
    typeof value === 'function' ||
    isFeed(value) ||
    isObservable(value) ||
    isFormat(value) ||
    isOnce(value)
  ) {
    throw wrongAnswer('snapshot', value, 'data, an event(), or an iterable of them that ends')
  }
  if (typeof value !== 'object' || value === null || isEvent(value) || asBytes(value))
    return openItems([value])
  if (isWebStream(value)) return pullWebStream(value as ReadableStream<unknown>)
  if (isNodeStream(value) && Symbol.asyncIterator in value) return pullNodeStream(value)
  const { [Symbol.iterator]: each, [Symbol.asyncIterator]: eachLater } = value as Partial<
    Iterable<unknown> & AsyncIterable<unknown>
  >
  if (eachLater) return pullIterator('snapshot', eachLater.call(value))
  return each ? pullIterator('snapshot', each.call(value)) : openItems([value])
}

function severalFeeds(count: number): never {
  throw misuse(
    'LARIAT_ANSWER',
    `subscribe answered a list of ${count} feeds: expected one feed. Write merge(a, b), which is one of several`,
  )
}

function none(answer: unknown): never {
  const sources = 'a channel, an iterable, an async iterable, a stream or an Observable'
  throw wrongAnswer('subscribe', answer, `nothing, a function that unsubscribes, ${sources}`)
}

/** A running generator cannot be returned: one that ends its own stream is closed after it has yielded. */
function pullIterator(name: string, iterator: AsyncIterator<unknown> | Iterator<unknown>): Pull {
  if (typeof iterator?.next !== 'function') {
    forsake(iterator)
    throw wrongAnswer(`The iterator of ${name}`, iterator, 'an object with next()')
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

function pullNodeStream(stream: Readable): Pull {
  // ignore errors after the loop has ended
  stream.on('error', () => {})
  const iterator = stream[Symbol.asyncIterator]()
  return {
    next: () => iterator.next(),
    close: () => quietly(() => stream.destroy()),
    // the buffer may be filled once more from what is on its way
    atHand: () => stream.readableLength + stream.readableHighWaterMark,
    sizeOf: (value) => (stream.readableObjectMode ? 1 : (value as string | Uint8Array).length),
    isEnding: () => stream instanceof Transform && stream.writableEnded,
  }
}

function pullWebStream(stream: ReadableStream<unknown>): Pull {
  const reader = stream.getReader()
  return {
    next: () => reader.read() as Promise<IteratorResult<unknown>>,
    close: () => quietly(() => reader.cancel()),
  }
}
