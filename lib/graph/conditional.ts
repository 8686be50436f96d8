// Decides whether the preconditions of a request hold (RFC 9110 13.2.2).
import { parseHttpDate, seconds } from '../http/date.js'
import { matchesStrongly, matchesWeakly, parseEtags, weakened } from '../http/etag.js'
import { linesOf } from '../http/field.js'
import { isRevalidated } from '../http/method.js'
import type { Awaitable } from '../promise.js'
import type { Exchange } from '../request/exchange.js'
import type { Answer } from '../request/outcome.js'
import { type Ask, question } from './question.js'

/** The callbacks whose answers let a client revalidate. */
export const validators = ['generateEtag', 'lastModified', 'expires'] as const

export const conditional = {
  ifMatchParses: question({
    answer: ({ req }) =>
      req.headers['if-match'] === undefined || parseEtags(req.headers['if-match']) !== undefined,
  }),

  ifMatch: question({
    asks: 'generateEtag',
    answer: (x, ask) => {
      const asked = x.req.headers['if-match']
      const etags = asked === undefined ? '*' : parseEtags(asked)
      if (etags === '*' || etags === undefined) return true
      return ask(x, 'generateEtag', (own) =>
        etags.some((etag) => own !== undefined && matchesStrongly(own, etag)),
      )
    },
  }),

  ifUnmodifiedSince: question({
    asks: 'lastModified',
    answer: (x, ask) => {
      const since = dateOf(x, 'if-unmodified-since')
      if (since === undefined || x.req.headers['if-match'] !== undefined) return true
      return ask(x, 'lastModified', (modified) => modified === undefined || seconds(modified) <= since)
    },
  }),

  ifNoneMatchParses: question({
    answer: (x) => {
      const asked = x.req.headers['if-none-match']
      return asked === undefined || hasNothingToRevalidate(x) || parseEtags(asked) !== undefined
    },
  }),

  ifNoneMatch: question({
    asks: 'generateEtag',
    answer: (x, ask) => {
      const asked = x.req.headers['if-none-match']
      const etags = asked === undefined || hasNothingToRevalidate(x) ? [] : parseEtags(asked)
      if (etags === '*') return false
      if (etags === undefined || etags.length === 0) return true
      return ask(
        x,
        'generateEtag',
        (own) => own === undefined || !etags.some((etag) => matchesWeakly(own, etag)),
      )
    },
  }),

  isRevalidation: question({
    also: validators,
    onlyFor: isRevalidated,
    isPassed: true,
    answer: (x, ask) => validate(x, ask, () => true),
  }),

  ifModifiedSince: question({
    asks: 'lastModified',
    also: validators,
    onlyFor: isRevalidated,
    otherwise: true,
    answer: (x, ask) => {
      if (hasNothingToRevalidate(x) || x.req.headers['if-none-match'] !== undefined) return true
      const since = dateOf(x, 'if-modified-since')
      if (since === undefined) return true
      return ask(x, 'lastModified', (modified) =>
        modified === undefined || seconds(modified) > since ? true : validate(x, ask, () => false),
      )
    },
  }),

  /** A precondition on a missing resource fails (RFC 9110 13.1.1). */
  ifMatchAbsent: question({ answer: ({ req }) => req.headers['if-match'] === undefined }),
}

/** Asks for the validators, keeps them for the answer, and continues. */
export function validate(
  x: Exchange,
  ask: Ask<(typeof validators)[number]>,
  then: () => Awaitable<Answer>,
): Awaitable<Answer> {
  return ask(x, 'generateEtag', (etag) =>
    ask(x, 'lastModified', (modified) =>
      ask(x, 'expires', (expires) => {
        const { draft } = x
        if (etag !== undefined) draft.validators.ETag = draft.isEncoded ? weakened(etag) : etag
        if (modified !== undefined) draft.validators['Last-Modified'] = modified.toUTCString()
        if (expires !== undefined)
          draft.validators.Expires = typeof expires === 'string' ? expires : expires.toUTCString()
        return then()
      }),
    ),
  )
}

/** A stream has no validators. */
function hasNothingToRevalidate(x: Exchange): boolean {
  return x.negotiated.chosen !== undefined && isRevalidated(x.req.method)
}

/** A field that stands twice has more than one member, and is ignored (RFC 9110 13.1.3, 13.1.4). */
function dateOf({ req }: Exchange, name: string): number | undefined {
  if (req.headers[name] === undefined) return undefined
  const [line, more] = linesOf(req, name)
  return line === undefined || more !== undefined ? undefined : parseHttpDate(line)
}
