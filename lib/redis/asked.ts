// The time within which a question to a store has to be answered.
import { afterTurns, clock, type Deadline } from '../clock.js'

export class Asked {
  /** The time of the clock. */
  readonly due: number
  /** Called when it is too late. */
  readonly #late: (() => void)[] = []
  #deadline: Deadline
  isOver = false
  /** It is on its way, or was. */
  isSent = false
  /** Why the store asks for patience. */
  cause: unknown

  constructor(due: number) {
    this.due = due
    // an answer may lie in the socket of a process that was stopped meanwhile
    this.#deadline = clock.after(Math.max(0, due - clock.now()), () => {
      this.#deadline = afterTurns(2, () => this.#end())
    })
  }

  /** Rejects with what is made when it is too late. */
  limit<T>(work: Promise<T>, error: () => unknown): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.onLate(() => reject(error()))
      work.then(resolve, reject)
    })
  }

  onLate(call: () => void): void {
    if (this.isOver) call()
    else this.#late.push(call)
  }

  pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const pause = clock.after(milliseconds, resolve)
      this.onLate(() => {
        pause.cancel()
        resolve()
      })
    })
  }

  /** It was answered. */
  close(): void {
    this.#deadline.cancel()
    this.#late.length = 0
  }

  #end(): void {
    this.isOver = true
    for (const call of this.#late.splice(0)) call()
  }
}
