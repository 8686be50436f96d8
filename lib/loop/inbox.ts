import { type Awaitable, isPromise, timeout } from '../values.js'
import { clock, type Deadline } from './clock.js'
import { Mailbox } from './mailbox.js'
import type { Pull } from './source.js'

/** Whose messages these are. */
interface Owner {
  /** The client has not taken all yet: nothing is pulled. */
  readonly isBehind: boolean
  /** Takes a message; what it throws, or rejects with, ends the loop. */
  handle(message: unknown): Awaitable<void>
  /** Makes a message of what was pulled. */
  receive(value: unknown): unknown
  /** The source has ended. */
  ended(): void
  failed(error: unknown): void
}

/** The last message: what was sent before the source ended comes first. */
const ended = Symbol('ended')

/** So many steps are taken before others get their turn. */
const turn = 1000

/**
 * Messages as a process reads them: one at a time and in order, those that were sent first, then what is pulled
 * from the source, which is asked only when nothing waits here or for the client.
 */
export class Inbox {
  readonly #owner: Owner
  readonly #timeout: number | undefined
  readonly #mailbox = new Mailbox<unknown>()
  #bytes = 0
  #source: Pull | undefined
  #isOpen = false
  #isRunning = false
  /** A message is being handled; the source is being asked. */
  #isBusy = false
  #isPulling = false
  /** Others have their turn. */
  #isResting = false
  #steps = 0
  #lastMessage = 0
  #deadline: Deadline | undefined

  constructor(owner: Owner, timeoutMilliseconds: number | undefined) {
    this.#owner = owner
    this.#timeout = timeoutMilliseconds
  }

  /** Messages that wait. */
  get size(): number {
    return this.#mailbox.size
  }

  /** Bytes that wait, of messages that are bytes. */
  get bytes(): number {
    return this.#bytes
  }

  /** Puts a message in; it is handled once the inbox is open. */
  put(message: unknown): void {
    this.#mailbox.put(message)
    this.#bytes += lengthOf(message)
    this.run()
  }

  open(source: Pull | undefined): void {
    this.#source = source
    this.#isOpen = true
    this.#lastMessage = clock.now()
    if (this.#timeout !== undefined) this.#awaitTimeout(this.#timeout)
    this.run()
  }

  /** Drops what waits; what is being handled or asked for comes to nothing. */
  close(): void {
    this.#isOpen = false
    this.#source = undefined
    this.#mailbox.clear()
    this.#bytes = 0
    this.#deadline?.cancel()
  }

  /** Handles what is there, then pulls. */
  run(): void {
    if (this.#isRunning) return
    this.#isRunning = true
    while (this.#isReady) {
      if (++this.#steps > turn) this.#rest()
      else if (this.#mailbox.size > 0) this.#handle(this.#mailbox.take())
      else this.#pull(this.#source as Pull)
    }
    this.#isRunning = false
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
    return this.#mailbox.size > 0 || (this.#source !== undefined && !this.#isPulling && !this.#owner.isBehind)
  }

  #handle(message: unknown): void {
    this.#bytes -= lengthOf(message)
    this.#lastMessage = clock.now()
    this.#guard(() => {
      if (message === ended) return this.#owner.ended()
      const handling = this.#owner.handle(message)
      if (!isPromise(handling)) return
      this.#isBusy = true
      this.#settle(handling, () => {
        this.#isBusy = false
        this.#lastMessage = clock.now()
      })
    })
  }

  #pull(source: Pull): void {
    this.#guard(() => {
      const next = source.next()
      if (!isPromise(next)) return this.#pulled(next)
      this.#isPulling = true
      this.#settle(next, (result) => {
        this.#isPulling = false
        this.#pulled(result as IteratorResult<unknown>)
      })
    })
  }

  #pulled(result: IteratorResult<unknown>): void {
    if (result.done) this.#source = undefined
    const message = result.done ? ended : this.#owner.receive(result.value)
    this.#mailbox.put(message)
    this.#bytes += lengthOf(message)
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
        if (this.#isOpen) this.#owner.failed(error)
      },
    )
  }

  #guard(run: () => void): void {
    try {
      run()
    } catch (error) {
      this.#owner.failed(error)
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

function lengthOf(message: unknown): number {
  return Buffer.isBuffer(message) ? message.length : 0
}
