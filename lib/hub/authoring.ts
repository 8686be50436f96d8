// Makes what a backend hands over: its events and gaps, and the backend itself with its mark.
import { is } from '../brand.js'
import { misuse, show } from '../errors.js'
import { forsake } from '../guard.js'
import { isPromise } from '../promise.js'
import type { GapDetails } from '../values/feed.js'
import type { Backend, Log } from './backend.js'
import { earliest, Gap, now } from './gap.js'
import { Published } from './published.js'

/**
 * A backend of your own, for `createHub`.
 *
 * @param parts `name`: what the store is called in metrics (default: `custom`); `open` opens the log of a channel; `on` takes a listener for `down` and `up`, and may be left out for a
 *   store that is never lost; `close` lets go of the store
 */
export function backend(
  parts: Pick<Backend, 'open' | 'close'> & Partial<Pick<Backend, 'on' | 'name'>>,
): Backend {
  for (const name of ['open', 'on', 'close'] as const) {
    const part = parts?.[name]
    if (typeof part !== 'function' && (name !== 'on' || part !== undefined))
      throw misuse('LARIAT_SPEC', `backend: \`${name}\` is ${show(part)}: expected a function`)
  }
  return {
    [is]: 'backend',
    name: parts.name ?? 'custom',
    open: (name, retention, emptied) => checkLog(name, parts.open(name, retention, emptied)),
    on: (name, listener) => parts.on?.(name, listener),
    close: () => parts.close(),
  }
}

const methods = ['publish', 'listen', 'read', 'position', 'end', 'drop', 'compare'] as const

function checkLog(name: string, log: Log): Log {
  const where = `backend: open(${show(name)})`
  if (isPromise(log)) {
    forsake(log)
    throw misuse(
      'LARIAT_SPEC',
      `${where} returned a promise: expected a log; its methods may return promises`,
    )
  }
  if (typeof log !== 'object' || log === null)
    throw misuse('LARIAT_SPEC', `${where} returned ${show(log)}: expected a log`)
  for (const method of methods) {
    if (typeof log[method] !== 'function')
      throw misuse('LARIAT_SPEC', `${where}: \`${method}\` is ${show(log[method])}: expected a function`)
  }
  return log
}

/**
 * An event of a log, as `check` and a `Receiver` take it, and as a `Reading` gives it. Make it once for all that get it:
 * its bytes are encoded once in each format.
 *
 * @param id made by the backend: visible ASCII without spaces, and neither `earliest` nor `now`
 * @throws TypeError for another id
 */
export function stored<Data>(id: string, data: Data, type?: string): Published<Data> {
  checkId('stored', id)
  return new Published(id, data, type)
}

/**
 * Stands in a log's delivery or reading for events that are lost.
 *
 * @param parts `requested`: the id after which they were; `from`: the id of the event that is next, or, if there is none
 *   yet, the id after which it comes; `reason`: `trimmed` if they are no longer retained, `unknown` if the store knows
 *   nothing of `requested` any more; `id`: the place just before `from`
 * @throws TypeError for a `from` or `id` that `stored` would not take
 */
export function gap(parts: {
  readonly requested: string
  readonly from: string
  readonly reason: GapDetails['reason']
  readonly id: string
}): Gap {
  checkId('gap', parts.from)
  checkId('gap', parts.id)
  return new Gap(parts.requested, parts.from, parts.reason, parts.id)
}

/** Clients are sent an id in a frame and in a header, and send it back. */
function checkId(where: string, id: unknown): void {
  if (typeof id === 'string' && /^[\x21-\x7e]+$/.test(id) && id !== earliest && id !== now) return
  const expected = `expected visible ASCII, and neither '${earliest}' nor '${now}'`
  throw misuse('LARIAT_SPEC', `${where}(${show(id)}): ${expected}`)
}
