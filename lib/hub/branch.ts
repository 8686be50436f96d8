// Keeps one feed of a merged feed: its events on the way to the merged one, and the place up to which they were delivered.
import type { Format } from '../formats/format.js'
import { type Awaitable, isPromise } from '../promise.js'
import type { Where } from './backend.js'
import type { Followed, Member } from './followed.js'
import { type Gap, now } from './gap.js'
import { MergedEvent } from './merged-event.js'
import type { Published } from './published.js'
import type { Keeps, Missed, Root, Sink } from './sink.js'
import type { Beginning } from './start.js'
import { keyOf, pieceOf } from './vector.js'

/** The merged feed, as its branches see it. */
export interface Trunk {
  readonly merged: Required<Sink>
  arrive(branch: Branch, item: Published | Gap): void
  /** One of its branches has ended. */
  branchEnded(): void
}

export class Branch implements Sink {
  readonly #trunk: Trunk
  readonly #at: number
  readonly whole: Followed
  /** Where a client begins whose id does not name the channel. */
  readonly start: Beginning | undefined
  readonly name: string
  /** Stands for the name in ids. */
  readonly key: string
  #place = ''
  /** The place, as a piece of an id. */
  piece = ''
  /** It was told that the channel has ended. */
  isOver = false

  constructor({ whole, start }: Member, at: number, trunk: Trunk) {
    this.whole = whole
    this.start = start
    this.#at = at
    this.#trunk = trunk
    this.name = whole.root.names[0] as string
    this.key = keyOf(this.name)
  }

  get root(): Root {
    return this.whole.root
  }

  /** The place up to which its events were delivered to the sinks of the merged feed. */
  get place(): string {
    return this.#place
  }

  set place(place: string) {
    if (place === this.#place) return
    this.#place = place
    this.piece = pieceOf(this.key, place)
  }

  /** The place of its channel, if nobody has to be asked for it. */
  get placeAtHand(): string | undefined {
    const { root } = this
    return root.place ?? (root.isImmediate ? (root.askPlace() as string) : undefined)
  }

  /**
   * Moves on past what a filter has kept away. In a delivery of the channel nobody knows what of it was delivered here.
   */
  moveOn(): void {
    const { root } = this
    const { place } = root
    if (place === undefined || place === this.#place || root.isDelivering) return
    if (root.hasDelivered(this.#place)) this.place = place
  }

  /**
   * Reads the events of its channel.
   *
   * @param keeps what of them the merged feed lets through, unless it is all that this one does
   */
  missed(where: Where, place: () => Awaitable<string>, keeps: Keeps | undefined): Awaitable<Missed> {
    const { whole, root } = this
    if (where === now) {
      const from = (before: string): Missed => ({
        gaps: [],
        before,
        hasEnded: root.hasEnded,
        events: [][Symbol.iterator](),
      })
      const before = place()
      return isPromise(before) ? before.then(from) : from(before)
    }
    if (keeps) return root.missed(where, (event) => keeps(this.merge(event, '')))
    return root.missed(where, whole.keeps)
  }

  merge(event: Published, id: string): Published {
    return new MergedEvent(id, this.#at, event)
  }

  // ---- as a sink of its feed

  get subscribers(): number {
    return this.#trunk.merged.subscribers
  }

  event(event: Published): void {
    this.#trunk.arrive(this, event)
  }

  gap(gap: Gap): void {
    this.#trunk.arrive(this, gap)
  }

  failed(error: unknown): void {
    this.#trunk.merged.failed(error)
  }

  ended(): void {
    this.isOver = true
    this.#trunk.branchEnded()
  }

  down(error?: unknown): void {
    this.#trunk.merged.down(error)
  }

  formats(): Iterable<Format> {
    return this.#trunk.merged.formats()
  }

  takeAll(end: 'ended' | 'down'): readonly Sink[] | undefined {
    return end === 'down' ? this.#trunk.merged.takeAll(end) : undefined
  }
}
