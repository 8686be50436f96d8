// Recognises readable streams: Node's and the Web's.
import type { Readable } from 'node:stream'
import type { ReadableStream as WebStream } from 'node:stream/web'

/** Whether a value is a readable Node stream. */
export function isNodeStream(value: unknown): value is Readable {
  return (
    typeof value === 'object' && value !== null && typeof (value as { pipe?: unknown }).pipe === 'function'
  )
}

/** Whether a value is a Web ReadableStream. */
export function isWebStream(value: unknown): value is WebStream {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as { getReader?: unknown }).getReader === 'function'
  )
}

export function isStream(value: unknown): value is Readable | WebStream {
  return isNodeStream(value) || isWebStream(value)
}
