// Turns an event into bytes in a format, framed as a chunk once for all streams.
import { is, isBranded } from '../brand.js'
import { misuse, show } from '../errors.js'
import { type Notice, type NoticeDetails, type Wired, wire } from '../formats/format.js'
import { forsake } from '../guard.js'
import { unpooled } from '../values/bytes.js'
import type { Event } from '../values/event.js'
import { type Halves, halvesOf, join, type Seam } from './halves.js'

/**
 * Bytes for the wire, framed as a chunk (RFC 9112 7.1) at creation, so that all streams share both: the chunk for a
 * socket, and the bytes alone for a response that frames them itself.
 */
export class Chunk {
  /** The size, the bytes, and the line breaks around them. */
  framed: Buffer
  /** The index of the first byte. */
  readonly start: number

  constructor(framed: Buffer, start: number) {
    this.framed = framed
    this.start = start
  }

  get bytes(): Buffer {
    return this.framed.subarray(this.start, -2)
  }

  /** The number of bytes. An empty chunk would end the body, and is never written. */
  get size(): number {
    return this.framed.length - this.start - 2
  }
}

/** Events in a format, after the separator from the previous event. */
export class Encoded extends Chunk {
  /** The bytes of the separator. */
  readonly separator: number
  /** The number of events; none for a notice. */
  readonly events: number
  /** The data of a single event, for `conflate`. */
  readonly data: unknown
  /** The halves of surrogate pairs that the events begin or end with. In the bytes each is U+FFFD. */
  readonly halves: Halves | undefined
  /** The id of the last event that has one, or the place that a notice tells: what the client comes back with. */
  readonly id: string | undefined

  constructor(
    framed: Buffer,
    start: number,
    separator: number,
    events: number,
    data: unknown,
    halves: Halves | undefined,
    id: string | undefined,
  ) {
    super(framed, start)
    this.separator = separator
    this.events = events
    this.data = data
    this.halves = halves
    this.id = id
  }

  get [is](): 'encoded' {
    return 'encoded'
  }

  static override [Symbol.hasInstance](value: unknown): value is Encoded {
    return isBranded(value, 'encoded')
  }

  /**
   * Called where events are retained: small ones are cut from Node's shared pool, and each would keep all of its slab
   * alive. All who share the bytes share the copy.
   */
  keep(): void {
    this.framed = unpooled(this.framed)
  }

  /** As it follows what a stream has written. */
  after(seam: Seam): Chunk {
    if (seam !== 'first') return chunk(join(seam ?? 0, this.bytes, this.halves))
    return this.separator === 0 ? this : chunk([this.bytes.subarray(this.separator)])
  }
}

const nothing = Buffer.alloc(0)

/** One chunk of several pieces. */
export function chunk(parts: readonly Uint8Array[]): Chunk {
  let size = 0
  for (const part of parts) size += part.length
  const { framed, start } = frame(size)
  let at = start
  for (const part of parts) {
    framed.set(part, at)
    at += part.length
  }
  return new Chunk(framed, start)
}

/** One chunk of several. */
export function gather(chunks: readonly Chunk[]): Chunk {
  return chunks.length === 1 ? (chunks[0] as Chunk) : new Chunk(...joined(chunks))
}

/** Several events as one. */
export function gatherEvents(events: readonly Encoded[]): Encoded {
  const [first] = events as [Encoded]
  return events.length === 1
    ? first
    : new Encoded(
        ...joined(events),
        first.separator,
        events.length,
        undefined,
        halvesIn(events),
        lastId(events),
      )
}

function lastId(events: readonly Encoded[]): string | undefined {
  for (let at = events.length - 1; at >= 0; at--) {
    const id = events[at]?.id
    if (id !== undefined) return id
  }
  return undefined
}

/** Marks a batch that streams must join one by one. */
function halvesIn(events: readonly Encoded[]): Halves | undefined {
  for (const { halves } of events) if (halves) return halves
  return undefined
}

function joined(chunks: readonly Chunk[]): [framed: Buffer, start: number] {
  let size = 0
  for (const each of chunks) size += each.size
  const { framed, start } = frame(size)
  let at = start
  for (const each of chunks) at += each.framed.copy(framed, at, each.start, each.framed.length - 2)
  return [framed, start]
}

/**
 * An event in a format.
 *
 * @param isKept whether it will be retained: then its bytes share no memory with others
 * @throws TypeError for data that cannot be written
 */
export function encode(format: Wired, event: Event, isKept = false): Encoded {
  return encoded(format, checked('encode', format.encode(event)), 1, event, isKept)
}

/** A notice in a format; empty where the format has none. */
export function encodeNotice(format: Wired, kind: Notice, details: NoticeDetails): Encoded {
  return encoded(format, checked('notice', format.notice?.(kind, details) ?? ''), 0, {
    id: details.id,
    data: details,
  })
}

export function toBytes(text: string | Uint8Array): Uint8Array {
  if (typeof text !== 'string') return text
  return text === '' ? nothing : Buffer.from(text)
}

function encoded(
  format: Wired,
  bytes: string | Uint8Array,
  events: number,
  { id, data }: { readonly id?: string | undefined; readonly data?: unknown },
  isKept = false,
): Encoded {
  const isText = typeof bytes === 'string'
  const length = isText ? Buffer.byteLength(bytes) : bytes.length
  const separator = length === 0 ? '' : (format[wire]?.separator ?? '')
  const { framed, start } = frame(separator.length + length, isKept)
  const at = separator === '' ? start : start + framed.write(separator, start)
  if (isText) framed.write(bytes, at)
  else framed.set(bytes, at)
  const halves = isText && format[wire]?.joins ? halvesOf(bytes) : undefined
  return new Encoded(framed, start, separator.length, events, data, halves, id)
}

/** Room for bytes, with their framing. */
function frame(size: number, isKept = false): { framed: Buffer; start: number } {
  const head = size.toString(16)
  const start = head.length + 2
  const framed = isKept ? Buffer.allocUnsafeSlow(start + size + 2) : Buffer.allocUnsafe(start + size + 2)
  for (let at = 0; at < head.length; at++) framed[at] = head.charCodeAt(at)
  framed[start - 2] = 13
  framed[start - 1] = 10
  framed[start + size] = 13
  framed[start + size + 1] = 10
  return { framed, start }
}

/** The result of a format's own function. */
function checked(name: string, bytes: unknown): string | Uint8Array {
  if (typeof bytes === 'string' || bytes instanceof Uint8Array) return bytes
  forsake(bytes)
  throw misuse('LARIAT_DATA', `${name} of the format returned ${show(bytes)}: expected a string or bytes`)
}

/** No event, without a byte. */
export const noEvent = new Encoded(frame(0).framed, frame(0).start, 0, 0, undefined, undefined, undefined)
