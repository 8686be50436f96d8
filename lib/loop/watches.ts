// Keeps what one stream monitors until the stream ends.
import type { Watched } from '../declare/context.js'
import type { Down } from './listeners.js'
import { type Watch, watch } from './monitor.js'

export class Watches {
  readonly #all = new Set<Watch>()
  #isOver = false

  /** Watches a target; `died` is called once, and not after `stop`. */
  add(target: Watched, died: Down): void {
    let own: Watch | undefined
    let isDead = false
    own = watch(target, (error) => {
      isDead = true
      if (own) this.#all.delete(own)
      died(error)
    })
    if (isDead) return
    // attaching to a target may end the stream
    if (this.#isOver) own.stop()
    else this.#all.add(own)
  }

  /** Promises that resolve once each target is known to have been dead, or alive, from the start. */
  get known(): readonly Promise<unknown>[] {
    return [...this.#all].flatMap((each) => each.known ?? [])
  }

  /** A target is about to tell how it died. */
  get isDying(): boolean {
    return [...this.#all].some((each) => each.isDying)
  }

  /** Takes all watches back, each by `safely`: a target's own way to do that may fail. */
  stop(safely: (run: () => unknown) => void): void {
    this.#isOver = true
    for (const each of this.#all) safely(() => each.stop())
    this.#all.clear()
  }
}
