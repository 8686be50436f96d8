// Defines the result of `format.once()`: a finite list, to stream in that format.
import { type is, isBranded } from '../brand.js'

/** The result of `format.once()`: a finite list that is streamed in that format. */
export interface Once {
  readonly [is]: 'once'
}

/** A finite list as the library reads it; `format` is the one whose `once` was called. */
export interface OnceValue extends Once {
  readonly format: unknown
  readonly list: Iterable<unknown> | AsyncIterable<unknown>
}

export function isOnce(value: unknown): value is OnceValue {
  return isBranded(value, 'once')
}
