// Handles a stream's messages one at a time and in order, then pulls from its source; decides when `timeout` is due.
import { clock, type Deadline } from '../clock.js'
import type { Format } from '../formats/format.js'
import { Gap } from '../hub/gap.js'
import { Published } from '../hub/published.js'
import { type ReplayStep, skipped } from '../hub/replay.js'
import { type Awaitable, isPromise } from '../promise.js'
import { isEvent, timeout } from '../values/event.js'
import { Encoded } from '../wire/chunk.js'
import { type Elsewhere, type Limits, type Measure, Queue } from '../wire/queue.js'
import type { Pull } from './source.js'

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

type Source = Pick<Pull, 'next'>

/** Marks the end of a source. It is queued, so earlier messages come first. */
const ended = Symbol('ended')

/** A message that no policy drops: the death of a target, a timeout. Gaps need no mark: they are never dropped. */
class Kept {
  readonly message: unknown

  constructor(message: unknown) {
    this.message = message
  }
}

/** Measures messages. Without `info`, each is an event with a size in the format; with it, only the number counts. */
export function measureIn(format: Format | undefined): Measure<unknown> {
  return {
    count: () => 1,
    size(message) {
      if (!format) return 0
      if (message instanceof Published) return message.in(format).size
      return message instanceof Encoded ? message.size : 0
    },
    data: (message) => (message instanceof Encoded || isEvent(message) ? message.data : message),
    isKept: (message) => message instanceof Kept || message instanceof Gap || message === ended,
  }
}

/** Steps before yielding to the event loop. */
const stepsPerTurn = 1000

/** A mailbox and a source, read in turn. The source is pulled only while no message waits and the client keeps up. */
export class Mailbox {
  readonly #process: Process
  readonly #timeout: number | undefined
  readonly #queue: Queue<unknown>
  #source: Source | undefined
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
    this.#queue = new Queue(measureIn(format), limits)
  }

  /** Messages waiting. */
  get size(): number {
    return this.#queue.size
  }

  get isIdle(): boolean {
    return this.#isOpen && !this.#isBusy && this.#queue.size === 0 && this.#source === undefined
  }

  /** Adds a message that is never dropped. */
  put(message: unknown): void {
    this.#queue.put(new Kept(message))
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

  /** Drops queued messages and ignores pending results. */
  close(): void {
    this.#isOpen = false
    this.#source = undefined
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
      if (++this.#steps > stepsPerTurn) this.#rest()
      else if (this.#queue.size > 0) this.#handle(this.#queue.take())
      else this.#pull(this.#source as Source)
    }
  }

  /** Counts steps across promises too: a source of settled promises would starve the event loop. */
  #rest(): void {
    this.#isResting = true
    setImmediate(() => {
      this.#steps = 0
      this.#isResting = false
      this.run()
    })
  }

  get #isReady(): boolean {
    if (!this.#isOpen || this.#isBusy || this.#isResting) return false
    return this.#queue.size > 0 || (this.#source !== undefined && !this.#isPulling && !this.#process.isBehind)
  }

  #handle(message: unknown): void {
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

  #pull(source: Source): void {
    this.#guard(() => {
      const next = source.next()
      if (!isPromise(next)) return this.#pulled(next)
      this.#isPulling = true
      this.#settle(next, (step) => {
        this.#isPulling = false
        this.#pulled(step as ReplayStep)
      })
    })
  }

  #pulled(step: IteratorResult<unknown> | ReplayStep): void {
    if (step === skipped || !this.#isOpen) return
    if (step.done) this.#source = undefined
    this.#queue.put(step.done ? ended : this.#process.toMessage(step.value))
  }

  /** Continues once a promise settles, unless the loop has ended by then. */
  #settle(promise: PromiseLike<unknown>, then: (value: unknown) => void): void {
    // a thenable of the user's may call back twice
    Promise.resolve(promise).then(
      (value) => {
        if (!this.#isOpen) return
        this.#guard(() => then(value))
        this.run()
      },
      (error) => {
        if (this.#isOpen) this.#process.failed(error)
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
