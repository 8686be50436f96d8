// Decides how much of a source still comes before the death of a target: what it had ready, and no more.
import { afterTurns, clock, type Deadline } from '../clock.js'
import type { Pull } from './source.js'

/** Turns of the event loop in which a source has to answer, if what it answers was ready. */
const turns = 10

/** Milliseconds for a stream whose input has ended: it has more, though it may work on that in another thread. */
const grace = 1000

/** A source, as far as it is known what it has at hand. */
export type Source = Pick<Pull, 'next' | 'atHand' | 'sizeOf' | 'isEnding'>

/**
 * What is still pulled from a source once a target has died. A source that never ends must not keep the stream: it has
 * to answer soon, and not more than it has at hand, or than a mailbox may hold where that is not known.
 */
export class Remainder {
  /** The message that comes after it. */
  readonly death: unknown
  readonly #source: Source
  #left: number
  #isOver = false
  #next: Deadline | undefined

  constructor(death: unknown, source: Source, maxQueued: number) {
    this.death = death
    this.#source = source
    this.#left = source.atHand?.() ?? maxQueued
  }

  /** Nothing more is pulled. */
  get isOver(): boolean {
    return this.#isOver || (this.#left <= 0 && !this.#source.isEnding?.())
  }

  end(): void {
    this.#isOver = true
    this.answered()
  }

  /** Counts a pulled message. */
  count(value: unknown): void {
    this.#left -= this.#source.sizeOf?.(value) ?? 1
  }

  /** The source was asked. Calls back if it does not answer soon: what it answers then was not ready. */
  wait(late: () => void): void {
    const end = () => {
      this.end()
      late()
    }
    this.#next = this.#source.isEnding?.() ? clock.after(grace, end) : afterTurns(turns, end)
  }

  answered(): void {
    this.#next?.cancel()
    this.#next = undefined
  }
}
