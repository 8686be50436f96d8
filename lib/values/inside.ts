// Shows the parts of this library that observe it, such as metrics and the inspector, what lies behind an endpoint, a
// stream and a hub.
import type { Awaitable } from '../promise.js'
import type { Channel } from './feed.js'
import type { OpenStream } from './open-stream.js'

/** The key under which they show it. It is shared by the copies of the package. */
export const inside: unique symbol = Symbol.for('express-lariat.inside') as never

/** An endpoint: one that `resource` or `loop` made, also from the spec of a table. */
export interface EndpointInside {
  /** The endpoint itself, as diagnostics messages name it. */
  readonly endpoint: object
  readonly streams: Iterable<OpenStream>
  /** `endpoint.close()` was called. */
  readonly isClosing: boolean
  /** Its places in tables; one without a route before it is in any. */
  readonly mounts: Iterable<Mount>
}

/** What is known of the streams of an endpoint before there are any. */
export interface Mount {
  /** The key of its table. The pattern of a mount by `app.use` is known once a request comes. */
  readonly route: string | undefined
  /** The media types of the streams, if they are constant. */
  readonly formats: readonly string[]
  readonly maxStreams: number | undefined
  readonly maxStreamsPerClient: number | undefined
}

/** A stream. */
export interface StreamInside {
  readonly endpoint: object
  /** The header fields of its request: the same object as in the messages of its decisions. */
  readonly headers: object
  /** Its records are `{ id, type, data }`: of others all is data. */
  readonly hasEnvelope: boolean
  /** The client has not taken all that was written. */
  readonly isBehind: boolean
  /** Bytes encoded that the kernel has not taken. */
  readonly queuedBytes: number
  /**
   * Listens to what is written from now on: the bytes of the body, without the framing of HTTP.
   *
   * @returns a function that ends it. Meanwhile the stream shares no writes with others: for a look, not for long
   */
  tap(listener: (bytes: Uint8Array) => void): () => void
}

/** A hub. */
export interface HubInside {
  /** What the store is called, such as `memory` or `redis`. */
  readonly backend: string
  /** The store is there, as far as is known. */
  readonly isUp: boolean
  /** The channels that are needed, or held by the app. */
  readonly channels: Iterable<ChannelInside>
  channel(name: string): ChannelInside | undefined
}

export interface ChannelInside {
  readonly name: string
  readonly channel: Channel<unknown>
  readonly subscribers: number
  /** Of a channel with a source: whether that runs, or goes on for a while without subscribers, or not. */
  readonly source: 'none' | 'running' | 'lingering' | 'stopped'
  readonly hasEnded: boolean
  /** What is retained; undefined if the backend does not say. A store is asked. */
  retained(): Awaitable<Retained | undefined>
  /** Listens to what is delivered in this process from now on. It is no subscriber: without any, nothing is delivered. */
  tap(listener: (item: Delivery) => void): () => void
}

/** What a channel retains. */
export interface Retained {
  readonly events: number
  /** As `historyBytes` counts them; estimated where that is no limit, and undefined where the backend does not say. */
  readonly bytes: number | undefined
  /** The ids of the oldest and the latest event. */
  readonly first: string | undefined
  readonly last: string | undefined
  /** When the oldest was appended: milliseconds since the epoch. */
  readonly since: number | undefined
}

/** An event that a channel delivers, or a gap in its events. */
export interface Delivery {
  readonly id: string
  readonly type?: string
  /** Of an event. */
  readonly data?: unknown
  /** Why events are lost, of a gap. */
  readonly reason?: string
}

/** What an endpoint and a table show. */
export interface WithEndpoints {
  [inside](): Iterable<EndpointInside>
}

/** What a stream shows. */
export interface WithStream {
  readonly [inside]: StreamInside
}

/** What a hub shows. */
export interface WithHub {
  readonly [inside]: HubInside
}

/** Keeps the streams and decisions of a spec out of what is told of others: those of a tool that observes. */
export function hidden<Spec extends object>(spec: Spec): Spec {
  return { ...spec, [inside]: 'hidden' }
}

/** Whether a spec is `hidden`. */
export function isHidden(spec: object): boolean {
  return (spec as { [inside]?: unknown })[inside] === 'hidden'
}
