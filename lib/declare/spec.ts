// Defines the types of the two kinds of spec, as users write them.
import type { ReadableStream as WebStream } from 'node:stream/web'
import type { Format } from '../formats/format.js'
import type { Fields } from '../http/field.js'
import type { Awaitable } from '../promise.js'
import type { Body } from '../values/body.js'
import type { timeout } from '../values/event.js'
import type { Feed, GapDetails } from '../values/feed.js'
import type { Subscribable } from '../values/observable.js'
import type { Reason, Wrote } from '../values/open-stream.js'
import type { Stop } from '../values/stop.js'
import type { Acceptors, Callback, Problem, ProblemAnswer, Provided, Snapshot } from './answers.js'
import type { CallbackName } from './callbacks.js'
import type { InitContext, LoopContext, ProblemContext } from './context.js'
import type { Trace } from './decisions.js'
import type { StreamOptions } from './options.js'

/** What feeds a loop: a source that is pulled no faster than the client reads, or an Observable, which pushes. */
export type Source<Message> =
  | AsyncIterable<Message>
  | Iterable<Message>
  | WebStream<Message>
  | Subscribable<Message>
type Yes<State> = Callback<State, boolean>
type Known<T> = unknown extends T ? never : T

/** The answer of `info`. */
export type Informed = Awaitable<Stop | Wrote | void>
/** The answer of `snapshot`. */
export type Snapped = Awaitable<Snapshot | Stop | void>

/**
 * The keys that both kinds of spec have. Write `init` first and `subscribe` before `info`: types infer in that order.
 *
 * `Sent` (by `send`) and `Message` (by a source) are two parameters, so that the context of `subscribe` does not fix
 * what `subscribe` returns. `Answer` (of `info`) and `Whole` (of `snapshot`) say to clients what is sent.
 */
export interface CommonSpec<State, Sent, Message, Timeout, Answer = Informed, Whole = Snapped> {
  /** Makes the request's state; asked first. Cowboy's `init`. */
  init?: (context: InitContext) => Awaitable<State | Stop>
  /**
   * Called once, when the loop starts. Returns a channel, a source to pull from, an Observable, nothing, or a function
   * that unsubscribes and is called exactly once, for any reason to end. `stop()` answers instead of the stream. May be
   * a channel itself.
   */
  subscribe?:
    | (Feed<unknown> & AsyncIterable<Message>)
    | ((context: LoopContext<State, Sent>) => Awaitable<Source<Message> | (() => unknown) | Stop | void>)
  /** Milliseconds without a message after which `info` gets the symbol `timeout`. Default: never. */
  timeout?: Timeout
  /**
   * Gets each message, one at a time and in order; writes with `write`, ends the loop with `stop()`.
   * Without `info`, every message is written unchanged. Cowboy's `info/3`.
   */
  info?: (
    message: Message | Known<Sent> | (Timeout extends number ? typeof timeout : never),
    context: LoopContext<State, Sent>,
  ) => Answer
  /**
   * Called instead of the in-band notice, before any other event, when events that the client missed are no longer
   * retained. `requested` is the id that the client sent, `from` the id of the oldest retained event, `id` the place just
   * before it.
   */
  onGap?: (gap: GapDetails, context: LoopContext<State, Sent>) => unknown
  /**
   * Gives the whole to a client that has no place to continue from: at its first connection, and after a gap, which is
   * then not told. For a `subscribe` that is, or returns, a feed.
   *
   * Returns data, an `event()`, an iterable or a stream of either, or nothing. An iterable, such as an array, is an event
   * for each item, read no faster than the client reads. Their type is `snapshot` unless they have one. The place in the
   * feed is read first; then this is called; what it returns is written, past `info`, the last of it with the place as
   * its id; then everything that was published after that place. So publish after you have changed the state.
   *
   * Called before the head, where its failure, or that of its first item, is an error answer, and `stop()` the answer; and
   * in mid-stream after a gap, where a failure cuts the stream, and `stop()` ends it. Within `decisionTimeout`.
   */
  snapshot?: (context: LoopContext<State, Sent>) => Whole
  /** Called exactly once, after the unsubscribe, if `subscribe` was called. Cowboy's `terminate/3`. */
  terminate?: (reason: Reason, context: LoopContext<State, Sent>) => unknown
  /**
   * Headers of the held response: an object of names and values, or a function of the context, asked before the stream
   * begins, for HEAD too. Default none. Content-Length and Transfer-Encoding are the library's; Vary and Set-Cookie
   * are added to what is there.
   */
  headers?: Callback<State, Fields>
  /** Options of the held response. */
  stream?: StreamOptions<NoInfer<State>>
  /** Listens to the decisions of each request; `true` lists them in a response header. Default: no listener. */
  trace?: Trace
  /**
   * Gives refusals another body: every status of 400 and above that the library answers, those of `stop()` without a
   * body among them. The status, and the fields that a refusal needs (Allow, WWW-Authenticate, Retry-After, …), stay.
   * HEAD gets no body. Where it fails, or is later than `decisionTimeout`, the client gets the problem body of
   * RFC 9457, and a process warning says why. Default: that body.
   */
  problem?: (problem: Problem, context: ProblemContext<State>) => Awaitable<ProblemAnswer>
  /** The largest request body that `json()`, `text()` and `bytes()` read, in bytes. Default 1 MiB. */
  bodyLimit?: number
  /** Milliseconds within which a callback must settle; else 503. Default 30 000. */
  decisionTimeout?: number
}

/** A loop from the onset: no negotiation; GET and HEAD, 405 for other methods. */
export interface LoopSpec<State, Sent, Message, Timeout, Answer = Informed, Whole = Snapped>
  extends CommonSpec<State, Sent, Message, Timeout, Answer, Whole> {
  /** The format to stream in, such as `sse()`. */
  format: Format
  /** The status of the held response. Default 200. */
  status?: number
}

/** A resource: REST first, loop after. Beside each callback: its default, and the effect of other answers. */
export interface ResourceSpec<State, Sent, Message, Timeout, Answer = Informed, Whole = Snapped>
  extends CommonSpec<State, Sent, Message, Timeout, Answer, Whole> {
  /** Default true. false: 503; seconds or a Date: 503 with Retry-After. */
  serviceAvailable?: Callback<State, boolean | number | Date>
  /** Default GET HEAD POST PUT PATCH DELETE OPTIONS QUERY. Another method: 501. */
  knownMethods?: Callback<State, readonly string[]>
  /** Default false. true: 414. */
  uriTooLong?: Yes<State>
  /** Default GET HEAD OPTIONS; case-sensitive. Another method: 405 with Allow. */
  allowedMethods?: Callback<State, readonly string[]>
  /** Default false. true: 400. */
  malformedRequest?: Yes<State>
  /** Default true. A challenge, or several: 401 with WWW-Authenticate. */
  isAuthorized?: Callback<State, true | string | readonly string[]>
  /** Default false. true: 403. */
  forbidden?: Yes<State>
  /** Default false. Seconds or a Date: 429 with Retry-After. */
  rateLimited?: Callback<State, false | number | Date>
  /** Default true. false: 501. */
  validContentHeaders?: Yes<State>
  /** Default true. false: 413. */
  validEntityLength?: Yes<State>
  /** Default none. Headers of the answer to OPTIONS, beside Allow, and Accept-Query if QUERY is allowed. */
  options?: Callback<State, Fields>
  /** Formats, or media types and their providers, in the server's order. Nothing fits: 406. */
  contentTypesProvided?: Callback<State, Provided<State>>
  /** Default: not negotiated. Nothing fits: 406. */
  languagesProvided?: Callback<State, readonly string[]>
  /** Default: not negotiated. Nothing fits: 406. Appended to text types. */
  charsetsProvided?: Callback<State, readonly string[]>
  /** Default identity. Codings of bodies; nothing fits: identity, or 406 if the client forbids that too. */
  encodingsProvided?: Callback<State, readonly ('br' | 'gzip' | 'deflate' | 'identity')[]>
  /** Default: no Accept-Ranges. 'auto' cuts the provider's body to the Range; 'none' sends Accept-Ranges: none. */
  rangesProvided?: Callback<State, 'auto' | 'none'>
  /** Default []. Names to add to Vary. */
  variances?: Callback<State, readonly string[]>
  /** Default true. false: 404, 410, 3xx, or a POST or PUT that creates. */
  resourceExists?: Yes<State>
  /** Default none. An entity tag, `"abc"` or `W/"abc"`: 304 and 412 by it. */
  generateEtag?: Callback<State, string | undefined>
  /** Default none. 304 and 412 by it. */
  lastModified?: Callback<State, Date | undefined>
  /** Default none. The Expires field of the representation. */
  expires?: Callback<State, Date | string | undefined>
  /** Default false. true: a missing resource is 410 instead of 404. */
  previouslyExisted?: Yes<State>
  /** Default false. A URI: 301 with Location. */
  movedPermanently?: Callback<State, false | string | URL>
  /** Default false. A URI: 307 with Location. */
  movedTemporarily?: Callback<State, false | string | URL>
  /** Default false. true: 300 in place of 200. */
  multipleChoices?: Yes<State>
  /**
   * Media types, or ranges of them, and their accept callbacks. Nothing fits: 415. Without a Content-Type a body is
   * `application/octet-stream`, and no body fits only the range of all types; a QUERY without one is a 400.
   */
  contentTypesAccepted?: Callback<State, Acceptors<State>>
  /** Default true. false: a POST to a missing resource is 404 or 410. */
  allowMissingPost?: Yes<State>
  /** Default false. true: a PUT is 409. */
  isConflict?: Yes<State>
  /** Default false. true or `{ body }`: deleted; false: 500. */
  deleteResource?: Callback<State, boolean | { body: Body }>
  /** Default true. false: 202. */
  deleteCompleted?: Yes<State>
  /** Default 'strict': nothing fits, 406. 'lenient', or so by header, serves the first provided instead. */
  negotiation?: Negotiation
}

/** One of the four negotiations: by Accept, Accept-Language, Accept-Charset and Accept-Encoding. */
export type Negotiable = 'type' | 'language' | 'charset' | 'encoding'

/** What a request gets if nothing that is provided is acceptable: a 406, or the first provided. For all headers, or each. */
export type Negotiation = Strictness | { readonly [Part in Negotiable]?: Strictness }
type Strictness = 'strict' | 'lenient'
type Wrapped =
  'In a table, write resource({ … }) around a spec with init or info: a table infers no types per entry'

/** An entry of a table. With `init` or `info` write `resource({ … })`: a table infers no types per entry. */
export interface PlainSpec
  extends Omit<ResourceSpec<undefined, unknown, unknown, undefined>, 'init' | 'info'> {
  init?: Wrapped
  info?: Wrapped
}

/** The spec of a loop as the library reads it. */
export type AnyLoopSpec = LoopSpec<unknown, unknown, unknown, number | undefined>

/** A spec as the library reads it, without the user's types. */
export type AnySpec = CommonSpec<unknown, unknown, unknown, number | undefined> & {
  [Name in CallbackName]?: unknown
} & { negotiation?: Negotiation }
