// Makes every error of the library, each with a stable code.
import { inspect } from 'node:util'
import { is, isBranded } from './brand.js'

/**
 * The code of an error. It is stable; the message may change.
 *
 * - `LARIAT_SPEC`: a spec, a table or an option is wrong. A TypeError, thrown when it is declared
 * - `LARIAT_ANSWER`: a callback returned a value that it may not return. A TypeError that names the callback
 * - `LARIAT_THREW`: a callback threw a value that is not an Error; `cause` is that value
 * - `LARIAT_DATA`: the format cannot encode this data. A TypeError, thrown by `send`, `write` or `publish`
 * - `LARIAT_REFUSED`: the request is refused; `status` has the status of the answer
 * - `LARIAT_DEADLINE`: a callback did not settle within `decisionTimeout`. Answered 503
 * - `LARIAT_DOWN`: the source of the data is gone: a monitored target has died, before the head (answered 503) or of a
 *   failure without an error of its own; the hub is closed; the backend is unavailable
 * - `LARIAT_ENDED`: the channel has ended, and takes no more events
 * - `LARIAT_OVERFLOW`: more messages or bytes wait for a client than its limits allow
 * - `LARIAT_KEPT`: middleware keeps what is written to a response, which therefore cannot be streamed
 * - `LARIAT_GAP`: a client missed events in mid-stream, and its format has no notice for it
 * - `LARIAT_SENT`: another middleware had sent the head before the endpoint was reached
 * - `LARIAT_BODY`: another middleware had read the request body and left nothing in `req.body`
 */
export type Code =
  | 'LARIAT_SPEC'
  | 'LARIAT_ANSWER'
  | 'LARIAT_THREW'
  | 'LARIAT_DATA'
  | 'LARIAT_REFUSED'
  | 'LARIAT_DEADLINE'
  | 'LARIAT_DOWN'
  | 'LARIAT_ENDED'
  | 'LARIAT_OVERFLOW'
  | 'LARIAT_KEPT'
  | 'LARIAT_GAP'
  | 'LARIAT_SENT'
  | 'LARIAT_BODY'

/** An error with a code. A mistake in the calling code (`LARIAT_SPEC`, `_ANSWER`, `_DATA`) is a TypeError instead. */
export class LariatError extends Error {
  /**
   * True for a `publish` whose outcome is not known: it was on its way when the backend was lost. Publishing again with
   * the same `key` is safe.
   */
  declare readonly isUncertain?: true

  constructor(
    readonly code: Code,
    message: string,
    options?: { cause?: unknown; isUncertain?: true },
  ) {
    super(message, options)
    if (options?.isUncertain) this.isUncertain = true
  }

  override get name(): string {
    return 'LariatError'
  }

  get [is](): string {
    return 'error'
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    // biome-ignore lint/complexity/noThisInStatic: a user's subclass inherits this, and is recognised as any class is
    if (!isBase(this)) return Function.prototype[Symbol.hasInstance].call(this, value)
    return isBranded(value, 'error')
  }
}

/** Apart from the class: one that names itself inside is renamed when it is bundled, and a stack would say so. */
function isBase(made: unknown): boolean {
  return made === LariatError
}

interface RefusalParts {
  readonly code?: Code | undefined
  /** The message for the operator. Default: the detail. */
  readonly message?: string
  /** Seconds after which the client may try again. */
  readonly retryAfter?: number
  /** What was asked: a limit, where no question of the graph was. */
  readonly question?: string
  /** A field that lists what is accepted instead. */
  readonly offers?: { readonly field: string; readonly names: readonly string[] }
}

/** Refuses a request with a status of 400 and above; answered with a problem body. */
export class Refusal extends LariatError {
  /** Seconds: the answer has a Retry-After. */
  retryAfter: number | undefined
  readonly offers: RefusalParts['offers']
  readonly question: string | undefined

  constructor(
    readonly status: number,
    /** The reason, for the client. */
    readonly detail: string,
    { code = 'LARIAT_REFUSED', message = detail, retryAfter, offers, question }: RefusalParts = {},
  ) {
    super(code, message)
    this.retryAfter = retryAfter
    this.offers = offers
    this.question = question
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return isBranded(value, 'error') && 'status' in (value as object)
  }
}

/** A TypeError with a code, for a mistake in the calling code. */
export function misuse(
  code: Code,
  message: string,
  options?: { cause?: unknown },
): TypeError & { code: Code } {
  return Object.assign(new TypeError(message, options), { code })
}

/** Shows a value in a message: short, on one line. Never throws. */
export function show(value: unknown): string {
  try {
    // what else is in it depends on who traces it
    if (value instanceof Promise) return 'a promise'
    const text = inspect(value, {
      depth: 0,
      breakLength: Infinity,
      maxStringLength: 60,
      maxArrayLength: 4,
      customInspect: false,
    })
      // the stack of an error has more
      .split('\n', 1)
      .join()
    return text.length > 120 ? `${text.slice(0, 117)}...` : text
  } catch {
    // a getter of its Symbol.toStringTag, a Proxy that was revoked
    return `a value of type ${typeof value} that cannot be shown`
  }
}

/** Whether an error has one of these names. Under Jest, an error of Node's own is no instance of the Error that code sees. */
export function isNamed(error: unknown, ...names: readonly string[]): boolean {
  try {
    return names.includes((error as { name?: string } | undefined)?.name as string)
  } catch {
    // a Proxy, a getter, or null
    return false
  }
}

/** Emits a process warning for an error without a caller. Never throws. */
export function report(what: string, error: unknown): void {
  process.emitWarning(`${what}: ${reasonOf(error)}`, { type: 'LariatWarning' })
}

function reasonOf(error: unknown): string {
  try {
    if (error instanceof Error) return String(error.stack ?? error.message)
  } catch {
    // a Proxy, or a getter
  }
  return show(error)
}
