// What ends a client for good: an answer that no further attempt would change.

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

  constructor(message: string, cause?: unknown, details?: object) {
    super(message, { cause })
    Object.assign(this, details)
  }
}

/** Seconds, by the Retry-After field: a number, or a date (RFC 9110 10.2.3). */
export function retryAfterOf({ headers }: Response): number | undefined {
  const field = headers.get('retry-after') ?? ''
  const seconds = field.trim() === '' ? Number.NaN : Number(field)
  const after = Number.isNaN(seconds) ? (Date.parse(field) - Date.now()) / 1000 : seconds
  return after >= 0 ? after : undefined
}

/** The error of an answer that is none to follow. */
export async function refused(response: Response, why?: string): Promise<FollowError> {
  const { status, statusText, headers, url } = response
  const isJson = /[/+]json/i.test(headers.get('content-type') ?? '')
  const problem: Problem | undefined = isJson
    ? Object(await response.json().catch(() => undefined))
    : undefined
  if (!isJson) discard(response)
  const { title = statusText, detail } = problem ?? {}
  const retryAfter = retryAfterOf(response)
  const said = why ?? detail ?? title
  return new FollowError(`${url} answered ${status}: ${said}`, undefined, {
    status,
    title,
    detail,
    retryAfter,
    problem,
  })
}

/** Lets go of an answer that is not read. */
export function discard({ body }: Response): void {
  body?.cancel().catch(() => {})
}
