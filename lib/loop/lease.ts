// Decides how long a response may be held: `maxDuration` with its jitter, and `reauthorize`.
import { clock, type Deadline } from '../clock.js'
import type { Plan } from '../declare/plan.js'
import { type Awaitable, isPromise } from '../promise.js'
import type { Reason } from '../values/open-stream.js'

/** Asks again whether the client may have the stream. */
export type Recheck = () => Awaitable<boolean>

/** The stream that is held. */
interface Lessee {
  /** Runs callbacks in the request's async context. */
  within<T>(run: () => T): T
  end(reason: Reason): void
}

export class Lease {
  /** The lease of a stream; undefined if nothing limits it. */
  static of(options: Plan['stream'], recheck: Recheck | undefined, lessee: Lessee): Lease | undefined {
    const { maxDuration, reauthorize } = options
    const isLimited = maxDuration !== undefined || (reauthorize !== undefined && recheck !== undefined)
    return isLimited ? new Lease(options, recheck, lessee) : undefined
  }

  readonly #lessee: Lessee
  #isOver = false
  #expiry: Deadline | undefined
  #next: Deadline | undefined

  constructor({ maxDuration, reauthorize }: Plan['stream'], recheck: Recheck | undefined, lessee: Lessee) {
    this.#lessee = lessee
    if (maxDuration !== undefined) {
      // jitter: streams opened together must not reconnect together
      const duration = maxDuration * (1 - Math.random() / 10)
      this.#expiry = clock.after(duration, () => lessee.end({ kind: 'expired' }))
    }
    if (reauthorize !== undefined && recheck) this.#askEvery(reauthorize, recheck)
  }

  cancel(): void {
    this.#isOver = true
    this.#expiry?.cancel()
    this.#next?.cancel()
  }

  /** The interval starts at the answer, so checks never overlap. */
  #askEvery(milliseconds: number, recheck: Recheck): void {
    this.#next = clock.after(milliseconds, () => {
      const answered = (isAllowed: boolean) => {
        if (this.#isOver) return
        if (isAllowed) this.#askEvery(milliseconds, recheck)
        else this.#lessee.end({ kind: 'revoked' })
      }
      const failed = (error: unknown) => {
        if (!this.#isOver) this.#lessee.end({ kind: 'revoked', error })
      }
      try {
        const answer = this.#lessee.within(recheck)
        if (isPromise(answer)) answer.then(answered, failed)
        else answered(answer)
      } catch (error) {
        failed(error)
      }
    })
  }
}
