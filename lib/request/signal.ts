// Decides when the signal of a request is aborted.
import type { Request, Response } from 'express'
import { onClose } from '../http/connection.js'
import { type Scope, scopeOfNow, within } from '../scope.js'

/** The signal of a request. Its controller is created when a callback reads the signal. */
export class Signal {
  #controller: AbortController | undefined
  /** The scope in which the listeners of the signal are called. */
  #scope: Scope | undefined
  #isAborted: boolean

  constructor(isAborted = false) {
    this.#isAborted = isAborted
  }

  /** Aborted when the client leaves before the answer is complete. */
  of(req: Request, res: Response): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController()
      this.#scope = scopeOfNow()
      if (this.#isAborted) this.#controller.abort()
      else onClose(req, res, { closed: () => res.writableFinished || this.abort() })
    }
    return this.#controller.signal
  }

  abort(): void {
    this.#isAborted = true
    within(this.#scope, () => this.#controller?.abort())
  }
}
