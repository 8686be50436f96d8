// Listens to a channel's log for as long as the channel has subscribers.
import { report } from '../errors.js'
import { safely } from '../guard.js'
import { type Awaitable, isPromise } from '../promise.js'
import { apart } from '../scope.js'
import type { Log, Receiver } from './backend.js'
import type { Gap } from './gap.js'
import type { Published } from './published.js'

export interface Listener extends Receiver {
  /** The backend failed to begin. */
  failed(error: unknown): void
}

/** One time of listening. It tells nothing once it is over: a backend may still deliver to an old listener. */
export class Listening implements Receiver {
  readonly #name: string
  readonly #listener: Listener
  #stop: Awaitable<() => unknown> | undefined
  #state: 'asking' | 'open' | 'ended' | 'over' = 'asking'

  constructor(name: string, listener: Listener) {
    this.#name = name
    this.#listener = listener
  }

  /** Resolves once the backend has begun to deliver; undefined if it has. */
  get ready(): PromiseLike<unknown> | undefined {
    return isPromise(this.#stop) ? this.#stop : undefined
  }

  begin(log: Log): void {
    const answer = apart(() => log.listen(this))
    // a backend's thenable may call back twice
    const stop = isPromise(answer) ? Promise.resolve(answer) : answer
    this.#stop = stop
    this.#begun()
    if (isPromise(stop)) {
      stop.then(
        (begun) => {
          if (this.#state === 'over') this.#call(begun)
          else this.#stop = begun
        },
        (error) => {
          if (this.#state !== 'over') this.#listener.failed(error)
        },
      )
    }
  }

  /** What was said while the log was asked. */
  #begun(): void {
    const state = this.#state
    if (state === 'over') return this.stop()
    this.#state = 'open'
    if (state === 'ended') this.#listener.end()
  }

  stop(): void {
    this.#state = 'over'
    if (typeof this.#stop === 'function') this.#call(this.#stop)
  }

  event(event: Published): void {
    if (this.#state !== 'over') this.#listener.event(event)
  }

  gap(gap: Gap): void {
    if (this.#state !== 'over') this.#listener.gap(gap)
  }

  /** A log that has ended may say so while it is asked: the subscriber is told once it is one. */
  end(): void {
    if (this.#state === 'asking') this.#state = 'ended'
    else if (this.#state === 'open') this.#listener.end()
  }

  #call(stop: () => unknown): void {
    safely(
      () => apart(stop),
      (error) => report(`The backend of channel '${this.#name}' failed to stop listening`, error),
    )
  }
}
