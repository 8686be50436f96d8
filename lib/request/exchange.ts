// Keeps one request, its response, and the answers of its callbacks.
import type { Response } from 'express'
import type { Acceptors, Provider } from '../declare/answers.js'
import type { CallbackName } from '../declare/callbacks.js'
import type { Request } from '../declare/context.js'
import type { Plan } from '../declare/plan.js'
import { isReading } from '../http/method.js'
import { RequestBody } from './body.js'
import { Context, type Shown } from './context.js'
import { Draft } from './draft.js'
import type { Negotiated } from './negotiated.js'
import { Signal } from './signal.js'

/** The function that takes the request body, and the media type or range it was declared for. */
interface Acceptor {
  readonly name: string
  readonly take: Acceptors<unknown>[string]
}

/** One request on its way through the graph. Every plain request creates one, so most of its parts are lazy. */
export class Exchange implements Shown {
  readonly plan: Plan
  readonly req: Request
  readonly res: Response
  readonly draft: Draft
  state: unknown
  /** The question that was asked last: what a refusal is the answer to. */
  asked = 'init'
  /** The resource exists. */
  exists = true
  /** The missing resource existed before. */
  existed = false
  /** The provider of the negotiated media type. */
  provider: Provider<unknown> | undefined
  acceptor: Acceptor | undefined
  /** The answers of the callbacks that were called: each is called at most once. */
  answers: Partial<Record<CallbackName, unknown>> | undefined
  /** Called with each callback's answer while a trace listens. */
  onAnswer: ((name: string, value: unknown) => void) | undefined
  #context: Context | undefined
  #body: RequestBody | undefined
  #signal: Signal | undefined

  constructor(plan: Plan, req: Request, res: Response) {
    this.plan = plan
    this.req = req
    this.res = res
    this.draft = new Draft(res)
  }

  get negotiated(): Negotiated {
    return this.draft.negotiated
  }

  get context(): Context {
    this.#context ??= new Context(this)
    return this.#context
  }

  /** A callback got the context, and may have kept it. */
  get isObserved(): boolean {
    return this.#context !== undefined
  }

  /** The request body. */
  get body(): RequestBody {
    this.#body ??= new RequestBody(this.req, this.plan.bodyLimit)
    return this.#body
  }

  get signal(): AbortSignal {
    this.#signal ??= new Signal(this.hasLeft)
    return this.#signal.of(this.req, this.res)
  }

  /** Aborts the signal, even if it is created later. */
  abort(): void {
    this.#signal ??= new Signal()
    this.#signal.abort()
  }

  /** The method is GET or HEAD. */
  get isReading(): boolean {
    return isReading(this.req.method)
  }

  /** The client has left, as far as is known. */
  get hasLeft(): boolean {
    return this.res.destroyed || this.res.closed || this.req.socket?.destroyed
  }

  /** Another party has sent an answer, or the client has left. */
  get isOver(): boolean {
    return this.res.headersSent || this.hasLeft
  }
}
