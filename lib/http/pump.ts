// Hands a stream's bytes to another stream, or to a response, no faster than that takes them.
import { finished, type Readable, type Writable } from 'node:stream'

/**
 * Pumps a stream into another, and ends that one. Calls `failed` once: for the error of the source, also a source that
 * closes before its end; and for what `write`, `end` or `check` throws.
 *
 * Not by `pipe`: code that wraps a response may throw, and nothing could catch that.
 *
 * @param check throws for a chunk that is no text and no bytes
 */
export function pump(
  source: Readable,
  to: Writable,
  check: (chunk: unknown) => void,
  failed: (error: unknown) => void,
): void {
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
