import { follow } from '../../../lib/client.js' // elsewhere: 'express-lariat/client'
import { byId } from './dom.js'
import { shareWhileVisible } from './held.js'
import { lookedOn, say } from './reach.js'

const most = 200

/** @typedef {{ line: string } | { state: 'open' | 'lost' }} Update */

/** Follows the access log: no events with ids, only lines, of which the last ones come again after each loss. */
export function showLog() {
  const lines = byId('lines')
  const state = byId('log-state')
  /** @type {'open' | 'lost'} */
  let now = 'lost'

  /** @param {Update} update */
  const show = (update) => {
    if ('state' in update) {
      now = update.state
      state.dataset.state = now
      say(state, now === 'open' ? 'Live.' : 'Lost the log. Reconnecting …')
      if (now === 'open') lines.replaceChildren()
      return
    }
    const isAtEnd = lines.scrollTop + lines.clientHeight >= lines.scrollHeight - 8
    lines.append(`${update.line}\n`)
    while (lines.childNodes.length > most) lines.firstChild?.remove()
    // who has scrolled up reads something
    if (isAtEnd) lines.scrollTop = lines.scrollHeight
  }

  shareWhileVisible('log', {
    /** @param {(update: Update) => void} tell */
    async open(tell, signal) {
      const log = follow('/api/tail?file=access.log&last=50', {
        accept: 'application/x-ndjson',
        ...lookedOn,
        signal,
        onState(next) {
          if (next !== 'connecting') tell({ state: next === 'open' ? 'open' : 'lost' })
        },
      })
      for await (const { data } of log) tell({ line: String(data) })
    },
    show,
    all: () => [
      /** @type {Update} */ ({ state: 'open' }),
      ...[...lines.childNodes].map((each) => ({ line: (each.textContent ?? '').trimEnd() })),
      ...(now === 'lost' ? [/** @type {Update} */ ({ state: now })] : []),
    ],
  })
}
