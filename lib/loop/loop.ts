import { type Code, LariatError, Refusal, report } from '../errors.js'
import { type Exchange, tooLate, wrongAnswer } from '../exchange.js'
import type { Format } from '../formats/format.js'
import type {
  AnySpec,
  OpenStream,
  LoopContext as PublicLoopContext,
  Reason,
  Watched,
  Wrote,
} from '../spec.js'
import { type Awaitable, isPromise, isStop, type StopValue } from '../values.js'
import { clock, type Deadline } from './clock.js'
import { LoopContext } from './context.js'
import { Inbox } from './inbox.js'
import { type Watch, watch } from './monitor.js'
import { Outlet } from './outlet.js'
import { open, type Pull } from './source.js'
import { Stream } from './stream.js'

/** What a loop does with messages: the spec's own callbacks, or those of a list. */
export interface Handlers extends Pick<AnySpec, 'info' | 'terminate' | 'timeout'> {
  readonly subscribe: (context: PublicLoopContext<unknown>) => unknown
}

/** How a loop meets its request: the head, and the answers that are given in its place. */
export interface Reply {
  readonly format: Format
  readonly type: string
  readonly status: number
  /** Puts the headers onto the response. */
  head(): void
  /** Answers with what `subscribe` has stopped with. */
  stop(stop: StopValue): void
  /** Answers with an error, which may be a refusal. */
  fail(error: unknown): void
}

/** The endings that the client is to see as whole. */
const complete: ReadonlySet<Reason['kind']> = new Set([
  'stop',
  'end',
  'down',
  'expired',
  'revoked',
  'shutdown',
])

/** The life of one held response: subscribe → info → write → terminate. Every end passes `end`. */
export class Loop {
  readonly #x: Exchange
  readonly #handlers: Handlers
  readonly #reply: Reply
  readonly #outlet: Outlet
  readonly #inbox: Inbox
  readonly #context: PublicLoopContext<unknown>
  readonly #watches: Watch[] = []
  #drains: ((result: 'ok' | 'closed') => void)[] = []
  #unsubscribe: (() => unknown) | undefined
  #source: Pull | undefined
  #subscribing: Deadline | undefined
  /** `subscribe` has answered, or is no longer waited for. */
  #isSubscribed = false
  #isHeadOut = false
  #reason: Reason | undefined
  #isTerminated = false
  readonly stream: OpenStream

  constructor(x: Exchange, handlers: Handlers, reply: Reply) {
    this.#x = x
    this.#handlers = handlers
    this.#reply = reply
    this.#context = new LoopContext(x, this)
    const stream = new Stream(x.req, reply.type, this)
    this.stream = stream
    this.#outlet = new Outlet(x.req, x.res, reply.format, x.plan.stream, stream, {
      gone: () => this.end({ kind: 'disconnect' }),
      overflowed: (message) => this.#overflow(message),
      drained: () => this.#caughtUp(),
    })
    const outlet = this.#outlet
    this.#inbox = new Inbox(
      {
        get isBehind() {
          return outlet.isBehind
        },
        handle: (message) => this.#handle(message),
        receive: (value) => (handlers.info ? value : outlet.encode(value)),
        ended: () => this.end({ kind: 'end' }),
        failed: (error) => this.end({ kind: 'error', error }),
      },
      handlers.timeout,
    )
  }

  // ---- subscribe

  /** Calls `subscribe`, unless the client has already gone. */
  start(): void {
    if (this.#x.hasLeft) return this.#outlet.release()
    let answer: unknown
    try {
      answer = this.#handlers.subscribe(this.#context)
    } catch (error) {
      return this.#failed(error)
    }
    if (!isPromise(answer)) return this.#subscribed(answer)
    const { decisionTimeout } = this.#x.plan
    this.#subscribing = clock.after(decisionTimeout, () =>
      this.#failed(tooLate('subscribe', decisionTimeout)),
    )
    answer.then(
      (value) => this.#subscribed(value),
      (error) => this.#failed(error),
    )
  }

  #subscribed(answer: unknown): void {
    this.#settle()
    if (!this.#reason && isStop(answer)) return this.end({ kind: 'stop' }, answer)
    this.#guard(() => this.#adopt(answer))
    if (this.#reason) return this.#finish()
    const known = this.#watches.flatMap((each) => each.known ?? [])
    if (known.length === 0) return this.#open()
    void Promise.all(known).then(() => this.#open())
  }

  #failed(error: unknown): void {
    this.#settle()
    this.end({ kind: 'error', error })
    this.#finish()
  }

  #settle(): void {
    this.#isSubscribed = true
    this.#subscribing?.cancel()
  }

  /** Takes what `subscribe` returned: how to unsubscribe, or what to pull from. */
  #adopt(answer: unknown): void {
    if (typeof answer === 'function') {
      this.#unsubscribe = answer as () => unknown
    } else if (answer !== undefined && !isStop(answer)) {
      this.#source = open(answer)
      if (!this.#source) throw wrongAnswer('subscribe', answer, sources)
    }
  }

  /** From here on messages are handled. */
  #open(): void {
    if (this.#reason) return
    this.#sendHead()
    if (this.#reason) return
    this.#inbox.open(this.#source)
  }

  /** The head goes out once: with the first write, or when `subscribe` has answered. */
  #sendHead(): void {
    if (this.#isHeadOut) return
    if (this.#isAnswered) return this.end({ kind: 'stop' })
    this.#guard(() => {
      this.#reply.head()
      this.#isHeadOut = true
      this.#outlet.open(this.#reply.status)
    })
  }

  /** `subscribe` has answered on its own, which is respected. */
  get #isAnswered(): boolean {
    return this.#x.res.headersSent && !this.#isHeadOut
  }

  // ---- messages

  send(message: unknown): void {
    if (this.#reason) return
    // without info a message is written as it is: what cannot be is its sender's to hear of
    const item = this.#handlers.info ? message : this.#outlet.encode(message)
    const excess = this.#excess(item)
    if (excess === undefined) this.#inbox.put(item)
    else this.#overflow(excess)
  }

  /** How a message is past the limits; without info it is the bytes of an event. */
  #excess(item: unknown): string | undefined {
    const { maxQueued, maxQueuedBytes } = this.#x.plan.stream
    if (this.queued >= maxQueued) return `More than ${maxQueued} messages wait`
    if (this.#handlers.info || this.#inbox.size === 0) return undefined
    const bytes = this.#inbox.bytes + (item as Buffer).length
    return bytes > maxQueuedBytes ? `More than ${maxQueuedBytes} bytes wait` : undefined
  }

  #handle(message: unknown): Awaitable<void> {
    const { info } = this.#handlers
    if (!info) return void this.#put(message as Buffer)
    const answer = info(message, this.#context)
    return isPromise(answer) ? answer.then((value) => this.#handled(value)) : this.#handled(answer)
  }

  #handled(answer: unknown): void {
    if (isStop(answer)) return this.end({ kind: 'stop' })
    if (answer !== undefined && answer !== 'ok' && answer !== 'wait' && answer !== 'closed') {
      throw wrongAnswer('info', answer, "nothing, or what write() returned ('ok', 'wait' or 'closed')")
    }
  }

  monitor(target: Watched, message?: unknown): void {
    if (this.#reason) return
    const down = (error?: unknown) => {
      if (message !== undefined) this.#guard(() => this.send(message))
      else this.end(error === undefined ? { kind: 'down' } : { kind: 'down', error })
    }
    this.#watches.push(watch(target, down))
  }

  /** Messages in the mailbox, and events that wait for the client. */
  get queued(): number {
    return this.#inbox.size + this.#outlet.queued
  }

  // ---- the wire

  write(data: unknown): Wrote {
    return this.#reason ? 'closed' : this.#put(this.#outlet.encode(data))
  }

  #put(bytes: Buffer): Wrote {
    this.#sendHead()
    return this.#reason ? 'closed' : this.#outlet.put(bytes)
  }

  drained(): Promise<'ok' | 'closed'> {
    if (this.#reason) return Promise.resolve('closed')
    if (!this.#outlet.isBehind) return Promise.resolve('ok')
    return new Promise((resolve) => this.#drains.push(resolve))
  }

  #caughtUp(): void {
    this.#resolveDrains('ok')
    this.#inbox.run()
  }

  #resolveDrains(result: 'ok' | 'closed'): void {
    const drains = this.#drains
    this.#drains = []
    for (const resolve of drains) resolve(result)
  }

  // ---- the end

  /** The one exit: the first reason counts. */
  end(reason: Reason, stop?: StopValue): void {
    if (this.#reason) return
    this.#reason = reason
    // whatever fails here, what comes after it has to be called all the same
    for (const each of this.#watches) this.#safely('taking back a watch', () => each.stop())
    this.#inbox.close()
    this.#safely('the end', () => this.#endResponse(reason, stop))
    this.#resolveDrains('closed')
    this.#x.abort()
    this.#finish()
  }

  #overflow(message: string): void {
    this.end({ kind: 'overflow', error: new LariatError('LARIAT_OVERFLOW', message) })
  }

  #endResponse({ kind, error }: Reason, stop?: StopValue): void {
    if (kind === 'disconnect' || (kind === 'stop' && this.#isAnswered)) return this.#outlet.release()
    if (!this.#isHeadOut) {
      this.#outlet.release()
      if (stop) this.#reply.stop(stop)
      else this.#reply.fail(kind === 'error' ? error : unavailable(kind))
    } else if (complete.has(kind)) this.#outlet.complete(kind)
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
    source?.close()
    if (!this.#isTerminated) this.#terminate(this.#reason)
  }

  #terminate(reason: Reason): void {
    this.#isTerminated = true
    const { terminate } = this.#handlers
    if (terminate) this.#safely('terminate', () => terminate(reason, this.#context))
    else if (reason.kind === 'error' && this.#isHeadOut) report(`${this.stream.path} was cut`, reason.error)
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
    const failed = (error: unknown) => report(`${name} of ${this.stream.path} failed`, error)
    try {
      const result = run()
      if (isPromise(result)) result.then(undefined, failed)
    } catch (error) {
      failed(error)
    }
  }
}

const sources = 'nothing, a function that unsubscribes, an iterable, an async iterable or a stream'
const codes: Partial<Record<Reason['kind'], Code>> = { down: 'LARIAT_DOWN', overflow: 'LARIAT_OVERFLOW' }

/** What an end without an error is to a client that has no head yet. */
function unavailable(kind: Reason['kind']): Refusal {
  return new Refusal(503, 'The stream is not available.', codes[kind])
}
