// Writes what a `snapshot` returned: one event or many, the last of them with the place where the events of the feed go on.

import { quietly } from '../guard.js'
import { type Awaitable, isPromise } from '../promise.js'
import { asBytes } from '../values/bytes.js'
import { type Event, event, isEvent } from '../values/event.js'

/** An event that is written to the client as it is, past `info`. */
export class Shown {
  readonly event: Event

  constructor(shown: Event) {
    this.event = shown
  }
}

type Step = IteratorResult<unknown>

/** The events of a snapshot. It reads one ahead, to know the last. */
export class Snapshot {
  readonly #items: Iterator<unknown> | AsyncIterator<unknown>
  readonly #place: string
  #ahead: Step | undefined
  /** Whether there was any event. */
  isEmpty = true

  constructor(value: unknown, place: string) {
    this.#items = itemsOf(value)
    this.#place = place
  }

  next(): Awaitable<IteratorResult<Shown>> {
    const { value: item, done } = this.#ahead ?? { value: undefined, done: undefined }
    if (this.#ahead === undefined)
      return this.#read((step) => {
        this.#ahead = step
        return this.next()
      })
    if (done) return { done: true, value: undefined }
    return this.#read((step) => {
      this.#ahead = step
      this.isEmpty = false
      return { done: false, value: new Shown(eventOf(item, step.done ? this.#place : undefined)) }
    })
  }

  close(): void {
    quietly(() => this.#items.return?.())
  }

  #read<T>(then: (step: Step) => Awaitable<T>): Awaitable<T> {
    const step = this.#items.next()
    return isPromise(step) ? Promise.resolve(step).then((each) => then(each as Step)) : then(step as Step)
  }
}

/** Data, an event, or an iterable of either. Text and bytes are data. */
function itemsOf(value: unknown): Iterator<unknown> | AsyncIterator<unknown> {
  if (value === undefined) return [][Symbol.iterator]()
  if (typeof value === 'object' && value !== null && !isEvent(value) && !asBytes(value)) {
    const { [Symbol.iterator]: each, [Symbol.asyncIterator]: eachLater } = value as Partial<
      Iterable<unknown> & AsyncIterable<unknown>
    >
    if (eachLater) return eachLater.call(value)
    if (each) return each.call(value)
  }
  return [value][Symbol.iterator]()
}

/** An item as it is written: of type `snapshot` unless it has its own. An id of its own would be no place in the feed. */
function eventOf(item: unknown, id: string | undefined): Event {
  const { data, type = 'snapshot', retry, comment } = isEvent(item) ? item : event(item)
  return event(data, { id, type, retry, comment })
}
