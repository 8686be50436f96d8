import { clock, type Deadline } from '../clock.js'
import type { Plan } from '../plan.js'
import type { Reason } from '../spec.js'
import { type Awaitable, isPromise } from '../values.js'

/** Asks again whether the client may have what it gets. */
export type Recheck = () => Awaitable<boolean>

/** How long a response may be held: until its time is over, or its client may no longer have it. */
export class Terms {
  readonly #end: (reason: Reason) => void
  #isOver = false
  #expiry: Deadline | undefined
  #next: Deadline | undefined

  constructor(
    { maxDuration, reauthorize }: Plan['stream'],
    recheck: Recheck | undefined,
    end: (reason: Reason) => void,
  ) {
    this.#end = end
    if (maxDuration !== undefined) {
      // streams that were opened together are not to come back together
      const duration = maxDuration * (1 - Math.random() / 10)
      this.#expiry = clock.after(duration, () => end({ kind: 'expired' }))
    }
    if (reauthorize !== undefined && recheck) this.#askEvery(reauthorize, recheck)
  }

  cancel(): void {
    this.#isOver = true
    this.#expiry?.cancel()
    this.#next?.cancel()
  }

  /** The next time counts from the answer: no two are asked at once. */
  #askEvery(milliseconds: number, recheck: Recheck): void {
    this.#next = clock.after(milliseconds, () => {
      const told = (isAllowed: boolean) => {
        if (this.#isOver) return
        if (isAllowed) this.#askEvery(milliseconds, recheck)
        else this.#end({ kind: 'revoked' })
      }
      const failed = (error: unknown) => {
        if (!this.#isOver) this.#end({ kind: 'revoked', error })
      }
      try {
        const answer = recheck()
        if (isPromise(answer)) answer.then(told, failed)
        else told(answer)
      } catch (error) {
        failed(error)
      }
    })
  }
}
