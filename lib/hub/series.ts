// Reads what was missed in several channels, one channel after the other.
import { quietly } from '../guard.js'
import { type Awaitable, isPromise } from '../promise.js'
import type { Gap } from './gap.js'
import type { Published } from './published.js'
import type { Items } from './sink.js'

type Item = Published | Gap

/** An event or a gap of one of the readings. */
type Take = (item: Item, at: number) => Item

export class Series implements Items {
  readonly #readings: readonly Items[]
  readonly #take: Take
  /** The one that is read. */
  #at = 0

  constructor(readings: readonly Items[], take: Take) {
    this.#readings = readings
    this.#take = take
  }

  next(): Awaitable<IteratorResult<Item>> {
    const reading = this.#readings[this.#at]
    if (!reading) return { done: true, value: undefined }
    const step = reading.next()
    return isPromise(step) ? step.then((each) => this.#step(each)) : this.#step(step)
  }

  #step(step: IteratorResult<Item>): Awaitable<IteratorResult<Item>> {
    if (!step.done) return { done: false, value: this.#take(step.value, this.#at) }
    this.#at += 1
    return this.next()
  }

  return(): void {
    for (const reading of this.#readings.slice(this.#at)) quietly(() => reading.return?.())
    this.#at = this.#readings.length
  }
}
