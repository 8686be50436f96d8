// Defines the types of the answers of a spec's callbacks.
import type { ReadableStream as WebStream } from 'node:stream/web'
import type { Format } from '../formats/format.js'
import type { Awaitable } from '../promise.js'
import type { Body } from '../values/body.js'
import type { Once } from '../values/once.js'
import type { Stop, StopAnswer } from '../values/stop.js'
import type { Context } from './context.js'

/** A constant, or a function of the context, synchronous or not, that may also stop. */
export type Callback<State, T> = T | ((context: Context<State>) => Awaitable<T | Stop>)

/** Provides a media type: a format to stream in, or a function that returns a body, a format or a list. */
export type Provider<State> = Format | ((context: Context<State>) => Awaitable<Body | Format | Once | Stop>)
/** Formats to stream in, the preferred one first; or media types and their providers. */
export type Provided<State> = readonly Format[] | { readonly [mediaType: string]: Provider<State> }

/** The answer of an accept callback. */
export type Accepted =
  | boolean
  | { body: Body }
  | { created: string | URL; body?: Body }
  | { seeOther: string | URL; body?: Body }
  | Format
  | Once
  | Stop

/** A refusal, as the library describes it (RFC 9457): without a callback `problem`, this is the body. */
export interface Problem {
  type: 'about:blank'
  /** The name of the status. */
  title: string
  /** 400 to 599. */
  status: number
  /** The reason, for the client; never an error's message or stack. */
  detail?: string | undefined
  /** The alternatives: methods, media types, languages, … */
  offered?: readonly string[] | undefined
}

/** What `problem` makes of a refusal: its body, and header fields that describe it. */
export type ProblemAnswer = Pick<StopAnswer, 'headers'> & Required<Pick<StopAnswer, 'body'>>

/** Bytes of any kind. */
type Bytes = ArrayBuffer | SharedArrayBuffer | ArrayBufferView | Blob

/** What is one event of a snapshot, within an iterable: data, or an `event()`. Not a promise. */
type Item = string | number | boolean | null | (object & { readonly then?: never })

/** Data that is one event by itself: text and bytes too, though they can be iterated. */
type Whole =
  | string
  | number
  | boolean
  | null
  | Bytes
  | (object & { readonly then?: never; [Symbol.iterator]?: never; [Symbol.asyncIterator]?: never })
  // as in `Body`: only for object literals
  | { readonly [key: string]: unknown; readonly then?: never; [Symbol.iterator]?: never }

/**
 * What `snapshot` returns: data or an `event()`; an iterable or a stream of them, each an event of its own; or nothing. Not
 * a feed, which has no end.
 */
export type Snapshot =
  | Whole
  | Iterable<Item>
  | (AsyncIterable<Item> & { readonly subscribers?: never })
  | WebStream<Item>

/** Media types, or ranges of them, and the functions that take a request body of that type. */
export type Acceptors<State> = {
  readonly [mediaType: string]: (context: Context<State>) => Awaitable<Accepted>
}
