// One client of a route that is put to the test: it sees every field, every event, and how the stream ended.
import { connect } from 'node:net'
import { mediaTypeOf } from '../../readers/reader.js'
import { Connection } from '../connection.js'
import { type Reading, readingOf, type StreamEvent } from '../reading.js'

/** A request, all of it. */
export interface Asked {
  readonly path: string
  readonly method: string
  /** Written as they are, byte by byte as in Latin-1. */
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  readonly version?: '1.0' | '1.1'
}

/**
 * Whether what is read of a media type are the events that were written, each as soon as it is. An element of an array is
 * whole when the next begins, and so is a part; text and bytes come as it happens.
 */
export function hasRecords(mediaType: string): boolean {
  return /^text\/(?:event-stream|csv)$|ndjson$|json-seq$|jsonl(?:ines)?$/.test(mediaType)
}

export class Visit {
  readonly asked: Asked
  readonly #connection: Connection
  #reading: Reading | undefined
  #read = 0
  #isWhole: boolean | undefined
  #hasLeft = false

  constructor(url: URL, asked: Asked) {
    this.asked = asked
    const { hostname, port, host } = url
    this.#connection = new Connection(connect(Number(port || 80), hostname.replace(/^\[|\]$/g, '')))
    this.#connection.ask(asked.path, { ...asked, headers: { Host: host, ...asked.headers } })
    this.#connection.onNews(() => this.#look())
  }

  /** 0 until the head has come. */
  get status(): number {
    return this.#connection.latest?.status ?? 0
  }

  /** Names in lower case; of several fields of one name all, joined. */
  get headers(): Readonly<Record<string, string | undefined>> {
    return this.#connection.latest?.headers ?? {}
  }

  get mediaType(): string {
    return mediaTypeOf(this.headers['content-type'] ?? '')
  }

  /** Bytes of the body that have come. */
  get bytes(): number {
    return this.#connection.latest?.size ?? 0
  }

  get body(): string {
    return this.#connection.latest?.body ?? ''
  }

  /** Whether the body has come to its proper end; undefined while it is open. */
  get isWhole(): boolean | undefined {
    return this.#isWhole
  }

  /** The request is on its way to the server. */
  get isSent(): boolean {
    const { connecting, writableLength } = this.#connection.socket
    return !connecting && writableLength === 0
  }

  /** Its stream has begun, and neither end has left. */
  get isOpen(): boolean {
    return this.status === 200 && this.#isWhole === undefined && !this.#hasLeft
  }

  /** Why what came could not be read. */
  get fault(): Error | undefined {
    return this.#connection.error ?? this.#reading?.error
  }

  /** The events, and the notices among them. */
  get all(): readonly StreamEvent[] {
    return this.#reading?.events.flatMap(({ event }) => event ?? []) ?? []
  }

  /** The events, without the notices. */
  get events(): readonly StreamEvent[] {
    return this.all.filter(({ notice }) => !notice)
  }

  /** The notices of a kind. */
  notices(kind: string): readonly StreamEvent[] {
    return this.all.filter(({ type, notice }) => notice && type === kind)
  }

  /** The id that a client would come back with. */
  get place(): string | undefined {
    return this.#reading?.events.findLast(({ id }) => id !== undefined)?.id
  }

  /** Closes the connection. */
  leave(): void {
    this.#hasLeft = true
    this.#connection.leave()
  }

  /** Cuts the connection. */
  reset(): void {
    this.#hasLeft = true
    this.#connection.reset()
  }

  /** Says that nothing more will be sent, and goes on reading. */
  halfClose(): void {
    this.#hasLeft = true
    this.#connection.halfClose()
  }

  pause(): void {
    this.#connection.socket.pause()
  }

  resume(): void {
    this.#connection.socket.resume()
  }

  #look(): void {
    const { latest } = this.#connection
    if (latest) {
      this.#reading ??= readingOf(latest, {})
      if (latest.size > this.#read) this.#reading.take(latest.bytes.subarray(this.#read))
      this.#read = latest.size
      if (latest.isWhole) this.#isWhole ??= this.#reading.end()
    }
    if (this.#connection.isClosed || this.#connection.error) this.#isWhole ??= false
  }
}
