// Takes a snapshot: calls `snapshot`, in time, and hands out what it returned as events, the last of them with the place
// where the events of the feed go on.
import { misuse } from '../errors.js'
import { type Snapshot, SnapshotEvent } from '../hub/snapshot.js'
import { type Awaitable, isPromise } from '../promise.js'
import { withDeadline } from '../request/callback.js'
import { discard } from '../request/discard.js'
import { type Event, event, isEvent } from '../values/event.js'
import { isStop, type StopValue } from '../values/stop.js'
import { openItems, type Pull } from './source.js'

type Step = IteratorResult<unknown>

/** Reads one item ahead, to know the last. */
export class TakenSnapshot implements Snapshot {
  readonly #call: () => unknown
  readonly #patience: number
  #items: Pull | undefined
  #ahead: Step | undefined
  #isClosed = false
  isEmpty = true

  /** @param patience milliseconds within which its first event must come */
  constructor(call: () => unknown, patience: number) {
    this.#call = call
    this.#patience = patience
  }

  take(): Awaitable<StopValue | void> {
    const value = this.#call()
    const first = isPromise(value)
      ? Promise.resolve(value).then((each) => this.#open(each))
      : this.#open(value)
    return isPromise(first) ? withDeadline('snapshot', first, this.#patience) : first
  }

  #open(value: unknown): Awaitable<StopValue | void> {
    if (isStop(value)) return value
    this.#items = openItems(value)
    if (this.#isClosed) return this.#items.close()
    return this.#read(() => {})
  }

  next(place: string): Awaitable<IteratorResult<SnapshotEvent>> {
    const { value: item, done } = this.#ahead as Step
    if (done) return { done: true, value: undefined }
    this.isEmpty = false
    return this.#read((step) => ({
      done: false,
      value: new SnapshotEvent(eventOf(item, step.done ? place : undefined)),
    }))
  }

  #read<T>(then: (step: Step) => T): Awaitable<T> {
    const take = (step: Step) => {
      if (isStop(step.value)) throw stopWithin(step.value)
      this.#ahead = step
      return then(step)
    }
    const step = (this.#items as Pull).next()
    return isPromise(step) ? Promise.resolve(step).then((each) => take(each as Step)) : take(step as Step)
  }

  close(): void {
    this.#isClosed = true
    this.#items?.close()
  }
}

function stopWithin(stop: StopValue): TypeError {
  discard(stop)
  return misuse(
    'LARIAT_ANSWER',
    'An item of snapshot was stop(): expected data or an event(); return stop() instead',
  )
}

/**
 * An item as it is written: of type `snapshot` unless it has its own, or null. An id of its own would be no place in the
 * feed.
 */
function eventOf(item: unknown, id: string | undefined): Event {
  const given = isEvent(item) ? item : event(item)
  const { data, retry, comment } = given
  const type = Object.hasOwn(given, 'type') ? (given.type ?? null) : 'snapshot'
  return event(data, { id, type, retry, comment })
}
