/**
 * Browsers open at most six connections to a host over HTTP/1.1, for all tabs together: the seventh request waits,
 * silently, until a stream of another tab ends. So one window holds the connection of each kind, and tells the others
 * what comes; one that is not looked at holds none. Over HTTP/2 nobody would need this.
 *
 * @typedef {'firehose' | 'machine' | 'log'} Kind
 */

/**
 * Holds a connection for all windows together: the one that has it tells the others what comes. A window that is not
 * looked at, or has let go of it, hears nothing.
 *
 * @template Update
 * @param {Kind} kind
 * @param {object} shared
 * @param {(tell: (update: Update) => void, signal: AbortSignal) => unknown} shared.open opens the connection, until the
 *   signal is aborted
 * @param {(update: Update, isOwn: boolean) => void} shared.show `isOwn`: it has come by the connection of this window
 * @param {() => Update[]} shared.all what a window has to be told that begins to listen
 * @param {() => void} [shared.left] this window does not listen any more
 * @returns {{ letGo(): void, hold(): void }} lets go of it, whether the window is visible or not, and holds it again
 */
export function shareWhileVisible(kind, { open, show, all, left }) {
  const name = `express-lariat ${kind}`
  const others = new BroadcastChannel(name)
  let isLetGo = false
  let isHolder = false
  /** @type {AbortController | undefined} aborted once this window does not want to hear any more */
  let wanting

  others.onmessage = ({ data }) => {
    if (data === 'hello') return void (isHolder && others.postMessage(all()))
    if (wanting && !isHolder) for (const update of data) show(update, false)
  }

  /** @param {AbortSignal} signal */
  const hold = (signal) => {
    if (signal.aborted) return
    isHolder = true
    const tell = (/** @type {Update} */ update) => {
      if (signal.aborted) return
      show(update, true)
      others.postMessage([update])
    }
    open(tell, signal)
    return new Promise((resolve) => signal.addEventListener('abort', resolve))
  }

  const leave = () => {
    wanting?.abort()
    wanting = undefined
    isHolder = false
    left?.()
  }

  const change = () => {
    const isWanted = !isLetGo && document.visibilityState === 'visible'
    if (isWanted === (wanting !== undefined)) return
    if (!isWanted) return leave()
    wanting = new AbortController()
    const { signal } = wanting
    // whoever holds it tells what there is
    others.postMessage('hello')
    // Web Locks are there where the page is served over HTTPS, or by localhost
    if (!navigator.locks) return void hold(signal)
    navigator.locks.request(name, { signal }, () => hold(signal)).catch(() => {}) // aborted: it is not wanted any more
  }

  document.addEventListener('visibilitychange', change)
  window.addEventListener('pagehide', leave)
  window.addEventListener('pageshow', change)
  change()

  /** @param {boolean} isIt */
  const wants = (isIt) => {
    isLetGo = !isIt
    change()
  }
  return { letGo: () => wants(false), hold: () => wants(true) }
}
