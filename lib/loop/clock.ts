/** Where the clock's time comes from; specs put their own here. */
export interface Time {
  /** Milliseconds that never go back. */
  now(): number
  /** Calls back after so many milliseconds; returns how to take that back. */
  wake(callback: () => void, milliseconds: number): () => void
}

const system: Time = {
  now: () => performance.now(),
  wake(callback, milliseconds) {
    const timer = setTimeout(callback, milliseconds).unref()
    return () => clearTimeout(timer)
  },
}

/** Something to do at a time; it can be taken back. */
export interface Deadline {
  cancel(): void
}

interface Entry extends Deadline {
  due: number
  /** Where it stands in the heap; -1 when it has been called or taken back. */
  at: number
  call: () => void
}

const furthest = 2 ** 31 - 1

/** One timer for all heartbeats and deadlines: a heap of what is due, and one wake-up for the first of it. */
export class Clock {
  #time: Time
  readonly #heap: Entry[] = []
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
    const entry: Entry = {
      due: this.now() + milliseconds,
      at: this.#heap.length,
      call,
      cancel: () => {
        if (entry.at >= 0) this.#remove(entry)
      },
    }
    this.#heap.push(entry)
    this.#rise(entry)
    this.#schedule()
    return entry
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
        this.#remove(first)
        first.call()
      }
    } finally {
      this.#schedule()
    }
  }

  #remove(entry: Entry): void {
    const last = this.#heap.pop() as Entry
    const at = entry.at
    entry.at = -1
    if (last === entry) return
    this.#heap[at] = last
    last.at = at
    this.#rise(last)
    this.#sink(last)
  }

  #rise(entry: Entry): void {
    while (entry.at > 0) {
      const parent = this.#heap[(entry.at - 1) >> 1] as Entry
      if (parent.due <= entry.due) return
      this.#swap(entry, parent)
    }
  }

  #sink(entry: Entry): void {
    for (;;) {
      const left = this.#heap[2 * entry.at + 1]
      const right = this.#heap[2 * entry.at + 2]
      const child = right && left && right.due < left.due ? right : left
      if (!child || child.due >= entry.due) return
      this.#swap(entry, child)
    }
  }

  #swap(one: Entry, other: Entry): void {
    const at = one.at
    one.at = other.at
    other.at = at
    this.#heap[one.at] = one
    this.#heap[other.at] = other
  }
}

/** The clock of all streams of the process. */
export const clock = new Clock()
