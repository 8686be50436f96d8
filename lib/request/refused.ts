// Tells of requests that are answered with an error in the place of what they asked for.
import type { Refused } from '../declare/decisions.js'
import { channels } from '../diagnostics.js'
import { report } from '../errors.js'
import { safely } from '../guard.js'
import { addressOf } from './address.js'
import type { Exchange } from './exchange.js'
import { routeOf } from './route.js'

/** Requests that were told: an answer that fails half-way is followed by another. */
const told = new WeakSet<Exchange>()

/** A request is about to be answered. Told if the status is 400 or more. */
export function answering(x: Exchange, status: number, error?: unknown): void {
  if (status < 400 || !channels.refusal.hasSubscribers || x.plan.owner.isHidden || told.has(x)) return
  told.add(x)
  // reading a request may run code of the app; the answer does not depend on it
  safely(
    () => tell(x, status, error),
    (failure) => report('Telling of a refusal failed', failure),
  )
}

function tell(x: Exchange, status: number, error: unknown): void {
  const { plan, req, asked: question } = x
  const { method, originalUrl: url, headers } = req
  const { endpoint } = plan.owner
  const route = routeOf(plan, req)
  const failure = error === undefined ? {} : { error }
  const client = addressOf(req)
  channels.refusal.publish({
    endpoint,
    route,
    method,
    url,
    headers,
    client,
    status,
    question,
    ...failure,
  } satisfies Refused)
}

/** A request is left to the error handlers of the app: by what Express does, with the status of the error. */
export function failing(x: Exchange, error: unknown): void {
  if (!x.isOver && channels.refusal.hasSubscribers) answering(x, statusOf(error), error)
}

/** An error of the app may be anything: a Proxy, or a getter that throws. */
function statusOf(error: unknown): number {
  try {
    const { status, statusCode } = Object(error) as { status?: unknown; statusCode?: unknown }
    const own = [status, statusCode].find(
      (each) => Number.isInteger(each) && Number(each) >= 400 && Number(each) < 600,
    )
    return Number(own ?? 500)
  } catch {
    return 500
  }
}
