import { clock, type Deadline } from '../clock.js'
import type { Format } from '../formats/format.js'
import { Gap } from '../hub/gap.js'
import { Published } from '../hub/published.js'
import { type Awaitable, isPromise } from '../promise.js'
import { isEvent, timeout } from '../values/event.js'
import { Encoded } from '../wire/chunk.js'
import { type Elsewhere, type Limits, Mailbox, type Measure } from '../wire/queue.js'
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
  /** Runs what handles, and what is pulled, where the request would. */
  within(run: () => void): void
}

/** The last message: what was sent before the source ended comes first. */
const ended = Symbol('ended')

/** What a client has missed, and whether what came live was part of it. */
interface Replaying {
  includes(live: Published | Gap): boolean
}

/** A message that is never dropped: that something has died, or was missed. */
class Kept {
  readonly message: unknown

  constructor(message: unknown) {
    this.message = message
  }
}

/** How messages are measured: without `info` each is an event that will be written in a format. */
function measureIn(format: Format | undefined): Measure<unknown> {
  return {
    count: () => 1,
    size(message) {
      if (!format) return 0
      if (message instanceof Published) return message.in(format).size
      return message instanceof Encoded ? message.size : 0
    },
    data: (message) => (message instanceof Encoded || isEvent(message) ? message.data : message),
    isKept: (message) => message instanceof Kept || message === ended,
  }
}

/** So many steps are taken before others get their turn. */
const turn = 1000

/**
 * Messages as a process reads them: one at a time and in order, those that were sent first, then what is pulled
 * from the source, which is asked only when nothing waits here or for the client. Where the source is what a
 * client has missed of a feed, what comes live waits for its end.
 */
export class Inbox {
  readonly #owner: Owner
  readonly #timeout: number | undefined
  readonly #mailbox: Mailbox<unknown>
  /** What comes live while the source is pulled, where that is a replay. */
  readonly #live: Mailbox<unknown>
  #source: Pull | undefined
  /** The source is a replay: it goes on live after it. Without one its end is the end. */
  #replay: Replaying | undefined
  /** Called once when nothing is left to be handled or pulled. */
  #idle: (() => void) | undefined
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

  /** @param format that of messages that are written as they are, without `info` */
  constructor(
    owner: Owner,
    limits: Limits,
    timeoutMilliseconds: number | undefined,
    format: Format | undefined,
  ) {
    this.#owner = owner
    this.#timeout = timeoutMilliseconds
    const measure = measureIn(format)
    this.#mailbox = new Mailbox(measure, limits)
    this.#live = new Mailbox(measure, limits)
  }

  /** Messages that wait. */
  get size(): number {
    return this.#mailbox.size + this.#live.size
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  /** Puts a message in that is never dropped; it is handled once the inbox is open. */
  put(message: unknown): void {
    this.#mailbox.put(new Kept(message))
    this.run()
  }

  /**
   * Puts a message in, within the limits.
   *
   * @returns how many were dropped for it; undefined when the limits are passed
   */
  offer(message: unknown, elsewhere: Elsewhere): number | undefined {
    const dropped = this.#mailbox.offer(message, elsewhere)
    this.run()
    return dropped
  }

  /** Puts in what has come live: like what was sent, but after a replay. */
  offerLive(message: unknown, elsewhere: Elsewhere): number | undefined {
    return this.#replay ? this.#live.offer(message, elsewhere) : this.offer(message, elsewhere)
  }

  /** Puts in what has come live and is never dropped. */
  putLive(message: unknown): void {
    if (this.#replay) this.#live.put(new Kept(message))
    else this.put(message)
  }

  /** What comes live from now on waits for the end of a replay. */
  await(replay: Replaying): void {
    this.#replay = replay
  }

  /** Calls back once, when nothing is left to be handled or pulled. */
  whenIdle(idle: () => void): void {
    this.#idle = idle
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
    this.#live.clear()
    this.#idle = undefined
    this.#deadline?.cancel()
  }

  /** Handles what is there, then pulls. */
  run(): void {
    if (this.#isRunning) return
    this.#isRunning = true
    if (this.#isReady) this.#owner.within(() => this.#work())
    this.#isRunning = false
    if (this.#idle && this.#isIdle) {
      const idle = this.#idle
      this.#idle = undefined
      idle()
    }
  }

  #work(): void {
    while (this.#isReady) {
      if (++this.#steps > turn) this.#rest()
      else if (this.#mailbox.size > 0) this.#handle(this.#mailbox.take())
      else this.#pull(this.#source as Pull)
    }
  }

  get #isIdle(): boolean {
    return this.#isOpen && !this.#isBusy && this.#mailbox.size === 0 && this.#source === undefined
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
    this.#lastMessage = clock.now()
    this.#guard(() => {
      if (message === ended) return this.#ended()
      const handling = this.#owner.handle(message instanceof Kept ? message.message : message)
      if (!isPromise(handling)) return
      this.#isBusy = true
      this.#settle(handling, () => {
        this.#isBusy = false
        this.#lastMessage = clock.now()
      })
    })
  }

  /** After a replay comes what came live meanwhile, but for what was in the replay. */
  #ended(): void {
    const replay = this.#replay
    if (!replay) return this.#owner.ended()
    this.#replay = undefined
    while (this.#live.size > 0) {
      const message = this.#live.take()
      const what = message instanceof Kept ? message.message : message
      const isOfFeed = what instanceof Published || what instanceof Gap
      if (!isOfFeed || !replay.includes(what)) this.#mailbox.put(message)
    }
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
    this.#mailbox.put(result.done ? ended : this.#owner.receive(result.value))
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
