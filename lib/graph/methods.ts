// Decides the answer for a missing resource, and the effect of each method.
import encodeUrl from 'encodeurl'
import { clock } from '../clock.js'
import { type Accepts, accepts, isWithin } from '../declare/media-types.js'
import { onClose } from '../http/connection.js'
import { contentTypeOf } from '../http/content-type.js'
import { parseHttpDate, seconds } from '../http/date.js'
import { matchesStrongly } from '../http/etag.js'
import { isReading } from '../http/method.js'
import { parseRange } from '../http/range.js'
import { type Awaitable, isPromise } from '../promise.js'
import { call, switchTo, wrongAnswer } from '../request/callback.js'
import { discard, discardList } from '../request/discard.js'
import type { Exchange } from '../request/exchange.js'
import type { Answer, Held } from '../request/outcome.js'
import { type Body, isBody, sizeOf, toWhole } from '../values/body.js'
import { isNodeStream, isStream } from '../values/readable.js'
import { listQueries } from './access.js'
import { validate, validators } from './conditional.js'
import { type Ask, byCallback, flag, isMethod, question } from './question.js'

const isPut = (method: string) => method === 'PUT'
const isQuery = (method: string) => method === 'QUERY'
const accepting: readonly string[] = ['POST', 'PATCH', 'QUERY']

export const methods = {
  isPut: isMethod(isPut),

  previouslyExisted: byCallback(
    'previouslyExisted',
    (existed, x) => {
      x.existed = existed
      return existed
    },
    { byDefault: false },
  ),

  movedPermanently: byCallback('movedPermanently', (uri, x) => uri !== false && locate(x, uri), {
    byDefault: false,
  }),

  isPutToMissing: isMethod(isPut),

  movedTemporarily: byCallback('movedTemporarily', (uri, x) => uri !== false && locate(x, uri), {
    byDefault: false,
  }),

  isPost: isMethod((method) => method === 'POST'),

  allowMissingPost: flag('allowMissingPost'),

  isGone: question({ answer: (x) => x.existed }),

  isDelete: isMethod((method) => method === 'DELETE'),

  deleteResource: byCallback(
    'deleteResource',
    (deleted, x) => {
      if (typeof deleted === 'boolean') return deleted
      keep(x, deleted.body)
      return true
    },
    { byDefault: false },
  ),

  deleteCompleted: flag('deleteCompleted'),

  isReplacement: isMethod(isPut),

  isConflict: flag('isConflict'),

  isAccepting: isMethod((method) => accepting.includes(method)),

  /** A query is meaningless without its type (RFC 10008 2.1). */
  isUntypedQuery: question({
    onlyFor: isQuery,
    answer: ({ req, draft }) => {
      if (req.headers['content-type'] !== undefined) return false
      draft.detail = 'A QUERY needs a Content-Type.'
      return true
    },
  }),

  contentTypeAccepted: byCallback(
    'contentTypesAccepted',
    (acceptors, x) => {
      const accepted = x.plan.accepted ?? accepts(acceptors)
      const sent = contentTypeOf(x.req)
      const match = sent && accepted.find(({ range }) => isWithin(sent, range))
      if (!match) return notAccepted(x, accepted)
      x.acceptor = { name: match.name, take: match.acceptor }
      return true
    },
    { choice: (x) => x.acceptor?.name },
  ),

  accept: question({
    also: ['headers'],
    answer: (x, ask) => {
      const { name, take } = x.acceptor as NonNullable<Exchange['acceptor']>
      const label = `contentTypesAccepted['${name}']`
      return call(x, label, take, (value) => {
        if (typeof value === 'boolean') return value
        const loop = switchTo(value)
        if (loop) return held(x, ask, { ...loop, isAccepted: true })
        if (keepAccepted(x, value)) return true
        const expected = isQuery(x.req.method)
          ? 'true, false, { body }, { seeOther: uri } or a format: a QUERY is safe, it creates nothing'
          : 'true, false, { body }, { created: uri }, { seeOther: uri } or a format'
        throw wrongAnswer(label, value, expected)
      })
    },
  }),

  isElsewhere: question({ answer: (x) => x.draft.isElsewhere }),

  isCreated: question({
    answer: (x) =>
      x.draft.isCreated || (!x.exists && (x.req.method === 'PUT' || x.res.hasHeader('Location'))),
  }),

  hasBody: question({ answer: (x) => x.draft.body !== undefined }),

  isQuery: isMethod(isQuery),

  isReading: isMethod(isReading),

  provide: question({
    also: [...validators, 'headers'],
    isPassed: true,
    answer: (x, ask) => {
      const { chosen } = x.negotiated
      if (chosen) return held(x, ask, switchTo(chosen) as Held)
      const { provider } = x
      return validate(x, ask, () => {
        if (typeof provider !== 'function') return true
        const label = `contentTypesProvided['${x.negotiated.mediaType}']`
        return call(x, label, provider, (value) => {
          const loop = switchTo(value)
          if (loop) return held(x, ask, loop)
          if (!isBody(value)) {
            const bodies = 'a body (a string, bytes, a stream or a JSON value)'
            throw wrongAnswer(label, value, `${bodies}, a format, a list by once()`)
          }
          keep(x, value)
          return true
        })
      })
    },
  }),

  multipleChoices: flag('multipleChoices'),

  isPartial: question({
    answer: (x) => {
      const { draft, req } = x
      const { body } = draft
      const asked = req.headers.range
      if (asked === undefined || !draft.cutsRanges || req.method !== 'GET' || !isCurrent(x)) return false
      if (body === undefined || isStream(body)) return false
      draft.body = toWhole(body, draft.charsetOf(body))
      draft.ranges = parseRange(asked, sizeOf(draft.body) as number)
      return draft.ranges !== undefined
    },
  }),

  isSatisfiable: question({ answer: ({ draft }) => draft.ranges !== undefined && draft.ranges.length > 0 }),
}

/**
 * Whether If-Range lets the range through: a strong etag, or a date, of the current representation (RFC 9110 13.1.5). A
 * date that is less than a second old is no strong validator (8.8.2.2): the representation may change again within it.
 */
function isCurrent({ req, draft }: Exchange): boolean {
  const asked = req.headers['if-range']
  if (asked === undefined) return true
  if (typeof asked !== 'string') return false
  const { ETag, 'Last-Modified': modified } = draft.validators
  const date = parseHttpDate(asked)
  if (date === undefined) return ETag !== undefined && matchesStrongly(ETag, asked.trim())
  return (
    modified !== undefined && seconds(new Date(modified)) === date && date < Math.floor(clock.date() / 1000)
  )
}

/** Keeps the answer of an accept callback. Returns false for an answer that it may not give. */
function keepAccepted(x: Exchange, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { body, created, seeOther } = value as { body?: Body; created?: unknown; seeOther?: unknown }
  if (body === undefined && created === undefined && seeOther === undefined) return false
  if (created !== undefined && (seeOther !== undefined || isQuery(x.req.method))) return false
  if (body !== undefined && !isBody(body)) return false
  if (body !== undefined) keep(x, body)
  const uri = created ?? seeOther
  if (uri === undefined) return true
  x.draft.isCreated = created !== undefined
  x.draft.isElsewhere = created === undefined
  return (typeof uri === 'string' && uri !== '') || uri instanceof URL ? locate(x, uri) : false
}

/** Asks for the headers of a stream. A list that is not streamed after all is closed. */
function held(x: Exchange, ask: Ask<'headers'>, loop: Held): Awaitable<Answer> {
  x.negotiated.chosen = loop.format
  if (x.plan.spec.headers === undefined) return loop
  const close = () => {
    if (loop.list) discardList(loop.list)
  }
  const done = (answer: unknown) => {
    if ((answer as Held).kind !== 'loop') close()
    return answer as Answer
  }
  const failed = (error: unknown): never => {
    close()
    throw error
  }
  try {
    const answer = ask(x, 'headers', (headers) => ({ ...loop, headers }))
    return isPromise(answer) ? answer.then(done, failed) : done(answer)
  } catch (error) {
    return failed(error)
  }
}

/** Keeps the body of the answer. A stream is closed with the response, even if another answer is sent. */
function keep(x: Exchange, body: Body): void {
  x.draft.body = body
  if (!isStream(body)) return
  onClose(x.req, x.res, { closed: () => discard(body) })
  // prevents an early 'error' from crashing; it is reported when the stream is read
  if (isNodeStream(body)) body.on('error', () => {})
}

function locate({ draft }: Exchange, uri: string | URL): true {
  draft.headers.Location = encodeUrl(String(uri))
  return true
}

/** Lists the accepted types, also in a field: Accept-Patch (RFC 5789 2.2), Accept-Query, or Accept (RFC 9110 12.5.1). */
function notAccepted(x: Exchange, accepted: readonly Accepts[]): false {
  const { draft, req } = x
  const offered = accepted.map(({ name }) => name)
  if (isQuery(req.method)) listQueries(x, accepted)
  else draft.headers[req.method === 'PATCH' ? 'Accept-Patch' : 'Accept'] = offered.join(', ')
  draft.offered = offered
  draft.detail = 'The media type of the request body is not accepted here.'
  return false
}
