// Makes what a backend hands over: its events and gaps, and the backend itself with its mark.
import { is } from '../brand.js'
import { misuse, show } from '../errors.js'
import type { GapDetails } from '../values/feed.js'
import type { Backend } from './backend.js'
import { earliest, Gap, now } from './gap.js'
import { Published } from './published.js'

/**
 * A backend of your own, for `createHub`.
 *
 * @param parts `open` opens the log of a channel; `on` takes a listener for `down` and `up`, and may be left out for a
 *   store that is never lost; `close` lets go of the store
 */
export function backend(parts: Pick<Backend, 'open' | 'close'> & Partial<Pick<Backend, 'on'>>): Backend {
  for (const name of ['open', 'close'] as const) {
    if (typeof parts?.[name] !== 'function')
      throw misuse('LARIAT_SPEC', `backend: \`${name}\` is ${show(parts?.[name])}: expected a function`)
  }
  return {
    [is]: 'backend',
    open: (name, retention, emptied) => parts.open(name, retention, emptied),
    on: (name, listener) => parts.on?.(name, listener),
    close: () => parts.close(),
  }
}

/**
 * An event of a log, as `check` and a `Receiver` take it, and as a `Reading` gives it. Make it once for all that get it:
 * its bytes are encoded once in each format.
 *
 * @param id made by the backend: visible ASCII without spaces, and neither `earliest` nor `now`
 * @throws TypeError for another id
 */
export function stored<Data>(id: string, data: Data, type?: string): Published<Data> {
  if (typeof id !== 'string' || !/^[\x21-\x7e]+$/.test(id) || id === earliest || id === now) {
    const expected = `expected visible ASCII, and neither '${earliest}' nor '${now}'`
    throw misuse('LARIAT_SPEC', `stored(${show(id)}): ${expected}`)
  }
  return new Published(id, data, type)
}

/**
 * Stands in a log's delivery or reading for events that are lost.
 *
 * @param parts `requested`: the id after which they were; `from`: the id of the event that is next, or, if there is none
 *   yet, the id after which it comes; `reason`: `trimmed` if they are no longer retained, `unknown` if the store knows
 *   nothing of `requested` any more; `id`: the place just before `from`
 */
export function gap(parts: {
  readonly requested: string
  readonly from: string
  readonly reason: GapDetails['reason']
  readonly id: string
}): Gap {
  return new Gap(parts.requested, parts.from, parts.reason, parts.id)
}
