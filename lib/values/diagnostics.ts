// Defines the messages of the diagnostics channels, and tells those of streams. Nothing is kept or measured of a stream while
// nobody listens.

import { clock } from '../clock.js'
import { channels, isWatched } from '../diagnostics.js'
import { report } from '../errors.js'
import { safely } from '../guard.js'
import { apart } from '../scope.js'
import { setImmediate } from '../turn.js'
import type { GapDetails, Hub } from './feed.js'
import { inside, type WithStream } from './inside.js'
import type { OpenStream, Reason } from './open-stream.js'

/** The stream that a message is about, and its labels: both have few values. */
export interface OfStream {
  /** What `resource` or `loop` returned; for the spec of a table, the endpoint that was made of it. */
  readonly endpoint: object
  /** Read what you need of it at once: some of it, such as its `state`, is let go when the stream has ended. */
  readonly stream: OpenStream
  /** The key of its table, or the pattern of its mount. */
  readonly route: string
  /** The media type. */
  readonly format: string
}

/** `express-lariat:open`: the head of a stream is out. */
export interface StreamOpened extends OfStream {
  /** Milliseconds from the end of the decisions to the head: `subscribe`, and the search for the client's place. */
  readonly msToHead: number
}

/** `express-lariat:first`: the first event of a stream was handed to the response. A notice is no event. */
export interface StreamBegun extends OfStream {
  /** Milliseconds from the end of the decisions. */
  readonly msToFirst: number
}

/** `express-lariat:end`: a stream has ended, whatever ended it. `terminate` is called later, if at all. */
export interface StreamEnded extends OfStream {
  /** As `terminate` gets it. */
  readonly reason: Reason
  /**
   * The head was out, so that there was an `open`. If not, the client got another answer in the place of the stream, such
   * as an error or a `stop()`; or it had left.
   */
  readonly wasOpen: boolean
  /** Undefined without a head, and for a stream that is older than the first listener. */
  readonly msToHead: number | undefined
  /** Undefined without an event, and for a stream that is older than the first listener. */
  readonly msToFirst: number | undefined
  /** Milliseconds from the end of the decisions. */
  readonly life: number
  /** Events and bytes that were handed to the response. */
  readonly events: number
  readonly bytes: number
  /** Events that the client has not received because it is slow. */
  readonly dropped: number
}

/** `express-lariat:overflow`: events were dropped since the client is slow. One message for each stream and turn. */
export interface StreamOverflowed extends OfStream {
  /** Events dropped since the last message: the sum over all messages of a stream is its `dropped`. */
  readonly dropped: number
}

/** `express-lariat:resume`: the place of a client in a feed is known, or was lost in mid-stream. */
export interface StreamResumed extends OfStream {
  /** The id that the client sent, `earliest` among them; after a gap in mid-stream, the last id before it. */
  readonly requested: string | undefined
  /**
   * `live`: a client without an id, that gets what is published from now on. `earliest`: all that is retained. `found`:
   * everything after its id, or after the place that `feed.from` names. `trimmed` and `unknown`: there is a gap.
   */
  readonly outcome: 'live' | 'earliest' | 'found' | GapDetails['reason']
  /** The channel that has the gap, of several that are merged: one message for each gap. */
  readonly channel: string | undefined
  /** The spec's `snapshot` was asked for the whole. */
  readonly snapshot: boolean
  /** The gap is in mid-stream: a backend was lost and came back, or retained events went while a slow client read them. */
  readonly isMidStream: boolean
  /** Milliseconds that the search for the place, and the snapshot, have taken. */
  readonly ms: number
}

/** `express-lariat:publish`: what became of a `publish`. */
export interface Publication {
  readonly hub: Hub
  /** The name of the channel. */
  readonly channel: string
  /**
   * `confirmed`: the event has an id. `duplicate`: its key is that of an earlier event, and nothing was appended, as far
   * as the backend says so. `refused`: the event will never come. `uncertain`: nobody knows.
   */
  readonly outcome: 'confirmed' | 'duplicate' | 'refused' | 'uncertain'
  /** Milliseconds until the outcome was known. */
  readonly ms: number
  /** Of a confirmed event, or of the earlier one. */
  readonly id: string | undefined
  /** What the publish was rejected with. */
  readonly error: unknown
}

/** `express-lariat:delivery`: events of a channel were handed to the last stream that shares them. */
export interface Delivered {
  readonly hub: Hub
  /** The name of the channel. */
  readonly channel: string
  /** How many got them by the same write, or into their mailboxes. */
  readonly streams: number
  readonly events: number
  /**
   * Milliseconds since the first of them was appended: by the clock of this process, where it was published here in memory;
   * else by that of the store.
   */
  readonly ms: number
}

/** `express-lariat:backend`: the store of a hub is lost, or back. */
export interface BackendTurn {
  readonly hub: Hub
  readonly state: 'down' | 'up'
}

/** What is known of a stream since there was a listener. */
interface Life {
  readonly since: number
  route: string | undefined
  msToHead: number | undefined
  msToFirst: number | undefined
  isOver: boolean
}

const lives = new WeakMap<OpenStream, Life>()

/** Shows its stream on demand: most streams are never looked at. */
export interface Streaming {
  readonly stream: OpenStream
  readonly plan: { readonly owner: { readonly isHidden: boolean } }
}

/** Whether anybody is told what becomes of a stream. */
function isTold({ plan }: Streaming): boolean {
  return isWatched() && !plan.owner.isHidden
}

// ---- streams

/** The loop of a stream starts. */
export function started(streaming: Streaming): void {
  if (isTold(streaming)) tell(() => lifeOf(streaming.stream, clock.now()))
}

/** The head of a stream is out. */
export function opened(streaming: Streaming): void {
  if (isTold(streaming)) tell(() => tellOpen(streaming.stream))
}

function tellOpen(stream: OpenStream): void {
  const life = lifeOf(stream)
  life.msToHead = sinceStart(life)
  channels.open.publish({ ...labelsOf(stream), msToHead: life.msToHead } satisfies StreamOpened)
}

/** A stream has handed its first event to the response. */
export function begun(streaming: Streaming): void {
  if (isTold(streaming)) tell(() => tellFirst(streaming.stream))
}

function tellFirst(stream: OpenStream): void {
  const life = lifeOf(stream)
  if (life.isOver || life.msToFirst !== undefined) return
  life.msToFirst = sinceStart(life)
  channels.first.publish({ ...labelsOf(stream), msToFirst: life.msToFirst } satisfies StreamBegun)
}

/** A stream has ended. */
export function ended(streaming: Streaming, reason: Reason, wasOpen: boolean): void {
  if (channels.overflow.hasSubscribers) tell(() => tellDropped(streaming.stream))
  if (isTold(streaming)) tell(() => tellEnd(streaming.stream, reason, wasOpen))
}

function tellEnd(stream: OpenStream, reason: Reason, wasOpen: boolean): void {
  const life = lifeOf(stream)
  life.isOver = true
  const { sent: events, bytes, dropped } = stream
  const { msToHead, msToFirst } = life
  channels.end.publish({
    ...labelsOf(stream),
    reason,
    // a listener of `open` may end the stream before its loop knows that the head is out
    wasOpen: wasOpen || msToHead !== undefined,
    msToHead,
    msToFirst,
    life: sinceStart(life),
    events,
    bytes,
    dropped,
  } satisfies StreamEnded)
}

/** Dropped events that no message has told of yet. */
const untold = new Map<OpenStream, number>()

/** Events of a stream were dropped: told at the end of the turn, with those that follow. */
export function dropped(streaming: Streaming, count: number): void {
  if (!channels.overflow.hasSubscribers || streaming.plan.owner.isHidden) return
  const { stream } = streaming
  if (untold.size === 0) apart(() => setImmediate(tellAllDropped))
  untold.set(stream, (untold.get(stream) ?? 0) + count)
}

function tellAllDropped(): void {
  for (const stream of [...untold.keys()]) tell(() => tellDropped(stream))
}

function tellDropped(stream: OpenStream): void {
  const count = untold.get(stream)
  if (count === undefined) return
  untold.delete(stream)
  channels.overflow.publish({ ...labelsOf(stream), dropped: count } satisfies StreamOverflowed)
}

/** The place of a client in a feed is known, or was lost. An iteration has no stream. */
export function resumed(streaming: Partial<Streaming>, how: Omit<StreamResumed, keyof OfStream>): void {
  if (!channels.resume.hasSubscribers || !isOfStream(streaming) || streaming.plan.owner.isHidden) return
  tell(() => tellResume(streaming.stream, how))
}

function isOfStream(streaming: Partial<Streaming>): streaming is Streaming {
  return 'stream' in streaming
}

function tellResume(stream: OpenStream, how: Omit<StreamResumed, keyof OfStream>): void {
  const { requested, outcome, channel, snapshot, isMidStream, ms } = how
  const place = { requested, outcome, channel, snapshot, isMidStream, ms }
  channels.resume.publish({ ...labelsOf(stream), ...place } satisfies StreamResumed)
}

function lifeOf(stream: OpenStream, since = clock.now() - ageOf(stream)): Life {
  const known = lives.get(stream)
  if (known) return known
  const life = { since, route: undefined, msToHead: undefined, msToFirst: undefined, isOver: false }
  lives.set(stream, life)
  // read the address now: it is gone once the client has left
  void stream.client
  return life
}

/** By the clock on the wall, for a stream that is older than the first listener. */
function ageOf({ openedAt }: OpenStream): number {
  return Math.max(0, Date.now() - openedAt.getTime())
}

function sinceStart({ since }: Life): number {
  return clock.now() - since
}

function labelsOf(stream: OpenStream): OfStream {
  const life = lives.get(stream)
  const route = life?.route ?? stream.route
  if (life) life.route = route
  const { endpoint } = (stream as unknown as WithStream)[inside]
  return { endpoint, stream, route, format: stream.format }
}

/** Reading a stream may run code of the app: `req.ip` asks its `trust proxy`. */
function tell(run: () => void): void {
  safely(run, (error) => report('Telling of a stream failed', error))
}
