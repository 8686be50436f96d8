import type { Response } from 'express'
import { clock } from '../clock.js'
import type { Acceptors, Provider } from '../declare/answers.js'
import { type CallbackName, callbacks, type Value } from '../declare/callbacks.js'
import type { Request } from '../declare/context.js'
import type { Plan } from '../declare/plan.js'
import { LariatError, misuse, Refusal, show } from '../errors.js'
import { type Format, isFormat } from '../formats/format.js'
import { onClose } from '../http/connection.js'
import type { ByteRange } from '../http/range.js'
import { type Awaitable, isPromise } from '../promise.js'
import { type Scope, scopeOfNow, within } from '../scope.js'
import type { Body } from '../values/body.js'
import { isOnce, type OnceValue } from '../values/once.js'
import { isStop, type StopValue } from '../values/stop.js'
import { RequestBody } from './body.js'
import { Context } from './context.js'
import { discard } from './discard.js'

/** What a request comes to. */
export type Outcome =
  | { readonly kind: 'status'; readonly status: number }
  | { readonly kind: 'stop'; readonly stop: StopValue }
  | {
      readonly kind: 'loop'
      readonly format: Format
      /** What to stream; without it, what `subscribe` feeds. */
      readonly list?: OnceValue['list']
      readonly status?: number
      readonly headers?: Readonly<Record<string, string>>
    }
  /** A callback has answered on its own, or the client has gone. */
  | { readonly kind: 'left' }

/** What a question is answered: yes, no, or what the request comes to, there and then. */
export type Answer = boolean | Outcome

type Callback = (context: Context) => unknown

const none: readonly string[] = []

const left: Outcome = { kind: 'left' }

/** What the negotiation has decided so far. */
class Decided {
  mediaType = undefined as unknown as string
  language = undefined as unknown as string
  charset = undefined as unknown as string
  encoding = undefined as unknown as string
  streams: Format | undefined

  get format(): Format {
    if (this.streams) return this.streams
    throw new LariatError(
      'LARIAT_ANSWER',
      `No format was negotiated${this.mediaType ? `: ${this.mediaType} is provided by a function` : ''}. ` +
        'Provide a format, such as sse(), to have one in negotiated.format.',
    )
  }
}

/** One request on its way through the graph: what was asked, what was answered, and what is decided by it. */
export class Exchange {
  readonly plan: Plan
  readonly req: Request
  readonly res: Response
  readonly #negotiated = new Decided()
  state: unknown
  /** The Content-Type that was there before the resource was reached. */
  readonly typeBefore: unknown
  #headers: Record<string, string | readonly string[]> | undefined
  #validators: Record<string, string> | undefined
  /** Names for Vary. */
  vary: readonly string[] = none
  exists = true
  provider: Provider<unknown> | undefined
  /** Whether the missing resource was there once. */
  existed = false
  /** Who takes the request body, and what came of it. */
  acceptor: { readonly name: string; readonly take: Acceptors<unknown>[string] } | undefined
  isCreated = false
  isElsewhere = false
  /** What a refusal tells the client: why, and what is offered instead. */
  detail: string | undefined
  offered: readonly string[] | undefined
  /** The body of the answer. */
  result: Body | undefined
  /** Whether a Range may cut the body, and the parts that were asked for. */
  cutsRanges = false
  ranges: readonly ByteRange[] | undefined
  #context: Context | undefined
  #body: RequestBody | undefined
  #abort: AbortController | undefined
  /** Where its listeners are called. */
  #signalScope: Scope | undefined
  #isAborted = false
  #answers: Partial<Record<CallbackName, unknown>> | undefined

  constructor(plan: Plan, req: Request, res: Response) {
    this.plan = plan
    this.req = req
    this.res = res
    this.typeBefore = res.getHeader('Content-Type')
  }

  /** Headers of the answer, until it goes out. */
  get headers(): Record<string, string | readonly string[]> {
    this.#headers ??= {}
    return this.#headers
  }

  /** ETag, Last-Modified and Expires: for answers that they are true of. */
  get validators(): Record<string, string> {
    this.#validators ??= {}
    return this.#validators
  }

  get context(): Context {
    this.#context ??= new Context(this)
    return this.#context
  }

  /** A callback has seen it, and may have kept what it saw. */
  get isObserved(): boolean {
    return this.#context !== undefined
  }

  get negotiated(): Decided {
    return this.#negotiated
  }

  /** The format that was negotiated. */
  get streams(): Format | undefined {
    return this.#negotiated.streams
  }

  /** The body goes out in a content coding. */
  get isEncoded(): boolean {
    const { encoding } = this.#negotiated
    return encoding !== undefined && encoding !== 'identity'
  }

  get body(): RequestBody {
    this.#body ??= new RequestBody(this.req, this.plan.bodyLimit)
    return this.#body
  }

  /** Made when somebody asks for it; aborted when the client leaves before the answer is out. */
  get signal(): AbortSignal {
    if (!this.#abort) {
      const abort = new AbortController()
      this.#abort = abort
      this.#signalScope = scopeOfNow()
      if (this.#isAborted || this.hasLeft) abort.abort()
      else onClose(this.req, this.res, { closed: () => this.res.writableFinished || this.abort() })
    }
    return this.#abort.signal
  }

  abort(): void {
    this.#isAborted = true
    within(this.#signalScope, () => this.#abort?.abort())
  }

  /** The client has left, as far as is known. */
  get hasLeft(): boolean {
    return this.res.destroyed || this.res.closed || this.req.socket?.destroyed
  }

  /** Somebody else has answered, or nobody is there to be answered. */
  get isOver(): boolean {
    return this.res.headersSent || this.hasLeft
  }

  /** Asks a callback of the spec, at most once, and goes on with its value. */
  ask<Name extends CallbackName>(
    name: Name,
    then: (value: Value<Name>) => Awaitable<Answer>,
  ): Awaitable<Answer> {
    const callback = this.plan.spec[name]
    return typeof callback === 'function'
      ? this.#askOnce(name, callback as Callback, then)
      : then((callback ?? callbacks[name].fallback) as Value<Name>)
  }

  #askOnce<Name extends CallbackName>(
    name: Name,
    callback: Callback,
    then: (value: Value<Name>) => Awaitable<Answer>,
  ): Awaitable<Answer> {
    if (this.#answers && name in this.#answers) return then(this.#answers[name] as Value<Name>)
    return this.call(name, callback, (value) => {
      if (!callbacks[name].fits(value)) throw wrongAnswer(name, value, callbacks[name].expected)
      this.#answers ??= {}
      this.#answers[name] = value
      return then(value as Value<Name>)
    })
  }

  /** Calls a function of the spec and goes on with its value; a stop ends the request there. */
  call(name: string, callback: Callback, then: (value: unknown) => Awaitable<Answer>): Awaitable<Answer> {
    const value = callback(this.context)
    if (!isPromise(value)) return this.#hasAnswered ? dropped(value) : judge(value, then)
    return withDeadline(name, value, this.plan.decisionTimeout).then((settled) =>
      this.isOver ? dropped(settled) : judge(settled, then),
    )
  }

  /** Asks a callback once more, after the graph: its value, whatever it is. */
  askAgain(name: CallbackName): Awaitable<unknown> {
    const callback = this.plan.spec[name]
    if (typeof callback !== 'function') return callback ?? callbacks[name].fallback
    const value = (callback as Callback)(this.context)
    return isPromise(value) ? withDeadline(name, value, this.plan.decisionTimeout) : value
  }

  /** A callback has answered on its own; nobody can have left while it ran. */
  get #hasAnswered(): boolean {
    return this.res.headersSent || this.res.destroyed
  }

  /** The outcome of a callback that answered with a format, or a list in one; undefined for anything else. */
  switchTo(value: unknown): Outcome | undefined {
    if (isFormat(value)) return { kind: 'loop', format: value }
    if (isOnce(value)) return { kind: 'loop', format: value.format as Format, list: value.list }
    return undefined
  }
}

/** Nobody is there to get the answer. */
function dropped(value: unknown): Outcome {
  discard(value)
  return left
}

function judge(value: unknown, then: (value: unknown) => Awaitable<Answer>): Awaitable<Answer> {
  return isStop(value) ? { kind: 'stop', stop: value } : then(value)
}

/** A callback's promise, refused when it does not settle in time; what it answers then is let go. */
function withDeadline<T>(name: string, promise: PromiseLike<T>, milliseconds: number): Promise<T> {
  return new Promise((resolve, reject) => {
    let isLate = false
    const deadline = clock.after(milliseconds, () => {
      isLate = true
      reject(tooLate(name, milliseconds))
    })
    promise.then(
      (value) => {
        deadline.cancel()
        if (isLate) discard(value)
        else resolve(value)
      },
      (error) => {
        deadline.cancel()
        reject(error)
      },
    )
  })
}

/** A callback that did not settle in time: a 503 that does not say which. */
export function tooLate(name: string, milliseconds: number): Refusal {
  const message = `${name} did not settle within ${milliseconds} ms (decisionTimeout)`
  return new Refusal(503, 'The server did not decide in time.', 'LARIAT_DEADLINE', message)
}

/** A callback's answer that it may not give. */
export function wrongAnswer(name: string, value: unknown, expected: string): TypeError {
  return misuse('LARIAT_ANSWER', `${name} answered ${show(value)}: expected ${expected}, or stop()`)
}
