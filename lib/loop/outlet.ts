import type { Request, Response } from 'express'
import { misuse, report, show } from '../errors.js'
import { type Format, type Notice, type Wire, wire } from '../formats/format.js'
import type { Plan } from '../plan.js'
import type { Wrote } from '../spec.js'
import { event, isEvent } from '../values.js'
import { clock, type Deadline } from './clock.js'
import type { Stream } from './stream.js'
import { Writer } from './writer.js'

/** Whose events these are. */
interface Owner {
  /** The client has left. */
  gone(): void
  /** The client is past its limits. */
  overflowed(message: string): void
  /** The client has caught up. */
  drained(): void
}

const nothing = Buffer.alloc(0)

/** One stream's events on the wire, in its format and within its limits. */
export class Outlet {
  readonly #format: Format & { readonly [wire]?: Wire }
  readonly #options: Plan['stream']
  readonly #stream: Stream
  readonly #owner: Owner
  readonly #writer: Writer
  /** A record is on the wire: the next one is separated from it. */
  #hasRecord = false
  #heartbeat: Deadline | undefined

  constructor(
    req: Request,
    res: Response,
    format: Format,
    options: Plan['stream'],
    stream: Stream,
    owner: Owner,
  ) {
    this.#format = format
    this.#options = options
    this.#stream = stream
    this.#owner = owner
    const stalled = () => owner.overflowed(`The client took no byte for ${options.writeTimeout} ms`)
    this.#writer = new Writer(
      req,
      res,
      { gone: () => owner.gone(), stalled, drained: () => owner.drained() },
      options.writeTimeout,
    )
  }

  /** The client has not taken all yet. */
  get isBehind(): boolean {
    return this.#writer.isBehind
  }

  /** Events that wait for the client. */
  get queued(): number {
    return this.#writer.queued
  }

  /** The bytes of data or of an event; a TypeError for what has none. */
  encode(data: unknown): Buffer {
    return checked('encode', this.#format.encode(isEvent(data) ? data : event(data)))
  }

  /** Sends the head with the format's opening bytes. */
  open(status: number): void {
    const { retry } = this.#options
    const told = retry === undefined ? '' : (this.#format[wire]?.retry?.(retry) ?? '')
    const opening = Buffer.concat([toBuffer(this.#format.open ?? ''), toBuffer(told)])
    this.#writer.open(status, opening)
    this.#stream.bytes += opening.length
    this.#startHeartbeat()
  }

  /** Writes an event's bytes, unless the client is past its limits. */
  put(bytes: Buffer): Wrote {
    if (bytes.length === 0) return this.isBehind ? 'wait' : 'ok'
    const record = this.#separated(bytes)
    const excess = this.isBehind ? this.#excess(record.length) : undefined
    if (excess !== undefined) {
      this.#owner.overflowed(excess)
      return 'closed'
    }
    this.#stream.sent += 1
    this.#stream.bytes += record.length
    return this.#writer.write(record)
  }

  /** A proper end: the notice where it is wanted, and the tail. */
  complete(reason: string): void {
    this.#heartbeat?.cancel()
    const notice = this.#options.endEvent ? this.#notice('end', { reason }) : nothing
    this.#writer.complete(Buffer.concat([notice, toBuffer(this.#format.close ?? '')]))
  }

  /** A broken end: the notice where it is wanted, and no tail. */
  fail(): void {
    this.#heartbeat?.cancel()
    const notice = this.#options.errorEvent ? this.#notice('error', {}) : nothing
    if (notice.length > 0) this.#writer.write(notice)
    this.#writer.cut('flush')
  }

  /** A broken end for a client that is too slow to be told anything. */
  cut(): void {
    this.#heartbeat?.cancel()
    this.#writer.cut('now')
  }

  /** Lets go of the response: the client has left, or somebody else answers. */
  release(): void {
    this.#heartbeat?.cancel()
    this.#writer.release()
  }

  /** Keeps the connection alive while nothing else is written. */
  #startHeartbeat(): void {
    const { heartbeat } = this.#options
    const bytes = toBuffer(this.#format.heartbeat ?? '')
    if (heartbeat === false || bytes.length === 0) return
    const look = () => {
      if (clock.now() - this.#writer.lastWrite >= heartbeat && !this.isBehind) {
        this.#writer.write(bytes)
        this.#stream.bytes += bytes.length
      }
      const rest = this.#writer.lastWrite + heartbeat - clock.now()
      this.#heartbeat = clock.after(rest > 0 ? rest : heartbeat, look)
    }
    this.#heartbeat = clock.after(heartbeat, look)
  }

  #separated(bytes: Buffer): Buffer {
    const separator = this.#hasRecord ? this.#format[wire]?.separator : undefined
    this.#hasRecord = true
    return separator === undefined ? bytes : Buffer.concat([Buffer.from(separator), bytes])
  }

  /** How the client is past its limits; one event larger than them passes when nothing else waits. */
  #excess(length: number): string | undefined {
    const { maxQueuedBytes, maxQueued } = this.#options
    const { waiting } = this.#writer
    if (waiting > 0 && waiting + length > maxQueuedBytes)
      return `More than ${maxQueuedBytes} bytes wait for the client`
    return this.#stream.queued >= maxQueued ? `More than ${maxQueued} events wait for the client` : undefined
  }

  /** The bytes of a notice; one that the format fails to make is none. */
  #notice(kind: Notice, details: object): Buffer {
    try {
      const bytes = checked('notice', this.#format.notice?.(kind, details) ?? '')
      return bytes.length > 0 ? this.#separated(bytes) : bytes
    } catch (error) {
      report(`The ${kind} notice of ${this.#stream.path} failed`, error)
      return nothing
    }
  }
}

/** What a format's own function returned, as bytes. */
function checked(name: string, bytes: unknown): Buffer {
  if (typeof bytes === 'string' || bytes instanceof Uint8Array) return toBuffer(bytes)
  throw misuse('LARIAT_DATA', `${name} of the format returned ${show(bytes)}: expected a string or bytes`)
}

function toBuffer(bytes: string | Uint8Array): Buffer {
  if (typeof bytes === 'string') return bytes === '' ? nothing : Buffer.from(bytes)
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
