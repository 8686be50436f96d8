// Decides when the signal of a request is aborted.
import type { Request, Response } from 'express'
import { onClose } from '../http/connection.js'
import { type Scope, scopeOfNow, within } from '../scope.js'

/** The signal of a request: its controller is made when a callback asks for the signal. */
export class Departure {
  #controller: AbortController | undefined
  /** The scope in which the listeners of the signal are called. */
  #scope: Scope | undefined
  #hasHappened: boolean

  constructor(hasHappened = false) {
    this.#hasHappened = hasHappened
  }

  /** Aborted when the client leaves before the answer is complete. */
  signalOf(req: Request, res: Response): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController()
      this.#scope = scopeOfNow()
      if (this.#hasHappened) this.#controller.abort()
      else onClose(req, res, { closed: () => res.writableFinished || this.happen() })
    }
    return this.#controller.signal
  }

  happen(): void {
    this.#hasHappened = true
    within(this.#scope, () => this.#controller?.abort())
  }
}
