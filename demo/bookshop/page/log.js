import { byId } from './dom.js'
import { holdWhileVisible } from './held.js'
import { linesOf } from './pieces.js'

const most = 200

/** Follows the access log with fetch: no EventSource needed, any text will do. */
export function showLog() {
  const lines = byId('lines')
  const state = byId('log-state')

  /** @param {AbortSignal} signal */
  const read = async (signal) => {
    const response = await fetch('/api/tail?file=access.log&last=50', { signal })
    if (!response.ok) throw new Error(`The log answers ${response.status}`)
    lines.replaceChildren()
    state.dataset.state = 'open'
    state.textContent = 'Live, from the last 50 lines on.'
    for await (const line of linesOf(response)) {
      const isAtEnd = lines.scrollTop + lines.clientHeight >= lines.scrollHeight - 8
      lines.append(`${line}\n`)
      while (lines.childNodes.length > most) lines.firstChild?.remove()
      // who has scrolled up reads something
      if (isAtEnd) lines.scrollTop = lines.scrollHeight
    }
  }

  /** @param {AbortSignal} signal */
  const keepReading = async (signal) => {
    while (!signal.aborted) {
      await read(signal).catch(() => {})
      if (signal.aborted) return
      state.dataset.state = 'lost'
      state.textContent = 'Lost the log. Coming back …'
      await new Promise((resolve) => setTimeout(resolve, 1000 + 1000 * Math.random()))
    }
  }

  holdWhileVisible('others', state, () => {
    const leaving = new AbortController()
    void keepReading(leaving.signal)
    return () => leaving.abort()
  })
}
