// Listens to a channel's log for as long as the channel has subscribers.
import { report } from '../errors.js'
import { safely } from '../guard.js'
import { isPromise } from '../promise.js'
import { apart } from '../scope.js'
import type { Log, Receiver } from './backend.js'
import type { Gap } from './gap.js'
import type { Published } from './published.js'

export interface Listener extends Receiver {
  /**
   * The backend delivers from now on, and the log has not ended.
   *
   * @param place where the log stands, if that was asked for
   */
  begun(place: string | undefined): void
  /** The backend failed to begin. */
  failed(error: unknown): void
}

/** One time of listening. It tells nothing once it is over: a backend may still deliver to an old listener. */
export class Listening implements Receiver {
  readonly #name: string
  readonly #listener: Listener
  #stop: (() => unknown) | undefined
  #ready: Promise<void> | undefined
  #state: 'asking' | 'open' | 'ended' | 'over' = 'asking'

  constructor(name: string, listener: Listener) {
    this.#name = name
    this.#listener = listener
  }

  /** Resolves once the backend has begun to deliver; undefined if it has. */
  get ready(): PromiseLike<unknown> | undefined {
    return this.#ready
  }

  /** @param asksPlace asks where the log stands, unless the backend delivers synchronously */
  begin(log: Log, asksPlace: boolean): void {
    const answer = apart(() => log.listen(this))
    if (!isPromise(answer)) {
      this.#take(answer)
      return this.#begun(undefined)
    }
    this.#ready = this.#begin(answer, asksPlace ? log : undefined)
    this.#ready.catch((error) => {
      if (this.#state !== 'over') this.#listener.failed(error)
    })
  }

  async #begin(answer: PromiseLike<() => unknown>, log: Log | undefined): Promise<void> {
    this.#take(await answer)
    const place = this.#state === 'over' ? undefined : await log?.position()
    this.#ready = undefined
    this.#begun(place)
  }

  #take(stop: () => unknown): void {
    this.#stop = stop
    if (this.#state === 'over') this.#call(stop)
  }

  #begun(place: string | undefined): void {
    const state = this.#state
    if (state === 'over') return
    this.#state = 'open'
    if (state === 'ended') this.#listener.end()
    else this.#listener.begun(place)
  }

  stop(): void {
    this.#state = 'over'
    if (this.#stop) this.#call(this.#stop)
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
