import { clock, type Deadline } from '../clock.js'
import type { Plan } from '../declare/plan.js'
import { type Awaitable, isPromise } from '../promise.js'
import type { Reason } from '../values/open-stream.js'

/** Asks again whether the client may have what it gets. */
export type Recheck = () => Awaitable<boolean>

/** Whose terms these are. */
interface Owner {
  /** Runs what is asked where the request would. */
  within<T>(run: () => T): T
  end(reason: Reason): void
}

/** How long a response may be held: until its time is over, or its client may no longer have it. */
export class Terms {
  /** The terms of a stream; undefined where there are none. */
  static of(options: Plan['stream'], recheck: Recheck | undefined, owner: Owner): Terms | undefined {
    const { maxDuration, reauthorize } = options
    const has = maxDuration !== undefined || (reauthorize !== undefined && recheck !== undefined)
    return has ? new Terms(options, recheck, owner) : undefined
  }

  readonly #owner: Owner
  #isOver = false
  #expiry: Deadline | undefined
  #next: Deadline | undefined

  constructor({ maxDuration, reauthorize }: Plan['stream'], recheck: Recheck | undefined, owner: Owner) {
    this.#owner = owner
    if (maxDuration !== undefined) {
      // streams that were opened together are not to come back together
      const duration = maxDuration * (1 - Math.random() / 10)
      this.#expiry = clock.after(duration, () => owner.end({ kind: 'expired' }))
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
        else this.#owner.end({ kind: 'revoked' })
      }
      const failed = (error: unknown) => {
        if (!this.#isOver) this.#owner.end({ kind: 'revoked', error })
      }
      try {
        const answer = this.#owner.within(recheck)
        if (isPromise(answer)) answer.then(told, failed)
        else told(answer)
      } catch (error) {
        failed(error)
      }
    })
  }
}
