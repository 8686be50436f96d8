import { channel } from 'node:diagnostics_channel'
import { type CallbackName, callbacks, type Value } from '../declare/callbacks.js'
import type { Decision, Decisions } from '../declare/decisions.js'
import type { Plan } from '../declare/plan.js'
import { Refusal, report } from '../errors.js'
import { safely } from '../guard.js'
import { type Awaitable, isPromise } from '../promise.js'
import { type Answer, Exchange, type Outcome } from '../request/exchange.js'
import { first, graph, type Question } from './graph.js'
import type { OnStep } from './walk.js'

/** The decisions of every request, for whoever listens in this process; free while nobody does. */
const published = channel('express-lariat:decisions')

/** What decides: the walk of a resource, or the onset of a loop. */
export type Decide = (x: Exchange, onStep?: OnStep) => Awaitable<Outcome>

type Told = Outcome | { readonly kind: 'error'; readonly error: unknown }

/** Whether somebody wants to know how a request is decided. */
export function isTraced({ trace }: Plan): boolean {
  return typeof trace === 'function' || (trace === true && isTold()) || published.hasSubscribers
}

/** How a server is built is not told to its clients in production. */
function isTold(): boolean {
  return process.env.NODE_ENV !== 'production'
}

/** The whole graph: what a spec settles once and for all is asked as well. */
export function unsettled(plan: Plan): Plan {
  return { ...plan, graph, first }
}

/** A request whose decisions are listened to: it asks the same, and takes note of what is answered. */
export class TracedExchange extends Exchange {
  readonly #steps: Decision[] = []
  /** What is asked now, as far as it is a question of the graph. */
  #asking: Question | undefined
  #value: unknown
  #since = 0

  override ask<Name extends CallbackName>(
    name: Name,
    then: (value: Value<Name>) => Awaitable<Answer>,
  ): Awaitable<Answer> {
    const isAnswer = this.plan.spec[name] !== undefined && name === callbackOf(this.#asking)
    return super.ask(name, (value) => {
      if (isAnswer) this.#value = value
      return then(value)
    })
  }

  override call(...[name, callback, then]: Parameters<Exchange['call']>): Awaitable<Answer> {
    return super.call(name, callback, (value) => {
      if (name === 'init') this.#begin()
      // a provider, or whoever accepts: no callback of the spec's own
      else if (!(name in callbacks)) this.#value = value
      return then(value)
    })
  }

  /** Decides, and tells what was decided before it is acted on. */
  decide(decide: Decide): Awaitable<Outcome> {
    const decided = (outcome: Outcome) => {
      this.#tell(outcome)
      return outcome
    }
    const failed = (error: unknown): never => {
      this.#tell({ kind: 'error', error })
      throw error
    }
    if (!this.plan.spec.init) this.#begin()
    let outcome: Awaitable<Outcome>
    try {
      outcome = decide(this, (question, answer) => this.#step(question, answer))
    } catch (error) {
      return failed(error)
    }
    return isPromise(outcome) ? outcome.then((each) => decided(each as Outcome), failed) : decided(outcome)
  }

  /** The first question comes: what `init` took and answered is no part of the steps. */
  #begin(): void {
    if (!('format' in this.plan.spec)) this.#asking = first
    this.#since = performance.now()
  }

  #step(question: Question, answer: Decision['answer']): void {
    const now = performance.now()
    const value = this.#chosen(question) ?? this.#value
    this.#steps.push({ question, answer, ...(value === undefined ? {} : { value }), ms: now - this.#since })
    this.#since = now
    this.#value = undefined
    const exit = typeof answer === 'boolean' ? graph[question][answer ? 0 : 1] : undefined
    this.#asking = this.#asking && typeof exit === 'string' ? exit : undefined
  }

  /** What was chosen says more than all that was offered. */
  #chosen(question: Question): string | undefined {
    switch (question) {
      case 'acceptableMediaType':
        return this.negotiated.mediaType
      case 'acceptableLanguage':
        return this.negotiated.language
      case 'acceptableCharset':
        return this.negotiated.charset
      case 'acceptableEncoding':
        return this.negotiated.encoding
      case 'contentTypeAccepted':
        return this.acceptor?.name
      default:
        return undefined
    }
  }

  #tell(outcome: Told): void {
    if (this.#asking) this.#step(this.#asking, outcome.kind as Decision['answer'])
    const { trace } = this.plan
    const { method, originalUrl: url } = this.req
    const steps = this.#steps
    const decisions: Decisions = { method, url, steps, outcome: this.#shown(outcome) }
    if (trace === true && isTold() && steps.length > 0 && !this.res.headersSent)
      this.res.setHeader('Decision-Trace', steps.map(({ question }) => question).join(', '))
    if (typeof trace === 'function') safely(() => trace(decisions), listenerFailed)
    published.publish(decisions)
  }

  #shown(outcome: Told): Decisions['outcome'] {
    switch (outcome.kind) {
      case 'status':
      case 'left':
        return outcome
      case 'stop':
        return { kind: 'stop', status: outcome.stop.status }
      case 'loop': {
        const { format, status = 200 } = outcome
        const mediaType = this.negotiated.mediaType ?? ([format.mediaType].flat()[0] as string)
        return { kind: 'loop', status, mediaType }
      }
      case 'error': {
        const { error } = outcome
        return error instanceof Refusal ? { kind: 'status', status: error.status } : { kind: 'error', error }
      }
    }
  }
}

/** The callback that a question asks, where it has another name. */
const asked: Partial<Record<Question, CallbackName>> = {
  knownMethod: 'knownMethods',
  methodAllowed: 'allowedMethods',
  isOptions: 'options',
  ifMatch: 'generateEtag',
  ifNoneMatch: 'generateEtag',
  ifUnmodifiedSince: 'lastModified',
  ifModifiedSince: 'lastModified',
}

/** What a listener throws is no matter of the request. */
function listenerFailed(error: unknown): void {
  report('The listener of a trace failed', error)
}

function callbackOf(question: Question | undefined): string | undefined {
  return question && (asked[question] ?? question)
}
