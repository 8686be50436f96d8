import { apart } from './scope.js'

/** Where the clock's time comes from; specs put their own here. */
export interface Time {
  /** Milliseconds that never go back. */
  now(): number
  /** Calls back after so many milliseconds; returns how to take that back. */
  wake(callback: () => void, milliseconds: number): () => void
}

export const system: Time = {
  // whole ones, which need no room of their own on the heap: every stream keeps a few
  now: () => Math.trunc(performance.now()),
  wake(callback, milliseconds) {
    // one timer is for all: whoever happens to set it is not kept by it
    const timer = apart(() => setTimeout(callback, milliseconds).unref())
    return () => clearTimeout(timer)
  },
}

/** Something to do at a time; it can be taken back. */
export interface Deadline {
  cancel(): void
}

/** What the clock rings: a thing of its own, so that what rings again and again makes nothing new for it. */
export abstract class Alarm implements Deadline {
  due = 0
  /** Where it stands in the heap of its clock; -1 when it has rung or was taken back. */
  at = -1
  #clock: Clock | undefined

  abstract ring(): void

  /** Rings once, after so many milliseconds. */
  set(clock: Clock, milliseconds: number): void {
    this.#clock = clock
    clock.set(this, milliseconds)
  }

  cancel(): void {
    if (this.at >= 0) this.#clock?.remove(this)
  }
}

class Call extends Alarm {
  readonly #call: () => void

  constructor(call: () => void) {
    super()
    this.#call = call
  }

  ring(): void {
    this.#call()
  }
}

const furthest = 2 ** 31 - 1

/** One timer for all heartbeats and deadlines: a heap of what is due, and one wake-up for the first of it. */
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

  /** Calls back once, after so many milliseconds, unless it is cancelled. */
  after(milliseconds: number, call: () => void): Deadline {
    const alarm = new Call(call)
    alarm.set(this, milliseconds)
    return alarm
  }

  /** Puts an alarm that is not set into the heap. */
  set(alarm: Alarm, milliseconds: number): void {
    alarm.due = this.now() + milliseconds
    alarm.at = this.#heap.length
    this.#heap.push(alarm)
    this.#rise(alarm)
    this.#schedule()
  }

  /** How many deadlines are open. */
  get size(): number {
    return this.#heap.length
  }

  /** Puts another time in the place of the system's, for specs; returns how to put it back. */
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
        this.remove(first)
        first.ring()
      }
    } finally {
      this.#schedule()
    }
  }

  /** Takes an alarm out of the heap. */
  remove(alarm: Alarm): void {
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

/** The clock of all streams of the process. */
export const clock = new Clock()
