import { inspect } from 'node:util'

/**
 * The codes of all errors that the library makes.
 *
 * - `LARIAT_SPEC`: a spec, table or option that was declared wrongly
 * - `LARIAT_ANSWER`: a callback answered with something it may not
 * - `LARIAT_THREW`: a callback threw what Express cannot take for an error; `cause` has it
 * - `LARIAT_DATA`: data that the format cannot put on the wire
 * - `LARIAT_REFUSED`: the request is refused; `status` says how
 * - `LARIAT_DEADLINE`: a callback did not settle within `decisionTimeout`
 * - `LARIAT_DOWN`: what the stream's data comes from was dead before the head
 * - `LARIAT_OVERFLOW`: a mailbox or queue went past its limit
 * - `LARIAT_GAP`: events were lost in the midst of a stream whose format cannot say so
 * - `LARIAT_SENT`: the head was sent before the endpoint was reached
 * - `LARIAT_BODY`: the request body was consumed by somebody who left nothing of it
 */
export type Code =
  | 'LARIAT_SPEC'
  | 'LARIAT_ANSWER'
  | 'LARIAT_THREW'
  | 'LARIAT_DATA'
  | 'LARIAT_REFUSED'
  | 'LARIAT_DEADLINE'
  | 'LARIAT_DOWN'
  | 'LARIAT_OVERFLOW'
  | 'LARIAT_GAP'
  | 'LARIAT_SENT'
  | 'LARIAT_BODY'

/**
 * An error with a code. What was written wrongly (`LARIAT_SPEC`, `LARIAT_ANSWER`, `LARIAT_DATA`) is a TypeError with
 * such a code instead.
 */
export class LariatError extends Error {
  constructor(
    readonly code: Code,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options)
  }

  override get name(): string {
    return 'LariatError'
  }
}

/** A request that is refused with a status of 400 and above: answered by a problem body. */
export class Refusal extends LariatError {
  constructor(
    readonly status: number,
    /** What the client is told. */
    readonly detail: string,
    code: Code = 'LARIAT_REFUSED',
    message = detail,
  ) {
    super(code, message)
  }
}

/** A TypeError with a code: something was written wrongly. */
export function misuse(code: Code, message: string, options?: ErrorOptions): TypeError & { code: Code } {
  return Object.assign(new TypeError(message, options), { code })
}

/** A value in an error's words: short, on one line. */
export function show(value: unknown): string {
  const text = inspect(value, {
    depth: 0,
    breakLength: Infinity,
    maxStringLength: 60,
    maxArrayLength: 4,
    customInspect: false,
  })
  return text.length > 120 ? `${text.slice(0, 117)}...` : text
}

/** Tells the process of an error that no caller is left to take: a Node warning, which ends nothing. */
export function report(what: string, error: unknown): void {
  const reason = error instanceof Error ? (error.stack ?? error.message) : show(error)
  process.emitWarning(`${what}: ${reason}`, { type: 'LariatWarning' })
}
