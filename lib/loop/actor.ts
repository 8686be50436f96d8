// Calls back while a response is held: `subscribe`, `monitor`, `drained`, the unsubscribe and `terminate`.
import { clock, type Deadline } from '../clock.js'
import type { Watched } from '../declare/context.js'
import type { AnySpec } from '../declare/spec.js'
import { report } from '../errors.js'
import { quietly, safely } from '../guard.js'
import { type Awaitable, isPromise, nextTurn } from '../promise.js'
import { tooLate } from '../request/callback.js'
import { discard } from '../request/discard.js'
import type { Exchange } from '../request/exchange.js'
import { type Scope, scopeOfNow, within } from '../scope.js'
import { type Feed, isFeed } from '../values/feed.js'
import type { OpenStream, Reason, Wrote } from '../values/open-stream.js'
import { isStop } from '../values/stop.js'
import { LoopContext } from './context.js'
import { type Life, Messages } from './messages.js'
import { type Watch, watch } from './monitor.js'
import { open, type Pull } from './source.js'

/** The callbacks of a held response: the spec's own, or those of a list. */
export type Handlers = Pick<AnySpec, 'info' | 'terminate' | 'timeout' | 'onGap'> &
  Required<Pick<AnySpec, 'subscribe'>>

/** Whether a callback is called while the response is held. */
export function callsBack({ info, terminate, onGap }: Handlers): boolean {
  return (info ?? terminate ?? onGap) !== undefined
}

/** The life of the stream, as `subscribe` moves it on. */
interface Asking extends Life {
  readonly isEnded: boolean
  readonly stream: OpenStream
  follow(feed: Feed<unknown>): Awaitable<void>
  /** `subscribe` has answered, and its feed is followed. */
  answered(answer: unknown): void
  /** `subscribe` has thrown, rejected, or not answered in time. */
  unanswered(error: unknown): void
  /** `subscribe` takes its time. */
  isAwaited(): void
}

/** The part of a held response that only callbacks need; a stream that only shares a channel has none. */
export class Actor {
  readonly #life: Asking
  readonly #x: Exchange
  readonly #handlers: Handlers
  readonly messages: Messages
  /** The request's, where callbacks run later. */
  #scope: Scope | undefined
  #context: LoopContext | undefined
  #watches: Set<Watch> | undefined
  #draining: ((result: 'ok' | 'closed') => void)[] | undefined
  #unsubscribe: (() => unknown) | undefined
  #source: Pull | undefined
  /** By when `subscribe` has to answer. */
  #deadline: Deadline | undefined
  /** `subscribe` is running. */
  isCalling = false

  constructor(life: Asking, x: Exchange, handlers: Handlers, isScoped: boolean) {
    this.#life = life
    this.#x = x
    this.#handlers = handlers
    this.messages = new Messages(life, this, handlers, x.plan.stream)
    if (isScoped) this.#scope = scopeOfNow()
  }

  /** Runs code of the spec where the request would run. */
  within<T>(run: () => T): T {
    return within(this.#scope, run)
  }

  get context(): LoopContext {
    this.#context ??= new LoopContext(this.#x, this)
    return this.#context
  }

  /** Somebody may still use it, or is to be called. Without that it is let go once the stream shares. */
  get isNeeded(): boolean {
    return this.#context !== undefined || this.#scope !== undefined
  }

  /** A message or a watch has been there. */
  get isUsed(): boolean {
    return this.#watches !== undefined || this.messages.isUsed
  }

  // ---- subscribe

  /** Calls `subscribe`, or follows the feed that it is, and tells the life the answer. */
  ask(subscribe: Handlers['subscribe']): void {
    let answer: unknown
    this.isCalling = true
    try {
      answer = typeof subscribe === 'function' ? subscribe(this.context) : subscribe
      if (isFeed(answer)) answer = this.#life.follow(answer)
    } catch (error) {
      this.isCalling = false
      return this.#life.unanswered(error)
    }
    this.isCalling = false
    if (!isPromise(answer)) return this.#life.answered(answer)
    this.#life.isAwaited()
    this.wait(answer)
  }

  /** Waits for an answer, and no longer than `decisionTimeout`. */
  wait(answer: PromiseLike<unknown>): void {
    const scope = this.#scope ?? scopeOfNow()
    const { decisionTimeout } = this.#x.plan
    this.#deadline = clock.after(decisionTimeout, () =>
      within(scope, () => this.#life.unanswered(tooLate('subscribe', decisionTimeout))),
    )
    // a thenable of the user's may resolve to anything, or throw
    Promise.resolve(answer)
      .then((value) => (isFeed(value) ? this.#life.follow(value) : value))
      .then(
        (value) => this.#life.answered(value),
        (error) => this.#life.unanswered(error),
      )
  }

  /** `subscribe` is no longer waited for. */
  settle(): void {
    this.#deadline?.cancel()
    this.#deadline = undefined
  }

  /** Takes what `subscribe` returned: how to unsubscribe, or a source to pull from. */
  adopt(answer: unknown): void {
    if (answer === undefined || isStop(answer)) return
    this.#scope ??= scopeOfNow()
    if (typeof answer === 'function') this.#unsubscribe = answer as () => unknown
    else this.#source = open(answer)
  }

  /** Closes an answer that comes too late. */
  discard(answer: unknown): void {
    quietly(() => (isStop(answer) ? discard(answer) : this.adopt(answer)))
    this.unsubscribe()
    this.#forgetScope()
  }

  /** Each resolves when it is known whether a target was dead from the start. */
  get watching(): readonly Promise<unknown>[] {
    return [...(this.#watches ?? [])].flatMap((each) => each.known ?? [])
  }

  /** From here on messages are handled, and the source is pulled. */
  open(): void {
    const { subscription } = this.#life
    this.messages.open(subscription?.isCatchingUp ? subscription : this.#source)
  }

  // ---- the context

  get stream(): OpenStream {
    return this.#life.stream
  }

  send(message: unknown): void {
    if (!this.#life.isEnded) this.messages.send(message)
  }

  write(data: unknown): Wrote {
    return this.#life.isEnded ? 'closed' : this.#life.put(this.messages.encode(data))
  }

  drained(): Promise<'ok' | 'closed'> {
    // in a turn of its own: a loop that writes to an ended stream must not keep others waiting
    if (this.#life.isEnded) return nextTurn().then(() => 'closed')
    if (!this.#life.outlet.isBehind) return Promise.resolve('ok')
    this.#draining ??= []
    const draining = this.#draining
    return new Promise((resolve) => draining.push(resolve))
  }

  monitor(target: Watched, message?: unknown): void {
    if (this.#life.isEnded) return
    this.#scope ??= scopeOfNow()
    this.#watches ??= new Set()
    const watches = this.#watches
    let own: Watch | undefined
    let isDead = false
    own = watch(target, (error?: unknown) => {
      isDead = true
      if (own) watches.delete(own)
      if (message !== undefined) this.messages.put(message)
      else this.#life.end(error === undefined ? { kind: 'down' } : { kind: 'down', error })
    })
    if (isDead) return
    // a target may end the stream while it is attached
    if (this.#life.isEnded) own.stop()
    else watches.add(own)
  }

  /** The client has caught up. */
  caughtUp(): void {
    this.#releaseDraining('ok')
    this.messages.run()
  }

  // ---- the end

  /** Nothing is watched or handled any more. */
  stop(): void {
    for (const each of this.#watches ?? []) this.#safely('taking back a watch', () => each.stop())
    this.#watches = undefined
    this.messages.close()
  }

  /** Nobody waits for the client any more. */
  closed(): void {
    this.#releaseDraining('closed')
  }

  #releaseDraining(result: 'ok' | 'closed'): void {
    const draining = this.#draining ?? []
    this.#draining = undefined
    for (const resolve of draining) resolve(result)
  }

  /** Closes what `subscribe` returned. */
  unsubscribe(): void {
    const unsubscribe = this.#unsubscribe
    const source = this.#source
    this.#unsubscribe = undefined
    this.#source = undefined
    if (unsubscribe) this.#safely('unsubscribe', unsubscribe)
    if (source) this.#safely('closing the source', () => source.close())
  }

  terminate(reason: Reason): void {
    const { terminate } = this.#handlers
    if (terminate) this.#safely('terminate', () => terminate(reason, this.context))
    this.#forgetScope()
  }

  /** A context that somebody keeps must not keep the stores of its request. */
  #forgetScope(): void {
    if (this.#life.isEnded) this.#scope = undefined
  }

  /** Runs what fails without a consequence but a warning. */
  #safely(name: string, run: () => unknown): void {
    safely(
      () => this.within(run),
      (error) => report(`${name} of ${this.#life.outlet.path} failed`, error),
    )
  }
}
