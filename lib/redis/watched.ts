// Watches the connections of a link: one that does not answer any more is lost, also where nothing says so.
import { afterTurns, clock, type Deadline } from '../clock.js'
import type { Link } from './link.js'

/**
 * A link that is lost once there was no answer for so many milliseconds while something was asked: a server that is
 * frozen, or gone without a word, keeps its connections open.
 */
export function watched(link: Link, patience: number, lost: (error: unknown) => void): Link {
  // each has a connection of its own: an answer on one says nothing of the others
  const [commands, writes, subscriptions] = [1, 2, 3].map(() => new Watch(patience, lost)) as [
    Watch,
    Watch,
    Watch,
  ]
  return {
    isCluster: link.isCluster,
    run: (key, command) => commands.over(link.run(key, command)),
    runAndWait: (...given) => writes.over(link.runAndWait(...given)),
    subscribe: (...given) => subscriptions.over(link.subscribe(...given)),
    unsubscribe: (...given) => subscriptions.over(link.unsubscribe(...given)),
    close() {
      for (const watch of [commands, writes, subscriptions]) watch.close()
      link.close()
    },
  }
}

class Watch {
  readonly #patience: number
  readonly #lost: (error: unknown) => void
  #asked = 0
  /** When something was answered last, or first asked since. */
  #since = 0
  #alarm: Deadline | undefined
  #isClosed = false

  constructor(patience: number, lost: (error: unknown) => void) {
    this.#patience = patience
    this.#lost = lost
  }

  async over<T>(answer: Promise<T>): Promise<T> {
    if (this.#asked === 0) this.#since = clock.now()
    this.#asked += 1
    if (!this.#isClosed) this.#alarm ??= clock.after(this.#patience, () => this.#look())
    try {
      return await answer
    } finally {
      this.#asked -= 1
      this.#since = clock.now()
    }
  }

  #look(): void {
    if (this.#asked === 0) {
      this.#alarm = undefined
      return
    }
    const left = this.#since + this.#patience - clock.now()
    if (left > 0) this.#alarm = clock.after(left, () => this.#look())
    // the answer may lie in the socket of a process that was stopped meanwhile
    else this.#alarm = afterTurns(2, () => this.#judge())
  }

  #judge(): void {
    const wasAnswered = this.#asked === 0 || clock.now() - this.#since < this.#patience
    if (wasAnswered) return this.#look()
    this.#lost(new Error(`Redis has not answered for ${this.#patience} ms`))
  }

  close(): void {
    this.#isClosed = true
    this.#alarm?.cancel()
  }
}
