import type { Awaitable } from '../promise.js'
import type { Reading } from './backend.js'
import { Gap } from './gap.js'
import type { Published } from './published.js'
import type { View } from './view.js'

type Missed = Published | Gap

/** What a client has missed, as its feed has it, and whether that is all of it. */
export class Replay {
  readonly #view: View<unknown>
  readonly #iterator: Iterator<Missed> | AsyncIterator<Missed>
  /** What was missed for good. */
  readonly gap: Gap | undefined
  #isGapTold = false
  /** All of it was taken. */
  isDone = false
  /** The id up to which the client has everything that there is to have. */
  #last: string | undefined

  constructor(view: View<unknown>, requested: string, { outcome, from, events }: Reading) {
    this.#view = view
    this.#iterator = Symbol.iterator in events ? events[Symbol.iterator]() : events[Symbol.asyncIterator]()
    if (outcome !== 'found') this.gap = new Gap(requested, from, outcome)
    else if (requested !== 'earliest') this.#last = requested
  }

  /** The gap, if there is one, then what was missed, event by event; a promise only where the backend needs one. */
  next(): Awaitable<IteratorResult<Missed>> {
    if (!this.gap || this.#isGapTold) return this.#next()
    this.#isGapTold = true
    return { done: false, value: this.gap }
  }

  #next(): IteratorResult<Missed> | Promise<IteratorResult<Missed>> {
    for (;;) {
      const result = this.#iterator.next()
      if ('then' in result) return this.#later(result)
      const own = this.#take(result)
      if (own) return own
    }
  }

  close(): void {
    void this.#iterator.return?.()
  }

  /** Whether a live event, or what comes after a live gap, was part of what was missed. */
  includes(live: Missed): boolean {
    const id = live instanceof Gap ? live.from : live.id
    return this.#last !== undefined && this.#view.root.compare(id, this.#last) <= 0
  }

  async *all(): AsyncGenerator<Published> {
    try {
      for (let result = await this.#next(); !result.done; result = await this.#next()) {
        if (!(result.value instanceof Gap)) yield result.value
      }
    } finally {
      this.close()
    }
  }

  async #later(first: Promise<IteratorResult<Missed>>): Promise<IteratorResult<Missed>> {
    for (let result = await first; ; result = await this.#iterator.next()) {
      const own = this.#take(result)
      if (own) return own
    }
  }

  /** The result as the feed has it; undefined for one that it leaves out. */
  #take(result: IteratorResult<Missed>): IteratorResult<Missed> | undefined {
    if (result.done) {
      this.isDone = true
      return result
    }
    if (result.value instanceof Gap) return { done: false, value: result.value }
    this.#last = result.value.id
    const own = this.#view.of(result.value)
    return own && { done: false, value: own }
  }
}
