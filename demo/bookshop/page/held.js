/**
 * Browsers open at most six connections to a host over HTTP/1.1, for all tabs together: the seventh request waits,
 * silently, until a stream of another tab ends. So the tabs share what there is: each kind of stream has so many
 * places, and a tab that is not looked at holds none. Over HTTP/2 nobody would need this.
 */
const places = { firehose: 2, machine: 1, log: 1 }

/**
 * Holds a connection while this tab is visible and a place is free.
 *
 * @param {keyof typeof places} kind
 * @param {HTMLElement} state where it is said that it waits for a place
 * @param {() => (() => void)} open opens the connection, and returns how to close it
 * @returns {{ letGo(): void, hold(): void }} lets go of it, whether the tab is visible or not, and holds it again
 */
export function holdWhileVisible(kind, state, open) {
  let isWanted = true
  /** @type {AbortController | undefined} */
  let held
  const change = () => {
    if (!isWanted || document.visibilityState !== 'visible') {
      held?.abort()
      held = undefined
      return
    }
    if (held) return
    const holding = new AbortController()
    held = holding
    state.dataset.state = 'lost'
    state.textContent = 'Waiting for a connection: other windows of this page hold all there are.'
    takePlace(kind, holding.signal, () => {
      const close = open()
      holding.signal.addEventListener('abort', close)
    })
  }
  const want = (/** @type {boolean} */ isIt) => {
    isWanted = isIt
    change()
  }
  document.addEventListener('visibilitychange', change)
  window.addEventListener('pagehide', () => {
    held?.abort()
    held = undefined
  })
  window.addEventListener('pageshow', change)
  change()
  return { letGo: () => want(false), hold: () => want(true) }
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

/**
 * Holds a connection for all windows together: the one that has it tells the others what comes.
 *
 * @template Update
 * @param {keyof typeof places} kind
 * @param {HTMLElement} state
 * @param {object} shared
 * @param {(tell: (update: Update) => void) => (() => void)} shared.open opens the connection, and returns how to close it
 * @param {(update: Update) => void} shared.show
 * @param {() => Update[]} shared.all what has come so far, from an update on that begins anew
 */
export function shareWhileVisible(kind, state, { open, show, all }) {
  const others = new BroadcastChannel(`express-lariat ${kind}`)
  let isHolder = false
  others.onmessage = ({ data }) => {
    if (data !== 'hello') for (const update of data) show(update)
    else if (isHolder) others.postMessage(all())
  }
  holdWhileVisible(kind, state, () => {
    isHolder = true
    const close = open((update) => {
      show(update)
      others.postMessage([update])
    })
    return () => {
      isHolder = false
      close()
    }
  })
  // whoever holds it tells what there is, to each who comes to look
  const greet = () => others.postMessage('hello')
  document.addEventListener('visibilitychange', greet)
  greet()
}
