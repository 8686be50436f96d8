import type { Request, Response } from 'express'
import { Alarm, clock } from '../clock.js'
import { report } from '../errors.js'
import { type Chunk, chunk, type Encoded, encodeNotice, gather, toBytes } from '../formats/chunk.js'
import { type Format, type Notice, type Wire, wire } from '../formats/format.js'
import type { Batch } from '../hub/group.js'
import type { Plan } from '../plan.js'
import type { Wrote } from '../spec.js'
import { Mailbox, type Measure } from './mailbox.js'
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
  /** The response is over. */
  over(): void
}

/** Notices wait like events, and are never dropped. */
const measure: Measure<Encoded> = {
  size: (encoded) => encoded.size,
  data: (encoded) => encoded.data,
  isKept: (encoded) => encoded.isNotice,
}

/** The most that is handed to the response at once when a client has caught up. */
const most = 2 ** 16

/** One stream's events on the wire, in its format and within its limits. */
export class Outlet {
  readonly #format: Format & { readonly [wire]?: Wire }
  readonly #options: Plan['stream']
  readonly #owner: Owner
  readonly #writer: Writer
  /** What waits for a client that is behind: references to bytes that all streams share. */
  #queue: Mailbox<Encoded> | undefined
  #heartbeat: Heartbeat | undefined
  /** A record is on the wire: the next one is parted from it. */
  #hasRecord = false
  /** Events that were dropped, and the client was not told yet. */
  #untold = 0
  /** Events and bytes that were handed to the response, and events that were dropped. */
  sent = 0
  bytes = 0
  dropped = 0

  constructor(req: Request, res: Response, format: Format, options: Plan['stream'], owner: Owner) {
    this.#format = format
    this.#options = options
    this.#owner = owner
    this.#writer = new Writer(req, res, this)
  }

  /** The client has not taken all yet. */
  get isBehind(): boolean {
    return this.#writer.isBehind
  }

  /** Events that wait for the client. */
  get queued(): number {
    return this.#queue?.size ?? 0
  }

  /** Sends the head with the format's opening bytes. */
  open(status: number): void {
    const { retry, heartbeat } = this.#options
    const told = retry === undefined ? '' : (this.#format[wire]?.retry?.(retry) ?? '')
    const opening = Buffer.concat([toBytes(this.#format.open ?? ''), toBytes(told)])
    this.#writer.open(status, opening)
    this.bytes += opening.length
    const beat = toBytes(this.#format.heartbeat ?? '')
    if (heartbeat === false || beat.length === 0) return
    this.#heartbeat = new Heartbeat(this, heartbeat)
    this.#heartbeat.set(clock, heartbeat)
  }

  /** Writes an event, or puts it where events wait, within the limits. */
  put(encoded: Encoded): Wrote {
    if (encoded.size === 0) return this.isBehind ? 'wait' : 'ok'
    if (this.isBehind) return this.#enqueue(encoded)
    this.#tellDrops()
    return this.#hand(this.#parted(encoded), encoded.isNotice ? 0 : 1) ? 'ok' : 'wait'
  }

  /** Writes what came for all streams of a group within a turn. */
  take(batch: Batch): void {
    if (this.isBehind || !this.#hasRecord || this.#untold > 0) {
      for (const each of batch.events) if (this.put(each) === 'closed') return
      return
    }
    this.sent += batch.events.length
    this.bytes += batch.chunk.size
    this.#writer.writeNow(batch.chunk, batch.now)
  }

  /** Says something in-band, where the format can. */
  notify(kind: Notice, details: object): void {
    const notice = this.#notice(kind, details)
    if (notice.size === 0) return
    if (this.isBehind) this.#waiting.put(notice)
    else this.put(notice)
  }

  /** Events were dropped that have not come here. */
  drop(count: number): void {
    this.dropped += count
    this.#untold += count
  }

  /** A proper end: what waits, the notice where it is wanted, and the tail. */
  complete(reason: string): void {
    this.#heartbeat?.cancel()
    this.#handAll()
    if (this.#options.endEvent) this.#handNotice('end', { reason })
    this.#writer.complete(toBytes(this.#format.close ?? ''))
  }

  /** A broken end: what waits, the notice where it is wanted, and no tail. */
  fail(): void {
    this.#heartbeat?.cancel()
    this.#handAll()
    if (this.#options.errorEvent) this.#handNotice('error', {})
    this.#writer.cut()
  }

  /** A broken end for a client that is too slow to be told anything. */
  cut(): void {
    this.#heartbeat?.cancel()
    this.#queue = undefined
    this.#writer.destroy()
  }

  /** Lets go of the response: the client has left, or somebody else answers. */
  release(): void {
    this.#heartbeat?.cancel()
    this.#queue = undefined
    this.#writer.release()
  }

  // ---- for the writer

  get writeTimeout(): number {
    return this.#options.writeTimeout
  }

  gone(): void {
    this.#owner.gone()
  }

  stalled(): void {
    this.#owner.overflowed(`The client took no byte for ${this.writeTimeout} ms`)
  }

  drained(): void {
    this.#tellDrops()
    while (this.queued > 0 && !this.isBehind) this.#handBatch()
    if (!this.isBehind) this.#owner.caughtUp()
  }

  over(): void {
    this.#owner.over()
  }

  // ---- for the heartbeat

  /** Keeps the connection alive while nothing else is written; returns when to look again. */
  beat(every: number): number {
    const { lastWrite } = this.#writer
    if (clock.now() - lastWrite >= every && !this.isBehind) {
      this.#hand(chunk([toBytes(this.#format.heartbeat ?? '')]), 0)
    }
    const rest = this.#writer.lastWrite + every - clock.now()
    return rest > 0 ? rest : every
  }

  // ---- what waits

  get #waiting(): Mailbox<Encoded> {
    this.#queue ??= new Mailbox(measure, this.#options)
    return this.#queue
  }

  #enqueue(encoded: Encoded): Wrote {
    const elsewhere = { count: this.#owner.unhandled, bytes: this.#writer.waiting }
    const dropped = this.#waiting.offer(encoded, elsewhere)
    if (dropped === undefined) {
      const { maxQueued, maxQueuedBytes } = this.#options
      const isMany = this.queued + elsewhere.count >= maxQueued
      const most = isMany ? `${maxQueued} events` : `${maxQueuedBytes} bytes`
      this.#owner.overflowed(`More than ${most} wait for the client`)
      return 'closed'
    }
    this.drop(dropped)
    return 'wait'
  }

  #handBatch(): void {
    const queue = this.#waiting
    const chunks: Chunk[] = []
    let size = 0
    let events = 0
    while (queue.size > 0 && size < most) {
      const encoded = queue.take()
      const each = this.#parted(encoded)
      chunks.push(each)
      size += each.size
      if (!encoded.isNotice) events += 1
    }
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
    return this.#writer.write(chunk)
  }

  /** The first record of a stream is not parted from anything. */
  #parted(encoded: Encoded): Chunk {
    if (this.#hasRecord) return encoded
    this.#hasRecord = true
    return encoded.first
  }
}

/** Rings again and again for as long as the stream is open. */
class Heartbeat extends Alarm {
  readonly #outlet: Outlet
  readonly #every: number

  constructor(outlet: Outlet, every: number) {
    super()
    this.#outlet = outlet
    this.#every = every
  }

  ring(): void {
    this.set(clock, this.#outlet.beat(this.#every))
  }
}
