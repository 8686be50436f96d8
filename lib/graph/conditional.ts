import { parseHttpDate, seconds } from '../http/date.js'
import { matchesStrongly, matchesWeakly, parseEtags, weakened } from '../http/etag.js'
import type { Awaitable } from '../promise.js'
import type { Answer, Exchange } from '../request/exchange.js'

/** Preconditions (RFC 9110 13.2.2): is what the client has, or believes to be there, still so? */
export const questions = {
  ifMatchParses: ({ req }: Exchange) =>
    req.headers['if-match'] === undefined || parseEtags(req.headers['if-match']) !== undefined,

  ifMatch: (x: Exchange) => {
    const asked = x.req.headers['if-match']
    const etags = asked === undefined ? '*' : parseEtags(asked)
    if (etags === '*' || etags === undefined) return true
    return x.ask('generateEtag', (own) =>
      etags.some((etag) => own !== undefined && matchesStrongly(own, etag)),
    )
  },

  ifUnmodifiedSince: (x: Exchange) => {
    const since = dateOf(x.req.headers['if-unmodified-since'])
    if (since === undefined || x.req.headers['if-match'] !== undefined) return true
    return x.ask('lastModified', (modified) => modified === undefined || seconds(modified) <= since)
  },

  ifNoneMatchParses: (x: Exchange) => {
    const asked = x.req.headers['if-none-match']
    return asked === undefined || hasNothingToRevalidate(x) || parseEtags(asked) !== undefined
  },

  ifNoneMatch: (x: Exchange) => {
    const asked = x.req.headers['if-none-match']
    const etags = asked === undefined || hasNothingToRevalidate(x) ? [] : parseEtags(asked)
    if (etags === '*') return false
    if (etags === undefined || etags.length === 0) return true
    return x.ask(
      'generateEtag',
      (own) => own === undefined || !etags.some((etag) => matchesWeakly(own, etag)),
    )
  },

  isRevalidation: (x: Exchange) => isReading(x) && validate(x, () => true),

  ifModifiedSince: (x: Exchange) => {
    if (!isReading(x) || hasNothingToRevalidate(x) || x.req.headers['if-none-match'] !== undefined)
      return true
    const since = dateOf(x.req.headers['if-modified-since'])
    if (since === undefined) return true
    return x.ask('lastModified', (modified) =>
      modified === undefined || seconds(modified) > since ? true : validate(x, () => false),
    )
  },

  /** A condition on what is not there: it fails where a success would have come of it. */
  ifMatchAbsent: ({ req }: Exchange) => req.headers['if-match'] === undefined,
}

/** Asks for what a client can revalidate by, then goes on. */
export function validate(x: Exchange, then: () => Awaitable<Answer>): Awaitable<Answer> {
  return x.ask('generateEtag', (etag) =>
    x.ask('lastModified', (modified) =>
      x.ask('expires', (expires) => {
        if (etag !== undefined) x.validators.ETag = x.isEncoded ? weakened(etag) : etag
        if (modified !== undefined) x.validators['Last-Modified'] = modified.toUTCString()
        if (expires !== undefined)
          x.validators.Expires = typeof expires === 'string' ? expires : expires.toUTCString()
        return then()
      }),
    ),
  )
}

export function isReading({ req }: Exchange): boolean {
  return req.method === 'GET' || req.method === 'HEAD'
}

/** A stream is never the same twice. */
function hasNothingToRevalidate(x: Exchange): boolean {
  return x.streams !== undefined && isReading(x)
}

function dateOf(header: string | undefined): number | undefined {
  return header === undefined ? undefined : parseHttpDate(header)
}
