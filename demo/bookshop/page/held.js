/**
 * Browsers open at most six connections to a host over HTTP/1.1, for all tabs together: the seventh request waits,
 * silently, until a stream of another tab ends. So the tabs share what there is: each kind of stream has so many
 * places, and a tab that is not looked at holds none. Over HTTP/2 nobody would need this.
 */
const places = { firehose: 3, others: 2 }

/**
 * Holds a connection while this tab is visible and a place is free.
 *
 * @param {keyof typeof places} kind
 * @param {{ open: () => (() => void), wait: () => void }} stream how to open it, which returns how to close it; and
 *   what to do while it waits for a place
 */
export function holdWhileVisible(kind, { open, wait }) {
  /** @type {AbortController | undefined} */
  let held
  const letGo = () => {
    held?.abort()
    held = undefined
  }
  const change = () => {
    if (document.visibilityState !== 'visible') return letGo()
    if (held) return
    const holding = new AbortController()
    held = holding
    wait()
    takePlace(kind, holding.signal, () => {
      const close = open()
      holding.signal.addEventListener('abort', close)
    })
  }
  document.addEventListener('visibilitychange', change)
  window.addEventListener('pagehide', letGo)
  window.addEventListener('pageshow', change)
  change()
}

/**
 * Calls back when a place is free, and keeps it until the signal is aborted.
 *
 * @param {keyof typeof places} kind
 * @param {AbortSignal} signal
 * @param {() => void} taken
 */
export function takePlace(kind, signal, taken) {
  // Web Locks are there where the page is served over HTTPS, or by localhost
  if (!navigator.locks) return taken()
  const asking = new AbortController()
  signal.addEventListener('abort', () => asking.abort())
  let isTaken = false
  for (let place = 1; place <= places[kind]; place++) {
    const name = `express-lariat ${kind} ${place}`
    const request = navigator.locks.request(name, { signal: asking.signal }, () => {
      if (isTaken || signal.aborted) return
      isTaken = true
      asking.abort()
      taken()
      return new Promise((resolve) => signal.addEventListener('abort', resolve))
    })
    request.catch(() => {}) // aborted: another place was free, or none is wanted any more
  }
}
