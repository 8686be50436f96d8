// Decides how long a response may be held: `maxDuration` with its jitter, and `reauthorize`.
import { clock, type Deadline } from '../clock.js'
import { misuse, show } from '../errors.js'
import { forsake } from '../guard.js'
import { type Awaitable, isPromise } from '../promise.js'
import type { Exchange } from '../request/exchange.js'
import type { Reason } from '../values/open-stream.js'

/** Asks again whether the client may have the stream. */
export type Recheck = () => Awaitable<boolean>

/** The stream that is held. */
export interface Lessee {
  /** Runs callbacks in the request's async context. */
  within<T>(run: () => T): T
  end(reason: Reason): void
}

/** In milliseconds. */
interface Terms {
  readonly maxDuration: number | undefined
  readonly reauthorize: number | undefined
}

/** A time that is over already is none. */
function durationOf(answer: unknown): number | undefined {
  if (answer === undefined || (typeof answer === 'number' && !Number.isNaN(answer))) return answer
  forsake(answer)
  throw misuse('LARIAT_ANSWER', `maxDuration answered ${show(answer)}: expected milliseconds, or undefined`)
}

export class Lease {
  /**
   * The lease of a stream; undefined if nothing limits it.
   *
   * @throws what `maxDuration` throws, and a TypeError for an answer that it may not give
   */
  static of(x: Exchange, recheck: Recheck | undefined, lessee: Lessee): Lease | undefined {
    const { maxDuration: given, reauthorize } = x.plan.stream
    const maxDuration = typeof given === 'function' ? durationOf(given(x.context)) : given
    const isLimited = maxDuration !== undefined || (reauthorize !== undefined && recheck !== undefined)
    return isLimited ? new Lease({ maxDuration, reauthorize }, recheck, lessee) : undefined
  }

  readonly #lessee: Lessee
  #isOver = false
  #expiry: Deadline | undefined
  #next: Deadline | undefined

  constructor({ maxDuration, reauthorize }: Terms, recheck: Recheck | undefined, lessee: Lessee) {
    this.#lessee = lessee
    if (maxDuration !== undefined) {
      // jitter: streams opened together must not reconnect together
      const duration = Math.max(0, maxDuration) * (1 - Math.random() / 10)
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
