import type { AnySpec } from '../declare/spec.js'
import { misuse, show } from '../errors.js'
import type { Format } from '../formats/format.js'
import { stillAllowed } from '../graph/access.js'
import { essenceOf, parseMediaType } from '../http/media-type.js'
import { discardList } from '../request/discard.js'
import { putHeaders, withCharset } from '../request/draft.js'
import type { Exchange } from '../request/exchange.js'
import type { Outcome } from '../request/outcome.js'
import { finishHead, respondStop } from '../respond.js'
import type { StopValue } from '../values/stop.js'
import { Loop } from './loop.js'
import type { Streams } from './open-streams.js'
import type { Handlers, Reply } from './reply.js'

type Held = Extract<Outcome, { kind: 'loop' }>
type Fail = (error: unknown) => void

/** Holds a response open: the head, then the loop. HEAD gets the head alone, and nobody is subscribed. */
export function hold(x: Exchange, outcome: Held, streams: Streams, fail: Fail): void {
  const { list } = outcome
  const handlers = handlersOf(x, list)
  if (x.req.method === 'HEAD') {
    if (list) discardList(list)
    setHead(x, outcome)
    x.res.statusCode = outcome.status ?? 200
    return finishHead(x)
  }
  if (x.hasLeft) {
    if (list) discardList(list)
    return
  }
  x.negotiated.chosen = outcome.format
  const client = clientOf(x)
  const refusal = streams.refusal(client ?? '', x.plan.stream)
  if (refusal) {
    if (list) discardList(list)
    x.draft.headers['Retry-After'] = String(streams.retryAfter)
    return fail(refusal)
  }
  new Loop(x, handlers, new HeldReply(x, outcome, client, streams, fail), streams).start()
}

/** How a loop meets its request. */
class HeldReply implements Reply {
  readonly #x: Exchange
  readonly #outcome: Held
  readonly #streams: Streams
  readonly #fail: Fail
  /** The head is set, though it may not be out. */
  #hasHead = false
  readonly type: string
  readonly client: string | undefined

  constructor(x: Exchange, outcome: Held, client: string | undefined, streams: Streams, fail: Fail) {
    this.#x = x
    this.#outcome = outcome
    this.#streams = streams
    this.#fail = fail
    this.client = client
    this.type = typeOf(x, outcome.format)
  }

  get format(): Format {
    return this.#outcome.format
  }

  get status(): number {
    return this.#outcome.status ?? 200
  }

  get recheck(): Reply['recheck'] {
    const { isAuthorized, forbidden, format } = this.#x.plan.spec as AnySpec & { format?: unknown }
    const asks = typeof isAuthorized === 'function' || typeof forbidden === 'function'
    return asks && format === undefined ? () => stillAllowed(this.#x) : undefined
  }

  head(): void {
    this.#hasHead = true
    setHead(this.#x, this.#outcome, this.type)
  }

  stop(stop: StopValue): void {
    try {
      respondStop(this.#x, stop, this.#fail)
    } catch (error) {
      this.#fail(error)
    }
  }

  fail(error: unknown): void {
    if (this.#hasHead) for (const name of ofStreams) this.#x.res.removeHeader(name)
    if (this.#streams.isClosing) this.#x.draft.headers['Retry-After'] = String(this.#streams.retryAfter)
    this.#fail(error)
  }
}

function handlersOf(x: Exchange, list: Held['list']): Handlers {
  if (list) return { subscribe: () => list }
  const { spec } = x.plan
  if (spec.subscribe) return spec as Handlers
  throw misuse(
    'LARIAT_ANSWER',
    'A callback returned a format, and the spec has no `subscribe` to feed the stream',
  )
}

let hasWarned = false

/**
 * Who a client is, as the spec sees it. Undefined where nobody asks for it yet: an address has to be fetched from
 * the system, and can be for as long as the client is there.
 */
function clientOf(x: Exchange): string | undefined {
  const { req } = x
  const { clientKey, maxStreamsPerClient } = x.plan.stream
  if (clientKey) {
    const key: unknown = clientKey(x.context)
    if (typeof key === 'string') return key
    throw misuse('LARIAT_ANSWER', `clientKey answered ${show(key)}: expected a string`)
  }
  if (!hasWarned && 'x-forwarded-for' in req.headers && !req.app?.get('trust proxy')) {
    hasWarned = true
    process.emitWarning(
      'X-Forwarded-For has come, and Express does not trust it: all clients of the proxy are one. ' +
        "Set app.set('trust proxy', …) to the proxies that are yours, or clientKey in the stream options.",
      { type: 'LariatWarning' },
    )
  }
  // when it has left, it cannot be asked any more
  return maxStreamsPerClient !== undefined || x.plan.spec.terminate ? (req.ip ?? '') : undefined
}

/** What is true of a stream alone. */
const ofStreams = [
  'Content-Type',
  'Content-Language',
  'Cache-Control',
  'X-Accel-Buffering',
  'Last-Event-ID',
  'Event-Gap',
]

/** What is true of a whole body alone. */
const ofWholes = ['etag', 'last-modified', 'expires', 'accept-ranges', 'content-length']

/** What every stream says, unless the resource said otherwise; nothing of it can be revalidated or cut. */
function setHead(x: Exchange, { format, headers = {} }: Held, type = typeOf(x, format)): void {
  const { res } = x
  x.draft.apply()
  for (const name of ofWholes) if (res.hasHeader(name)) res.removeHeader(name)
  res.setHeader('Content-Type', type)
  putHeaders(res, headers)
  if (x.negotiated.language !== undefined) res.setHeader('Content-Language', x.negotiated.language)
  if (!res.hasHeader('Cache-Control')) res.setHeader('Cache-Control', 'no-store, no-transform')
  if (!res.hasHeader('X-Accel-Buffering')) res.setHeader('X-Accel-Buffering', 'no')
}

/**
 * The media type of a stream: the one that was negotiated, with the parameters of the format's own (the
 * boundary of a multipart) where they are the same type. That of the format where nothing was negotiated, or
 * where an accept callback chose another.
 */
function typeOf(x: Exchange, format: Format): string {
  const { mediaType, charset } = x.negotiated
  if (mediaType === format.mediaType && charset === undefined) return mediaType as string
  const own = [format.mediaType].flat() as string[]
  if (mediaType === undefined) return own[0] as string
  const same = own.find((each) => essenceOf(each) === essenceOf(mediaType))
  if (!same && !x.isReading) return own[0] as string
  const type = same && !parseMediaType(mediaType)?.parameters.length ? same : mediaType
  // streams are UTF-8, whatever charset a body would have been in
  return charset === undefined ? type : withCharset(type, 'utf-8')
}
