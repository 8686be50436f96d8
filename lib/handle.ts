// Answers a request: asks the graph, then sends the answer, or holds the response open.
import type { NextFunction, Response } from 'express'
import type { Request } from './declare/context.js'
import type { Plan } from './declare/plan.js'
import { isNamed, LariatError, Refusal } from './errors.js'
import type { Step } from './graph/step.js'
import { isTraced, traced } from './graph/trace.js'
import { walk } from './graph/walk.js'
import { closeAfter } from './http/connection.js'
import { hold } from './loop/hold.js'
import type { OpenStreams } from './loop/open-streams.js'
import { isPromise } from './promise.js'
import { Exchange } from './request/exchange.js'
import { passOn } from './request/failure.js'
import type { Fail, Outcome } from './request/outcome.js'
import { failing } from './request/refused.js'
import { respond, respondStop } from './respond.js'

/** A handler that reports errors to `fail`, by default `next`. A table without a match calls `next`. */
export type MountedHandler = (req: Request, res: Response, next: NextFunction, fail?: NextFunction) => void

/** The first step of a request, and of one whose decisions are traced. */
export interface First {
  readonly usual: Step
  readonly traced: Step
}

/** Answers each request by a plan, and keeps the streams that it opens in a list. */
export function handle(planned: Plan, first: First, streams: OpenStreams): MountedHandler {
  return (req, res, next, fail = next) => {
    if (res.headersSent) {
      return fail(new LariatError('LARIAT_SENT', `The head was sent before ${req.originalUrl} was reached`))
    }
    const x = new Exchange(planned, req, res)
    const failing = (error: unknown) => failed(x, error, fail)
    try {
      if (streams.isClosing) {
        closeAfter(res)
        return failing(streams.refusalAtClose())
      }
      const outcome = isTraced(planned) ? traced(x, first.traced) : walk(x, first.usual)
      if (isPromise(outcome))
        outcome.then((each) => act(x, each as Outcome, streams, failing)).then(undefined, failing)
      else act(x, outcome, streams, failing)
    } catch (error) {
      failing(error)
    }
  }
}

function act(x: Exchange, outcome: Outcome, streams: OpenStreams, fail: Fail): void {
  switch (outcome.kind) {
    case 'status':
      return respond(x, outcome.status, fail)
    case 'stop':
      return respondStop(x, outcome.stop, fail)
    case 'loop':
      return hold(x, outcome, streams, fail)
    case 'left':
  }
}

/**
 * A refusal is answered; any other error goes to the error handler of the app. Not that of an operation that got the
 * signal, once the client has left.
 */
function failed(x: Exchange, error: unknown, next: NextFunction): void {
  if (x.hasLeft && (error instanceof Refusal || isNamed(error, 'AbortError'))) return
  const pass = (each: unknown) => {
    failing(x, each)
    passOn(x.res, each, next)
  }
  if (!(error instanceof Refusal) || x.res.headersSent) return pass(error)
  x.draft.detail = error.detail
  if (error.offers) {
    x.draft.offered = error.offers.names
    x.draft.headers[error.offers.field] = error.offers.names.join(', ')
  }
  if (error.retryAfter !== undefined) x.draft.headers['Retry-After'] = String(error.retryAfter)
  if (error.question !== undefined) x.asked = error.question
  respond(x, error.status, pass)
}
