// Says what the suite needs to know of a backend, and what a test can do to its store.
import type { Backend } from '../../hub/backend.js'
import type { Awaitable } from '../../promise.js'

/**
 * What a backend and its store can go through. Each is optional: cases that need one which is not given are left out.
 */
export interface Abilities<Kind extends Backend = Backend> {
  /**
   * Resolves once all that was published is delivered, to every backend that was made. By default two turns of the event
   * loop, which is enough for a backend that delivers while it publishes.
   */
  settled?(): Awaitable<unknown>
  /**
   * The clock that events and keys age by. It stands still, and is turned by the suite: `now` in milliseconds since the
   * epoch, `advance` by so many milliseconds.
   */
  readonly time?: { now(): number; advance(milliseconds: number): Awaitable<unknown> }
  /** The backend of a second process on the same store. */
  another?(backend: Kind): Awaitable<Kind>
  /** Closes this backend, and makes one of a new process on the same store. */
  reopen?(backend: Kind): Awaitable<Kind>
  /** Takes the store away from this backend, and brings it back; each is over once the backend has told `down` or `up`. */
  readonly loss?: { down(backend: Kind): Awaitable<unknown>; up(backend: Kind): Awaitable<unknown> }
  /**
   * From now on the store takes what is published and does not answer, until `loss.down`. Then it was refused, or has come
   * or not without an answer, as far as the store lets a test choose.
   */
  freeze?(backend: Kind, fate: 'refused' | 'came' | 'lost'): Awaitable<unknown>
  /** Brings the store back to what it was before `meanwhile`, as a restart from an older copy of its disk does. */
  rollBack?(backend: Kind, meanwhile: () => Promise<void>): Awaitable<unknown>
  /** Removes all that is in the store. */
  empty?(backend: Kind): Awaitable<unknown>
}

/** An ability that unlocks cases. */
export type Ability = Exclude<keyof Abilities, 'settled'>

/** One rule of docs/guide/backends.md, for any test runner. */
export interface BackendCase {
  /** A sentence; it begins with what it is about: `publish: …`. */
  readonly name: string
  /** The abilities that it uses. */
  readonly needs: readonly Ability[]
  /** Milliseconds that it may take on a busy machine: the limit to give to the runner. It takes a few, in general. */
  readonly timeout: number
  /** Makes a backend, and rejects with an AssertionError if the rule is broken. All that it made is closed by then. */
  run(): Promise<void>
}
