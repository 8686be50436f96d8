// Recognises readable streams: Node's and the Web's.
import type { Readable } from 'node:stream'
import type { ReadableStream as WebStream } from 'node:stream/web'

/** Whether a value is a readable Node stream. An Observable and a classic `Stream` have a `pipe` too: they are none. */
export function isNodeStream(value: unknown): value is Readable {
  return has(value, 'pipe') && has(value, 'on') && has(value, 'pause') && has(value, 'destroy')
}

/** Whether a value is a Web ReadableStream. */
export function isWebStream(value: unknown): value is WebStream {
  return has(value, 'getReader') && has(value, 'cancel')
}

export function isStream(value: unknown): value is Readable | WebStream {
  return isNodeStream(value) || isWebStream(value)
}

function has(value: unknown, method: string): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as Record<string, unknown>)[method] === 'function'
  )
}
