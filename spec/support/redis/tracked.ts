import { setImmediate as turn } from 'node:timers/promises'
import type { Backend, Log, Receiver } from '../../../lib/hub/backend.js'
import { patience, waiting } from '../stage.js'

/** A backend whose deliveries are known from outside: a test waits until they are where the store is. */
export class Tracked {
  readonly backend: Backend
  readonly #listening = new Set<Listening>()
  isDown = false

  constructor(backend: Backend) {
    backend.on('down', () => {
      this.isDown = true
    })
    backend.on('up', () => {
      this.isDown = false
    })
    this.backend = {
      ...backend,
      open: (...given) => this.#tracked(backend.open(...given)),
    }
  }

  /** Until all that was published is delivered, unless the store is away. */
  async settled(): Promise<void> {
    for (const listening of [...this.#listening]) {
      for (const isTime = waiting(patience); !(await this.#isSettled(listening)); await turn()) {
        if (!isTime()) throw new Error('What was published is not delivered')
      }
    }
  }

  /** Until the store is lost, or back. */
  async turned(isDown: boolean): Promise<void> {
    for (const isTime = waiting(patience); this.isDown !== isDown; await turn()) {
      if (!isTime()) throw new Error(`The store is ${isDown ? 'not lost' : 'not back'}`)
    }
  }

  async #isSettled(listening: Listening): Promise<boolean> {
    return this.isDown || !this.#listening.has(listening) || (await listening.isSettled())
  }

  #tracked(log: Log): Log {
    const listen = log.listen.bind(log)
    return Object.assign(log, {
      listen: async (receiver: Receiver) => {
        const listening = new Listening(log, receiver)
        const stop = await listen(listening)
        await listening.begin()
        this.#listening.add(listening)
        return () => {
          this.#listening.delete(listening)
          return stop()
        }
      },
    })
  }
}

class Listening implements Receiver {
  readonly #log: Log
  readonly #receiver: Receiver
  #last: string | undefined
  #hasEnded = false

  constructor(log: Log, receiver: Receiver) {
    this.#log = log
    this.#receiver = receiver
  }

  async begin(): Promise<void> {
    if (this.#hasEnded) return
    const place = await this.#log.position()
    this.#last ??= place
  }

  async isSettled(): Promise<boolean> {
    if (this.#hasEnded) return true
    try {
      const { before, hasEnded } = await this.#log.read({ last: 0 })
      return before === this.#last && hasEnded === this.#hasEnded
    } catch {
      // it is away
      return false
    }
  }

  event(event: Parameters<Receiver['event']>[0]): void {
    this.#last = event.id
    this.#receiver.event(event)
  }

  gap(gap: Parameters<Receiver['gap']>[0]): void {
    this.#last = gap.id
    this.#receiver.gap(gap)
  }

  end(): void {
    this.#hasEnded = true
    this.#receiver.end()
  }
}
