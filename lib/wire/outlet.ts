// Puts a stream's events on the wire, in its format and within its limits; decides when a heartbeat goes out.
import type { Socket } from 'node:net'
import type { Request, Response } from 'express'
import { clock } from '../clock.js'
import type { Plan } from '../declare/plan.js'
import { LariatError } from '../errors.js'
import { type Format, type Notice, type NoticeDetails, type Wired, wire } from '../formats/format.js'
import { tellsEnds } from '../http/node.js'
import { begun, opened } from '../values/diagnostics.js'
import type { Wrote } from '../values/open-stream.js'
import { Backlog } from './backlog.js'
import { type Batch, batchBytes } from './batch.js'
import { type Chunk, type Encoded, gather, noEvent } from './chunk.js'
import { heartbeatOf, openingOf, tailOf } from './fixed.js'
import type { Seam } from './halves.js'
import type { Holder } from './holder.js'
import { LaneWriter } from './lane.js'
import { failureNotice, noticeIn } from './notice.js'
import type { Since } from './progress.js'
import type { Elsewhere } from './queue.js'
import { isTapped } from './tap.js'
import type { Written } from './writer.js'

/** One stream's events on the wire. The outlet is the alarm of its own heartbeat. */
export class Outlet extends LaneWriter {
  readonly #options: Plan['stream']
  /** What the next event is joined to. */
  #seam: Seam
  readonly format: Wired
  readonly #holder: Holder
  /** Events that wait for the head, or for a slow client: references to bytes that streams share. */
  #backlog: Backlog | undefined

  constructor(req: Request, res: Response, format: Format, options: Plan['stream'], holder: Holder) {
    super(req, res)
    this.format = format
    this.#options = options
    this.#holder = holder
    this.#seam = this.format[wire]?.separator === undefined ? undefined : 'first'
  }

  /** Milliseconds that an event may wait for others. */
  get gather(): number {
    return this.#options.gather
  }

  get dropped(): number {
    return this.#backlog?.dropped ?? 0
  }

  /** Events that wait for the client. */
  get queued(): number {
    return this.#backlog?.size ?? 0
  }

  get backlogBytes(): number {
    return this.#backlog?.bytes ?? 0
  }

  /** Sends the head with the format's opening bytes and a first notice, then the events that waited for it. */
  open(status: number, first = noEvent): void {
    const { retry, heartbeat } = this.#options
    const bare = openingOf(this.format, retry)
    const opening = first.size > 0 ? gather([bare, this.#separated(first)]) : bare
    this.openWith(status, opening)
    this.count(0, opening.size)
    if (!this.isClosed) opened(this.#holder)
    // a wrapped `write` may have ended the response
    if (this.isClosed) return
    if (heartbeat !== false && heartbeatOf(this.format).size > 0) clock.set(this, heartbeat)
    this.#handQueued(false)
  }

  /** Writes an event, or queues it within the limits: before the head, and while the client is behind. */
  put(encoded: Encoded): Wrote {
    this.leaveLane()
    if (this.isEnded) return 'closed'
    if (encoded.size === 0) return this.isBehind ? 'wait' : 'ok'
    return this.gather > 0 && this.phase === 'flowing' ? this.#gather(encoded) : this.#put(encoded)
  }

  #put(encoded: Encoded): Wrote {
    if (this.phase !== 'flowing') return this.#enqueue(encoded)
    this.#tellDrops()
    return this.#hand(this.#separated(encoded), encoded.events)
  }

  /** Gathers events, for one write of as many as a group gathers. */
  #gather(encoded: Encoded): Wrote {
    const backlog = this.#ensureBacklog()
    if (backlog.bytes + encoded.size > batchBytes || !backlog.hasRoom(encoded, this.#elsewhere))
      this.#handQueued(false)
    if (this.phase !== 'flowing') return this.#put(encoded)
    backlog.put(encoded)
    backlog.due ??= clock.after(this.gather, () => this.#guard(() => this.#handQueued(false)))
    return 'ok'
  }

  get direct(): Socket | undefined {
    const isUnready = this.isEnded || this.#seam !== undefined || this.#backlog?.isPending || isTapped(this)
    return tellsEnds && this.phase === 'flowing' && !isUnready ? this.socket : undefined
  }

  take({ whole, events, now }: Batch): void {
    try {
      if (this.#backlog?.isPending && this.phase === 'flowing') this.#handQueued(false)
      const isApart = this.#seam !== undefined || whole.halves !== undefined
      if (this.phase === 'flowing' && !isApart) {
        if (this.writeNow(whole, now) !== 'closed') this.count(events.length, whole.size)
      } else if (!this.isEnded) {
        // a policy drops events one by one
        const takesAll = this.isBehind && !isApart && this.#options.overflow === 'close'
        const isWhole = takesAll && this.#ensureBacklog().hasRoom(whole, this.#elsewhere)
        for (const each of isWhole ? [whole] : events) if (this.#put(each) === 'closed') return
      }
    } catch (error) {
      this.failed(error)
    }
  }

  /** Writes a notice in-band. Returns false if the format has none. */
  notify(kind: Notice, details: NoticeDetails): boolean {
    const notice = noticeIn(this.format, kind, details, this.path)
    if (notice.size === 0) return false
    if (this.phase === 'flowing') this.put(notice)
    else this.#ensureBacklog().put(notice)
    return true
  }

  /** The notice of the place to come back to. */
  placeNotice(id: string): Encoded {
    const { heartbeat } = this.#options
    return noticeIn(this.format, 'position', heartbeat === false ? { id } : { id, heartbeat }, this.path)
  }

  /** Tells the place to come back to. Returns false while the head is not out. */
  tellPlace(id: string): boolean {
    if (this.phase === 'waiting') return false
    this.put(this.placeNotice(id))
    return true
  }

  /** Counts events that were dropped before they reached the outlet. */
  drop(count: number): void {
    this.leaveLane()
    if (count > 0) this.#ensureBacklog().drop(count)
  }

  /** A proper end: the queue, the notice if `endEvent` is set, and the tail. */
  complete(notice: 'end' | 'reconnect', reason: string): void {
    this.#handQueued(true)
    if (this.#options.endEvent) this.#handNotice(notice, { reason })
    this.endWith(tailOf(this.format), reason !== 'shutdown')
  }

  /** A broken end: the queue, the notice of a failure if `errorEvent` is set, and no tail unless the notice is to do. */
  break(failure: { readonly error?: unknown } | undefined): void {
    const { errorEvent } = this.#options
    this.#handQueued(true)
    const isTold = failure && errorEvent && this.#handNotice('error', failureNotice(failure.error))
    if (isTold && errorEvent === 'complete') this.endWith(tailOf(this.format), true)
    else this.endCut()
  }

  /** A broken end for a client that is too slow to receive a notice. */
  cut(): void {
    this.#backlog?.clear()
    this.endNow()
  }

  /** Releases the response: the client has left, or another party answers. */
  release(): void {
    this.#backlog?.clear()
    this.detach()
  }

  /** Sends a heartbeat if nothing else was written; or the place of the client, if it has not been told any. */
  ring(): void {
    const every = this.#options.heartbeat as number
    const isSilent = clock.now() - this.latestWrite >= every
    if (!this.isBehind) this.#guard(() => this.#beat(isSilent))
    if (this.isClosed) return
    const rest = this.latestWrite + every - clock.now()
    clock.set(this, rest > 0 ? rest : every)
  }

  #beat(isSilent: boolean): void {
    // no place beyond events that are still gathered
    const id = this.queued > 0 ? undefined : this.#holder.placeToTell(isSilent)
    const notice = id === undefined ? noEvent : this.placeNotice(id)
    if (notice.size === 0 && !isSilent) return
    this.leaveLane()
    if (notice.size > 0) this.#put(notice)
    else this.#hand(heartbeatOf(this.format), 0)
  }

  get writeTimeout(): number {
    return this.#options.writeTimeout
  }

  protected gone(): void {
    this.#holder.end({ kind: 'disconnect' })
  }

  idle(since: Since): void {
    if (since === 'timeout') return this.#overflowed(`The client took no byte for ${this.writeTimeout} ms`)
    const isPast = () => this.isBehind && this.#backlog?.settle(this.#elsewhere) === false
    this.#guard(() => isPast() && this.#pastLimits())
  }

  protected drained(): void {
    this.#guard(() => this.#handQueued(false))
    if (!this.isBehind && !this.isClosed) this.#holder.caughtUp()
  }

  protected responseClosed(): void {
    this.#holder.responseClosed()
  }

  /** Runs a write that has no caller to report to. Code that wraps a response may throw. */
  #guard(run: () => unknown): void {
    try {
      run()
    } catch (error) {
      this.failed(error)
    }
  }

  failed(error: unknown): void {
    this.#holder.end({ kind: 'error', error })
  }

  #overflowed(message: string): void {
    this.#holder.end({ kind: 'overflow', error: new LariatError('LARIAT_OVERFLOW', message) })
  }

  #ensureBacklog(): Backlog {
    this.#backlog ??= new Backlog(this.#options, this.#holder)
    return this.#backlog
  }

  get #elsewhere(): Elsewhere {
    return { count: this.#holder.unhandled, bytes: this.unsentBytes }
  }

  #enqueue(encoded: Encoded): Wrote {
    const isAccepted = this.#ensureBacklog().offer(encoded, this.#elsewhere, this)
    if (isAccepted === false) return 'dropped'
    if (isAccepted) return this.isBehind ? 'wait' : 'ok'
    this.#pastLimits()
    return 'closed'
  }

  #pastLimits(): void {
    this.#overflowed(`More than ${this.#ensureBacklog().passed(this.#elsewhere)} wait for the client`)
  }

  /** Writes the queue: while the client keeps up, or all of it at an end. */
  #handQueued(isEnd: boolean): void {
    this.#backlog?.stopGathering()
    this.#tellDrops()
    while (this.queued > 0 && (isEnd || this.phase === 'flowing')) {
      const batch = this.#ensureBacklog().takeBatch((each) => this.#separated(each))
      this.#hand(batch.chunk, batch.events)
    }
    if (!isEnd) return
    this.#backlog?.clear()
    // the other half of a surrogate pair will not come
    if (typeof this.#seam === 'number') this.#hand(this.#separated(noEvent), 0)
  }

  #tellDrops(): void {
    const count = this.#backlog?.takeUntold() ?? 0
    if (count > 0) this.#handNotice('dropped', { count })
  }

  #handNotice(kind: Notice, details: NoticeDetails): boolean {
    const notice = noticeIn(this.format, kind, details, this.path)
    if (notice.size > 0) this.#hand(this.#separated(notice), 0)
    return notice.size > 0
  }

  #hand(chunk: Chunk, events: number): Written {
    // an empty chunk would end the body
    const written = chunk.size > 0 ? this.write(chunk) : this.isBehind ? 'wait' : 'ok'
    if (written === 'closed') return written
    const isFirst = events > 0 && this.sent === 0
    this.count(events, chunk.size)
    if (isFirst) begun(this.#holder)
    return written
  }

  /** An event as it follows the one before. */
  #separated(encoded: Encoded): Chunk {
    const seam = this.#seam
    if (seam === undefined && encoded.halves === undefined) return encoded
    this.#seam = encoded.halves?.high || undefined
    return encoded.after(seam)
  }
}
