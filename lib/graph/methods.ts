import encodeUrl from 'encodeurl'
import type { Acceptors } from '../declare/answers.js'
import { accepts } from '../declare/plan.js'
import { onClose } from '../http/connection.js'
import { parseHttpDate, seconds } from '../http/date.js'
import { matchesStrongly } from '../http/etag.js'
import { parseRange } from '../http/range.js'
import { discard } from '../request/discard.js'
import { type Exchange, type Outcome, wrongAnswer } from '../request/exchange.js'
import { charsetOf } from '../respond.js'
import { type Body, isBody, toBytes } from '../values/body.js'
import { isNodeStream, isStream } from '../values/readable.js'
import { validate } from './conditional.js'

/** Questions of the method alone. */
export const ofMethod = {
  isPut: (method: string) => method === 'PUT',
  isPutToMissing: (method: string) => method === 'PUT',
  isPost: (method: string) => method === 'POST',
  isDelete: (method: string) => method === 'DELETE',
  isReplacement: (method: string) => method === 'PUT',
  isAccepting: (method: string) => method === 'POST' || method === 'PATCH',
  isReading: (method: string) => method === 'GET' || method === 'HEAD',
}

/** What is missing, and what each method does. */
export const questions = {
  isPut: ({ req }: Exchange) => ofMethod.isPut(req.method),

  previouslyExisted: (x: Exchange) =>
    x.ask('previouslyExisted', (existed) => {
      x.existed = existed
      return existed
    }),

  movedPermanently: (x: Exchange) => x.ask('movedPermanently', (uri) => uri !== false && locate(x, uri)),

  isPutToMissing: ({ req }: Exchange) => ofMethod.isPutToMissing(req.method),

  movedTemporarily: (x: Exchange) => x.ask('movedTemporarily', (uri) => uri !== false && locate(x, uri)),

  isPost: ({ req }: Exchange) => ofMethod.isPost(req.method),

  allowMissingPost: (x: Exchange) => x.ask('allowMissingPost', (allowed) => allowed),

  isGone: (x: Exchange) => x.existed,

  isDelete: ({ req }: Exchange) => ofMethod.isDelete(req.method),

  deleteResource: (x: Exchange) =>
    x.ask('deleteResource', (deleted) => {
      if (typeof deleted === 'boolean') return deleted
      keep(x, deleted.body)
      return true
    }),

  deleteCompleted: (x: Exchange) => x.ask('deleteCompleted', (completed) => completed),

  isReplacement: ({ req }: Exchange) => ofMethod.isReplacement(req.method),

  isConflict: (x: Exchange) => x.ask('isConflict', (conflicts) => conflicts),

  isAccepting: ({ req }: Exchange) => ofMethod.isAccepting(req.method),

  contentTypeAccepted: (x: Exchange) =>
    x.ask('contentTypesAccepted', (acceptors) => {
      const accepted = x.plan.accepted ?? accepts(acceptors as Acceptors<unknown> | undefined)
      const match = accepted.find((each) => each.matches(x.req.headers['content-type']))
      if (!match)
        return refuseType(
          x,
          accepted.map((each) => each.name),
        )
      x.acceptor = { name: match.name, take: match.acceptor }
      return true
    }),

  accept: (x: Exchange) => {
    const { name, take } = x.acceptor as NonNullable<Exchange['acceptor']>
    const label = `contentTypesAccepted['${name}']`
    return x.call(label, take, (value) => {
      if (typeof value === 'boolean') return value
      const loop = x.switchTo(value)
      if (loop) return loop
      if (!accepted(x, value)) {
        throw wrongAnswer(
          label,
          value,
          'true, false, { body }, { created: uri }, { seeOther: uri } or a format',
        )
      }
      return true
    })
  },

  isElsewhere: (x: Exchange) => x.isElsewhere,

  isCreated: (x: Exchange) =>
    x.isCreated || (!x.exists && (x.req.method === 'PUT' || x.res.hasHeader('Location'))),

  hasBody: (x: Exchange) => x.result !== undefined,

  isReading: ({ req }: Exchange) => ofMethod.isReading(req.method),

  provide: (x: Exchange) => {
    if (x.streams) return { kind: 'loop', format: x.streams } satisfies Outcome
    const { provider } = x
    return validate(x, () => {
      if (typeof provider !== 'function') return true
      const label = `contentTypesProvided['${x.negotiated.mediaType}']`
      return x.call(label, provider, (value) => {
        const loop = x.switchTo(value)
        if (loop) return loop
        if (!isBody(value)) {
          throw wrongAnswer(
            label,
            value,
            'a body (a string, bytes, a stream or a JSON value), a format, a list by once()',
          )
        }
        keep(x, value)
        return true
      })
    })
  },

  multipleChoices: (x: Exchange) => x.ask('multipleChoices', (several) => several),

  isPartial: (x: Exchange) => {
    const asked = x.req.headers.range
    if (asked === undefined || !x.cutsRanges || x.req.method !== 'GET' || !isCurrent(x)) return false
    if (x.result === undefined || isStream(x.result)) return false
    const bytes = toBytes(x.result, charsetOf(x, x.result))
    x.result = bytes
    x.ranges = parseRange(asked, bytes.length)
    return x.ranges !== undefined
  },

  isSatisfiable: (x: Exchange) => x.ranges !== undefined && x.ranges.length > 0,
}

/** Whether If-Range lets the range through: a strong etag, or a date, of what is there now (RFC 9110 13.1.5). */
function isCurrent({ req, validators }: Exchange): boolean {
  const asked = req.headers['if-range']
  if (asked === undefined) return true
  if (typeof asked !== 'string') return false
  const date = parseHttpDate(asked)
  if (date === undefined)
    return validators.ETag !== undefined && matchesStrongly(validators.ETag, asked.trim())
  return validators['Last-Modified'] !== undefined && seconds(new Date(validators['Last-Modified'])) === date
}

/** Takes what an accept callback answered; false for what it may not answer. */
function accepted(x: Exchange, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { body, created, seeOther } = value as { body?: Body; created?: unknown; seeOther?: unknown }
  if (body === undefined && created === undefined && seeOther === undefined) return false
  if (created !== undefined && seeOther !== undefined) return false
  if (body !== undefined && !isBody(body)) return false
  if (body !== undefined) keep(x, body)
  const uri = created ?? seeOther
  if (uri === undefined) return true
  x.isCreated = created !== undefined
  x.isElsewhere = created === undefined
  return (typeof uri === 'string' && uri !== '') || uri instanceof URL ? locate(x, uri) : false
}

/** The body of the answer; a stream is closed with the response, whatever answer that becomes. */
function keep(x: Exchange, body: Body): void {
  x.result = body
  if (!isStream(body)) return
  onClose(x.req, x.res, { closed: () => discard(body) })
  // one that fails before anybody reads it is told when it is read
  if (isNodeStream(body)) body.on('error', () => {})
}

function locate(x: Exchange, uri: string | URL): true {
  x.headers.Location = encodeUrl(String(uri))
  return true
}

/** Names the accepted types where the method has a field for it (RFC 9110 12.5.1, RFC 5789 2.2). */
function refuseType(x: Exchange, offered: readonly string[]): false {
  const names = offered.join(', ')
  x.headers[x.req.method === 'PATCH' ? 'Accept-Patch' : 'Accept'] = names
  x.offered = offered
  x.detail = 'The media type of the request body is not accepted here.'
  return false
}
