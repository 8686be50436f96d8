// Runs the callbacks of a held response: `subscribe`, `snapshot`, `monitor`, `drained`, the unsubscribe and `terminate`.
// Exists while a callback can run; a stream that only relays a channel has none.
import type { Watched } from '../declare/context.js'
import type { AnySpec } from '../declare/spec.js'
import { report } from '../errors.js'
import { safely } from '../guard.js'
import type { Snapshot } from '../hub/snapshot.js'
import { type Awaitable, isPromise, nextTurn } from '../promise.js'
import { tooLate, wrongAnswer } from '../request/callback.js'
import type { Exchange } from '../request/exchange.js'
import { type Scope, scopeOfNow, within } from '../scope.js'
import { type Feed, isFeed } from '../values/feed.js'
import type { OpenStream, Reason, Wrote } from '../values/open-stream.js'
import { isStop } from '../values/stop.js'
import { Answer, discardAnswer } from './answer.js'
import { LoopContext } from './context.js'
import { Drains } from './drains.js'
import { downOf } from './ending.js'
import { tolerate } from './listeners.js'
import { type HeldStream, Messages } from './messages.js'
import { Patience } from './patience.js'
import { TakenSnapshot } from './snapshot.js'
import { Watches } from './watches.js'

/** The callbacks of a held response: the spec's own, or those of a list. */
export type Handlers = Pick<AnySpec, 'info' | 'terminate' | 'timeout' | 'onGap' | 'snapshot'> &
  Required<Pick<AnySpec, 'subscribe'>>

/** Whether a callback is called while the response is held. */
export function callsBack({ info, terminate, onGap, snapshot }: Handlers): boolean {
  return (info ?? terminate ?? onGap ?? snapshot) !== undefined
}

/** The held response, as the actor sees it. */
interface HeldResponse extends HeldStream {
  readonly isEnded: boolean
  readonly stream: OpenStream
  follow(feed: Feed<unknown>): Awaitable<unknown>
  /** `subscribe` has answered, and the stream follows its feed. */
  answered(answer: unknown): void
  /** `subscribe` threw, rejected, or did not answer in time. */
  unanswered(error: unknown): void
  /** `subscribe` returned a promise. */
  subscribing(): void
}

/** Milliseconds in which a process whose output has ended tells its exit. */
const grace = 1000

export class Actor {
  readonly #held: HeldResponse
  readonly #x: Exchange
  readonly #handlers: Handlers
  readonly messages: Messages
  /** The request's async context. Later callbacks run in it. */
  #scope: Scope | undefined
  #context: LoopContext | undefined
  #watches: Watches | undefined
  #drains: Drains | undefined
  #answer: Answer | undefined
  readonly #patience = new Patience()
  /** The source has ended, and a target is about to tell whether it has failed. */
  #awaitsDeath = false
  /** `subscribe` is running. */
  isCalling = false
  /** `subscribe` has returned its feed, of which a snapshot is or was taken. */
  #hasFollowed = false

  constructor(held: HeldResponse, x: Exchange, handlers: Handlers, isScoped: boolean) {
    this.#held = held
    this.#x = x
    this.#handlers = handlers
    this.messages = new Messages(held, this, handlers, x.plan.stream)
    if (isScoped) this.#scope = scopeOfNow()
  }

  /** Runs a callback in the request's async context. */
  within<T>(run: () => T): T {
    return within(this.#scope, run)
  }

  get context(): LoopContext {
    this.#context ??= new LoopContext(this.#x, this)
    return this.#context
  }

  /** Whether a context or scope is still in use. If not, the actor is released once the stream joins a group. */
  get mayCallBack(): boolean {
    return this.#context !== undefined || this.#scope !== undefined
  }

  /** Whether anything was ever sent or monitored. */
  get hasMessagesOrWatches(): boolean {
    return this.#watches !== undefined || this.messages.isUsed
  }

  // ---- subscribe

  /** Calls `subscribe`, or follows it if it is a feed, and reports the answer. */
  ask(subscribe: Handlers['subscribe']): void {
    let answer: unknown
    this.isCalling = true
    try {
      answer = typeof subscribe === 'function' ? subscribe(this.context) : subscribe
      if (!isPromise(answer)) answer = this.#follow(answer)
    } catch (error) {
      return this.#held.unanswered(error)
    }
    this.isCalling = false
    if (!isPromise(answer)) return this.#held.answered(answer)
    this.#held.subscribing()
    this.wait(answer)
  }

  /** Waits for an answer, for `decisionTimeout` at most. */
  wait(answer: PromiseLike<unknown>): void {
    if (!this.#hasFollowed) this.#limit('subscribe', (error) => this.#held.unanswered(error))
    if (this.messages.size > 0) this.waits()
    // a user's thenable may resolve to anything, or throw
    Promise.resolve(answer)
      .then((value) => this.#follow(value))
      .then(
        (value) => this.#held.answered(value),
        (error) => this.#held.unanswered(error),
      )
  }

  /** Follows the answer of `subscribe`, if it is a feed. */
  #follow(answer: unknown): unknown {
    if (isFeed(answer)) return this.#held.follow(answer)
    if (!this.#handlers.snapshot || isStop(answer) || this.#held.subscription) return answer
    this.discard(answer)
    throw wrongAnswer('subscribe', answer, 'a channel, or a part of one, since the spec has a `snapshot`')
  }

  /** A snapshot to take. It has a deadline of its own, in place of that of `subscribe`. */
  snapshot(): Snapshot {
    this.#hasFollowed = true
    this.settle()
    const call = () => this.within(() => this.#handlers.snapshot?.(this.context))
    return new TakenSnapshot(call, this.#x.plan.decisionTimeout)
  }

  /** Stops waiting for `subscribe`. */
  settle(): void {
    this.#patience.end()
  }

  /** A message waits for a pending `subscribe`. */
  waits(): void {
    this.#patience.warn(this.#handlers, this.#held.outlet.path)
  }

  /** Waits for the first event, for `decisionTimeout` at most. */
  awaitEvent(): void {
    this.#limit('the first event', (error) => this.#held.end({ kind: 'error', error }))
  }

  /** Waits for `decisionTimeout` at most. */
  #limit(what: string, late: (error: unknown) => void): void {
    const { decisionTimeout } = this.#x.plan
    const scope = this.#scope ?? scopeOfNow()
    this.#patience.wait(decisionTimeout, () => within(scope, () => late(tooLate(what, decisionTimeout))))
  }

  /** Takes the answer of `subscribe`: a function that unsubscribes, an Observable, or a source to pull from. */
  adopt(answer: unknown): void {
    if (answer === undefined || isStop(answer)) return
    this.#scope ??= scopeOfNow()
    this.#answer = new Answer(answer, {
      next: (message) => this.send(message),
      error: (error) => this.fail(error),
      complete: () => this.#held.isEnded || this.messages.endWith({ kind: 'end' }),
    })
  }

  /** Closes a late answer. */
  discard(answer: unknown): void {
    discardAnswer(answer, (what, run) => this.#safely(what, run))
  }

  /** Promises that resolve once each target is known to have been dead, or alive, from the start. */
  get watching(): readonly Promise<unknown>[] {
    return this.#watches?.known ?? []
  }

  /** Starts to handle messages and to pull from the source. */
  open(): void {
    const { subscription } = this.#held
    this.messages.open(subscription?.isCatchingUp ? subscription : this.#answer?.source)
  }

  // ---- the context

  get stream(): OpenStream {
    return this.#held.stream
  }

  send(message: unknown): void {
    if (!this.#held.isEnded) this.messages.send(message)
  }

  write(data: unknown): Wrote {
    return this.#held.isEnded ? 'closed' : this.#held.put(this.messages.encode(data))
  }

  drained(): Promise<'ok' | 'closed'> {
    // resolve in a later turn, so that a loop of write() and drained() cannot block the event loop
    if (this.#held.isEnded) return nextTurn().then(() => 'closed')
    if (!this.#held.outlet.isBehind) return Promise.resolve('ok')
    this.#drains ??= new Drains()
    return this.#drains.wait()
  }

  fail(error: unknown): void {
    if (this.#held.isEnded) return
    const reason: Reason = { kind: 'error', error }
    // nothing comes before it: there may still be an ordinary answer
    if (!this.messages.isOpen && this.messages.size === 0) this.#held.end(reason)
    else this.messages.endWith(reason)
  }

  monitor(target: Watched, message?: unknown): void {
    if (this.#held.isEnded) return tolerate(target)
    this.#scope ??= scopeOfNow()
    this.#watches ??= new Watches()
    this.#watches.add(target, (error) => {
      if (message !== undefined) this.messages.died(message)
      else if (error !== undefined || !this.#awaitsDeath) this.over(downOf(error))
      if (this.#awaitsDeath && !this.#watches?.isDying) this.messages.endWith({ kind: 'end' })
    })
  }

  /** A target that the loop depends on has died, or its feed is over. Before the head, a death is an answer. */
  over(reason: Reason): void {
    if (reason.kind === 'end') return this.messages.endWith(reason)
    const isUnheard = this.#held.outlet.phase === 'waiting' || this.messages.size === 0
    if (!this.messages.isOpen && isUnheard) this.#held.end(reason)
    else this.messages.endWith(reason)
  }

  /** The source has ended. A process whose output has ended is about to tell whether it has failed. */
  sourceEnded(): void {
    if (!this.#watches?.isDying) return this.#held.end({ kind: 'end' })
    this.#awaitsDeath = true
    this.#patience.wait(grace, () => this.#held.end({ kind: 'end' }))
  }

  /** It pulls from a source that has not reached its end, or the client has got a part of a snapshot. */
  get partial(): 'source' | 'snapshot' | undefined {
    if (this.#held.subscription?.catchUp?.isPartial) return 'snapshot'
    return this.#answer?.source && !this.messages.hasSourceEnded ? 'source' : undefined
  }

  /** The client has caught up. */
  caughtUp(): void {
    this.#drains?.release('ok')
    this.messages.run()
  }

  // ---- the end

  /** Stops the watches, closes the mailbox, and lets go of who waits for the client. */
  stop(): void {
    this.#drains?.release('closed')
    this.#watches?.stop((run) => this.#safely('taking back a watch', run))
    this.#watches = undefined
    // a pending `subscribe` is still waited for
    if (this.messages.isOpen) this.settle()
    else this.#patience.hush()
    this.messages.close()
  }

  /** Unsubscribes, or closes the source. */
  unsubscribe(): void {
    const answer = this.#answer
    this.#answer = undefined
    answer?.close((what, run) => this.#safely(what, run))
  }

  terminate(reason: Reason): void {
    const { terminate } = this.#handlers
    if (terminate) this.#safely('terminate', () => terminate(reason, this.context))
    // a context that user code keeps must not keep the request's AsyncLocalStorage values
    this.#scope = undefined
  }

  /** Runs a function. A failure is only a warning. */
  #safely(name: string, run: () => unknown): void {
    safely(
      () => this.within(run),
      (error) => report(`${name} of ${this.#held.outlet.path} failed`, error),
    )
  }
}
