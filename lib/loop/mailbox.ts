// Handles a stream's messages one at a time and in order, then pulls from its source; decides when `timeout` is due.

import { clock, type Deadline } from '../clock.js'
import type { Format } from '../formats/format.js'
import { type ReplayStep, skipped } from '../hub/replay.js'
import { type Awaitable, isPromise } from '../promise.js'
import { setImmediate } from '../turn.js'
import { timeout } from '../values/event.js'
import { type Elsewhere, type Limits, Queue } from '../wire/queue.js'
import { Death, Ending, ended, Kept, measureIn } from './letters.js'
import { Remainder, type Source } from './remainder.js'

/** The process that reads a mailbox, as in Erlang. */
interface Process {
  /** The client is behind: do not pull from the source. */
  readonly isBehind: boolean
  /** Handles a message. An error ends the loop. */
  handle(message: unknown): Awaitable<void>
  /** Turns a pulled value into a message. */
  toMessage(value: unknown): unknown
  /** The source has ended, and all its messages were handled. */
  sourceEnded(): void
  /** There is nothing left to handle or pull. */
  idle(): void
  failed(error: unknown): void
  /** Runs handlers and pulls in the request's async context. */
  within(run: () => void): void
}

/** Steps before yielding to the event loop. */
const stepsPerTurn = 1000

/**
 * A mailbox and a source, read in turn. The source is pulled only while no message waits and the client keeps up; or
 * before the death of a target, as far as it has something ready.
 */
export class Mailbox {
  readonly #process: Process
  readonly #maxQueued: number
  readonly #timeout: number | undefined
  readonly #queue: Queue<unknown>
  #source: Source | undefined
  /** What comes of the source before a death. */
  #remainder: Remainder | undefined
  /** The source was read to its end. */
  isExhausted = false
  #isOpen = false
  #isRunning = false
  /** A message is being handled. */
  #isBusy = false
  /** The source is being asked. */
  #isPulling = false
  /** Yielding to the event loop. */
  #isResting = false
  #steps = 0
  #lastMessage = 0
  #deadline: Deadline | undefined

  /** @param format the format of messages that are written without `info` */
  constructor(process: Process, limits: Limits, timeoutMs: number | undefined, format: Format | undefined) {
    this.#process = process
    this.#timeout = timeoutMs
    this.#maxQueued = limits.maxQueued
    this.#queue = new Queue(measureIn(format), limits)
  }

  /** Messages waiting. */
  get size(): number {
    return this.#queue.size
  }

  get isIdle(): boolean {
    const isRead = this.#queue.size === 0 && this.#source === undefined && this.#remainder === undefined
    return this.#isOpen && !this.#isBusy && isRead
  }

  /** Adds a message that is never dropped. */
  put(message: unknown): void {
    this.#queue.put(new Kept(message))
    this.run()
  }

  /** Adds the death of a target, which comes after what was sent before, and after what the source has ready. */
  putDeath(message: unknown): void {
    this.#queue.put(new Death(message))
    this.run()
  }

  /**
   * Adds a message, within the limits.
   *
   * @returns the number of messages dropped to make room; undefined if the client is past its limits and must be cut
   */
  offer(message: unknown, elsewhere: Elsewhere): number | undefined {
    const dropped = this.#queue.offer(message, elsewhere)
    this.run()
    return dropped
  }

  /** Starts to handle messages and to pull from the source. Called once. */
  open(source: Source | undefined): void {
    this.#source = source
    this.#isOpen = true
    this.#lastMessage = clock.now()
    if (this.#timeout !== undefined) this.#awaitTimeout(this.#timeout)
    this.run()
  }

  /** Pulls from another source. */
  pull(source: Source): void {
    this.#source = source
    this.run()
  }

  /** Drops queued messages and ignores pending results. */
  close(): void {
    this.#isOpen = false
    this.#source = undefined
    this.#remainder?.end()
    this.#queue.clear()
    this.#deadline?.cancel()
  }

  /** Handles the queued messages, then pulls. */
  run(): void {
    if (this.#isRunning) return
    this.#isRunning = true
    if (this.#isReady) this.#process.within(() => this.#work())
    this.#isRunning = false
    if (this.isIdle) this.#process.idle()
  }

  #work(): void {
    while (this.#isReady) {
      if (++this.#steps > stepsPerTurn) this.#yield()
      else if (this.#remainder?.isOver) this.#handleDeath(this.#remainder)
      else if (!this.#remainder && this.#queue.size > 0) this.#handle(this.#queue.take())
      else this.#pull(this.#source as Source)
    }
  }

  /** Counts steps across promises too: a source of settled promises would starve the event loop. */
  #yield(): void {
    this.#isResting = true
    setImmediate(() => {
      this.#steps = 0
      this.#isResting = false
      this.run()
    })
  }

  get #isReady(): boolean {
    if (!this.#isOpen || this.#isBusy || this.#isResting) return false
    const canPull = this.#source !== undefined && !this.#isPulling && !this.#process.isBehind
    return canPull || (this.#remainder ? this.#remainder.isOver : this.#queue.size > 0)
  }

  #handle(message: unknown): void {
    if (message instanceof Death && this.#source) return this.#awaitRemainder(message.message, this.#source)
    this.#lastMessage = clock.now()
    this.#guard(() => {
      if (message === ended) return this.#process.sourceEnded()
      const handling = this.#process.handle(message instanceof Kept ? message.message : message)
      if (!isPromise(handling)) return
      this.#isBusy = true
      this.#settle(handling, () => {
        this.#isBusy = false
        this.#lastMessage = clock.now()
      })
    })
  }

  #awaitRemainder(death: unknown, source: Source): void {
    this.#remainder = new Remainder(death, source, this.#maxQueued)
    if (this.#isPulling) this.#remainder.wait(() => this.run())
  }

  #handleDeath({ death }: Remainder): void {
    this.#remainder?.end()
    this.#remainder = undefined
    this.#handle(new Kept(death))
  }

  #pull(source: Source): void {
    let next: ReturnType<Source['next']>
    try {
      next = source.next()
    } catch (error) {
      return this.#sourceFailed(error)
    }
    if (!isPromise(next)) return this.#guard(() => this.#pulled(next as ReplayStep))
    this.#isPulling = true
    this.#remainder?.wait(() => this.run())
    const answered = (step: unknown) => {
      this.#isPulling = false
      this.#remainder?.answered()
      this.#pulled(step as ReplayStep)
    }
    this.#settle(next, answered, (error) => this.#sourceFailed(error))
  }

  #pulled(step: IteratorResult<unknown> | ReplayStep): void {
    if (step === skipped || !this.#isOpen) return
    if (step.done) return this.#exhausted()
    const message = this.#process.toMessage(step.value)
    if (!this.#remainder) return this.#queue.put(message)
    // before the messages behind the death
    this.#remainder.count(step.value)
    this.#handle(message)
  }

  #sourceFailed(error: unknown): void {
    if (!this.#remainder || this.#remainder.death instanceof Ending) return this.#process.failed(error)
    // the death of the target is told first
    this.#source = undefined
    this.#remainder.end()
    this.put(new Ending({ kind: 'error', error }))
  }

  #exhausted(): void {
    this.#source = undefined
    this.isExhausted = true
    this.#remainder?.end()
    this.#queue.put(ended)
  }

  /** Continues once a promise settles, unless the loop has ended by then. */
  #settle(
    promise: PromiseLike<unknown>,
    then: (value: unknown) => void,
    failed = (error: unknown) => this.#process.failed(error),
  ): void {
    // a thenable of the user's may call back twice
    Promise.resolve(promise).then(
      (value) => {
        if (!this.#isOpen) return
        this.#guard(() => then(value))
        this.run()
      },
      (error) => {
        if (this.#isOpen) failed(error)
      },
    )
  }

  #guard(run: () => void): void {
    try {
      run()
    } catch (error) {
      this.#process.failed(error)
    }
  }

  /** Erlang's `after`. Paused while a message is handled or the client is behind. */
  #awaitTimeout(milliseconds: number): void {
    const look = () => {
      const isWaiting = !this.#isBusy && (this.#source === undefined || this.#isPulling)
      if (!isWaiting) this.#lastMessage = clock.now()
      const rest = this.#lastMessage + milliseconds - clock.now()
      this.#deadline = clock.after(rest > 0 ? rest : milliseconds, look)
      if (rest <= 0) this.put(timeout)
    }
    this.#deadline = clock.after(milliseconds, look)
  }
}
