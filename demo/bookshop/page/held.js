/**
 * Browsers open at most six connections to a host over HTTP/1.1, for all tabs together: the seventh request waits,
 * silently, until a stream of another tab ends. So one window holds the connection of each kind, and tells the others
 * what comes; one that is not looked at holds none. Over HTTP/2 nobody would need this.
 *
 * @typedef {'firehose' | 'machine' | 'log'} Kind
 */

/**
 * Holds a connection while this window is visible and no other holds it.
 *
 * @param {Kind} kind
 * @param {() => (() => void)} open opens the connection, and returns how to close it
 * @param {(isIt: boolean) => void} want this window wants what comes, or wants it no more
 * @returns {{ letGo(): void, hold(): void }} lets go of it, whether the window is visible or not, and holds it again
 */
function holdWhileVisible(kind, open, want) {
  let isLetGo = false
  /** @type {AbortController | undefined} */
  let held
  const change = () => {
    const isWanted = !isLetGo && document.visibilityState === 'visible'
    if (isWanted === (held !== undefined)) return
    if (!isWanted) return leave()
    const holding = new AbortController()
    held = holding
    want(true)
    takePlace(kind, holding.signal, () => {
      const close = open()
      holding.signal.addEventListener('abort', close)
    })
  }
  const leave = () => {
    held?.abort()
    held = undefined
    want(false)
  }
  document.addEventListener('visibilitychange', change)
  window.addEventListener('pagehide', leave)
  window.addEventListener('pageshow', change)
  change()
  return {
    letGo() {
      isLetGo = true
      change()
    },
    hold() {
      isLetGo = false
      change()
    },
  }
}

/**
 * Calls back when the place is free, and keeps it until the signal is aborted.
 *
 * @param {Kind} kind
 * @param {AbortSignal} signal
 * @param {() => void} taken
 */
function takePlace(kind, signal, taken) {
  // Web Locks are there where the page is served over HTTPS, or by localhost
  if (!navigator.locks) return taken()
  const request = navigator.locks.request(`express-lariat ${kind}`, { signal }, () => {
    if (signal.aborted) return
    taken()
    return new Promise((resolve) => signal.addEventListener('abort', resolve))
  })
  request.catch(() => {}) // aborted: it is not wanted any more
}

/**
 * Holds a connection for all windows together: the one that has it tells the others what comes. A window that is not
 * looked at, or has let go of it, hears nothing.
 *
 * @template Update
 * @param {Kind} kind
 * @param {object} shared
 * @param {(tell: (update: Update) => void) => (() => void)} shared.open opens the connection, and returns how to close it
 * @param {(update: Update, isOwn: boolean) => void} shared.show `isOwn`: it has come by the connection of this window
 * @param {() => Update[]} shared.all what a window has to be told that begins to listen
 * @param {(isIt: boolean) => void} [shared.want] this window begins to listen, or ends
 * @returns {{ letGo(): void, hold(): void }}
 */
export function shareWhileVisible(kind, { open, show, all, want }) {
  const others = new BroadcastChannel(`express-lariat ${kind}`)
  let isWanted = false
  let isHolder = false
  others.onmessage = ({ data }) => {
    if (data === 'hello') return void (isHolder && others.postMessage(all()))
    if (isWanted && !isHolder) for (const update of data) show(update, false)
  }
  return holdWhileVisible(
    kind,
    () => {
      isHolder = true
      const close = open((update) => {
        show(update, true)
        others.postMessage([update])
      })
      return () => {
        isHolder = false
        close()
      }
    },
    (isIt) => {
      isWanted = isIt
      want?.(isIt)
      // whoever holds it tells what there is
      if (isIt) others.postMessage('hello')
    },
  )
}
