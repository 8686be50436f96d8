// Defines the types of the contexts that callbacks get.
import type { EventEmitter } from 'node:events'
import type { ReadableStream as WebStream } from 'node:stream/web'
import type { Request as ExpressRequest, Response } from 'express'
import type { Format } from '../formats/format.js'
import type { OpenStream, Wrote } from '../values/open-stream.js'

/** Express's request. In Express 5's type a parameter may be a list; in an endpoint it never is. */
export type Request = ExpressRequest<Record<string, string>>

/** The result of the negotiation. Each field is set as soon as it is decided. */
export interface Negotiated {
  /** The media type, as provided; in a loop, the media type of its format. */
  readonly mediaType: string
  /** The language tag, as provided; undefined if languages are not negotiated. */
  readonly language: string
  /** The charset, as provided; undefined if charsets are not negotiated. */
  readonly charset: string
  /** The content coding of a body; undefined if codings are not negotiated. */
  readonly encoding: string
  /** The format to stream in; throws if none was negotiated. */
  readonly format: Format
}

/** The context of `init`. */
export interface InitContext {
  readonly req: Request
  readonly res: Response
  /** Aborted when the client leaves or the loop ends. */
  readonly signal: AbortSignal
  /** The request body as JSON. A body that is not JSON is a 400, one above `bodyLimit` a 413. */
  json(): Promise<unknown>
  /** The request body as text, by the charset of its Content-Type, UTF-8 by default. */
  text(): Promise<string>
  /** The request body as bytes. */
  bytes(): Promise<Uint8Array>
}

/** The context of every callback: its last argument. */
export interface Context<State> extends InitContext {
  /** The value that `init` returned. Callbacks may change it. */
  state: State
  readonly negotiated: Negotiated
}

/** The context of `problem`. A request may be refused before `init` was called, or by it: `state` is undefined then. */
export interface ProblemContext<State> extends Omit<Context<State>, 'state'> {
  readonly state: State | undefined
}

/** The targets that `monitor` can watch. */
export type Watched =
  | EventEmitter
  | EventTarget
  | WebStream
  | PromiseLike<unknown>
  | { onDown(callback: (error?: unknown) => void): unknown }

/** The context of `subscribe`, `info` and `terminate`. */
export interface LoopContext<State, Sent = unknown> extends Context<State> {
  /** Puts a message into the mailbox of this response: Erlang's `send self`. */
  send(message: Sent): void
  /** Encodes data, or an event, and puts it on the wire. Never throws for a client that left. */
  write(data: unknown): Wrote
  /** The pushed source has failed: after what was sent before, the stream is cut, with reason `error`. */
  fail(error: unknown): void
  /** Resolves to `ok` once the client has caught up, `closed` if the stream ended instead. */
  drained(): Promise<'ok' | 'closed'>
  /**
   * Watches a target that the data comes from. When the target dies, or is already dead, `message` arrives in `info`,
   * after what was sent before and what the source has ready. Without a message the loop ends there with reason `down`:
   * complete, or cut with the error of a target that failed.
   */
  monitor(target: Watched, message?: Sent): void
  /** The last id that the client saw: Last-Event-ID, else the query parameter `lastEventId` or `lastEventID`. */
  readonly lastEventId: string | undefined
  /** This held response: its counters, and a way to close it. */
  readonly stream: OpenStream<State>
}
