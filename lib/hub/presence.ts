// Tells the listeners to `join` and `leave` of a channel of the streams that come and go.
import { EventEmitter } from 'node:events'
import { misuse, report, show } from '../errors.js'
import { safely } from '../guard.js'
import type { OpenStream } from '../values/open-stream.js'

type Name = 'join' | 'leave'

export class Presence {
  readonly #channel: string
  readonly #listeners = new EventEmitter().setMaxListeners(0)

  constructor(channel: string) {
    this.#channel = channel
  }

  /** Somebody listens: from then on for good. */
  hasListeners = false

  on(name: Name, listener: (stream: OpenStream<never>) => void): void {
    if (name !== 'join' && name !== 'leave') {
      throw misuse('LARIAT_SPEC', `on(${show(name)}): expected 'join' or 'leave'`)
    }
    this.#listeners.on(name, listener)
    this.hasListeners = true
  }

  tell(name: Name, stream: () => OpenStream): void {
    if (!this.hasListeners) return
    const subscriber = stream()
    // read the address now: it is gone once the client has left
    if (name === 'join') void subscriber.client
    for (const listener of this.#listeners.listeners(name)) {
      safely(
        () => listener(subscriber),
        (error) => report(`A listener for '${name}' of channel '${this.#channel}' failed`, error),
      )
    }
  }
}
