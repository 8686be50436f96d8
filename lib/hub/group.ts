import { clock } from '../clock.js'
import { type Chunk, type Encoded, gather } from '../formats/chunk.js'
import type { Format } from '../formats/format.js'
import type { Gap } from './feed.js'
import type { Published } from './published.js'
import type { Sink, View } from './view.js'

/** What came for a group within one turn of the event loop. */
export interface Batch {
  /** All of it in one chunk. */
  readonly chunk: Chunk
  /** Event by event, for a client that is behind, or that has got nothing yet. */
  readonly events: readonly Encoded[]
  /** When it goes out, by the clock. */
  readonly now: number
}

/** A stream of a group. None of this may throw. */
export interface Member extends Omit<Sink, 'subscribers' | 'event'> {
  take(batch: Batch): void
}

/** The groups that have something to write at the end of this turn. */
const due: Group[] = []

function flushAll(): void {
  // what is published by whom this wakes is of the next turn
  for (const group of due.splice(0)) group.flush()
}

/**
 * The streams of one feed in one format: an event is encoded once, the events of one turn of the event loop are
 * gathered once, and each stream gets the same bytes in one write.
 */
export class Group implements Sink {
  readonly format: Format
  readonly #view: View<unknown>
  readonly #members = new Set<Member>()
  #events: Encoded[] = []

  constructor(format: Format, view: View<unknown>) {
    this.format = format
    this.#view = view
  }

  get subscribers(): number {
    return this.#members.size
  }

  /** From here on the member gets what comes; what came before in this turn is not for it. */
  add(member: Member): void {
    this.flush()
    this.#members.add(member)
    if (this.#members.size === 1) this.#view.attach(this)
  }

  /** The member has got all that came until now. */
  remove(member: Member): void {
    if (!this.#members.delete(member) || this.#members.size > 0) return
    this.#events = []
    this.#view.detach(this)
  }

  event(event: Published): void {
    let encoded: Encoded
    try {
      encoded = event.in(this.format)
    } catch (error) {
      return this.failed(error)
    }
    if (encoded.size === 0) return
    if (this.#events.push(encoded) === 1 && due.push(this) === 1) setImmediate(flushAll)
  }

  /** Writes what has come, in one write for each stream. */
  flush(): void {
    if (this.#events.length === 0) return
    const events = this.#events
    this.#events = []
    const batch: Batch = { chunk: gather(events), events, now: clock.now() }
    for (const member of this.#members) member.take(batch)
  }

  gap(gap: Gap): void {
    this.flush()
    for (const member of this.#members) member.gap(gap)
  }

  failed(error: unknown): void {
    this.flush()
    for (const member of [...this.#members]) member.failed(error)
  }

  down(error?: unknown): void {
    this.flush()
    for (const member of [...this.#members]) member.down(error)
  }
}
