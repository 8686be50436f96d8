// Handles a stream's messages one at a time and in order, then pulls from its source; decides when `timeout` is due.
import { clock, type Deadline } from '../clock.js'
import type { Format } from '../formats/format.js'
import { Gap } from '../hub/gap.js'
import { Published } from '../hub/published.js'
import { type Step, skipped } from '../hub/replay.js'
import { type Awaitable, isPromise } from '../promise.js'
import { isEvent, timeout } from '../values/event.js'
import { Encoded } from '../wire/chunk.js'
import { type Elsewhere, type Limits, type Measure, Queue } from '../wire/queue.js'
import type { Pull } from './source.js'

/** The process that reads a mailbox, in Erlang's sense. */
interface Process {
  /** The client has not taken everything yet: nothing is pulled. */
  readonly isBehind: boolean
  /** Takes a message; an error ends the loop. */
  handle(message: unknown): Awaitable<void>
  /** Makes a message of a pulled value. */
  receive(value: unknown): unknown
  /** The source has ended, and every message before its end was handled. */
  sourceEnded(): void
  /** Nothing is left to be handled or pulled. */
  idle(): void
  failed(error: unknown): void
  /** Runs handlers and pulls where the request would run. */
  within(run: () => void): void
}

type Source = Pick<Pull, 'next'>

/** The last message of a source: messages that were sent before come first. */
const ended = Symbol('ended')

/** A message that no policy drops: the death of a target, a timeout. A gap is never dropped either. */
class Kept {
  readonly message: unknown

  constructor(message: unknown) {
    this.message = message
  }
}

/** Measures messages. Without `info` each is an event that will be written in a format; with it, only they count. */
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

/** So many steps are taken before others get their turn. */
const stepsPerTurn = 1000

/**
 * A mailbox as a process reads it: messages that were sent come first; then the source is pulled, when no message
 * waits and the client keeps up.
 */
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
  /** Others have their turn. */
  #isResting = false
  #steps = 0
  #lastMessage = 0
  #deadline: Deadline | undefined

  /** @param format that of messages that are written as they are, without `info` */
  constructor(process: Process, limits: Limits, timeoutMs: number | undefined, format: Format | undefined) {
    this.#process = process
    this.#timeout = timeoutMs
    this.#queue = new Queue(measureIn(format), limits)
  }

  /** Messages that wait. */
  get size(): number {
    return this.#queue.size
  }

  get isIdle(): boolean {
    return this.#isOpen && !this.#isBusy && this.#queue.size === 0 && this.#source === undefined
  }

  /** Puts a message in that is never dropped. */
  put(message: unknown): void {
    this.#queue.put(new Kept(message))
    this.run()
  }

  /**
   * Puts a message in, within the limits.
   *
   * @returns the number of messages dropped for it; undefined when the limits are passed
   */
  offer(message: unknown, elsewhere: Elsewhere): number | undefined {
    const dropped = this.#queue.offer(message, elsewhere)
    this.run()
    return dropped
  }

  /** From here on messages are handled, and the source is pulled. Called once. */
  open(source: Source | undefined): void {
    this.#source = source
    this.#isOpen = true
    this.#lastMessage = clock.now()
    if (this.#timeout !== undefined) this.#awaitTimeout(this.#timeout)
    this.run()
  }

  /** Drops what waits; the result of what is being handled or pulled is ignored. */
  close(): void {
    this.#isOpen = false
    this.#source = undefined
    this.#queue.clear()
    this.#deadline?.cancel()
  }

  /** Handles what waits, then pulls. */
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

  /** Steps count over promises too: a source whose promises are all settled would let nobody else in. */
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
        this.#pulled(step as Step)
      })
    })
  }

  #pulled(step: IteratorResult<unknown> | Step): void {
    if (step === skipped || !this.#isOpen) return
    if (step.done) this.#source = undefined
    this.#queue.put(step.done ? ended : this.#process.receive(step.value))
  }

  /** Goes on when a promise has settled, unless the loop has ended meanwhile. */
  #settle(promise: PromiseLike<unknown>, then: (value: unknown) => void): void {
    promise.then(
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

  /** Erlang's `after`: nothing is due while a message is being handled, or the client is behind. */
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
