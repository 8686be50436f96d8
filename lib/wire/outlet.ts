import type { Request, Response } from 'express'
import { clock } from '../clock.js'
import type { Plan } from '../declare/plan.js'
import { report } from '../errors.js'
import { type Format, type Notice, type Wire, wire } from '../formats/format.js'
import type { Gap } from '../hub/gap.js'
import type { Batch, Member } from '../hub/group.js'
import type { Wrote } from '../values/open-stream.js'
import { type Chunk, type Encoded, encodeNotice, gather } from './chunk.js'
import { heartbeatOf, openingOf, tailOf } from './fixed.js'
import { type Elsewhere, Mailbox, type Measure } from './queue.js'
import { Writer } from './writer.js'

/** Whose events these are. */
interface Owner {
  /** What else waits for this client. */
  readonly unhandled: number
  /** The path of the request, for what is reported. */
  readonly path: string
  /** The client has left. */
  gone(): void
  /** The client is past its limits. */
  overflowed(message: string): void
  /** The client has caught up. */
  caughtUp(): void
  /** Writing has failed, or what is written. */
  failed(error: unknown): void
  /** Events are lost for good. */
  gap(gap: Gap): void
  /** What the events come from has died. */
  down(error?: unknown): void
  /** The response is over. */
  over(): void
}

/** Notices wait like events, and are never dropped. */
const measure: Measure<Encoded> = {
  count: (encoded) => encoded.events || 1,
  size: (encoded) => encoded.size,
  data: (encoded) => encoded.data,
  isKept: (encoded) => encoded.events === 0,
}

/** The most bytes that are handed to the response at once when a client has caught up. */
const most = 2 ** 16

/** From so many bytes on it costs more to copy an event than to write it on its own. */
const large = 2 ** 12

/** One stream's events on the wire, in its format and within its limits. As an alarm it is its own heartbeat. */
export class Outlet extends Writer implements Member {
  readonly #options: Plan['stream']
  /** A record is on the wire: the next one is parted from it. */
  #hasRecord: boolean
  /** Events that were dropped, and the client was not told yet. */
  #untold = 0
  /** Events and bytes that were handed to the response, and events that were dropped. */
  sent = 0
  bytes = 0
  dropped = 0
  readonly #format: Format & { readonly [wire]?: Wire }
  readonly #owner: Owner
  /** What waits for a client that is behind: references to bytes that all streams share. */
  #queue: Mailbox<Encoded> | undefined

  constructor(req: Request, res: Response, format: Format, options: Plan['stream'], owner: Owner) {
    super(req, res)
    this.#format = format
    this.#options = options
    this.#owner = owner
    this.#hasRecord = this.#format[wire]?.separator === undefined
  }

  /** Events that wait for the client. */
  get queued(): number {
    return this.#queue?.size ?? 0
  }

  /** Sends the head with the format's opening bytes. */
  open(status: number): void {
    const { retry, heartbeat } = this.#options
    const opening = openingOf(this.#format, retry)
    this.openWith(status, opening)
    this.bytes += opening.size
    if (heartbeat !== false && heartbeatOf(this.#format).size > 0) this.set(clock, heartbeat)
  }

  /** Writes an event, or puts it where events wait, within the limits. */
  put(encoded: Encoded): Wrote {
    if (this.isEnded) return 'closed'
    if (encoded.size === 0) return this.isBehind ? 'wait' : 'ok'
    if (this.isBehind) return this.#enqueue(encoded)
    this.#tellDrops()
    return this.#hand(this.#parted(encoded), encoded.events) ? 'ok' : 'wait'
  }

  /** Writes what came for all streams of a group within a turn. */
  take(batch: Batch): void {
    const { whole, events } = batch
    const { maxQueued, maxQueuedBytes } = this.#options
    try {
      if (events.length > 1 && (events.length > maxQueued || whole.size > maxQueuedBytes)) {
        for (const slice of batch.slices) this.#takeSlice(slice)
      } else this.#takeSlice(batch)
    } catch (error) {
      this.#owner.failed(error)
    }
  }

  #takeSlice({ whole, events, now }: Batch): void {
    if (this.isEnded) return
    if (this.isBehind || !this.#hasRecord || this.#untold > 0) {
      // a policy drops events: it has to have them one by one
      const isWhole = this.#hasRecord && this.#options.overflow === 'close' && this.#hasRoom(whole)
      for (const each of isWhole ? [whole] : events) if (this.put(each) === 'closed') return
      return
    }
    this.sent += events.length
    this.bytes += whole.size
    this.writeNow(whole, now)
  }

  /** Says something in-band; false where the format cannot. */
  notify(kind: Notice, details: object): boolean {
    const notice = this.#notice(kind, details)
    if (notice.size === 0) return false
    if (this.isBehind) this.#waiting.put(notice)
    else this.put(notice)
    return true
  }

  /** Events were dropped that have not come here. */
  drop(count: number): void {
    this.dropped += count
    this.#untold += count
  }

  /** A proper end: what waits, the notice where it is wanted, and the tail. */
  complete(reason: string): void {
    this.#handAll()
    if (this.#options.endEvent) this.#handNotice('end', { reason })
    this.endWith(tailOf(this.#format), reason !== 'shutdown')
  }

  /** A broken end: what waits, the notice where it is wanted, and no tail. */
  fail(): void {
    this.#handAll()
    if (this.#options.errorEvent) this.#handNotice('error', {})
    this.endCut()
  }

  /** A broken end for a client that is too slow to be told anything. */
  cut(): void {
    this.#queue = undefined
    this.endNow()
  }

  /** Lets go of the response: the client has left, or somebody else answers. */
  release(): void {
    this.#queue = undefined
    this.letGo()
  }

  // ---- for the group

  gap(gap: Gap): void {
    this.#owner.gap(gap)
  }

  failed(error: unknown): void {
    this.#owner.failed(error)
  }

  down(error?: unknown): void {
    this.#owner.down(error)
  }

  // ---- as a writer

  protected get writeTimeout(): number {
    return this.#options.writeTimeout
  }

  protected gone(): void {
    this.#owner.gone()
  }

  protected stalled(): void {
    this.#owner.overflowed(`The client took no byte for ${this.writeTimeout} ms`)
  }

  protected drained(): void {
    this.#guard(() => {
      this.#tellDrops()
      while (this.queued > 0 && !this.isBehind) this.#handBatch()
    })
    if (!this.isBehind && !this.isClosed) this.#owner.caughtUp()
  }

  protected over(): void {
    this.#owner.over()
  }

  /** Keeps the connection alive while nothing else is written. */
  ring(): void {
    const every = this.#options.heartbeat as number
    const isSilent = clock.now() - this.lastWrite >= every
    if (isSilent && !this.isBehind) this.#guard(() => this.#hand(heartbeatOf(this.#format), 0))
    if (this.isClosed) return
    const rest = this.lastWrite + every - clock.now()
    this.set(clock, rest > 0 ? rest : every)
  }

  /** Runs what nobody has called who could be told of a failure: a response may be wrapped by whatever fails. */
  #guard(run: () => void): void {
    try {
      run()
    } catch (error) {
      this.#owner.failed(error)
    }
  }

  // ---- what waits

  get #waiting(): Mailbox<Encoded> {
    this.#queue ??= new Mailbox(measure, this.#options)
    return this.#queue
  }

  get #elsewhere(): Elsewhere {
    return { count: this.#owner.unhandled, bytes: this.waiting }
  }

  #hasRoom(encoded: Encoded): boolean {
    return this.isBehind && this.#waiting.hasRoom(encoded, this.#elsewhere)
  }

  #enqueue(encoded: Encoded): Wrote {
    const dropped = this.#waiting.offer(encoded, this.#elsewhere)
    if (dropped === undefined) {
      const { maxQueued, maxQueuedBytes } = this.#options
      const isMany = this.queued + this.#owner.unhandled >= maxQueued
      const most = isMany ? `${maxQueued} events` : `${maxQueuedBytes} bytes`
      this.#owner.overflowed(`More than ${most} wait for the client`)
      return 'closed'
    }
    this.drop(dropped)
    return 'wait'
  }

  /** Small events together; large ones as they are, since they are shared. */
  #handBatch(): void {
    const queue = this.#waiting
    const chunks: Chunk[] = []
    let size = 0
    let events = 0
    do {
      const encoded = queue.take()
      chunks.push(this.#parted(encoded))
      size += encoded.size
      events += encoded.events
    } while (queue.size > 0 && size < most && queue.next.size < large)
    this.#hand(gather(chunks), events)
  }

  /** At an end: all that waits, whether the client keeps up or not. */
  #handAll(): void {
    this.#tellDrops()
    while (this.queued > 0) this.#handBatch()
    this.#queue = undefined
  }

  /** Once the client reads again, it is told what it has not got. */
  #tellDrops(): void {
    const count = this.#untold
    this.#untold = 0
    if (count > 0) this.#handNotice('dropped', { count })
  }

  #handNotice(kind: Notice, details: object): void {
    const notice = this.#notice(kind, details)
    if (notice.size > 0) this.#hand(this.#parted(notice), 0)
  }

  /** The bytes of a notice; one that the format fails to make is none. */
  #notice(kind: Notice, details: object): Encoded {
    try {
      return encodeNotice(this.#format, kind, details)
    } catch (error) {
      report(`The ${kind} notice of ${this.#owner.path} failed`, error)
      return encodeNotice({ ...this.#format, notice: () => '' }, kind, details)
    }
  }

  // ---- the wire

  #hand(chunk: Chunk, events: number): boolean {
    this.sent += events
    this.bytes += chunk.size
    return this.write(chunk)
  }

  /** The first record of a stream is not parted from anything. */
  #parted(encoded: Encoded): Chunk {
    if (this.#hasRecord) return encoded
    this.#hasRecord = true
    return encoded.first
  }
}
