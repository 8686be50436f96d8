import type { EventEmitter } from 'node:events'
import type { ReadableStream as WebStream } from 'node:stream/web'
import type { Request as ExpressRequest, Response } from 'express'
import type { Format } from './formats/format.js'
import { isFormat } from './formats/format.js'
import { isFieldValue, isHeaders, isToken } from './http/field.js'
import { isBody } from './http/representation.js'
import type { Feed } from './hub/feed.js'
import { isBoolean, isObject } from './keys.js'
import type { Awaitable, Body, Once, Stop, timeout } from './values.js'

/** Express's request; in Express 5's own type a parameter may be a list, which these paths never give. */
export type Request = ExpressRequest<Record<string, string>>

// ---- contexts

/** What the negotiation has decided, each field as soon as it is decided. */
export interface Negotiated {
  /** The media type, as it is provided; of a loop, that of its format. */
  readonly mediaType: string
  /** The language tag, as it is provided; undefined where languages are not negotiated. */
  readonly language: string
  /** The charset, as it is provided; undefined where charsets are not negotiated. */
  readonly charset: string
  /** The content coding of a body; undefined where codings are not negotiated. */
  readonly encoding: string
  /** The format to stream in; throws where none was negotiated. */
  readonly format: Format
}

/** What `init` gets. */
export interface InitContext {
  readonly req: Request
  readonly res: Response
  /** Aborted when the client has gone or the loop has ended. */
  readonly signal: AbortSignal
  /** The request body as JSON; a body that is not JSON is a 400, one past `bodyLimit` a 413. */
  json(): Promise<unknown>
  /** The request body as text, by the charset of its Content-Type, UTF-8 by default. */
  text(): Promise<string>
  /** The request body as bytes. */
  bytes(): Promise<Uint8Array>
}

/** What every callback gets, as its last argument. */
export interface Context<State> extends InitContext {
  /** What `init` returned; the callbacks' own, and theirs to change. */
  state: State
  readonly negotiated: Negotiated
}

/**
 * What `write` says: on its way; accepted, but the client is behind; or not taken, because the stream has ended.
 */
export type Wrote = 'ok' | 'wait' | 'closed'

/** What `monitor` can watch. */
export type Watched =
  | EventEmitter
  | EventTarget
  | WebStream
  | PromiseLike<unknown>
  | { onDown(callback: (error?: unknown) => void): unknown }

/** A held response, as those see it who look after it. */
export interface OpenStream {
  /** Unique in this process. */
  readonly id: string
  /** The path of the request, without its query. */
  readonly path: string
  /** The media type that is streamed. */
  readonly format: string
  /** Who reads: what `clientKey` says, by default the client's address as Express knows it. */
  readonly client: string
  readonly openedAt: Date
  /** Events handed to the response. */
  readonly sent: number
  /** Bytes handed to the response. */
  readonly bytes: number
  /** Messages that wait in the mailbox, and events that wait for the client. */
  readonly queued: number
  /** Events that were dropped because the client is slow. */
  readonly dropped: number
  /** Ends the stream with reason `revoked`. */
  close(): void
}

/** What `subscribe`, `info` and `terminate` get. */
export interface LoopContext<State, Sent = unknown> extends Context<State> {
  /** Puts a message into this response's mailbox: Erlang's `send self`. */
  send(message: Sent): void
  /** Encodes data, or an event, and puts it on the wire. Never throws for a client that left. */
  write(data: unknown): Wrote
  /** Resolves to `ok` once the client has caught up, `closed` if the stream ended instead. */
  drained(): Promise<'ok' | 'closed'>
  /**
   * Watches what the data comes from: when it dies, or is already dead, `message` arrives in `info`; without
   * a message the loop ends with reason `down`.
   */
  monitor(target: Watched, message?: Sent): void
  /** What the client saw last: the Last-Event-ID header, else the query parameter `lastEventId`. */
  readonly lastEventId: string | undefined
  /** This held response: what was sent, what waits, and how to close it. */
  readonly stream: OpenStream
}

// ---- specs. State, then what is sent, then what is pulled: three parameters, so that `subscribe`'s own
// context does not fix what it returns.

/** A constant, or a function of the context, synchronous or not, that may also stop. */
export type Callback<State, T> = T | ((context: Context<State>) => Awaitable<T | Stop>)
type Yes<State> = Callback<State, boolean>

/** What provides a media type: a format to stream in, or a function that returns what to answer. */
export type Provider<State> = Format | ((context: Context<State>) => Awaitable<Body | Format | Once | Stop>)
export type Provided<State> = readonly Format[] | { readonly [mediaType: string]: Provider<State> }

/** What an accept callback answers. */
export type Accepted =
  | boolean
  | { body: Body }
  | { created: string | URL; body?: Body }
  | { seeOther: string | URL; body?: Body }
  | Format
  | Once
  | Stop
export type Acceptors<State> = {
  readonly [mediaType: string]: (context: Context<State>) => Awaitable<Accepted>
}

/** What a loop pulls from, no faster than the client reads. */
export type Source<Message> = AsyncIterable<Message> | Iterable<Message> | WebStream<Message>
type Known<T> = unknown extends T ? never : T

/**
 * Why a loop ended.
 *
 * Complete on the wire: `stop` (returned by `subscribe` or `info`), `end` (of the source), `down` (a monitored
 * target or the channel's source died), `revoked` (no longer authorised, or `stream.close()`), `expired`
 * (`maxDuration`), `shutdown` (`endpoint.close()`). Cut: `overflow` (the client is too slow) and
 * `error` (a source or callback threw). `disconnect`: the client left.
 */
export interface Reason {
  readonly kind:
    | 'stop'
    | 'end'
    | 'down'
    | 'disconnect'
    | 'expired'
    | 'revoked'
    | 'shutdown'
    | 'overflow'
    | 'error'
  readonly error?: unknown
}

/** What happens to a client past its limits. */
export type Overflow = 'close' | 'dropOldest' | 'dropNewest' | { conflate(data: unknown): PropertyKey }

/** Options of a held response, under `stream` in a spec. */
export interface StreamOptions {
  /** Milliseconds of silence after which the format's heartbeat is sent. Default 15 000; false for none. */
  heartbeat?: number | false
  /** The reconnection time that SSE clients are told, in milliseconds. Default: none told. */
  retry?: number
  /** Bytes encoded and not yet taken by the kernel. Default 1 MiB. */
  maxQueuedBytes?: number
  /** Messages in mailbox and queue. Default 10 000. */
  maxQueued?: number
  /**
   * What happens past those. `close`, the default, cuts the client; `dropOldest` and `dropNewest` drop events of
   * those that wait; `{ conflate }` keeps the newest of each key. Drops are counted, and the client is told of them.
   */
  overflow?: Overflow
  /** Milliseconds that a client may take no byte while bytes wait; then it is cut. Default 30 000. */
  writeTimeout?: number
  /** Milliseconds, less up to 10 % at random, after which a stream ends with reason `expired`. Default: never. */
  maxDuration?: number
  /**
   * Milliseconds after which `isAuthorized` and `forbidden` are asked again, and so on; anything but yes ends the
   * stream with reason `revoked`. Default: never. Not for `loop()`.
   */
  reauthorize?: number
  /** The most open streams of the endpoint; one more is a 503 with Retry-After. Default: no limit. */
  maxStreams?: number
  /** The most open streams of a client; one more is a 429 with Retry-After. Default: no limit. */
  maxStreamsPerClient?: number
  /** Who a client is. Default: `req.ip`. */
  clientKey?(context: InitContext): string
  /** Marks a complete end in the format (SSE event `end`), for clients that would reconnect. Default false. */
  endEvent?: boolean
  /** Says in the format that the stream failed (SSE event `failed`), then cuts. Default false. */
  errorEvent?: boolean
}

/** A question of the decision graph, and what it was answered. */
export interface Decision {
  question: string
  /** Yes or no; or what the request came to there and then, where the question ended it. */
  answer: boolean | 'stop' | 'loop' | 'left' | 'error'
  /** What the callback answered, or the negotiation chose. Absent where the spec has no such callback. */
  value?: unknown
  /** Milliseconds since the question before. */
  ms: number
}

/** The decisions of a request: every question that it was asked, in order, and what came of it. */
export interface Decisions {
  method: string
  /** The path with its query: what is secret in it is secret here. */
  url: string
  steps: Decision[]
  outcome:
    | { readonly kind: 'status' | 'stop'; readonly status: number }
    | { readonly kind: 'loop'; readonly status: number; readonly mediaType: string }
    | { readonly kind: 'error'; readonly error: unknown }
    /** A callback has answered on its own, or the client has gone. */
    | { readonly kind: 'left' }
}

/**
 * Listens to the decisions of each request, before they are acted on. `true` names the questions that were asked in
 * a `Decision-Trace` response header, but never with `NODE_ENV=production`.
 */
export type Trace = true | ((decisions: Decisions) => void)

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

// ---- what the callbacks may answer: the reference page of the documentation is checked against this

interface Asked<T> {
  /** The question that the callback answers. */
  readonly asks: string
  /** What an answer other than the default does. */
  readonly otherwise: string
  /** The answer of a callback that is absent. */
  readonly fallback: T
  /** What may be answered, in the words of an error. */
  readonly expected: string
  readonly fits: (value: unknown) => boolean
}

const isTokens = (value: unknown) => Array.isArray(value) && value.every(isToken)
const isDate = (value: unknown) => value instanceof Date && !Number.isNaN(value.getTime())
const isDelay = (value: unknown) =>
  isDate(value) || (typeof value === 'number' && Number.isFinite(value) && value >= 0)
const isUri = (value: unknown) => (typeof value === 'string' && value !== '') || value instanceof URL
const isChallenge = (value: unknown) => isFieldValue(value) && value !== ''
const isEtag = (value: unknown) =>
  typeof value === 'string' && /^(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"$/.test(value)
const codings = ['br', 'gzip', 'deflate', 'identity']

const bool = (asks: string, otherwise: string, fallback: boolean): Asked<boolean> => ({
  asks,
  otherwise,
  fallback,
  expected: 'true or false',
  fits: isBoolean,
})

/** Every REST callback, in the order in which they are asked. */
export const callbacks = {
  serviceAvailable: {
    asks: 'Is the service available?',
    otherwise: '503; seconds or a Date: with Retry-After',
    fallback: true as boolean | number | Date,
    expected: 'true, false, seconds (0 or more) or a Date',
    fits: (value) => isBoolean(value) || isDelay(value),
  },
  knownMethods: {
    asks: 'Which methods does the server know?',
    otherwise: '501',
    fallback: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as readonly string[],
    expected: 'a list of method names',
    fits: isTokens,
  },
  uriTooLong: bool('Is the URI too long?', '414', false),
  allowedMethods: {
    asks: 'Which methods does the resource allow?',
    otherwise: '405 with Allow',
    fallback: ['GET', 'HEAD', 'OPTIONS'] as readonly string[],
    expected: 'a list of method names',
    fits: isTokens,
  },
  malformedRequest: bool('Is the request malformed?', '400', false),
  isAuthorized: {
    asks: 'May the client in?',
    otherwise: '401 with WWW-Authenticate, a field per challenge',
    fallback: true as true | string | readonly string[],
    expected: 'true or a WWW-Authenticate challenge (a string, or a list of them)',
    fits: (value) =>
      value === true ||
      isChallenge(value) ||
      (Array.isArray(value) && value.length > 0 && value.every(isChallenge)),
  },
  forbidden: bool('Is the request forbidden?', '403', false),
  rateLimited: {
    asks: 'Has the client asked too often?',
    otherwise: '429 with Retry-After',
    fallback: false as false | number | Date,
    expected: 'false, seconds (0 or more) or a Date',
    fits: (value) => value === false || isDelay(value),
  },
  validContentHeaders: bool('Are the Content-* headers ones that the resource can deal with?', '501', true),
  validEntityLength: bool('Is the request body of an acceptable length?', '413', true),
  options: {
    asks: 'Which headers does the answer to OPTIONS have beside Allow?',
    otherwise: '200 with Allow and these headers',
    fallback: {} as Record<string, string>,
    expected: 'an object of header names and values',
    fits: isHeaders,
  },
  contentTypesProvided: {
    asks: 'Which representations are there, and who provides them?',
    otherwise: '406',
    fallback: undefined as Provided<unknown> | undefined,
    expected: 'a list of formats, or an object of media types and their providers (formats or functions)',
    fits: (value) =>
      Array.isArray(value)
        ? value.every(isFormat)
        : isObject(value) &&
          Object.values(value).every((each) => isFormat(each) || typeof each === 'function'),
  },
  languagesProvided: {
    asks: 'Which languages are there?',
    otherwise: '406',
    fallback: undefined as readonly string[] | undefined,
    expected: 'a list of language tags',
    fits: isTokens,
  },
  charsetsProvided: {
    asks: 'Which charsets are there?',
    otherwise: '406',
    fallback: undefined as readonly string[] | undefined,
    expected: 'a list of charset names',
    fits: isTokens,
  },
  encodingsProvided: {
    asks: 'Which codings may a body be sent in?',
    otherwise: 'identity, or 406 if the client forbids that too',
    fallback: undefined as readonly string[] | undefined,
    expected: "a list of 'br', 'gzip', 'deflate' and 'identity'",
    fits: (value) => Array.isArray(value) && value.every((each) => codings.includes(each)),
  },
  variances: {
    asks: 'On what else does the choice of representation depend?',
    otherwise: 'named in Vary',
    fallback: [] as readonly string[],
    expected: 'a list of header names',
    fits: isTokens,
  },
  rangesProvided: {
    asks: 'Can a part of the body be asked for?',
    otherwise: "'auto': Accept-Ranges: bytes, and 206 or 416; 'none': Accept-Ranges: none",
    fallback: undefined as 'auto' | 'none' | undefined,
    expected: "'auto' or 'none'",
    fits: (value) => value === 'auto' || value === 'none',
  },
  resourceExists: bool('Does the resource exist?', '404, 410, 301, 307, or it is created', true),
  generateEtag: {
    asks: "What is the representation's entity tag?",
    otherwise: 'ETag, and 304 or 412 by it',
    fallback: undefined as string | undefined,
    expected: 'an entity tag with its quotes, such as \'"abc"\' or \'W/"abc"\', or undefined',
    fits: (value) => value === undefined || isEtag(value),
  },
  lastModified: {
    asks: 'When was the representation last changed?',
    otherwise: 'Last-Modified, and 304 or 412 by it',
    fallback: undefined as Date | undefined,
    expected: 'a valid Date or undefined',
    fits: (value) => value === undefined || isDate(value),
  },
  expires: {
    asks: 'When does the representation become stale?',
    otherwise: 'Expires',
    fallback: undefined as Date | string | undefined,
    expected: 'a valid Date, a header value or undefined',
    fits: (value) => value === undefined || isFieldValue(value) || isDate(value),
  },
  previouslyExisted: bool('Did the missing resource exist before?', '410, 301 or 307 in place of 404', false),
  movedPermanently: {
    asks: 'Has the missing resource moved for good?',
    otherwise: '301 with Location',
    fallback: false as false | string | URL,
    expected: 'false or a URI (a string or a URL)',
    fits: (value) => value === false || isUri(value),
  },
  movedTemporarily: {
    asks: 'Has the missing resource moved for now?',
    otherwise: '307 with Location',
    fallback: false as false | string | URL,
    expected: 'false or a URI (a string or a URL)',
    fits: (value) => value === false || isUri(value),
  },
  allowMissingPost: bool('May POST go to what is missing?', '404 or 410', true),
  deleteResource: {
    asks: 'Was the resource deleted, or its deletion begun?',
    otherwise: 'true or { body }: 204, 200 or 202; false: 500',
    fallback: false as boolean | { body: Body },
    expected: 'true, false or { body }',
    fits: (value) => isBoolean(value) || (isObject(value) && isBody(value.body)),
  },
  deleteCompleted: bool('Is the deletion done?', '202', true),
  isConflict: bool('Does the PUT conflict with what is there?', '409', false),
  contentTypesAccepted: {
    asks: 'Which media types are accepted, and who takes them?',
    otherwise: '415',
    fallback: undefined as Acceptors<unknown> | undefined,
    expected: 'an object of media types, or ranges of them, and functions',
    fits: (value) => isObject(value) && Object.values(value).every((each) => typeof each === 'function'),
  },
  multipleChoices: bool('Are there several representations to choose from?', '300', false),
} satisfies Record<string, Asked<unknown>>

export type CallbackName = keyof typeof callbacks

/** What a callback may answer. */
export type Value<Name extends CallbackName> = (typeof callbacks)[Name]['fallback']

/** The spec of a loop as the library reads it. */
export type AnyLoopSpec = LoopSpec<unknown, unknown, unknown, number | undefined>

/** A spec as the library reads it: the user's types are theirs. */
export type AnySpec = Held<unknown, unknown, unknown, number | undefined> & {
  [Name in CallbackName]?: unknown
} & { negotiation?: 'strict' | 'lenient' }
