// The two kinds of spec, as their users write them. State, then what is sent, then what is pulled: three type
// parameters, so that `subscribe`'s own context does not fix what it returns.
import type { ReadableStream as WebStream } from 'node:stream/web'
import type { Format } from '../formats/format.js'
import type { Awaitable } from '../promise.js'
import type { Body } from '../values/body.js'
import type { timeout } from '../values/event.js'
import type { Feed } from '../values/feed.js'
import type { Reason, Wrote } from '../values/open-stream.js'
import type { Stop } from '../values/stop.js'
import type { Acceptors, Callback, Provided } from './answers.js'
import type { CallbackName } from './callbacks.js'
import type { InitContext, LoopContext } from './context.js'
import type { Trace } from './decisions.js'
import type { StreamOptions } from './options.js'

/** What a loop pulls from, no faster than the client reads. */
export type Source<Message> = AsyncIterable<Message> | Iterable<Message> | WebStream<Message>
type Yes<State> = Callback<State, boolean>
type Known<T> = unknown extends T ? never : T

/** What both kinds of spec have. Write `init` first and `subscribe` before `info`: types infer in that order. */
export interface Held<State, Sent, Message, Timeout> {
  /** Makes the request's state; asked first. Cowboy's `init`. */
  init?: (context: InitContext) => Awaitable<State | Stop>
  /**
   * Feeds the response, once, when the loop starts. Returns a channel, or what to pull from, or a function that
   * unsubscribes, called exactly once however the loop ends, or nothing; `stop()` answers instead. May be a
   * channel itself.
   */
  subscribe?:
    | (Feed<unknown> & AsyncIterable<Message>)
    | ((context: LoopContext<State, Sent>) => Awaitable<Source<Message> | (() => unknown) | Stop | void>)
  /** Milliseconds without a message after which `info` gets the symbol `timeout`. Default: never. */
  timeout?: Timeout
  /**
   * Gets each message, one at a time and in order; writes with `write`, ends the loop with `stop()`.
   * Without it every message is written as it is. Cowboy's `info/3`.
   */
  info?: (
    message: Message | Known<Sent> | (Timeout extends number ? typeof timeout : never),
    context: LoopContext<State, Sent>,
  ) => Awaitable<Stop | Wrote | void>
  /**
   * Called when events that the client has missed are lost for good, in place of the in-band notice, before any
   * other event: `requested` is the id that it came with, `from` that of the oldest event which is retained.
   */
  onGap?: (
    gap: { requested: string; from: string; reason: 'trimmed' | 'unknown' },
    context: LoopContext<State, Sent>,
  ) => unknown
  /** Called exactly once, after the unsubscribe, if `subscribe` was called. Cowboy's `terminate/3`. */
  terminate?: (reason: Reason, context: LoopContext<State, Sent>) => unknown
  /** Options of the held response. */
  stream?: StreamOptions
  /** Listens to the decisions of each request; `true` names them in a response header. Default: nobody listens. */
  trace?: Trace
  /** The largest request body that `json()`, `text()` and `bytes()` read, in bytes. Default 1 MiB. */
  bodyLimit?: number
  /** Milliseconds in which a callback has to settle, else 503. Default 30 000. */
  decisionTimeout?: number
}

/** A loop from the onset: no negotiation; GET and HEAD, 405 for the rest. */
export interface LoopSpec<State, Sent, Message, Timeout> extends Held<State, Sent, Message, Timeout> {
  /** The format to stream in, such as `sse()`. */
  format: Format
  /** The status of the held response. Default 200. */
  status?: number
  /** Headers of the held response. */
  headers?: Callback<State, Record<string, string>>
}

/** A resource: REST first, loop after. Each callback's default and effect stand beside it. */
export interface ResourceSpec<State, Sent, Message, Timeout> extends Held<State, Sent, Message, Timeout> {
  /** Default true. false: 503; seconds or a Date: 503 with Retry-After. */
  serviceAvailable?: Callback<State, boolean | number | Date>
  /** Default GET HEAD POST PUT PATCH DELETE OPTIONS. Another method: 501. */
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
  /** Default none. Headers to add to the 200 with Allow that OPTIONS gets. */
  options?: Callback<State, Record<string, string>>
  /** Formats, or media types and what provides them, in the server's order. Nothing fits: 406. */
  contentTypesProvided?: Callback<State, Provided<State>>
  /** Default: not negotiated. Nothing fits: 406. */
  languagesProvided?: Callback<State, readonly string[]>
  /** Default: not negotiated. Nothing fits: 406. Appended to text types. */
  charsetsProvided?: Callback<State, readonly string[]>
  /** Default identity. Codings of bodies; nothing fits: identity, or 406 if the client forbids that too. */
  encodingsProvided?: Callback<State, readonly ('br' | 'gzip' | 'deflate' | 'identity')[]>
  /** Default: none said. 'auto' cuts the provider's body to the Range; 'none' says Accept-Ranges: none. */
  rangesProvided?: Callback<State, 'auto' | 'none'>
  /** Default []. Names to add to Vary. */
  variances?: Callback<State, readonly string[]>
  /** Default true. false: 404, 410, 3xx, or a POST or PUT that creates. */
  resourceExists?: Yes<State>
  /** Default none. An entity tag, `"abc"` or `W/"abc"`: 304 and 412 by it. */
  generateEtag?: Callback<State, string | undefined>
  /** Default none. 304 and 412 by it. */
  lastModified?: Callback<State, Date | undefined>
  /** Default none. The Expires of what GET provides. */
  expires?: Callback<State, Date | string | undefined>
  /** Default false. true: what is missing is 410 rather than 404. */
  previouslyExisted?: Yes<State>
  /** Default false. A URI: 301 with Location. */
  movedPermanently?: Callback<State, false | string | URL>
  /** Default false. A URI: 307 with Location. */
  movedTemporarily?: Callback<State, false | string | URL>
  /** Default false. true: 300 in place of 200. */
  multipleChoices?: Yes<State>
  /** Media types, or ranges of them, and who accepts them. Nothing fits: 415. */
  contentTypesAccepted?: Callback<State, Acceptors<State>>
  /** Default true. false: a POST to what is missing is 404 or 410. */
  allowMissingPost?: Yes<State>
  /** Default false. true: a PUT is 409. */
  isConflict?: Yes<State>
  /** Default false. true or `{ body }`: deleted; false: 500. */
  deleteResource?: Callback<State, boolean | { body: Body }>
  /** Default true. false: 202. */
  deleteCompleted?: Yes<State>
  /** 'lenient' serves the first that is provided where nothing matches. Default 'strict': 406. */
  negotiation?: 'strict' | 'lenient'
}

/** A spec with no types of its own. With `init` or `info` write `resource({ … })`: a table infers nothing per entry. */
export type PlainSpec = ResourceSpec<undefined, unknown, unknown, undefined> & { init?: never; info?: never }

/** The spec of a loop as the library reads it. */
export type AnyLoopSpec = LoopSpec<unknown, unknown, unknown, number | undefined>

/** A spec as the library reads it: the user's types are theirs. */
export type AnySpec = Held<unknown, unknown, unknown, number | undefined> & {
  [Name in CallbackName]?: unknown
} & { negotiation?: 'strict' | 'lenient' }
