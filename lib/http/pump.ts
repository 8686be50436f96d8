// Hands a stream's bytes to another stream, or to a response, no faster than that takes them, and checks them.
import { finished, Readable, type Writable } from 'node:stream'
import { TransformStream, type ReadableStream as WebStream } from 'node:stream/web'
import { isUint8Array } from 'node:util/types'
import { misuse, show } from '../errors.js'

/**
 * Pumps a stream into another, and ends that one. Calls `failed` once: for the error of the source, also a source that
 * closes before its end; for a chunk that is no text and no bytes; and for what `write` or `end` throws.
 *
 * Not by `pipe`: code that wraps a response may throw, and nothing could catch that.
 */
export function pump(source: Readable, to: Writable, failed: (error: unknown) => void): void {
  let isOver = false
  const fail = (error: unknown) => {
    if (isOver) return
    isOver = true
    failed(error)
  }
  const guarded = (run: () => void) => {
    try {
      if (!isOver) run()
    } catch (error) {
      fail(error)
    }
  }
  let isEnded = false
  const end = () => {
    if (isEnded) return
    isEnded = true
    guarded(() => to.end())
  }
  source.on('data', (chunk: unknown) =>
    guarded(() => {
      check(chunk)
      if (to.write(chunk) === false) source.pause()
    }),
  )
  to.on('drain', () => guarded(() => source.resume()))
  source.on('end', end)
  // a source that had ended before has no 'end' any more
  finished(source, { writable: false }, (error) => (error ? fail(error) : end()))
}

/** Reads a Web stream. Checks it on the way: Node takes a null for the end, which would leave out what comes after it. */
export function readableOf(stream: WebStream): Readable {
  const checking = new TransformStream({
    transform(chunk, controller) {
      check(chunk)
      controller.enqueue(chunk)
    },
  })
  return Readable.fromWeb(stream.pipeThrough(checking))
}

/** Checks a chunk of an object stream: Node would throw where nothing can catch it. */
function check(chunk: unknown): void {
  if (typeof chunk === 'string' || isUint8Array(chunk)) return
  throw misuse('LARIAT_ANSWER', `A stream that is a body gave ${show(chunk)}: expected text or bytes`)
}
