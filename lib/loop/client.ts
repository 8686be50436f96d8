// Identifies a client: by `clientKey`, else by its address as Express knows it.
import { shared } from '../brand.js'
import { misuse, show } from '../errors.js'
import { forsake } from '../guard.js'
import type { Exchange } from '../request/exchange.js'

const warned = shared('warned', () => ({ ofForwarding: false }))

/** Identifies the client. Undefined if nothing needs it yet: reading the address is a system call. */
export function clientOf(x: Exchange): string | undefined {
  const { req } = x
  const { clientKey, maxStreamsPerClient } = x.plan.stream
  if (clientKey) {
    const key: unknown = clientKey(x.context)
    if (typeof key === 'string') return key
    forsake(key)
    throw misuse('LARIAT_ANSWER', `clientKey answered ${show(key)}: expected a string`)
  }
  if (!warned.ofForwarding && 'x-forwarded-for' in req.headers && !req.app?.get('trust proxy')) {
    warned.ofForwarding = true
    process.emitWarning(
      'X-Forwarded-For was received, but Express does not trust the proxy: all clients behind it count as one. ' +
        "Set app.set('trust proxy', …) to the proxies that are yours, or clientKey in the stream options.",
      { type: 'LariatWarning' },
    )
  }
  // the address cannot be read once the client has left
  return maxStreamsPerClient !== undefined || x.plan.spec.terminate ? (req.ip ?? '') : undefined
}
