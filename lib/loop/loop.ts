import type { Response } from 'express'
import { clock, type Deadline } from '../clock.js'
import type { Watched } from '../declare/context.js'
import type { Plan } from '../declare/plan.js'
import { LariatError, report } from '../errors.js'
import type { Format } from '../formats/format.js'
import { safely } from '../guard.js'
import { Gap } from '../hub/gap.js'
import type { Member } from '../hub/group.js'
import { Published } from '../hub/published.js'
import { type Subscriber, Subscription } from '../hub/subscription.js'
import { type Awaitable, isPromise } from '../promise.js'
import { tooLate, wrongAnswer } from '../request/callback.js'
import type { Exchange } from '../request/exchange.js'
import { type Scope, scopeOfNow, within } from '../scope.js'
import { event, isEvent } from '../values/event.js'
import { type Feed, isFeed } from '../values/feed.js'
import type { OpenStream, Reason, Wrote } from '../values/open-stream.js'
import { isStop, type StopValue } from '../values/stop.js'
import { Encoded, encode } from '../wire/chunk.js'
import { Outlet } from '../wire/outlet.js'
import { LoopContext } from './context.js'
import { Drains } from './drains.js'
import { lastEventIdOf } from './last-event-id.js'
import { Terms } from './lease.js'
import { Inbox } from './mailbox.js'
import { type Watch, watch } from './monitor.js'
import type { Streams } from './open-streams.js'
import { isComplete, unavailable } from './reason.js'
import { callsBack, type Handlers, type Reply, scopeFor } from './reply.js'
import { open, type Pull } from './source.js'
import { Stream } from './stream.js'

let opened = 0

/**
 * The life of one held response: subscribe → info → write → terminate. Every end passes `end`.
 *
 * There may be very many of them, and most only share what a channel publishes: what not every one needs is made
 * when it is needed, and let go when it is not needed any more.
 */
export class Loop implements Subscriber {
  /** As long as somebody may ask for what it has. */
  #x: Exchange | undefined
  readonly #plan: Plan
  readonly #res: Response
  readonly #handlers: Handlers
  readonly #format: Format
  readonly #streams: Streams
  readonly #outlet: Outlet
  /** Until the head is out. */
  #reply: Reply | undefined
  /** The request's, where anything of the spec is called later. */
  #scope: Scope | undefined
  #made: LoopContext | undefined
  #messages: Inbox | undefined
  #watches: Watch[] | undefined
  #drains: Drains | undefined
  #unsubscribe: (() => unknown) | undefined
  #source: Pull | undefined
  #subscription: Subscription | undefined
  #terms: Terms | undefined
  #subscribing: Deadline | undefined
  #stream: Stream | undefined
  /** `subscribe` has answered, or is no longer waited for. */
  #isSubscribed = false
  #isHeadOut = false
  #isTerminated = false
  #reason: Reason | undefined
  readonly number = ++opened
  readonly openedAt = Date.now()
  #client: string | undefined
  /** The media type that is streamed. */
  readonly format: string

  constructor(x: Exchange, handlers: Handlers, reply: Reply, streams: Streams) {
    this.#x = x
    this.#plan = x.plan
    this.#res = x.res
    this.#handlers = handlers
    this.#reply = reply
    this.#format = reply.format
    this.#streams = streams
    this.#client = reply.client
    this.format = reply.type
    this.#outlet = new Outlet(x.req, x.res, reply.format, x.plan.stream, this)
    this.#scope = scopeFor(x, handlers)
  }

  /** As those see it who look after it. */
  get stream(): OpenStream {
    this.#stream ??= new Stream(this, this.#outlet)
    return this.#stream
  }

  get client(): string {
    this.#client ??= this.#res.req.ip ?? ''
    return this.#client
  }

  get path(): string {
    return this.#res.req.originalUrl.split('?', 1)[0] as string
  }

  get member(): Member {
    return this.#outlet
  }

  get isCounted(): boolean {
    return this.#plan.stream.maxStreamsPerClient !== undefined
  }

  get isEnded(): boolean {
    return this.#reason !== undefined
  }

  get isLate(): boolean {
    return this.#reason !== undefined && isComplete(this.#reason) && !this.#res.writableEnded
  }

  get #context(): LoopContext {
    this.#made ??= new LoopContext(this.#x as Exchange, this)
    return this.#made
  }

  get #inbox(): Inbox {
    const { info, timeout } = this.#handlers
    this.#messages ??= new Inbox(this, this.#plan.stream, timeout, info ? undefined : this.#format)
    return this.#messages
  }

  // ---- subscribe

  /** Calls `subscribe`, unless the client has already gone. */
  start(): void {
    if (this.#x?.hasLeft) return this.#outlet.release()
    const { decisionTimeout } = this.#plan
    this.#streams.add(this)
    let answer: unknown
    try {
      const { subscribe } = this.#handlers
      answer = typeof subscribe === 'function' ? subscribe(this.#context) : subscribe
      if (isFeed(answer)) answer = this.#follow(answer)
    } catch (error) {
      return this.#failed(error)
    }
    if (!isPromise(answer)) return this.#subscribed(answer)
    this.#scope ??= scopeOfNow()
    this.#subscribing = clock.after(decisionTimeout, () =>
      this.within(() => this.#failed(tooLate('subscribe', decisionTimeout))),
    )
    // whose `then` is not a promise's own may answer nothing, or throw
    Promise.resolve(answer)
      .then((value) => (isFeed(value) ? this.#follow(value) : value))
      .then(
        (value) => this.#subscribed(value),
        (error) => this.#failed(error),
      )
  }

  #subscribed(answer: unknown): void {
    this.#settle()
    if (!this.#reason && isStop(answer)) return this.end({ kind: 'stop' }, answer)
    this.#guard(() => this.#adopt(answer))
    if (this.#reason) return this.#finish()
    const known = this.#watches?.flatMap((each) => each.known ?? []) ?? []
    if (known.length === 0) return this.#open()
    void Promise.all(known).then(() => this.#open())
  }

  #failed(error: unknown): void {
    this.#settle()
    const isDown = error instanceof LariatError && error.code === 'LARIAT_DOWN'
    this.end({ kind: isDown ? 'down' : 'error', error })
    this.#finish()
  }

  #settle(): void {
    this.#isSubscribed = true
    this.#subscribing?.cancel()
    this.#subscribing = undefined
  }

  /** Takes what `subscribe` returned: how to unsubscribe, or what to pull from. */
  #adopt(answer: unknown): void {
    if (answer === undefined || isStop(answer)) return
    this.#scope ??= scopeOfNow()
    if (typeof answer === 'function') this.#unsubscribe = answer as () => unknown
    else this.#source = open(answer)
  }

  /** From here on messages are handled. */
  #open(): void {
    if (this.#reason) return
    const shares = this.#subscription !== undefined && !this.#handlers.info
    if (shares && !this.#messages) this.#subscription?.share()
    else this.#subscription?.attach()
    if (this.#reason) return
    this.#sendHead()
    if (this.#reason) return
    const source = this.#subscription?.replay ?? this.#source
    if (source || this.#messages || this.#handlers.info) this.#inbox.open(source)
    if (shares) this.#shareWhenIdle()
  }

  #shareWhenIdle(): void {
    if (this.#reason) return
    this.#messages?.whenIdle(() => {
      // its group may be about to get the event that it has just got
      if (this.#subscription?.isDelivering) queueMicrotask(() => this.#shareWhenIdle())
      else this.#subscription?.share()
    })
  }

  /** The head goes out once: with the first write, or when `subscribe` has answered. */
  #sendHead(): void {
    if (this.#isHeadOut) return
    if (this.#isAnswered) return this.end({ kind: 'stop' })
    this.#guard(() => {
      const reply = this.#reply as Reply
      reply.head()
      for (const [name, value] of Object.entries(this.#subscription?.head() ?? {}))
        this.#res.setHeader(name, value)
      this.#isHeadOut = true
      try {
        this.#outlet.open(reply.status)
      } finally {
        // what others do to a head may fail before it is out
        this.#isHeadOut = this.#res.headersSent
      }
      this.#reply = undefined
      this.#terms = Terms.of(this.#plan.stream, reply.recheck, this)
      if (this.#x?.isObserved || this.#made || callsBack(this.#handlers)) return
      this.#x = undefined
      this.#scope = undefined
    })
  }

  // ---- feeds

  /** Subscribes to a feed; a promise where its backend needs one. */
  #follow(feed: Feed<unknown>): Awaitable<void> {
    if (this.#reason) return
    const asked = lastEventIdOf(this.#res.req) || undefined
    const subscription = new Subscription(feed, this.#format, this, asked)
    this.#subscription = subscription
    const { info } = this.#handlers
    // one that has nothing to make up for shares with its group, from when it opens
    if (asked === undefined && !info && !this.#watches && !this.#messages && subscription.isImmediate) return
    if (asked !== undefined) this.#inbox.await(subscription)
    return subscription.follow()
  }

  /** An event of a feed, while the stream follows it on its own. */
  event(event: Published): void {
    if (this.#reason) return
    this.#guard(() => this.#admit(this.#inbox.offerLive(event, this.#waitingElsewhere)))
    if (!this.#handlers.info) this.#shareWhenIdle()
  }

  gap(gap: Gap): void {
    if (this.#reason) return
    if (this.#messages) return this.#messages.putLive(gap)
    safely(
      () => this.#handleGap(gap),
      (error) => this.failed(error),
    )
  }

  #handleGap(missed: Gap): Awaitable<void> {
    const { onGap } = this.#handlers
    const gap = { ...missed }
    if (!onGap) {
      const isTold = this.#outlet.notify('gap', gap) || this.#subscription?.hasTold(missed)
      // cut, so that it comes back, and is told by the head
      if (!isTold) this.failed(new LariatError('LARIAT_GAP', `Events were lost after ${gap.requested}`))
      return
    }
    const stopping = (answer: unknown) => {
      if (isStop(answer)) this.end({ kind: 'stop' })
    }
    const answer = this.within(() => onGap(gap, this.#context))
    return isPromise(answer) ? answer.then(stopping) : stopping(answer)
  }

  failed(error: unknown): void {
    this.end({ kind: 'error', error })
  }

  /** What the data comes from has died. */
  down(error?: unknown): void {
    this.end(error === undefined ? { kind: 'down' } : { kind: 'down', error })
  }

  /** `subscribe` has answered on its own, which is respected. */
  get #isAnswered(): boolean {
    return this.#res.headersSent && !this.#isHeadOut
  }

  // ---- messages

  send(message: unknown): void {
    if (this.#reason) return
    // without info a message is written as it is: what cannot be is its sender's to hear of
    const item = this.#handlers.info ? message : this.receive(message)
    this.#guard(() => {
      this.#admit(this.#inbox.offer(item, this.#waitingElsewhere))
      this.#openLate()
    })
  }

  /** An inbox that is made after the loop has opened has nothing to wait for. */
  #openLate(): void {
    if (this.#isHeadOut && this.#isSubscribed && !this.#inbox.isOpen) this.#inbox.open(undefined)
  }

  #admit(dropped: number | undefined): void {
    if (dropped !== undefined) return dropped > 0 ? this.#outlet.drop(dropped) : undefined
    const { maxQueued, maxQueuedBytes } = this.#plan.stream
    this.overflowed(`More than ${maxQueued} messages or ${maxQueuedBytes} bytes wait`)
  }

  get #waitingElsewhere() {
    return { count: this.#outlet.queued, bytes: 0 }
  }

  handle(message: unknown): Awaitable<void> {
    if (message instanceof Gap) return this.#handleGap(message)
    const { info } = this.#handlers
    if (!info) return void this.#put(this.#encode(message))
    const answer = info(message, this.#context)
    return isPromise(answer) ? answer.then((value) => this.#handled(value)) : this.#handled(answer)
  }

  #handled(answer: unknown): void {
    if (isStop(answer)) return this.end({ kind: 'stop' })
    if (answer !== undefined && answer !== 'ok' && answer !== 'wait' && answer !== 'closed') {
      throw wrongAnswer('info', answer, "nothing, or what write() returned ('ok', 'wait' or 'closed')")
    }
  }

  /** Without `info` a message is an event, in the format or about to be. */
  receive(value: unknown): unknown {
    return this.#handlers.info || value instanceof Gap || value instanceof Published
      ? value
      : this.#encode(value)
  }

  #encode(data: unknown): Encoded {
    if (data instanceof Encoded) return data
    if (data instanceof Published) return data.in(this.#format)
    return encode(this.#format, isEvent(data) ? data : event(data))
  }

  monitor(target: Watched, message?: unknown): void {
    if (this.#reason) return
    const down = (error?: unknown) => {
      if (message === undefined) return this.down(error)
      this.#guard(() => {
        this.#inbox.put(this.receive(message))
        this.#openLate()
      })
    }
    this.#scope ??= scopeOfNow()
    this.#watches ??= []
    this.#watches.push(watch(target, down))
  }

  /** Runs what the spec has said as the request would. */
  within<T>(run: () => T): T {
    return within(this.#scope, run)
  }

  ended(): void {
    this.end({ kind: 'end' })
  }

  /** Messages in the mailbox, and events that wait for the client. */
  get queued(): number {
    return this.unhandled + this.#outlet.queued
  }

  get unhandled(): number {
    return this.#messages?.size ?? 0
  }

  get isBehind(): boolean {
    return this.#outlet.isBehind
  }

  // ---- the wire

  write(data: unknown): Wrote {
    return this.#reason ? 'closed' : this.#put(this.#encode(data))
  }

  #put(encoded: Encoded): Wrote {
    this.#sendHead()
    if (this.#reason) return 'closed'
    // what was published before goes out before
    this.#subscription?.flush()
    try {
      return this.#outlet.put(encoded)
    } catch (error) {
      this.failed(error)
      return 'closed'
    }
  }

  drained(): Promise<'ok' | 'closed'> {
    // in a turn of its own: who goes on writing to an ended stream is not to keep everybody else waiting
    if (this.#reason) return new Promise((resolve) => setImmediate(resolve, 'closed'))
    if (!this.isBehind) return Promise.resolve('ok')
    this.#drains ??= new Drains()
    return this.#drains.wait()
  }

  caughtUp(): void {
    this.#drains?.settle('ok')
    this.#messages?.run()
  }

  gone(): void {
    this.end({ kind: 'disconnect' })
  }

  overflowed(message: string): void {
    this.end({ kind: 'overflow', error: new LariatError('LARIAT_OVERFLOW', message) })
  }

  /** The response is over, whoever has ended it. */
  over(): void {
    this.#streams.remove(this)
  }

  // ---- the end

  /** The one exit: the first reason counts. */
  end(reason: Reason, stop?: StopValue): void {
    if (!this.#reason) this.within(() => this.#end(reason, stop))
  }

  #end(reason: Reason, stop?: StopValue): void {
    // what was published before the end goes out before it
    if (isComplete(reason)) this.#safely('what was published', () => this.#subscription?.flush())
    if (this.#reason) return
    this.#reason = reason
    // whatever fails here, what comes after it has to be called all the same
    for (const each of this.#watches?.splice(0) ?? []) this.#safely('taking back a watch', () => each.stop())
    this.#messages?.close()
    this.#terms?.cancel()
    this.#safely('the end', () => this.#endResponse(reason, stop))
    this.#safely('leaving a channel', () => this.#subscription?.leave())
    this.#drains?.settle('closed')
    this.#x?.abort()
    this.#finish()
  }

  /** Drops what the client has not taken. */
  cut(): void {
    this.#outlet.cut()
  }

  #endResponse(reason: Reason, stop?: StopValue): void {
    const { kind, error } = reason
    if (kind === 'disconnect' || (kind === 'stop' && this.#isAnswered)) return this.#outlet.release()
    if (!this.#isHeadOut) {
      this.#outlet.release()
      const reply = this.#reply as Reply
      if (stop) reply.stop(stop)
      else reply.fail(kind === 'error' ? error : unavailable(kind))
    } else if (isComplete(reason)) this.#outlet.complete(kind)
    else if (kind === 'error') this.#outlet.fail()
    else this.#outlet.cut()
  }

  /** Unsubscribes, then terminates: when the loop has ended and `subscribe` has answered. */
  #finish(): void {
    if (!this.#reason || !this.#isSubscribed) return
    const unsubscribe = this.#unsubscribe
    const source = this.#source
    this.#unsubscribe = undefined
    this.#source = undefined
    if (unsubscribe) this.#safely('unsubscribe', unsubscribe)
    if (source) this.#safely('closing the source', () => source.close())
    if (!this.#isTerminated) this.#terminate(this.#reason)
    this.#scope = undefined
  }

  #terminate(reason: Reason): void {
    this.#isTerminated = true
    this.#streams.release(this)
    const { terminate } = this.#handlers
    if (terminate) this.#safely('terminate', () => terminate(reason, this.#context))
    else if (reason.kind === 'error' && this.#isHeadOut) report(`${this.path} was cut`, reason.error)
  }

  /** Runs what ends the loop by failing. */
  #guard(run: () => void): void {
    try {
      run()
    } catch (error) {
      this.end({ kind: 'error', error })
    }
  }

  /** Runs what fails without a consequence but a warning. */
  #safely(name: string, run: () => unknown): void {
    safely(run, (error) => report(`${name} of ${this.path} failed`, error))
  }
}
