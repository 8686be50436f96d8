// Reads the events of a feed that a client missed: a gap first, if there is one, then each event.
import { quietly } from '../guard.js'
import { type Awaitable, isPromise, nextTurn } from '../promise.js'
import type { Reading } from './backend.js'
import { earliest, Gap } from './gap.js'
import type { Published } from './published.js'
import type { Origin } from './sink.js'

type Missed = Published | Gap

/** A step without a value: the feed filters out the event. The reader decides when to take the next step. */
export const skipped: unique symbol = Symbol.for('express-lariat.skipped') as never

export type ReplayStep = IteratorResult<Missed> | typeof skipped

/** Steps before yielding to the event loop. */
const stepsPerTurn = 1000

export class Replay {
  readonly #origin: Origin
  readonly #iterator: Iterator<Missed> | AsyncIterator<Missed>
  /** The events that are lost, if any. */
  readonly gap: Gap | undefined
  #isGapRead = false
  /** The id of the last event read; undefined if none was. */
  last: string | undefined
  /** Whether all events were read. */
  isDone = false

  constructor(origin: Origin, requested: string, { outcome, from, before, events }: Reading) {
    this.#origin = origin
    this.#iterator = Symbol.iterator in events ? events[Symbol.iterator]() : events[Symbol.asyncIterator]()
    if (outcome !== 'found') this.gap = new Gap(requested, from, outcome, before)
    else if (requested !== earliest) this.last = requested
  }

  /** The gap, if there is one, then the missed events. Returns a promise only if the backend needs one. */
  next(): Awaitable<ReplayStep> {
    if (this.gap && !this.#isGapRead) {
      this.#isGapRead = true
      return { done: false, value: this.gap }
    }
    const result = this.#iterator.next()
    return isPromise(result)
      ? result.then((each) => this.#take(each as IteratorResult<Missed>))
      : this.#take(result)
  }

  close(): void {
    quietly(() => this.#iterator.return?.())
  }

  /** All events, without gaps. */
  async *all(): AsyncGenerator<Published> {
    let steps = 0
    try {
      for (;;) {
        const step = await this.next()
        if (++steps % stepsPerTurn === 0) await nextTurn()
        if (step === skipped) continue
        if (step.done) return
        if (!(step.value instanceof Gap)) yield step.value
      }
    } finally {
      this.close()
    }
  }

  #take(result: IteratorResult<Missed>): ReplayStep {
    if (result.done) this.isDone = true
    if (result.done || result.value instanceof Gap) return result
    this.last = result.value.id
    const own = this.#origin.of(result.value)
    return own ? { done: false, value: own } : skipped
  }
}
