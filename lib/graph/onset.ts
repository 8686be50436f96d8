import type { AnyLoopSpec } from '../declare/spec.js'
import { streamHeaders } from '../http/field.js'
import type { Awaitable } from '../promise.js'
import { type Exchange, type Outcome, wrongAnswer } from '../request/exchange.js'
import { refuseMethod } from './access.js'
import type { OnStep } from './walk.js'

/** A loop from the onset: GET and HEAD, and the headers of its spec; no other question is asked. */
export function decideLoop(
  x: Exchange,
  { format, status = 200, headers = {} }: AnyLoopSpec,
  onStep?: OnStep,
): Awaitable<Outcome> {
  const isAllowed = x.req.method === 'GET' || x.req.method === 'HEAD'
  onStep?.('methodAllowed', isAllowed)
  if (!isAllowed) {
    refuseMethod(x, ['GET', 'HEAD'])
    return { kind: 'status', status: 405 }
  }
  x.negotiated.streams = format
  x.negotiated.mediaType = [format.mediaType].flat()[0] as string
  if (typeof headers !== 'function') return { kind: 'loop', format, status, headers }
  return x.call('headers', headers, (value) => {
    const { fits, expected } = streamHeaders
    if (!fits(value)) throw wrongAnswer('headers', value, expected)
    return { kind: 'loop', format, status, headers: value as Record<string, string> }
  }) as Awaitable<Outcome>
}
