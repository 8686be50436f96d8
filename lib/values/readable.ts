// Recognises readable streams: Node's and the Web's.
import type { Readable } from 'node:stream'
import type { ReadableStream as WebStream } from 'node:stream/web'
import { hasMethod } from '../rules.js'

/** Whether a value is a readable Node stream. An Observable and a classic `Stream` have a `pipe` too: they are none. */
export function isNodeStream(value: unknown): value is Readable {
  return (
    hasMethod(value, 'pipe') &&
    hasMethod(value, 'on') &&
    hasMethod(value, 'pause') &&
    hasMethod(value, 'destroy')
  )
}

/** Whether a value is a Web ReadableStream. */
export function isWebStream(value: unknown): value is WebStream {
  return hasMethod(value, 'getReader') && hasMethod(value, 'cancel')
}

export function isStream(value: unknown): value is Readable | WebStream {
  return isNodeStream(value) || isWebStream(value)
}
