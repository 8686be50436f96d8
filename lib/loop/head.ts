// Sets the head of a held response: its headers and media type. Retracts them if another answer is sent.
import type { AnySpec } from '../declare/spec.js'
import { Refusal } from '../errors.js'
import { type Format, mediaTypesOf } from '../formats/format.js'
import { stillAllowed } from '../graph/access.js'
import { quietly } from '../guard.js'
import { removeFields } from '../http/field.js'
import { essenceOf, parseMediaType } from '../http/media-type.js'
import type { Subscription } from '../hub/subscription.js'
import { putHeaders, withCharset } from '../request/draft.js'
import type { Exchange } from '../request/exchange.js'
import type { Fail, Held } from '../request/outcome.js'
import { finishHead, respondStop } from '../respond.js'
import type { StopValue } from '../values/stop.js'
import { tellsGaps } from '../wire/fixed.js'
import type { Outlet } from '../wire/outlet.js'
import { resumeFrom } from './last-event-id.js'
import { Lease, type Lessee, type Recheck } from './lease.js'
import type { OpenStreams } from './open-streams.js'

/** The most bytes that a head may hold back: a stream that does not come from a feed must not wait long. */
const mostHeld = 2 ** 14

/** A head that is not out yet. */
export class Head {
  readonly #x: Exchange
  readonly #held: Held
  readonly #streams: OpenStreams
  readonly #fail: Fail
  /** The headers are on the response. */
  #isSet = false
  /** The Cache-Control of an answer that is no stream. */
  readonly #cacheControl: ReturnType<Exchange['res']['getHeader']>
  /** The media type that is streamed. */
  readonly type: string

  constructor(x: Exchange, held: Held, streams: OpenStreams, fail: Fail) {
    this.#x = x
    this.#held = held
    this.#streams = streams
    this.#fail = fail
    this.type = typeOf(x, held)
    this.#cacheControl = x.res.getHeader('Cache-Control')
  }

  get format(): Format {
    return this.#held.format
  }

  get status(): number {
    return this.#held.status
  }

  /** It goes out with the first event: what fails before that is an ordinary error. */
  get waitsForEvent(): boolean {
    return this.#held.list !== undefined || this.#x.plan.stream.head === 'first'
  }

  /** How long the stream may be held. Throws what `maxDuration` throws. */
  lease(lessee: Lessee): Lease | undefined {
    return Lease.of(this.#x, this.#recheck, lessee)
  }

  /** Asks again whether the client may have the stream; undefined if no callback decides that. */
  get #recheck(): Recheck | undefined {
    const { isAuthorized, forbidden, format } = this.#x.plan.spec as AnySpec & { format?: unknown }
    const canAsk = typeof isAuthorized === 'function' || typeof forbidden === 'function'
    return canAsk && format === undefined ? () => stillAllowed(this.#x) : undefined
  }

  /**
   * Whether the head must wait for the feed: the client reconnects, and its format cannot report a gap. The head waits
   * while a feed is near: while `subscribe` runs, and while the backend of its feed is asked. It also waits if `subscribe`
   * is known to write before it returns a feed.
   */
  waits(outlet: Outlet, isFeedNear = false): boolean {
    if (!isFeedNear && !this.#streams.headsWait) return false
    if (outlet.heldBytes > mostHeld) return false
    return resumeFrom(this.#x.req) !== undefined && !tellsGaps(this.format)
  }

  /** Sets the headers on the response, with those that a channel adds. */
  set(more: Readonly<Record<string, string>> = {}): void {
    this.#isSet = true
    setHead(this.#x, this.#held, this.type)
    for (const name in more) this.#x.res.setHeader(name, more[name] as string)
  }

  /** Sends the head of a stream, with the place where its client begins. */
  send(outlet: Outlet, subscription: Subscription | undefined): void {
    this.set(subscription?.head())
    const place = subscription?.takeFirstPlace()
    outlet.open(this.status, place === undefined ? undefined : outlet.placeNotice(place))
  }

  /** The answer to HEAD: the head alone. */
  finish(): void {
    try {
      this.set()
      this.#x.res.statusCode = this.status
      finishHead(this.#x)
    } catch (error) {
      this.fail(error)
    }
  }

  /** Answers with a stop instead of the stream. */
  stop(stop: StopValue): void {
    respondStop(this.#x, stop, this.#fail)
  }

  /** Answers with an error instead of the stream. */
  fail(error: unknown): void {
    if (this.#isSet) quietly(() => this.#retract())
    // a source that is gone may be back
    const isPassing =
      this.#streams.isClosing || (error as { code?: unknown } | undefined)?.code === 'LARIAT_DOWN'
    if (error instanceof Refusal && isPassing) error.retryAfter = this.#streams.retryAfter
    this.#fail(error)
  }

  /** Removes the headers of the stream, unless other middleware had set them. */
  #retract(): void {
    const { res } = this.#x
    removeFields(res, ofStreams)
    if (this.#cacheControl !== undefined) res.setHeader('Cache-Control', this.#cacheControl)
  }
}

/** Headers that describe only a stream. */
const ofStreams = [
  'Content-Type',
  'Content-Language',
  'Cache-Control',
  'X-Accel-Buffering',
  'Transfer-Encoding',
  'Last-Event-ID',
  'Event-Gap',
]

/** Headers that describe only a complete body. */
const ofWholes = ['etag', 'last-modified', 'expires', 'accept-ranges', 'content-length']

/** Sets the headers of every stream, unless the resource set its own. A stream has no validators, ranges or length. */
function setHead(x: Exchange, { headers = {} }: Held, type: string): void {
  const { res } = x
  x.draft.apply()
  removeFields(res, ofWholes)
  res.setHeader('Content-Type', type)
  putHeaders(res, headers)
  if (x.negotiated.language !== undefined) res.setHeader('Content-Language', x.negotiated.language)
  if (!res.hasHeader('Cache-Control')) res.setHeader('Cache-Control', 'no-store, no-transform')
  if (!res.hasHeader('X-Accel-Buffering')) res.setHeader('X-Accel-Buffering', 'no')
}

/**
 * The media type of a stream: the negotiated one, with the format's parameters (such as a multipart boundary) if both
 * are the same type. The format's own if nothing was negotiated, or if an accept callback chose another format.
 */
function typeOf(x: Exchange, { format, isAccepted = false }: Held): string {
  const { mediaType, charset } = x.negotiated
  if (mediaType === format.mediaType && charset === undefined) return mediaType as string
  const own = mediaTypesOf(format)
  if (mediaType === undefined) return own[0]
  const same = own.find((each) => essenceOf(each) === essenceOf(mediaType))
  if (!same && isAccepted) return own[0]
  const type = same && !parseMediaType(mediaType)?.parameters.length ? same : mediaType
  // streams are always UTF-8, even if a body would have another charset
  return charset === undefined ? type : withCharset(type, 'utf-8')
}
