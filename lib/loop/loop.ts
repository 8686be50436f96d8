// Runs one held response through the states of life.ts, from `start` to its one exit, `end`.
import type { Plan } from '../declare/plan.js'
import type { Gap } from '../hub/gap.js'
import type { Follower, Subscriber } from '../hub/subscriber.js'
import { Subscription } from '../hub/subscription.js'
import { type Awaitable, isPromise } from '../promise.js'
import { discard } from '../request/discard.js'
import type { Exchange } from '../request/exchange.js'
import type { Feed } from '../values/feed.js'
import type { OpenStream, Reason, Wrote } from '../values/open-stream.js'
import { isStop, type StopValue } from '../values/stop.js'
import type { Encoded } from '../wire/chunk.js'
import { tellsGaps } from '../wire/fixed.js'
import type { Holder } from '../wire/holder.js'
import { Outlet } from '../wire/outlet.js'
import { Actor, callsBack, type Handlers } from './actor.js'
import { flush, lost, mannerOf, noContent, release, reportCut, unanswered } from './ending.js'
import type { Head } from './head.js'
import { resumeFrom } from './last-event-id.js'
import type { Lease } from './lease.js'
import { life, type State } from './life.js'
import type { OpenStreams } from './open-streams.js'
import { Stream, sinceStart } from './stream.js'

/** A process may hold very many: what most of them do without is created on demand, and released after use. */
export class Loop implements Subscriber, Holder {
  #state: State = 'asking'
  /** Why the loop ended. Only the first reason is kept. */
  reason: Reason | undefined
  readonly outlet: Outlet
  readonly plan: Plan
  readonly #handlers: Handlers
  readonly #streams: OpenStreams
  /** The head. Released once it is out. */
  #head: Head | undefined
  /** The request. Released once no callback can run. */
  #x: Exchange | undefined
  #actor: Actor | undefined
  subscription: Subscription | undefined
  #lease: Lease | undefined
  #stream: Stream | undefined
  readonly format: string
  readonly opened = sinceStart()

  constructor(x: Exchange, handlers: Handlers, head: Head, client: string | undefined, streams: OpenStreams) {
    this.#x = x
    this.plan = x.plan
    this.#handlers = handlers
    this.#streams = streams
    this.#head = head
    this.format = head.type
    this.outlet = new Outlet(x.req, x.res, head.format, x.plan.stream, this)
    if (client !== undefined) this.#stream = new Stream(this, client)
  }

  get stream(): OpenStream {
    this.#stream ??= new Stream(this)
    return this.#stream
  }

  get state(): unknown {
    return this.#x?.state
  }

  get isEnded(): boolean {
    return this.reason !== undefined
  }

  /** Calls `subscribe`, unless the client has already left. */
  start(): void {
    const x = this.#x as Exchange
    if (x.hasLeft) return this.outlet.release()
    this.#streams.add(this, this.plan.stream)
    const { subscribe } = this.#handlers
    const isAskedAgain = this.plan.stream.reauthorize !== undefined && x.isObserved
    if (callsBack(this.#handlers) || isAskedAgain) this.#ensureActor(true)
    if (typeof subscribe === 'function' || this.#actor) this.#ensureActor().ask(subscribe)
    else this.#followAtOnce(subscribe)
  }

  /** A bare channel needs no actor, unless its backend is asynchronous. */
  #followAtOnce(feed: Feed<unknown>): void {
    let following: Awaitable<StopValue | void>
    try {
      following = this.follow(feed)
    } catch (error) {
      return this.unanswered(error)
    }
    if (isPromise(following)) this.#ensureActor().wait(following)
    else this.answered(following)
  }

  #ensureActor(isScoped = false): Actor {
    this.#actor ??= new Actor(this, this.#x as Exchange, this.#handlers, isScoped)
    return this.#actor
  }

  /** Subscribes to a feed. Returns a promise only if the backend, or a snapshot, needs one. */
  follow(feed: Feed<unknown>): Awaitable<StopValue | void> {
    if (this.isEnded) return
    const asked = resumeFrom(this.outlet.res.req)
    const snapshot = this.#handlers.snapshot && (() => this.#ensureActor().snapshot())
    this.subscription = new Subscription(feed, this, asked, snapshot)
    // the head is already out and cannot report a gap: later reconnects hold their head back until the feed is known
    if (asked !== undefined && !this.#head && !tellsGaps(this.outlet.format)) this.#streams.headsWait = true
    if (this.subscription.isImmediate && !this.#handlers.info && !this.#actor?.hasMessagesOrWatches) return
    // an unshared stream reads its events from a mailbox
    this.#ensureActor()
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
    // where the state lists no `failed`, the error is a reason to end like any other
    this.#leave(life[this.#state].failed ? 'failed' : 'over', unanswered(error))
  }

  #check(answer: unknown): void {
    if (isStop(answer)) return this.end({ kind: 'stop' }, answer)
    if (this.subscription?.catchUp?.isSpent) return this.end({ kind: 'end' }, noContent)
    try {
      this.#actor?.adopt(answer)
    } catch (error) {
      return this.end({ kind: 'error', error })
    }
    // opening a source may end the stream
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
    const isAwaited = this.#head?.waitsForEvent === true
    if (isAwaited) this.#ensureActor().awaitEvent()
    if (isAwaited || this.#handlers.info || this.#actor?.messages.isUsed) void subscription?.follow()
    else subscription?.share()
    // a listener of 'join', or a hook into the head, may have ended the stream
    if (this.isEnded) return
    // a head that went out before the feed was known could not tell the place
    if (!this.#head) subscription?.tellFirstPlace()
    else if (!isAwaited) this.#sendHead()
    if (!this.isEnded) this.#actor?.open()
  }

  /** Sends the head, once: with the first write, or when the loop opens, or with the first event. */
  #sendHead(): void {
    const head = this.#head
    if (!head) return
    if (this.outlet.res.headersSent) return this.end({ kind: 'stop' })
    if (this.#state === 'open') this.#actor?.settle()
    try {
      this.#lease ??= head.lease(this)
      head.send(this.outlet, this.subscription)
    } catch (error) {
      // after the head, a failure cuts the stream; before it, an error answer is still possible
      if (this.outlet.phase !== 'waiting') this.#head = undefined
      return this.end({ kind: 'error', error })
    }
    this.#head = undefined
    if (!this.isEnded) this.#forgetRequest()
  }

  /** Releases the request if no callback can use it. */
  #forgetRequest(): void {
    if (!this.#actor && !this.#x?.isObserved) this.#x = undefined
  }

  put(encoded: Encoded): Wrote {
    if (!this.#holdsHead) this.#sendHead()
    if (this.isEnded) return 'closed'
    // flush the group first: earlier events go out first
    this.subscription?.flush(encoded.id)
    try {
      return this.outlet.put(encoded)
    } catch (error) {
      this.end({ kind: 'error', error })
      return 'closed'
    }
  }

  get #holdsHead(): boolean {
    // it also waits for the backend of a feed that `subscribe` has returned
    const isFeedNear = this.#actor?.isCalling || this.subscription !== undefined
    return this.#state === 'asking' && this.#head?.waits(this.outlet, isFeedNear) === true
  }

  /** `subscribe` returned a promise: send a head that was held back, with the events written so far. */
  subscribing(): void {
    if (this.outlet.heldBytes > 0 && !this.#holdsHead) this.#sendHead()
  }

  follower(): Follower {
    return this.#ensureActor().messages
  }

  shares(): void {
    if (this.#actor && !this.#actor.mayCallBack) this.#actor = undefined
    this.#forgetRequest()
  }

  gap(gap: Gap): void {
    if (this.#actor) this.#actor.messages.gap(gap)
    else this.tellGap(gap)
  }

  /** Reports a gap in-band or in the head. Otherwise cuts the stream: the head of the reconnect reports it. */
  tellGap(gap: Gap): void {
    this.subscription?.flush(gap.id)
    const isInBand = this.outlet.notify('gap', { ...gap })
    // a notice is an event too; where the format has none, a head that waits for an event tells the gap
    if (this.#state === 'open') this.#sendHead()
    if (!isInBand && !this.subscription?.catchUp?.hasTold(gap)) this.end(lost(gap))
  }

  get unhandled(): number {
    return (this.#actor?.messages.size ?? 0) + (this.subscription?.catchUp?.queued ?? 0)
  }

  placeToTell(isSilent: boolean): string | undefined {
    return this.#actor?.messages.isIdle === false ? undefined : this.subscription?.takeLaterPlace(isSilent)
  }

  caughtUp(): void {
    this.#actor?.caughtUp()
  }

  // ---- left and ended

  over(reason: Reason): void {
    if (this.#actor) this.#actor.over(reason)
    else this.end(reason)
  }

  /** The one exit. */
  end(reason: Reason, stop?: StopValue): void {
    this.#leave('over', reason, stop)
  }

  #leave(turn: 'over' | 'failed', reason: Reason, stop?: StopValue): void {
    if (!life[this.#state][turn]) return discard(stop)
    this.within(() => {
      const manner = mannerOf(reason, this.plan.stream, this.#actor?.partial)
      // the end comes after the events that were published before it
      if (manner !== 'dropped') flush(this)
      // and after the events that were written while the head waited for a feed; an empty source is a whole stream
      const isOwed = this.outlet.heldBytes > 0 || (reason.kind === 'end' && this.#state === 'open')
      if (isOwed && reason.kind !== 'disconnect') this.#sendHead()
      const next = life[this.#state][turn]
      if (!next) return discard(stop)
      this.#state = next
      if (this.isEnded) discard(stop)
      else {
        this.reason = reason
        const { outlet, subscription } = this
        const own = { streaming: this, actor: this.#actor, lease: this.#lease, head: this.#head, x: this.#x }
        release({ outlet, subscription, ...own }, reason, manner, stop)
      }
      if (next === 'ended') this.#finish()
    })
  }

  #finish(): void {
    const reason = this.reason as Reason
    this.#actor?.unsubscribe()
    this.#streams.freePlace(this, this.plan.stream)
    this.#actor?.terminate(reason)
    if (!this.#handlers.terminate && !this.#head) reportCut(this.outlet, reason)
    this.#x = undefined
    this.#head = undefined
  }

  responseClosed(): void {
    this.#streams.remove(this)
  }

  within<T>(run: () => T): T {
    return this.#actor ? this.#actor.within(run) : run()
  }
}
