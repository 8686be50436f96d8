// What ends a client for good: an answer that no further attempt would change.
import { time } from './time.js'

/** What was answered, and what its body is read with. */
export interface Answer {
  readonly response: Response
  readonly body: ReadableStreamDefaultReader<Uint8Array> | undefined
}

/** The members of a problem body (RFC 9457), or of any other JSON object. */
export interface Problem {
  readonly type?: string
  readonly title?: string
  readonly detail?: string
  readonly [member: string]: unknown
}

/** Why there will be no further attempt. An iteration throws it. */
export class FollowError extends Error {
  override readonly name = 'FollowError'
  /** Of the answer; undefined if there was none. */
  declare readonly status?: number
  /** The title of the problem body, or what the status is called. */
  declare readonly title?: string
  declare readonly detail?: string
  /** Seconds, by the answer's Retry-After. */
  declare readonly retryAfter?: number
  /** The body of the answer, if it is a JSON object. */
  declare readonly problem?: Problem

  constructor(message: string, details?: { readonly cause?: unknown; readonly [member: string]: unknown }) {
    super(message, details)
    Object.assign(this, details)
  }
}

/** Seconds, by the Retry-After field: a number, or a date (RFC 9110 10.2.3). */
export function retryAfterOf({ headers }: Response): number | undefined {
  const field = headers.get('retry-after') ?? ''
  const seconds = /^\d+$/.test(field) ? +field : (Date.parse(field) - time.now()) / 1000
  return seconds >= 0 ? seconds : undefined
}

/** The body of an answer that is none to follow, if it is a JSON object. */
export async function problemOf({ response, body }: Answer): Promise<Problem | undefined> {
  if (!/[/+]json/i.test(typeOf(response))) return
  body?.releaseLock()
  return Object(await response.json())
}

/** The error of an answer that is none to follow. */
export function refused(response: Response, problem: Problem | undefined): FollowError {
  const { ok, status, statusText, url } = response
  const { title = statusText, detail } = problem ?? {}
  const why = ok
    ? `its Content-Type is ${typeOf(response) || 'missing'}, which is not read`
    : (detail ?? title)
  return new FollowError(`${url} answered ${status}: ${why}`, {
    status,
    title,
    detail,
    retryAfter: retryAfterOf(response),
    problem,
  })
}

export const typeOf = ({ headers }: Response): string => headers.get('content-type') ?? ''
