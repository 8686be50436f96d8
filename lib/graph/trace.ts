// Records the decisions of a request, and reports them before the answer is sent.
import { callbacks } from '../declare/callbacks.js'
import type { Decision, Decisions } from '../declare/decisions.js'
import type { Plan } from '../declare/plan.js'
import { channels } from '../diagnostics.js'
import { Refusal, report } from '../errors.js'
import { mediaTypesOf } from '../formats/format.js'
import { safely } from '../guard.js'
import { type Awaitable, isPromise } from '../promise.js'
import { addressOf } from '../request/address.js'
import type { Exchange } from '../request/exchange.js'
import type { Outcome } from '../request/outcome.js'
import { routeOf } from '../request/route.js'
import type { Step } from './step.js'
import { type Listener, walk } from './walk.js'

type End = Outcome | { readonly kind: 'error'; readonly error: unknown }

/** Whether there is a listener for the decisions of a request. */
export function isTraced({ trace, owner }: Plan): boolean {
  if (typeof trace === 'function' || (trace === true && isShown())) return true
  return channels.decisions.hasSubscribers && !owner.isHidden
}

/** Clients must not see in production how a server decides. */
function isShown(): boolean {
  return process.env.NODE_ENV !== 'production'
}

/** Walks as usual, and reports the decisions. */
export function traced(x: Exchange, first: Step): Awaitable<Outcome> {
  const trace = new Trace(x)
  const decided = (outcome: Outcome) => {
    trace.report(outcome)
    return outcome
  }
  const failed = (error: unknown): never => {
    trace.report({ kind: 'error', error })
    throw error
  }
  let outcome: Awaitable<Outcome>
  try {
    outcome = walk(x, first, trace)
  } catch (error) {
    return failed(error)
  }
  return isPromise(outcome) ? outcome.then((each) => decided(each as Outcome), failed) : decided(outcome)
}

class Trace implements Listener {
  readonly #x: Exchange
  readonly #decisions: Decision[] = []
  /** The step that is not yet answered. */
  #open: Step | undefined
  #value: unknown
  #since = 0

  constructor(x: Exchange) {
    this.#x = x
    x.onAnswer = (name, value) => {
      // providers and acceptors are not in the callback table; their answer belongs to the step
      if (this.#open && (name === this.#open.resolver.asks || !(name in callbacks))) this.#value = value
    }
  }

  asking(step: Step): void {
    this.#open = step.resolver.isSilent ? undefined : step
    this.#value = undefined
    this.#since = performance.now()
  }

  answered(step: Step, answer: boolean): void {
    this.#add(step, answer)
    this.#open = undefined
  }

  #add({ question, resolver }: Step, answer: Decision['answer']): void {
    const value = resolver.choice?.(this.#x) ?? this.#value
    const ms = performance.now() - this.#since
    this.#decisions.push({ question, answer, ...(value === undefined ? {} : { value }), ms })
  }

  report(end: End): void {
    if (this.#open) this.#add(this.#open, end.kind as Decision['answer'])
    const { plan, req, res } = this.#x
    const { trace } = plan
    const steps = this.#decisions
    const { method, originalUrl: url, headers } = req
    const { endpoint, isHidden } = plan.owner
    const route = routeOf(plan, req)
    const client = addressOf(req)
    const outcome = this.#shown(end)
    const told: Decisions = { endpoint, method, url, route, client, headers, steps, outcome }
    if (trace === true && isShown() && steps.length > 0 && !res.headersSent)
      res.setHeader('Decision-Trace', steps.map(({ question }) => question).join(', '))
    if (typeof trace === 'function')
      safely(
        () => trace(told),
        (error) => report('The listener of a trace failed', error),
      )
    if (!isHidden) channels.decisions.publish(told)
  }

  #shown(end: End): Decisions['outcome'] {
    switch (end.kind) {
      case 'status':
        return { kind: 'status', status: end.status }
      case 'left':
        return { kind: 'left' }
      case 'stop':
        return { kind: 'stop', status: end.stop.status }
      case 'loop': {
        const { format, status } = end
        const mediaType = this.#x.negotiated.mediaType ?? mediaTypesOf(format)[0]
        return { kind: 'loop', status, mediaType }
      }
      case 'error': {
        const { error } = end
        return error instanceof Refusal ? { kind: 'status', status: error.status } : { kind: 'error', error }
      }
    }
  }
}
