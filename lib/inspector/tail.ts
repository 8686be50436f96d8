// Shows what a stream or a channel sends, from now on.
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { jsonArray, jsonSeq, ndjson } from '../readers/json.js'
import { type Parser, type Reader, type Received, readerOf } from '../readers/reader.js'
import { sse } from '../readers/sse.js'
import { asBytes } from '../values/bytes.js'
import type { StreamEnded, StreamOverflowed } from '../values/diagnostics.js'
import { type ChannelInside, inside, type WithStream } from '../values/inside.js'
import type { OpenStream } from '../values/open-stream.js'
import type { Item, Items } from './items.js'

/** The formats that can be read from the middle on. */
const readers: readonly Reader[] = [sse, ndjson, jsonSeq, jsonArray]

/** Adds what a stream writes. Calls `ended` when it is over. Returns a function that ends it. */
export function tailStream(stream: OpenStream, items: Items, ended: () => void): () => void {
  const seen = (stream as unknown as WithStream)[inside]
  const reading = new Reading(stream, seen.hasEnvelope, items)
  const untap = seen.tap((bytes) => reading.take(bytes))
  const onEnd = (message: unknown) => {
    const { stream: which, reason } = message as StreamEnded
    if (which !== stream) return
    items.add({ kind: 'end', type: reason.kind })
    ended()
  }
  const onOverflow = (message: unknown) => {
    const { stream: which, dropped } = message as StreamOverflowed
    if (which === stream) items.add({ kind: 'dropped', count: dropped })
  }
  subscribe('express-lariat:end', onEnd)
  subscribe('express-lariat:overflow', onOverflow)
  return () => {
    untap()
    unsubscribe('express-lariat:end', onEnd)
    unsubscribe('express-lariat:overflow', onOverflow)
  }
}

/** Adds what a channel delivers in this process. */
export function tailChannel(channel: ChannelInside, items: Items): () => void {
  return channel.tap(({ id, type, data, reason }) => {
    if (reason === undefined) items.add({ kind: 'event', id, type, data: asBytes(data) ?? data })
    else items.add({ kind: 'gap', id, type: reason })
  })
}

const kinds: Readonly<Record<string, Item['kind']>> = {
  gap: 'gap',
  position: 'position',
  dropped: 'dropped',
  end: 'end',
  reconnect: 'end',
  failed: 'end',
}

/** Turns the bytes of a stream into what they say; where they cannot be read, into their number. */
class Reading {
  readonly #items: Items
  readonly #received: Received[] = []
  #parser: Parser | undefined
  #isWithin: boolean

  /** @param envelope without one a record is data, whatever its members are called */
  constructor({ format, sent }: OpenStream, envelope: boolean, items: Items) {
    this.#items = items
    this.#parser = readerOf(format, readers)?.read(format, { envelope }, this.#received)
    // an array that has begun: what separates the next element from those before is not read
    this.#isWithin = sent > 0 && jsonArray.mediaTypes.includes(format)
    if (jsonArray.mediaTypes.includes(format)) this.#parse(Buffer.from('['))
  }

  take(bytes: Uint8Array): void {
    const comma = this.#isWithin ? bytes.indexOf(0x2c) : -1
    if (comma >= 0) this.#isWithin = false
    this.#parse(comma < 0 ? bytes : bytes.subarray(comma + 1))
    if (!this.#parser) return this.#items.add({ kind: 'bytes', data: bytes.slice() })
    if (this.#received.length === 0 && bytes.length <= 2) this.#items.add({ kind: 'heartbeat' })
    for (const received of this.#received.splice(0)) this.#add(received)
  }

  #parse(bytes: Uint8Array): void {
    try {
      this.#parser?.take(bytes)
    } catch {
      // not what its media type says, or from the middle of something: no more than bytes from here on
      this.#parser = undefined
    }
  }

  #add({ notice, data, id, type }: Received): void {
    if (notice === undefined && data === undefined) return
    const kind = notice === undefined ? 'event' : (kinds[notice] ?? 'event')
    this.#items.add({ kind, id, type: type ?? notice, data: asBytes(data) ?? data })
  }
}
