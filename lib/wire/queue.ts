// Queues items for one client, first in, first out; decides which to drop past the limits, by the overflow policy.
import type { StreamOptions } from '../declare/options.js'
import { misuse } from '../errors.js'
import { forsake } from '../guard.js'
import { isPromise } from '../promise.js'

/** How much may wait for one client, and the policy past these limits. */
export type Limits = Readonly<Required<Pick<StreamOptions, 'maxQueued' | 'maxQueuedBytes' | 'overflow'>>>

/** Measures a kind of items. */
export interface Measure<Item> {
  /** The messages or events in an item. */
  count(item: Item): number
  /** Bytes. */
  size(item: Item): number
  /** The data that `conflate` gets. */
  data(item: Item): unknown
  /** An item that no policy drops. */
  isKept(item: Item): boolean
}

/** The messages and bytes queued for the same client in other places. */
export interface Elsewhere {
  readonly count: number
  readonly bytes: number
}

/** Marks a removed item; an item may itself be undefined. */
const gone = Symbol('gone')

const nothing: Elsewhere = { count: 0, bytes: 0 }

export class Queue<Item> {
  readonly #measure: Measure<Item>
  readonly #limits: Limits
  #items: (Item | typeof gone)[] = []
  #first = 0
  /** Items, and the messages or events in them. */
  #count = 0
  #size = 0
  #bytes = 0
  /** The index of the newest item of each key: from when the limits are passed until the queue is empty. */
  #newest: Map<PropertyKey, number> | undefined

  constructor(measure: Measure<Item>, limits: Limits) {
    this.#measure = measure
    this.#limits = limits
  }

  /** The number of queued messages or events. */
  get size(): number {
    return this.#size
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Adds an item, regardless of the limits. */
  put(item: Item): void {
    this.#items.push(item)
    this.#count += 1
    this.#size += this.#measure.count(item)
    this.#bytes += this.#measure.size(item)
  }

  /**
   * Adds an item, within the limits.
   *
   * @returns the number of items dropped for it, itself included; undefined when the client is past its limits
   */
  offer(item: Item, elsewhere = nothing): number | undefined {
    const { overflow } = this.#limits
    if (this.#newest) return this.#conflate(item, elsewhere)
    if (this.hasRoom(item, elsewhere)) {
      this.put(item)
      return 0
    }
    if (overflow === 'close') return undefined
    if (overflow === 'dropNewest') return 1
    if (overflow !== 'dropOldest') return this.#conflate(item, elsewhere)
    let dropped = 0
    while (!this.hasRoom(item, elsewhere) && this.#dropOldest()) dropped += 1
    this.put(item)
    return dropped
  }

  /**
   * Brings the queue within the limits, if items were put there regardless of them: as if they came now, one by one.
   *
   * @returns the number of items dropped; undefined when the client is past its limits
   */
  settle(elsewhere: Elsewhere): number | undefined {
    const items = this.#items.filter((item) => item !== gone) as Item[]
    const isConflating = this.#newest !== undefined
    this.clear()
    // until the queue is empty
    if (isConflating) this.#newest = new Map()
    let dropped = 0
    for (const item of items) {
      if (this.#measure.isKept(item)) {
        this.put(item)
        continue
      }
      const more = this.offer(item, elsewhere)
      if (more === undefined) return undefined
      dropped += more
    }
    return dropped
  }

  /** Takes the oldest item; there must be one. */
  take(): Item {
    this.#skipGone()
    const item = this.#remove(this.#first)
    if (this.#size === 0) this.clear()
    else this.#compact()
    return item
  }

  /** The oldest item; there must be one. */
  get next(): Item {
    this.#skipGone()
    return this.#items[this.#first] as Item
  }

  clear(): void {
    this.#items = []
    this.#first = 0
    this.#count = 0
    this.#size = 0
    this.#bytes = 0
    this.#newest = undefined
  }

  /**
   * Whether an item fits. An item larger than the byte limit fits if nothing else is queued.
   *
   * @param times so many times the limits
   */
  hasRoom(item: Item, elsewhere: Elsewhere, times = 1): boolean {
    const { maxQueued, maxQueuedBytes } = this.#limits
    if (this.#size + elsewhere.count + this.#measure.count(item) > maxQueued * times) return false
    const bytes = this.#bytes + elsewhere.bytes
    return bytes === 0 || bytes + this.#measure.size(item) <= maxQueuedBytes * times
  }

  #dropOldest(): boolean {
    this.#skipGone()
    for (let at = this.#first; at < this.#items.length; at++) {
      const item = this.#items[at]
      if (item === gone || this.#measure.isKept(item as Item)) continue
      this.#remove(at)
      this.#compact()
      return true
    }
    return false
  }

  /** Keeps the newest of each key, in the order of arrival: no id goes out before an older one. */
  #conflate(item: Item, { bytes }: Elsewhere): number | undefined {
    const dropped = (this.#newest ? 0 : this.#conflateAll()) + this.#supersede(item, this.#items.length)
    // other queues have their own limit on messages, and bytes there cannot be superseded
    if (this.#size > 0 && !this.hasRoom(item, { count: 0, bytes })) return undefined
    this.put(item)
    this.#compact()
    return dropped
  }

  #conflateAll(): number {
    this.#newest = new Map()
    let dropped = 0
    for (let at = this.#first; at < this.#items.length; at++) {
      const item = this.#items[at]
      if (item === gone || this.#measure.isKept(item as Item)) continue
      dropped += this.#supersede(item as Item, at)
    }
    return dropped
  }

  /** Drops the older item of the same key; returns the number dropped. */
  #supersede(item: Item, at: number): number {
    const { conflate } = this.#limits.overflow as { conflate(data: unknown): PropertyKey }
    const newest = this.#newest as Map<PropertyKey, number>
    const key = checked(conflate(this.#measure.data(item)))
    const older = newest.get(key) ?? -1
    newest.set(key, at)
    if (older < this.#first || this.#items[older] === gone) return 0
    this.#remove(older)
    return 1
  }

  #skipGone(): void {
    while (this.#items[this.#first] === gone) this.#first += 1
  }

  #remove(at: number): Item {
    const item = this.#items[at] as Item
    this.#items[at] = gone
    this.#count -= 1
    this.#size -= this.#measure.count(item)
    this.#bytes -= this.#measure.size(item)
    return item
  }

  /** Removes the marks of removed items once they outnumber the rest. */
  #compact(): void {
    if (this.#items.length < 1024 || this.#items.length < 2 * this.#count) return
    this.#items = this.#items.filter((item) => item !== gone)
    this.#first = 0
    if (this.#newest) this.#conflateAll()
  }
}

/** Any value may be a key, but for a promise: no two are the same. */
function checked(key: unknown): PropertyKey {
  if (!isPromise(key)) return key as PropertyKey
  forsake(key)
  throw misuse('LARIAT_ANSWER', 'conflate returned a promise; it must be synchronous')
}
