// The head of a held response: its headers, its media type, and how it is taken back for another answer.
import type { AnySpec } from '../declare/spec.js'
import type { Format } from '../formats/format.js'
import { stillAllowed } from '../graph/access.js'
import { essenceOf, parseMediaType } from '../http/media-type.js'
import { putHeaders, withCharset } from '../request/draft.js'
import type { Exchange } from '../request/exchange.js'
import type { Outcome } from '../request/outcome.js'
import { finishHead, respondStop } from '../respond.js'
import type { StopValue } from '../values/stop.js'
import { tellsGaps } from '../wire/fixed.js'
import type { Outlet } from '../wire/outlet.js'
import { lastEventIdOf } from './last-event-id.js'
import type { Recheck } from './lease.js'
import type { OpenStreams } from './open-streams.js'

/** An outcome that holds the response open. */
export type Held = Extract<Outcome, { kind: 'loop' }>
export type Fail = (error: unknown) => void

/** The most bytes that a head may hold back: a stream that does not come from a feed flows at once. */
const mostHeld = 2 ** 14

/** A head that is not out yet. It is let go once it is. */
export class Head {
  readonly #x: Exchange
  readonly #held: Held
  readonly #streams: OpenStreams
  readonly #fail: Fail
  /** The headers are on the response. */
  #isSet = false
  /** The media type that is streamed. */
  readonly type: string

  constructor(x: Exchange, held: Held, streams: OpenStreams, fail: Fail) {
    this.#x = x
    this.#held = held
    this.#streams = streams
    this.#fail = fail
    this.type = typeOf(x, held.format)
  }

  get format(): Format {
    return this.#held.format
  }

  get status(): number {
    return this.#held.status ?? 200
  }

  /** Asks again whether the client may have the stream; undefined where no callback of the spec says so. */
  get recheck(): Recheck | undefined {
    const { isAuthorized, forbidden, format } = this.#x.plan.spec as AnySpec & { format?: unknown }
    const canAsk = typeof isAuthorized === 'function' || typeof forbidden === 'function'
    return canAsk && format === undefined ? () => stillAllowed(this.#x) : undefined
  }

  /**
   * A client that comes back is told of a gap by the head, where its format cannot say so: the head waits for the feed
   * that `subscribe` returns, as long as that runs, or if it is known to write before it returns a feed.
   */
  waits(outlet: Outlet, isCalling = false): boolean {
    if (!isCalling && !this.#streams.headsWait) return false
    if (outlet.heldBytes > mostHeld) return false
    return Boolean(lastEventIdOf(this.#x.req)) && !tellsGaps(this.format)
  }

  /** Puts the headers onto the response, with those that a channel adds. */
  set(more: Readonly<Record<string, string>> = {}): void {
    this.#isSet = true
    setHead(this.#x, this.#held, this.type)
    for (const name in more) this.#x.res.setHeader(name, more[name] as string)
  }

  /** The answer to HEAD: the head alone. */
  finish(): void {
    this.set()
    this.#x.res.statusCode = this.status
    finishHead(this.#x)
  }

  /** Answers with a stop instead. */
  stop(stop: StopValue): void {
    try {
      respondStop(this.#x, stop, this.#fail)
    } catch (error) {
      this.#fail(error)
    }
  }

  /** Answers with an error instead, which may be a refusal. */
  fail(error: unknown): void {
    if (this.#isSet) for (const name of ofStreams) this.#x.res.removeHeader(name)
    if (this.#streams.isClosing) this.#x.draft.headers['Retry-After'] = String(this.#streams.retryAfter)
    this.#fail(error)
  }
}

/** Headers that are true of a stream alone. */
const ofStreams = [
  'Content-Type',
  'Content-Language',
  'Cache-Control',
  'X-Accel-Buffering',
  'Last-Event-ID',
  'Event-Gap',
]

/** Headers that are true of a whole body alone. */
const ofWholes = ['etag', 'last-modified', 'expires', 'accept-ranges', 'content-length']

/** The headers of every stream, unless the resource set its own; nothing of a stream can be revalidated or cut. */
function setHead(x: Exchange, { headers = {} }: Held, type: string): void {
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
 * The media type of a stream: the negotiated one, with the parameters of the format's own (the boundary of a
 * multipart) where they are the same type. That of the format where nothing was negotiated, or where an accept
 * callback chose another.
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
