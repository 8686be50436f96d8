// One held response: walks through the states of life.ts, and has one exit, `end`.
import type { Plan } from '../declare/plan.js'
import { LariatError, report } from '../errors.js'
import { safely } from '../guard.js'
import type { Gap } from '../hub/gap.js'
import { type Follower, type Subscriber, Subscription } from '../hub/subscription.js'
import { type Awaitable, isPromise } from '../promise.js'
import type { Exchange } from '../request/exchange.js'
import type { Feed } from '../values/feed.js'
import type { OpenStream, Reason, Wrote } from '../values/open-stream.js'
import { isStop, type StopValue } from '../values/stop.js'
import type { Encoded } from '../wire/chunk.js'
import { tellsGaps } from '../wire/fixed.js'
import { type Holder, Outlet } from '../wire/outlet.js'
import { Actor, callsBack, type Handlers } from './actor.js'
import { endResponse, isComplete } from './ending.js'
import type { Head } from './head.js'
import { lastEventIdOf } from './last-event-id.js'
import { Lease } from './lease.js'
import { life, type State } from './life.js'
import type { OpenStreams } from './open-streams.js'
import { Stream, sinceStart } from './stream.js'

/**
 * One held response. There may be very many, and most only share what a channel publishes: what not every one needs is
 * made when it is needed, and let go when it is not.
 */
export class Loop implements Subscriber, Holder {
  #state: State = 'asking'
  /** Why it is over; the first reason counts. */
  reason: Reason | undefined
  readonly outlet: Outlet
  readonly #plan: Plan
  readonly #handlers: Handlers
  readonly #streams: OpenStreams
  /** Until the head is out. */
  #head: Head | undefined
  /** While a callback may come, or somebody may use a context. */
  #x: Exchange | undefined
  #actor: Actor | undefined
  subscription: Subscription | undefined
  #lease: Lease | undefined
  #stream: Stream | undefined
  /** The media type that is streamed. */
  readonly format: string
  readonly opened = sinceStart()

  constructor(x: Exchange, handlers: Handlers, head: Head, client: string | undefined, streams: OpenStreams) {
    this.#x = x
    this.#plan = x.plan
    this.#handlers = handlers
    this.#streams = streams
    this.#head = head
    this.format = head.type
    this.outlet = new Outlet(x.req, x.res, head.format, x.plan.stream, this)
    if (client !== undefined) this.#stream = new Stream(this, client)
  }

  /** The stream as others see it. */
  get stream(): OpenStream {
    this.#stream ??= new Stream(this)
    return this.#stream
  }

  get isEnded(): boolean {
    return this.reason !== undefined
  }

  // ---- asking and checking

  /** Calls `subscribe`, unless the client has already gone. */
  start(): void {
    const x = this.#x as Exchange
    if (x.hasLeft) return this.outlet.release()
    this.#streams.add(this, this.#plan.stream)
    const { subscribe } = this.#handlers
    const isAskedAgain = this.#plan.stream.reauthorize !== undefined && x.isObserved
    if (callsBack(this.#handlers) || isAskedAgain) this.#actor = new Actor(this, x, this.#handlers, true)
    if (typeof subscribe === 'function' || this.#actor) this.#acting.ask(subscribe)
    else this.#followAtOnce(subscribe)
  }

  /** A channel that needs no callback needs no actor either, unless its backend has to be waited for. */
  #followAtOnce(feed: Feed<unknown>): void {
    let following: Awaitable<void>
    try {
      following = this.follow(feed)
    } catch (error) {
      return this.unanswered(error)
    }
    if (isPromise(following)) this.#acting.wait(following)
    else this.answered(undefined)
  }

  get #acting(): Actor {
    this.#actor ??= new Actor(this, this.#x as Exchange, this.#handlers, false)
    return this.#actor
  }

  /** Subscribes to a feed; a promise where its backend needs one. */
  follow(feed: Feed<unknown>): Awaitable<void> {
    if (this.isEnded) return
    const asked = lastEventIdOf(this.outlet.res.req) || undefined
    this.subscription = new Subscription(feed, this, asked)
    // a head that is out could not tell a gap: the next one waits for the feed
    if (asked !== undefined && !this.#head && !tellsGaps(this.outlet.format)) this.#streams.headsWait = true
    const isPlain = this.subscription.isPlain && !this.#handlers.info && !this.#actor?.isUsed
    if (isPlain) return
    // a stream that follows alone has messages
    this.#actor = this.#acting
    return this.subscription.follow()
  }

  answered(answer: unknown): void {
    this.#actor?.settle()
    const next = life[this.#state].answered
    if (next) this.#state = next
    if (next === 'checking') return this.#check(answer)
    this.#actor?.discard(answer)
    if (next === 'ended') this.#finish()
  }

  unanswered(error: unknown): void {
    this.#actor?.settle()
    const isDown = error instanceof LariatError && error.code === 'LARIAT_DOWN'
    // an error for which the state has no turn of its own is a reason to end like any other
    const turn = life[this.#state].failed ? 'failed' : 'over'
    this.#leave(turn, { kind: isDown ? 'down' : 'error', error })
  }

  #check(answer: unknown): void {
    if (isStop(answer)) return this.end({ kind: 'stop' }, answer)
    try {
      this.#actor?.adopt(answer)
    } catch (error) {
      return this.end({ kind: 'error', error })
    }
    // a source may end the stream while it is opened
    if (this.isEnded) return this.#actor?.unsubscribe()
    const watching = this.#actor?.watching ?? []
    if (watching.length > 0) void Promise.all(watching).then(() => this.#known())
    else this.#known()
  }

  #known(): void {
    const next = life[this.#state].known
    if (!next) return
    this.#state = next
    this.#open()
  }

  // ---- open

  #open(): void {
    const { subscription } = this
    if (this.#handlers.info || this.#actor?.messages.isUsed) void subscription?.follow()
    else subscription?.share()
    // a listener of 'join', or a hook into the head, may have ended the stream
    if (!this.isEnded) this.#sendHead()
    if (!this.isEnded) this.#actor?.open()
  }

  /** The head goes out once: with the first write, or when the life is open. */
  #sendHead(): void {
    const head = this.#head
    if (!head) return
    if (this.outlet.res.headersSent) return this.end({ kind: 'stop' })
    try {
      head.set(this.subscription?.head())
      this.outlet.open(head.status)
    } catch (error) {
      // a failure after the head cuts the stream; before it, there is still an answer
      if (this.outlet.phase !== 'waiting') this.#head = undefined
      return this.end({ kind: 'error', error })
    }
    this.#head = undefined
    if (this.isEnded) return
    this.#lease = Lease.of(this.#plan.stream, head.recheck, this)
    this.#forgetRequest()
  }

  /** Nothing of the request is kept where nobody can ask for it. */
  #forgetRequest(): void {
    if (!this.#actor && !this.#x?.isObserved) this.#x = undefined
  }

  put(encoded: Encoded): Wrote {
    if (!this.#holdsHead) this.#sendHead()
    if (this.isEnded) return 'closed'
    // events that were published before go out before
    this.subscription?.flush()
    try {
      return this.outlet.put(encoded)
    } catch (error) {
      this.end({ kind: 'error', error })
      return 'closed'
    }
  }

  get #holdsHead(): boolean {
    return this.#state === 'asking' && this.#head?.waits(this.outlet, this.#actor?.isCalling) === true
  }

  /** `subscribe` has returned, and no feed: a head that waited for one goes out with what was written. */
  isAwaited(): void {
    if (this.outlet.heldBytes > 0 && !this.#holdsHead) this.#sendHead()
  }

  get alone(): Follower {
    return this.#acting.messages
  }

  shares(): void {
    if (this.#actor && !this.#actor.isNeeded) this.#actor = undefined
    this.#forgetRequest()
  }

  gap(gap: Gap): void {
    if (this.#actor) this.#actor.messages.gap(gap)
    else this.tellGap(gap)
  }

  /** In-band, or by the head; else the stream is cut, so that the client comes back and the head tells it. */
  tellGap(gap: Gap): void {
    if (this.outlet.notify('gap', { ...gap }) || this.subscription?.hasTold(gap)) return
    this.end({
      kind: 'error',
      error: new LariatError('LARIAT_GAP', `Events were lost after ${gap.requested}`),
    })
  }

  get unhandled(): number {
    return (this.#actor?.messages.size ?? 0) + (this.subscription?.queued ?? 0)
  }

  caughtUp(): void {
    this.#actor?.caughtUp()
  }

  // ---- left and ended

  /** The one exit. */
  end(reason: Reason, stop?: StopValue): void {
    this.#leave('over', reason, stop)
  }

  #leave(turn: 'over' | 'failed', reason: Reason, stop?: StopValue): void {
    if (!life[this.#state][turn]) return
    this.within(() => {
      // events that were published before a complete end go out before it
      if (isComplete(reason)) this.#safely('the write before the end', () => this.subscription?.flush())
      // so does what was written while the head waited for a feed
      if (this.outlet.heldBytes > 0 && reason.kind !== 'disconnect') this.#sendHead()
      const next = life[this.#state][turn]
      if (!next) return
      this.#state = next
      if (!this.isEnded) this.#letGo(reason, stop)
      if (next === 'ended') this.#finish()
    })
  }

  /** Whatever fails here, what comes after it happens all the same. */
  #letGo(reason: Reason, stop: StopValue | undefined): void {
    this.reason = reason
    this.#actor?.stop()
    this.#lease?.cancel()
    this.#safely('the end', () => endResponse(this.outlet, this.#head, reason, stop))
    this.#safely('leaving a channel', () => this.subscription?.leave())
    this.#actor?.closed()
    this.#x?.abort()
  }

  #finish(): void {
    const reason = this.reason as Reason
    this.#actor?.unsubscribe()
    this.#streams.release(this, this.#plan.stream)
    this.#actor?.terminate(reason)
    if (!this.#handlers.terminate && reason.kind === 'error' && !this.#head)
      report(`${this.outlet.path} was cut`, reason.error)
    this.#x = undefined
    this.#head = undefined
  }

  /** The response is over, whoever ended it. */
  over(): void {
    this.#streams.remove(this)
  }

  within<T>(run: () => T): T {
    return this.#actor ? this.#actor.within(run) : run()
  }

  #safely(name: string, run: () => unknown): void {
    safely(run, (error) => report(`${name} of ${this.outlet.path} failed`, error))
  }
}
