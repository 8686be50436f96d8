// Listens to the diagnostics channels, for the endpoints and hubs that are shown: always to what happens once in the life
// of a stream; to the decisions of requests only while somebody looks, and a minute longer.
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { clock, type Deadline } from '../clock.js'
import type { Decisions, Refused } from '../declare/decisions.js'
import type {
  BackendTurn,
  OfStream,
  StreamEnded,
  StreamOpened,
  StreamOverflowed,
  StreamResumed,
} from '../values/diagnostics.js'
import type { Hub } from '../values/feed.js'
import { inside, type WithStream } from '../values/inside.js'
import type { OpenStream } from '../values/open-stream.js'
import { Asked } from './asked.js'
import { Lately, minute } from './lately.js'
import type { Inspected } from './options.js'
import { Ring } from './ring.js'
import { cut, errorText, redacted } from './text.js'

/** A stream that has ended, as a row. */
export interface EndedRow {
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly id: string
  readonly path: string
  readonly route: string
  readonly format: string
  readonly client: string
  readonly reason: string
  readonly error: string | null
  readonly life: number
  readonly msToHead: number | null
  readonly msToFirst: number | null
  readonly sent: number
  readonly bytes: number
  readonly dropped: number
  /** The id of the request, where it is kept. */
  readonly decision: string | null
}

/** What became of the store of a hub last. */
export interface BackendNow {
  readonly state: 'down' | 'up'
  /** Milliseconds since the epoch. */
  readonly at: number
  /** How long it was away, once it is back. */
  readonly away: number | undefined
}

/** The key that counts are kept by, of a route and a format, and what is counted. */
export const keyOf = (what: string, ...of: readonly string[]) =>
  // a route may be a path that a client has chosen, of a mount that is a pattern without a name
  [
    what,
    ...of.map((each) =>
      each
        .split('\n')
        .map((part) => cut(part))
        .join('\n'),
    ),
  ].join('\n')

function headersOf(stream: OpenStream): object {
  return (stream as unknown as WithStream)[inside].headers
}

export class Recorder {
  readonly asked = new Asked()
  readonly ended = new Ring<EndedRow>()
  readonly lately = new Lately()
  /** The last refusal of each kind: of a route, a status and a question. */
  readonly refusals = new Map<string, ReturnType<Asked['refused']>>()
  /** The last error that ended a stream of a route. */
  readonly errors = new Map<string, string>()
  readonly backends = new Map<Hub, BackendNow>()
  /** Milliseconds since the epoch, while decisions are recorded. */
  recordingSince: number | undefined
  /** Called when nobody has looked for a minute. */
  onRest: () => void = () => {}
  readonly #endpoints: ReadonlySet<unknown>
  readonly #hubs: ReadonlySet<unknown>
  #lookers = 0
  #resting: Deadline | undefined
  #isClosed = false
  readonly #listeners: readonly (readonly [name: string, listener: (message: unknown) => void])[]
  readonly #decisions = (message: unknown) => {
    const told = message as Decisions
    if (this.#endpoints.has(told.endpoint)) this.asked.decided(told)
  }

  constructor({ endpoints, hubs }: Inspected) {
    this.#endpoints = new Set(endpoints.map(({ endpoint }) => endpoint))
    this.#hubs = new Set(hubs)
    this.#listeners = [
      ['open', this.#own<StreamOpened>((told) => this.#opened(told))],
      ['end', this.#own<StreamEnded>((told) => this.#ended(told))],
      ['overflow', this.#own<StreamOverflowed>((told) => this.#overflowed(told))],
      ['resume', this.#own<StreamResumed>((told) => this.#resumed(told))],
      ['refusal', this.#own<Refused>((told) => this.#refused(told))],
      ['backend', (message) => this.#turned(message as BackendTurn)],
    ]
    for (const [name, listener] of this.#listeners) subscribe(`express-lariat:${name}`, listener)
  }

  #own<Message extends { readonly endpoint: object }>(
    listen: (told: Message) => void,
  ): (message: unknown) => void {
    return (message) => {
      const told = message as Message
      if (this.#endpoints.has(told.endpoint)) listen(told)
    }
  }

  #opened({ stream, route, format }: OfStream): void {
    this.asked.opened(headersOf(stream), stream.id)
    this.lately.add(keyOf('opened', route, format))
  }

  #ended(told: StreamEnded): void {
    const { stream, route, format, reason, wasOpen, life, msToHead = null, msToFirst = null } = told
    const error = errorText(reason.error) ?? null
    // one without a head was never opened: unless it failed, it is no more than a refusal, or a client that had left
    if (wasOpen || reason.kind === 'error') {
      this.lately.add(keyOf('ended', route, format, reason.kind))
      if (life < 10_000 && !isComplete(reason)) this.lately.add(keyOf('short', route, format))
    }
    if (error !== null) this.#keep(this.errors, cut(route), error)
    this.ended.push({
      at: clock.date(),
      id: stream.id,
      path: redacted(stream.path),
      route: cut(route),
      format: cut(format),
      client: cut(stream.client, 100),
      reason: reason.kind,
      error,
      life,
      msToHead,
      msToFirst,
      sent: told.events,
      bytes: told.bytes,
      dropped: told.dropped,
      decision: this.asked.idOf(headersOf(stream)),
    })
  }

  #overflowed({ route, format, dropped }: StreamOverflowed): void {
    this.lately.add(keyOf('dropped', route, format), dropped)
  }

  #resumed({ route, format, outcome }: StreamResumed): void {
    this.lately.add(keyOf('resumed', route, format, outcome))
  }

  #refused(told: Refused): void {
    const { route, status, question } = told
    const key = keyOf('refused', route, String(status), question)
    this.lately.add(key)
    this.#keep(this.refusals, key, this.asked.refused(told))
  }

  #turned({ hub, state }: BackendTurn): void {
    if (!this.#hubs.has(hub)) return
    const at = clock.date()
    const before = this.backends.get(hub)
    const away = state === 'up' && before?.state === 'down' ? at - before.at : undefined
    this.backends.set(hub, { state, at, away })
  }

  /** Routes, questions and statuses are few; where they are not, the oldest goes. */
  #keep<T>(map: Map<string, T>, key: string, value: T): void {
    map.delete(key)
    map.set(key, value)
    if (map.size > 200) map.delete(map.keys().next().value as string)
  }

  /** Somebody looks: the decisions of requests are recorded. Returns a function that ends the look. */
  look(): () => void {
    this.#lookers += 1
    this.#resting?.cancel()
    if (this.recordingSince === undefined && !this.#isClosed) {
      this.recordingSince = clock.date()
      subscribe('express-lariat:decisions', this.#decisions)
    }
    let isLooking = true
    return () => {
      if (!isLooking) return
      isLooking = false
      this.#lookers -= 1
      if (this.#lookers === 0 && !this.#isClosed) this.#resting = clock.after(minute, () => this.#rest())
    }
  }

  #rest(): void {
    if (this.recordingSince === undefined) return
    this.recordingSince = undefined
    unsubscribe('express-lariat:decisions', this.#decisions)
    this.onRest()
  }

  close(): void {
    this.#isClosed = true
    this.#resting?.cancel()
    this.#rest()
    for (const [name, listener] of this.#listeners) unsubscribe(`express-lariat:${name}`, listener)
  }
}

/** Whether all of a stream's data came to its client: of answers that is the rule, however short they are. */
function isComplete({ kind }: StreamEnded['reason']): boolean {
  return kind === 'end' || kind === 'stop'
}
