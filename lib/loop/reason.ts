import { type Code, Refusal } from '../errors.js'
import type { Reason } from '../values/open-stream.js'

/** The endings that the client is to see as whole. */
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

const codes: Partial<Record<Reason['kind'], Code>> = { down: 'LARIAT_DOWN', overflow: 'LARIAT_OVERFLOW' }

/** What an end without an error is to a client that has no head yet. */
export function unavailable(kind: Reason['kind']): Refusal {
  return new Refusal(503, 'The stream is not available.', codes[kind])
}
