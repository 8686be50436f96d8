import { clock } from '../clock.js'
import type { Format } from '../formats/format.js'
import { type Encoded, gatherEvents } from '../wire/chunk.js'
import type { Gap } from './gap.js'
import type { Published } from './published.js'
import type { Sink, View } from './view.js'

/** What came for a group within one turn of the event loop. */
export class Batch {
  /** All of it in one chunk. */
  readonly whole: Encoded
  /** Event by event, for whom not all of it may be. */
  readonly events: readonly Encoded[]
  /** When it goes out, by the clock. */
  readonly now: number
  #slices: readonly Batch[] | undefined

  constructor(events: readonly Encoded[], now: number) {
    this.whole = gatherEvents(events)
    this.events = events
    this.now = now
  }

  /** The same in parts, for whom all of it at once is more than may wait. */
  get slices(): readonly Batch[] {
    this.#slices ??= slice(this.events).map((events) => new Batch(events, this.now))
    return this.#slices
  }
}

/** The most bytes of a slice, unless it is one event. */
const most = 2 ** 16

function slice(events: readonly Encoded[]): readonly Encoded[][] {
  const slices: Encoded[][] = []
  let size = most
  for (const event of events) {
    if (size + event.size > most) {
      slices.push([])
      size = 0
    }
    slices.at(-1)?.push(event)
    size += event.size
  }
  return slices
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
  /** A batch on its way, and those that are still to get it. */
  #writing: { batch: Batch; members: IterableIterator<Member> } | undefined

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
    // one that is ended by what is written to another gets all that came before its end
    this.#goOn()
    if (this.#events.length === 0) return
    const batch = new Batch(this.#events, clock.now())
    this.#events = []
    this.#writing = { batch, members: this.#members.values() }
    this.#goOn()
  }

  /** Goes on with what is being written, with those that have not got it yet. */
  #goOn(): void {
    const writing = this.#writing
    if (!writing) return
    for (const member of writing.members) member.take(writing.batch)
    this.#writing = undefined
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
