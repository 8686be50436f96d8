// Decides how each reason ends a response: complete, cut, or with another answer in place of the stream.
import { type Code, Refusal } from '../errors.js'
import { discard } from '../request/discard.js'
import type { Reason } from '../values/open-stream.js'
import type { StopValue } from '../values/stop.js'
import type { Outlet } from '../wire/outlet.js'

/** Answers in place of a stream. */
interface Instead {
  stop(stop: StopValue): void
  fail(error: unknown): void
}

/** Reasons that end the response properly. */
const complete: ReadonlySet<Reason['kind']> = new Set([
  'stop',
  'end',
  'down',
  'expired',
  'revoked',
  'shutdown',
])

export function isComplete({ kind }: Reason): boolean {
  return complete.has(kind)
}

/** Ends a response: ends the stream if the head is out, else answers in its place. */
export function endResponse(
  outlet: Outlet,
  head: Instead | undefined,
  reason: Reason,
  stop?: StopValue,
): void {
  const { kind } = reason
  const isHeadOut = outlet.phase !== 'waiting'
  // a callback answered through `res`
  const isAnswered = kind === 'stop' && !isHeadOut && outlet.res.headersSent
  if (stop && (isHeadOut || isAnswered || kind === 'disconnect')) discard(stop)
  if (kind === 'disconnect' || isAnswered) return outlet.release()
  if (isHeadOut) return endStream(outlet, reason)
  outlet.release()
  if (stop) head?.stop(stop)
  else head?.fail(kind === 'error' ? reason.error : unavailable(kind))
}

function endStream(outlet: Outlet, reason: Reason): void {
  if (isComplete(reason)) outlet.complete(reason.kind)
  else if (reason.kind === 'error') outlet.fail()
  else outlet.cut()
}

const codes: Partial<Record<Reason['kind'], Code>> = { down: 'LARIAT_DOWN', overflow: 'LARIAT_OVERFLOW' }

function unavailable(kind: Reason['kind']): Refusal {
  return new Refusal(503, 'The stream is not available.', { code: codes[kind] })
}
