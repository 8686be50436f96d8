// Keeps what `subscribe` has answered: a function that unsubscribes, an Observable, or a source; and closes it once.
import { quietly } from '../guard.js'
import { discard } from '../request/discard.js'
import { isObservable, observe } from '../values/observable.js'
import { isStop } from '../values/stop.js'
import { open, type Pull } from './source.js'

/** Runs a function. A failure is only a warning. */
type Safely = (what: string, run: () => unknown) => void

type Observer = Parameters<typeof observe>[1]

export class Answer {
  #unsubscribe: (() => unknown) | undefined
  /** What the loop pulls from. */
  readonly source: Pull | undefined

  /** @param observer gets what an Observable pushes */
  constructor(answer: unknown, observer: Observer) {
    if (typeof answer === 'function') this.#unsubscribe = answer as () => unknown
    else if (!isObservable(answer)) this.source = open(answer)
    else
      observe(answer, observer, (unsubscribe) => {
        this.#unsubscribe = unsubscribe
      })
  }

  /** Unsubscribes, or closes the source. */
  close(safely: Safely): void {
    const { source } = this
    if (this.#unsubscribe) safely('unsubscribe', this.#unsubscribe)
    if (source) safely('closing the source', () => source.close())
  }
}

/** Closes an answer that has come too late. */
export function discardAnswer(answer: unknown, safely: Safely): void {
  if (isStop(answer)) discard(answer)
  else if (typeof answer === 'function') safely('unsubscribe', answer as () => unknown)
  else quietly(() => answer === undefined || isObservable(answer) || open(answer).close())
}
