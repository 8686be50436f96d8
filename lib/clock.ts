// Runs all heartbeats and deadlines of the process on one timer.

import { shared } from './brand.js'
import { apart } from './scope.js'
import { clearImmediate, setImmediate } from './turn.js'

/** The source of time; specs replace it. */
export interface Time {
  /** Monotonic milliseconds. */
  now(): number
  /** Calls back once after the given time; returns a function that cancels the call. */
  wake(callback: () => void, milliseconds: number): () => void
}

export const system: Time = {
  // Whole numbers take no heap space of their own, and every stream keeps a few.
  now: () => Math.trunc(performance.now()),
  wake(callback, milliseconds) {
    // The timer is shared: it must not keep the async context of the stream that happens to set it.
    const timer = apart(() => setTimeout(callback, milliseconds).unref())
    return () => clearTimeout(timer)
  },
}

/** A call that is scheduled and can be cancelled. */
export interface Deadline {
  cancel(): void
}

/** An entry of the clock. It can be set again after it rang, so that a heartbeat allocates nothing each time. */
export abstract class Alarm {
  due = 0
  /** The index in the clock's heap; -1 once it has rung or was cancelled. */
  at = -1

  abstract ring(): void
}

class Call extends Alarm implements Deadline {
  readonly #clock: Clock
  readonly #call: () => void

  constructor(clock: Clock, call: () => void) {
    super()
    this.#clock = clock
    this.#call = call
  }

  ring(): void {
    this.#call()
  }

  cancel(): void {
    this.#clock.cancel(this)
  }
}

/** Calls back once, after so many turns of the event loop, unless it is cancelled. */
export function afterTurns(turns: number, call: () => void): Deadline {
  let left = turns
  const look = () => {
    left -= 1
    if (left === 0) call()
    else next = setImmediate(look)
  }
  let next = setImmediate(look)
  return { cancel: () => clearImmediate(next) }
}

const furthest = 2 ** 31 - 1

/** A heap of alarms, and one timer for the first of them. */
export class Clock {
  #time: Time
  readonly #heap: Alarm[] = []
  #sleep: (() => void) | undefined
  #wakes = Infinity

  constructor(time: Time = system) {
    this.#time = time
  }

  now(): number {
    return this.#time.now()
  }

  /** Milliseconds since the epoch. A source of time in the system's place moves them with it. */
  date(): number {
    return Date.now() + this.now() - system.now()
  }

  /** Calls back once, after the given time, unless it is cancelled. */
  after(milliseconds: number, call: () => void): Deadline {
    const alarm = new Call(this, call)
    this.set(alarm, milliseconds)
    return alarm
  }

  /** Adds an alarm that is not set. */
  set(alarm: Alarm, milliseconds: number): void {
    alarm.due = this.now() + milliseconds
    alarm.at = this.#heap.length
    this.#heap.push(alarm)
    this.#rise(alarm)
    this.#schedule()
  }

  cancel(alarm: Alarm): void {
    if (alarm.at >= 0) this.#remove(alarm)
  }

  /** The number of alarms that are set. */
  get size(): number {
    return this.#heap.length
  }

  /** The alarms that are set. */
  get alarms(): readonly Alarm[] {
    return [...this.#heap]
  }

  /** Replaces the source of time, for specs; returns a function that restores it. */
  use(time: Time): () => void {
    const before = this.#time
    this.#set(time)
    return () => this.#set(before)
  }

  #set(time: Time): void {
    this.#sleep?.()
    this.#sleep = undefined
    this.#wakes = Infinity
    this.#time = time
    this.#schedule()
  }

  #schedule(): void {
    const first = this.#heap[0]
    if (!first || first.due >= this.#wakes) return
    this.#sleep?.()
    this.#wakes = first.due
    const wait = Math.min(furthest, Math.max(0, Math.ceil(first.due - this.now())))
    this.#sleep = this.#time.wake(() => this.#wake(), wait)
  }

  #wake(): void {
    this.#sleep = undefined
    this.#wakes = Infinity
    const now = this.now()
    try {
      for (let first = this.#heap[0]; first && first.due <= now; first = this.#heap[0]) {
        this.#remove(first)
        first.ring()
      }
    } finally {
      this.#schedule()
    }
  }

  #remove(alarm: Alarm): void {
    const last = this.#heap.pop() as Alarm
    const at = alarm.at
    alarm.at = -1
    if (last === alarm) return
    this.#heap[at] = last
    last.at = at
    this.#rise(last)
    this.#sink(last)
  }

  #rise(alarm: Alarm): void {
    while (alarm.at > 0) {
      const parent = this.#heap[(alarm.at - 1) >> 1] as Alarm
      if (parent.due <= alarm.due) return
      this.#swap(alarm, parent)
    }
  }

  #sink(alarm: Alarm): void {
    for (;;) {
      const left = this.#heap[2 * alarm.at + 1]
      const right = this.#heap[2 * alarm.at + 2]
      const child = right && left && right.due < left.due ? right : left
      if (!child || child.due >= alarm.due) return
      this.#swap(alarm, child)
    }
  }

  #swap(one: Alarm, other: Alarm): void {
    const at = one.at
    one.at = other.at
    other.at = at
    this.#heap[one.at] = one
    this.#heap[other.at] = other
  }
}

/** The clock of all streams of the process, whichever copy of the package holds them: it has one timer, and one time. */
export const clock = shared('clock', () => new Clock())
