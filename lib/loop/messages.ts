// Hands each message of a stream to `info`, or writes it if the spec has no `info`.
import type { AnySpec } from '../declare/spec.js'
import { isNamed, LariatError, show } from '../errors.js'
import { wire } from '../formats/format.js'
import { safely } from '../guard.js'
import { Gap } from '../hub/gap.js'
import { Published } from '../hub/published.js'
import { SnapshotEvent } from '../hub/snapshot.js'
import type { CatchingUp, Follower } from '../hub/subscriber.js'
import type { Subscription } from '../hub/subscription.js'
import { type Awaitable, isPromise } from '../promise.js'
import { wrongAnswer } from '../request/callback.js'
import { isBlob } from '../values/bytes.js'
import { event, isEvent } from '../values/event.js'
import type { Reason, Wrote } from '../values/open-stream.js'
import { isStop, type StopValue } from '../values/stop.js'
import { Encoded, encode } from '../wire/chunk.js'
import type { Outlet } from '../wire/outlet.js'
import { type Elsewhere, type Limits, Queue } from '../wire/queue.js'
import type { LoopContext } from './context.js'
import { Ending, measureIn } from './letters.js'
import { Mailbox } from './mailbox.js'
import type { Source } from './remainder.js'

/** The held response that the messages belong to. */
export interface HeldStream {
  readonly outlet: Outlet
  readonly subscription: Subscription | undefined
  put(encoded: Encoded): Wrote
  tellGap(gap: Gap): void
  end(reason: Reason, stop?: StopValue): void
}

/** Runs the callbacks of the spec. */
interface Caller {
  readonly context: LoopContext
  /** A message has come while `subscribe` is pending. */
  waits(): void
  sourceEnded(): void
  within<T>(run: () => T): T
}

const wrote: ReadonlySet<unknown> = new Set<Wrote>(['ok', 'wait', 'dropped', 'closed'])

type Callbacks = Pick<AnySpec, 'info' | 'timeout' | 'onGap'>

export class Messages implements Follower {
  readonly #held: HeldStream
  readonly #caller: Caller
  readonly #callbacks: Callbacks
  readonly #limits: Limits
  #mailbox: Mailbox | undefined
  /** Messages are being handled. */
  isOpen = false
  /** The source has ended, and all of it was handled. */
  hasSourceEnded = false
  /** The first death that ends the loop. */
  #death: Reason | undefined

  constructor(held: HeldStream, caller: Caller, callbacks: Callbacks, limits: Limits) {
    this.#held = held
    this.#caller = caller
    this.#callbacks = callbacks
    this.#limits = limits
  }

  /** Starts to handle messages. Called once. */
  open(source: Source | undefined): void {
    const mailbox = source || this.#callbacks.info ? this.#ensureMailbox() : this.#mailbox
    this.isOpen = true
    mailbox?.open(source)
  }

  close(): void {
    this.#mailbox?.close()
  }

  /** Pulls from the source again, once the client has caught up. */
  run(): void {
    this.#mailbox?.run()
  }

  /** Messages waiting. */
  get size(): number {
    return this.#mailbox?.size ?? 0
  }

  /** Whether there was ever a message. Messages come before later events of a feed. */
  get isUsed(): boolean {
    return this.#mailbox !== undefined
  }

  // ---- incoming messages

  send(message: unknown): void {
    // without `info`, encode now: `send` throws for data that the format cannot write
    this.#offer(this.toMessage(message))
  }

  /** Adds the message of a target's death, behind what the source has ready. */
  died(message: unknown): void {
    this.#guard(() => this.#ensureMailbox().putDeath(this.toMessage(message)))
  }

  /** Ends the loop behind what was sent; for the death of a target, behind what the source has ready too. */
  endWith(reason: Reason): void {
    const mailbox = this.#ensureMailbox()
    if (reason.kind !== 'down') return mailbox.put(new Ending(reason))
    this.#death ??= reason
    mailbox.putDeath(new Ending(reason))
  }

  event(published: Published): void {
    this.#offer(published)
  }

  offer(queue: Queue<unknown>, published: Published): void {
    this.#guard(() => this.#admit(queue.offer(published, inOutlet(this.#held))))
  }

  pull(source: CatchingUp): void {
    this.#ensureMailbox().pull(source)
  }

  newQueue(): Queue<unknown> {
    return new Queue(measureIn(this.#format), this.#limits)
  }

  /** Queues a gap in order with the messages. The events after it wait for what `onGap` answers. */
  gap(gap: Gap): void {
    if (this.#callbacks.onGap) return this.#held.subscription?.catchUpAgain(gap)
    if (this.#mailbox) return this.#mailbox.put(gap)
    this.#guard(() => this.#handleGap(gap))
  }

  #offer(item: unknown): void {
    if (!this.isOpen) this.#caller.waits()
    this.#guard(() => this.#admit(this.#ensureMailbox().offer(item, inOutlet(this.#held))))
  }

  /** Created for the first message, and opened at once if handling has begun. */
  #ensureMailbox(): Mailbox {
    if (!this.#mailbox) {
      this.#mailbox = new Mailbox(this, this.#limits, this.#callbacks.timeout, this.#format)
      if (this.isOpen) this.#mailbox.open(undefined)
    }
    return this.#mailbox
  }

  /** The format of messages that are written without `info`. */
  get #format() {
    return this.#callbacks.info ? undefined : this.#held.outlet.format
  }

  #admit(dropped: number | undefined): void {
    if (dropped !== undefined) return dropped > 0 ? this.#held.outlet.drop(dropped) : undefined
    const { maxQueued, maxQueuedBytes } = this.#limits
    const message = `More than ${maxQueued} messages or ${maxQueuedBytes} bytes wait`
    this.#held.end({ kind: 'overflow', error: new LariatError('LARIAT_OVERFLOW', message) })
  }

  // ---- as the process that reads the mailbox

  get isBehind(): boolean {
    return this.#held.outlet.isBehind
  }

  get isIdle(): boolean {
    return this.#mailbox?.isIdle ?? true
  }

  within<T>(run: () => T): T {
    return this.#caller.within(run)
  }

  /** Without `info`, encodes the message, unless it comes from a feed. */
  toMessage(value: unknown): unknown {
    if (value instanceof SnapshotEvent) return value
    const isAsItIs = this.#callbacks.info || value instanceof Gap || value instanceof Published
    return isAsItIs || blobIn(value, this.#held.outlet) ? value : this.encode(value)
  }

  handle(message: unknown): Awaitable<void> {
    if (message instanceof Gap) return this.#handleGap(message)
    if (message instanceof Ending) return this.#end(message.reason)
    const { info } = this.#callbacks
    const shown = message instanceof SnapshotEvent ? message.event : message
    if (!info || message instanceof SnapshotEvent) {
      const blob = blobIn(shown, this.#held.outlet)
      return blob
        ? blob.arrayBuffer().then((bytes) => void this.#held.put(this.encode(bytes)))
        : void this.#held.put(this.encode(shown))
    }
    const answer = info(message, this.#caller.context)
    // a thenable of the user's may call back twice
    return isPromise(answer)
      ? Promise.resolve(answer).then((value) => this.#handled(value))
      : this.#handled(answer)
  }

  #handled(answer: unknown): void {
    if (isStop(answer)) return this.#held.end({ kind: 'stop' }, answer)
    if (answer !== undefined && !wrote.has(answer)) {
      throw wrongAnswer(
        'info',
        answer,
        `nothing, or what write() returned (${[...wrote].map(show).join(', ')})`,
      )
    }
  }

  /** A target that died in peace takes nothing from a source that was read to its end. */
  #end(reason: Reason): void {
    const isPeaceful = reason.kind === 'down' && reason.error === undefined
    const isWhole = this.#mailbox?.isExhausted && !this.#held.subscription
    this.#held.end(isPeaceful && isWhole ? { kind: 'end' } : reason)
  }

  #handleGap(gap: Gap): Awaitable<void> {
    const { onGap } = this.#callbacks
    if (!onGap) return this.#held.tellGap(gap)
    const { subscription } = this.#held
    const told = subscription?.told
    const answered = (answer: unknown) => {
      if (isStop(answer)) this.#held.end({ kind: 'stop' }, answer)
      // nothing with an id was written: without the place, the client would come back to the same gap
      else if (subscription?.told === told) subscription?.tellPlace(gap.id)
    }
    const answer = this.within(() => onGap({ ...gap }, this.#caller.context))
    return isPromise(answer) ? Promise.resolve(answer).then(answered) : answered(answer)
  }

  /** After a replay the live feed continues. The end of any other source ends the stream. */
  sourceEnded(): void {
    if (this.#held.subscription) return
    this.hasSourceEnded = true
    // the end of the source may be part of the failure
    if (this.#death?.error !== undefined) this.#held.end(this.#death)
    else this.#caller.sourceEnded()
  }

  idle(): void {
    const isWaitingForHead = this.#held.outlet.phase === 'waiting'
    if (!this.#callbacks.info && !isWaitingForHead) this.#held.subscription?.share()
  }

  /** What fails because a target has died is part of its death. */
  failed(error: unknown): void {
    const isOfDeath = this.#death && (this.#death.error !== undefined || isOfSignal(error))
    this.#held.end(isOfDeath ? (this.#death as Reason) : { kind: 'error', error })
  }

  encode(data: unknown): Encoded {
    const { format } = this.#held.outlet
    if (data instanceof Encoded) return data
    if (data instanceof Published) return data.in(format)
    return encode(format, isEvent(data) ? data : event(data))
  }

  /** Runs a function whose failure, now or later, ends the loop. */
  #guard(run: () => unknown): void {
    safely(run, (error) => this.failed(error))
  }
}

/** The error of an operation whose signal was aborted, or was one of `AbortSignal.timeout()`. */
function isOfSignal(error: unknown): boolean {
  return isNamed(error, 'AbortError', 'TimeoutError')
}

/** A Blob that is written once it has been read. */
function blobIn(message: unknown, { format }: Outlet): Blob | undefined {
  if (!format[wire]?.takesBytes) return undefined
  const data = isEvent(message) ? message.data : message
  return isBlob(data) ? data : undefined
}

/** What waits behind the mailbox. */
function inOutlet({ outlet }: HeldStream): Elsewhere {
  return { count: outlet.queued, bytes: 0 }
}
