// A time that tests turn.
import { clock, type Time } from '../clock.js'

interface Alarm {
  readonly due: number
  readonly ring: () => void
}

/** A time that stands still until it is moved on, in the place of the system's. */
export class ManualTime implements Time {
  // whole, so that sums are exact
  #now = Math.ceil(clock.now())
  readonly #alarms = new Set<Alarm>()

  now(): number {
    return this.#now
  }

  wake(callback: () => void, milliseconds: number): () => void {
    const alarm = { due: this.#now + milliseconds, ring: callback }
    this.#alarms.add(alarm)
    return () => this.#alarms.delete(alarm)
  }

  /** When the next call is due. */
  get due(): number | undefined {
    return this.#next(Infinity)?.due
  }

  /** Moves on; what is due on the way is called at its own time. */
  advance(milliseconds: number): void {
    const end = this.#now + milliseconds
    for (let next = this.#next(end); next; next = this.#next(end)) {
      this.#alarms.delete(next)
      this.#now = Math.max(this.#now, next.due)
      next.ring()
    }
    this.#now = end
  }

  /** Moves on at once, as for a process that was stopped: what was due meanwhile is called late. */
  jump(milliseconds: number): void {
    this.#now += milliseconds
    for (let next = this.#next(this.#now); next; next = this.#next(this.#now)) {
      this.#alarms.delete(next)
      next.ring()
    }
  }

  #next(end: number): Alarm | undefined {
    const due = [...this.#alarms].filter((alarm) => alarm.due <= end)
    return due.sort((one, other) => one.due - other.due)[0]
  }
}
