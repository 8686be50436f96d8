// Iterates over a feed with `for await`: over the events published after the first `next`.
import { LariatError } from '../errors.js'
import type { Gap } from './gap.js'
import type { Published } from './published.js'
import type { Origin, Sink } from './sink.js'

/** The most events that are queued for an iteration. */
const maxQueued = 10_000

interface Pending {
  resolve(result: IteratorResult<Published>): void
  reject(error: unknown): void
}

/** A feed as an async iterator, until it is returned or the feed is down. */
export class Iteration implements AsyncIterableIterator<Published>, Sink {
  readonly #origin: Origin
  #events: Published[] = []
  #pending: Pending[] = []
  #state: 'new' | 'open' | 'over' = 'new'
  /** Thrown after the queued events are taken. */
  #error: unknown

  constructor(origin: Origin) {
    this.#origin = origin
  }

  get subscribers(): number {
    return 1
  }

  next(): Promise<IteratorResult<Published>> {
    if (this.#state === 'new') {
      this.#state = 'open'
      this.#origin.root.afterDelivery(() => this.#attach())
    }
    const value = this.#events.shift()
    if (value) return Promise.resolve({ done: false, value })
    if (this.#state === 'open')
      return new Promise((resolve, reject) => this.#pending.push({ resolve, reject }))
    const error = this.#error
    this.#error = undefined
    return error === undefined ? Promise.resolve({ done: true, value: undefined }) : Promise.reject(error)
  }

  return(): Promise<IteratorResult<Published>> {
    this.#events = []
    this.#error = undefined
    this.#end()
    return Promise.resolve({ done: true, value: undefined })
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  event(event: Published): void {
    const pending = this.#pending.shift()
    if (pending) pending.resolve({ done: false, value: event })
    else if (this.#events.push(event) > maxQueued) {
      this.failed(new LariatError('LARIAT_OVERFLOW', `More than ${maxQueued} events wait for an iteration`))
    }
  }

  gap(_gap: Gap): void {}

  failed(error: unknown): void {
    this.#end(error)
  }

  end(): void {
    this.#end()
  }

  down(error?: unknown): void {
    this.#end(error)
  }

  #attach(): void {
    if (this.#state !== 'open') return
    try {
      this.#origin.attach(this)
    } catch (error) {
      this.#end(error)
    }
  }

  #end(error?: unknown): void {
    if (this.#state === 'open') this.#origin.detach(this)
    if (this.#state === 'over') return
    this.#state = 'over'
    const [first, ...rest] = this.#pending
    this.#pending = []
    if (error === undefined) first?.resolve({ done: true, value: undefined })
    else if (first) first.reject(error)
    else this.#error = error
    for (const each of rest) each.resolve({ done: true, value: undefined })
  }
}
