// Reads a body in the format that its Content-Type says: the client's readers, and what they have read so far.
import { bytes, text } from '../readers/bytes.js'
import { csv } from '../readers/csv.js'
import { jsonArray, jsonSeq, ndjson } from '../readers/json.js'
import { multipart } from '../readers/multipart.js'
import {
  mediaTypeOf,
  type Parser,
  type Reader,
  type ReadOptions,
  type Received,
  readerOf,
} from '../readers/reader.js'
import { sse } from '../readers/sse.js'
import type { Answer } from './answer.js'

const readers: readonly Reader[] = [sse, ndjson, jsonSeq, jsonArray, multipart, csv, text, bytes]

/** An event, or a notice of the library, whose type is its kind. */
export interface StreamEvent {
  /** `message`, if nothing else is said. Of a notice: `gap`, `position`, `dropped`, `end`, `reconnect` or `failed`. */
  readonly type: string
  readonly data: unknown
  readonly id?: string
  /** It is a notice, and no event of the app's that has the type. */
  readonly notice?: true
}

/** How a body is to be read. */
export type ReadAs = ReadOptions

/** Something that was read: an event, or no more than an id. */
export interface Read {
  readonly event?: StreamEvent
  readonly id?: string
}

export interface Reading {
  /** The answer is one to read, and not a refusal. */
  readonly isStream: boolean
  readonly events: readonly Read[]
  /** What came is not of the format. */
  readonly error: Error | undefined
  /** What the stream has said of its end. */
  readonly reason: string | undefined
  take(bytes: Uint8Array): void
  /** Reads from the beginning again, no more than this. */
  reset(bytes: Uint8Array): void
  /** The body has come to its end. False: within something. */
  end(): boolean
  /** The id to come back with, before the event at a place. */
  idBefore(at: number): string | undefined
}

export function readingOf({ status, headers }: Answer, options: ReadAs): Reading {
  const contentType = headers['content-type'] ?? ''
  // whatever comes is asked for: a test says so
  const isStream = status >= 200 && status < 300 && contentType !== ''
  const reader = isStream ? readerOf(contentType, readers, mediaTypeOf(contentType)) : undefined
  return reader ? new Events((into) => reader.read(contentType, options, into)) : unread
}

const unread: Reading = {
  isStream: false,
  events: [],
  error: undefined,
  reason: undefined,
  take() {},
  reset() {},
  end: () => true,
  idBefore: () => undefined,
}

/** All but the place to come back to, which comes when the library sees fit. */
export function isNews({ type, notice }: StreamEvent): boolean {
  return !(notice && type === 'position')
}

const endings = ['end', 'reconnect', 'failed']

class Events implements Reading {
  readonly isStream = true
  readonly #begin: (into: Received[]) => Parser
  #parser: Parser | undefined
  readonly #received: Received[] = []
  #events: Read[] = []
  error: Error | undefined
  reason: string | undefined

  constructor(begin: (into: Received[]) => Parser) {
    this.#begin = begin
  }

  get events(): readonly Read[] {
    return this.#events
  }

  take(bytes: Uint8Array): void {
    this.#tried((parser) => parser.take(bytes))
  }

  reset(bytes: Uint8Array): void {
    this.#parser = undefined
    this.#events = []
    this.error = undefined
    this.reason = undefined
    this.take(bytes)
  }

  end(): boolean {
    let isWhole = false
    this.#tried((parser) => {
      isWhole = parser.end()
    })
    return isWhole
  }

  idBefore(end: number): string | undefined {
    // and what is told behind it before there is news
    const next = this.#events.findIndex(({ event }, at) => at >= end && event && isNews(event))
    const before = next < 0 ? this.#events : this.#events.slice(0, next)
    return before.findLast(({ id }) => id !== undefined)?.id || undefined
  }

  #tried(read: (parser: Parser) => void): void {
    if (this.error) return
    try {
      this.#parser ??= this.#begin(this.#received)
      read(this.#parser)
    } catch (error) {
      this.error = error as Error
    }
    for (const each of this.#received.splice(0)) this.#add(each)
  }

  #add({ data, id, type = 'message', notice }: Received): void {
    const withId = id === undefined ? {} : { id }
    if (notice !== undefined) {
      // the JSON formats call it `error`, which is no name for an event of SSE's
      const kind = notice === 'error' ? 'failed' : notice
      if (endings.includes(kind)) this.reason = kind
      this.#events.push({ ...withId, event: { type: kind, data, ...withId, notice: true } })
    } else if (data !== undefined) this.#events.push({ ...withId, event: { type, data, ...withId } })
    else if (id !== undefined) this.#events.push(withId)
  }
}
