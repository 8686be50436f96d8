// Decides who a client is: `clientKey`, else its address as Express knows it.
import { misuse, show } from '../errors.js'
import type { Exchange } from '../request/exchange.js'

let hasWarned = false

/**
 * Who a client is. Undefined where nothing needs it yet: an address has to be fetched from the system, and can be for
 * as long as the client is there.
 */
export function clientOf(x: Exchange): string | undefined {
  const { req } = x
  const { clientKey, maxStreamsPerClient } = x.plan.stream
  if (clientKey) {
    const key: unknown = clientKey(x.context)
    if (typeof key === 'string') return key
    throw misuse('LARIAT_ANSWER', `clientKey answered ${show(key)}: expected a string`)
  }
  if (!hasWarned && 'x-forwarded-for' in req.headers && !req.app?.get('trust proxy')) {
    hasWarned = true
    process.emitWarning(
      'X-Forwarded-For has come, and Express does not trust it: all clients of the proxy are one. ' +
        "Set app.set('trust proxy', …) to the proxies that are yours, or clientKey in the stream options.",
      { type: 'LariatWarning' },
    )
  }
  // once a client has left, its address cannot be asked for any more
  return maxStreamsPerClient !== undefined || x.plan.spec.terminate ? (req.ip ?? '') : undefined
}
