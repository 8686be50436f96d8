import { byId } from './dom.js'
import { shareWhileVisible } from './held.js'
import { linesOf } from './pieces.js'
import { reach, say } from './reach.js'

const most = 200

/** @typedef {{ line: string } | { state: 'open' | 'lost' }} Update */

/** Follows the access log with fetch: no EventSource needed, any text will do. */
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
    open: followLog,
    show,
    all: () => [
      /** @type {Update} */ ({ state: 'open' }),
      ...[...lines.childNodes].map((each) => ({ line: (each.textContent ?? '').trimEnd() })),
      ...(now === 'lost' ? [/** @type {Update} */ ({ state: now })] : []),
    ],
  })
}

/**
 * @param {(update: Update) => void} tell
 * @returns {() => void} how to stop
 */
function followLog(tell) {
  const leaving = new AbortController()
  const { signal } = leaving

  const read = async () => {
    const response = await reach('/api/tail?file=access.log&last=50', { signal })
    if (!response.ok) throw new Error(`The log answers ${response.status}`)
    tell({ state: 'open' })
    for await (const line of linesOf(response)) tell({ line })
  }

  const keepReading = async () => {
    while (!signal.aborted) {
      await read().catch(() => {})
      if (signal.aborted) return
      tell({ state: 'lost' })
      await new Promise((resolve) => setTimeout(resolve, 1000 + 1000 * Math.random()))
    }
  }

  void keepReading()
  return () => leaving.abort()
}
