// Lists the options of a held response: the rule, the default and the description of each.
import {
  aBoolean,
  aCount,
  aDelay,
  isDelay,
  isFunction,
  isObject,
  isTime,
  isWhole,
  type Rule,
  type Rules,
} from '../rules.js'
import type { Context, InitContext } from './context.js'
import { isCallback } from './remedies.js'

/** The policy for a client that has reached its limits. */
export type Overflow = 'close' | 'dropOldest' | 'dropNewest' | { conflate(data: unknown): PropertyKey }

/** Options of a held response, under `stream` in a spec. `State` is what `init` returns. */
export interface StreamOptions<State = unknown> {
  /** Milliseconds of silence after which the format's heartbeat is sent. Default 15 000; false for none. */
  heartbeat?: number | false
  /** The reconnection time for SSE clients, in milliseconds. Default: none is sent. */
  retry?: number
  /** Bytes encoded and not yet taken by the kernel. Default 1 MiB. */
  maxQueuedBytes?: number
  /** Messages in mailbox and queue. Default 10 000. */
  maxQueued?: number
  /**
   * The policy past these limits. `close`, the default, cuts the client; `dropOldest` and `dropNewest` drop events;
   * `{ conflate }` keeps the newest event of each key. Drops are counted and reported to the client.
   */
  overflow?: Overflow
  /**
   * Milliseconds that an event may wait so that it goes out with others, in one write: most of the cost of an event is
   * its write. 64 KiB go out at once. Default 0: with the others of the same turn of the event loop.
   */
  gather?: number
  /** Milliseconds in which a client takes no byte while bytes wait; then it is cut. Default 30 000. */
  writeTimeout?: number
  /**
   * Milliseconds, less up to 10 % at random, after which a stream ends with reason `expired`. Default: never. A function
   * of the context is asked before the head; it returns at once, undefined for never, and 0 or less for a time that is
   * over already.
   */
  maxDuration?: number | ((context: Context<State>) => number | undefined)
  /**
   * Milliseconds after which `isAuthorized` and `forbidden` are asked again, and so on; any answer but yes ends the
   * stream with reason `revoked`. Default: never. Not for `loop()`.
   */
  reauthorize?: number
  /** The most open streams of the endpoint; one more is a 503 with Retry-After. Default: no limit. */
  maxStreams?: number
  /** The most open streams of one client; one more is a 429 with Retry-After. Default: no limit. */
  maxStreamsPerClient?: number
  /** Returns the key that tells one client from another. Default: `req.ip`. */
  clientKey?(context: InitContext): string
  /**
   * Marks a complete end in the format, for clients that would reconnect: the SSE event `end` after `stop` and `end`,
   * where it is over, and `reconnect` after `down`, `expired`, `revoked` and `shutdown`, where it is not. Default false.
   */
  endEvent?: boolean
  /**
   * Marks a failure in the format (SSE event `failed`), then cuts. `complete`: ends the response properly once that is told,
   * for protocols whose clients take a cut for a second failure, such as OpenAI's; a format that has nothing to tell is cut.
   * Default false.
   */
  errorEvent?: boolean | 'complete'
  /**
   * How `expired`, `revoked` and `shutdown` end a stream. `auto`, the default: cut if it pulls from a source that has not
   * reached its end, so that a list that is not whole does not look whole; else complete.
   */
  interrupted?: 'auto' | 'complete' | 'cut'
  /**
   * When the head goes out: once `subscribe` has resolved, or with the `first` event, within `decisionTimeout`. What
   * fails before it is an ordinary error answer. Default `subscribed`; a list of `once()` always waits for its first item.
   */
  head?: 'subscribed' | 'first'
}

type Name = keyof StreamOptions

/** One option, as the rules, the defaults and the documentation read it. */
export interface Option<Value> {
  readonly rule: Rule
  /** The description in the table of the documentation. */
  readonly words: string
  readonly fallback?: Value
  /** The default in words, if the value is hard to read or comes from elsewhere. */
  readonly shown?: string
}

/** Every option. A key that is not in `StreamOptions`, or is missing here, does not compile. */
export const streamOptions = {
  heartbeat: {
    rule: [(value) => value === false || isDelay(value), 'milliseconds, more than 0, or false'],
    words: "milliseconds of silence after which the format's heartbeat is sent; `false` for none",
    fallback: 15_000,
  },
  retry: {
    rule: [isWhole, 'whole milliseconds, 0 or more'],
    words: 'the reconnection time that SSE clients are told, in milliseconds',
  },
  maxQueuedBytes: {
    rule: aCount,
    words:
      'bytes encoded and not yet taken by the kernel, before the head as well; one event larger than that passes ' +
      'when nothing else waits',
    fallback: 2 ** 20,
    shown: '1 MiB',
  },
  maxQueued: {
    rule: aCount,
    words: 'messages in the mailbox, and events that wait for the client',
    fallback: 10_000,
  },
  overflow: {
    rule: [isOverflow, "'close', 'dropOldest', 'dropNewest' or { conflate: (data) => key }"],
    words:
      "the policy past those limits: `'close'` cuts the client; or `'dropOldest'`, `'dropNewest'`, `{ conflate }`",
    fallback: 'close',
  },
  gather: {
    rule: [isTime, 'milliseconds, 0 or more'],
    words:
      'milliseconds that an event may wait so that it goes out with others, in one write; 64 KiB go out at once',
    fallback: 0,
  },
  writeTimeout: {
    rule: aDelay,
    words: 'milliseconds in which a client takes no byte while bytes wait; then it is cut',
    fallback: 30_000,
  },
  maxDuration: {
    rule: [
      (value) => isDelay(value) || isCallback(value),
      'milliseconds, more than 0, or a function of the context that returns them',
    ],
    words: 'milliseconds, less up to 10 % at random, after which a stream ends; or a function of the context',
  },
  reauthorize: {
    rule: aDelay,
    words:
      'milliseconds after which `isAuthorized` and `forbidden` are asked again, and so on; not for `loop()`',
  },
  maxStreams: {
    rule: aCount,
    words: 'the most open streams of the endpoint; one more is a 503',
  },
  maxStreamsPerClient: {
    rule: aCount,
    words: 'the most open streams of one client; one more is a 429',
  },
  clientKey: {
    rule: [isCallback, 'a function of the context that returns a string, the same for the same client'],
    words: 'a function of the context that returns a string, the same for the same client',
    shown: '`req.ip`',
  },
  endEvent: {
    rule: aBoolean,
    words: 'marks a complete end in the format: `end` where it is over, `reconnect` where it is not',
    fallback: false,
  },
  errorEvent: {
    rule: [(value) => typeof value === 'boolean' || value === 'complete', "true, false or 'complete'"],
    words:
      "marks a failure in the format, then cuts; `'complete'` ends properly where the format has told it",
    fallback: false,
  },
  interrupted: {
    rule: oneOf('auto', 'complete', 'cut'),
    words:
      "how `expired`, `revoked` and `shutdown` end: `'auto'` cuts a pulled source that has not reached its end; or " +
      "`'complete'`, `'cut'`",
    fallback: 'auto',
  },
  head: {
    rule: oneOf('subscribed', 'first'),
    words: "when the head goes out: `'subscribed'`, or with the `'first'` event, within `decisionTimeout`",
    fallback: 'subscribed',
  },
} as const satisfies { readonly [Key in Name]-?: Option<StreamOptions[Key]> }

type Table = typeof streamOptions
type Defaulted = { [Key in Name]: Table[Key] extends { fallback: unknown } ? Key : never }[Name]

/** The options of a spec, with the defaults of those that have one. */
export type ResolvedOptions = Readonly<StreamOptions & Required<Pick<StreamOptions, Defaulted>>>

const entries = Object.entries(streamOptions) as [Name, Option<unknown>][]

export const streamRules: Rules = Object.fromEntries(entries.map(([name, { rule }]) => [name, rule]))

const fallbacks = defined(Object.fromEntries(entries.map(([name, { fallback }]) => [name, fallback])))

/** Options with defaults; those of a later argument win. An option that is undefined counts as absent. */
export function resolveOptions(...given: readonly (StreamOptions | undefined)[]): ResolvedOptions {
  return Object.assign({}, fallbacks, ...given.map((each) => defined(each ?? {}))) as ResolvedOptions
}

function defined(options: StreamOptions): StreamOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}

function oneOf(...words: readonly string[]): Rule {
  return [(value) => words.includes(value as string), words.map((each) => `'${each}'`).join(' or ')]
}

function isOverflow(value: unknown): boolean {
  if (value === 'close' || value === 'dropOldest' || value === 'dropNewest') return true
  return isObject(value) && Object.keys(value).join() === 'conflate' && isFunction(value.conflate)
}
