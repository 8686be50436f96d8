import { isBack, reach } from './reach.js'

/**
 * Follows an event stream. An EventSource comes back by itself when its connection is lost, with the id of the last
 * event; where a server has answered with an error it gives up, and this tries again.
 *
 * @param {string} url
 * @param {object} how
 * @param {string} [how.position] the id to begin after
 * @param {readonly string[]} how.types the types of the events that are wanted
 * @param {(event: MessageEvent) => void} how.event
 * @param {(state: 'open' | 'lost') => void} how.state
 * @returns {{ close(): void }}
 */
export function follow(url, { position, types, event, state }) {
  /** @type {EventSource | undefined} */
  let source
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let retrying
  /** @type {'open' | 'lost' | undefined} */
  let now
  const change = (/** @type {'open' | 'lost'} */ next) => {
    if (next !== now) state(next)
    now = next
  }
  const open = () => {
    const opened = new EventSource(position ? `${url}?lastEventId=${encodeURIComponent(position)}` : url)
    source = opened
    opened.onopen = () => {
      isBack()
      change('open')
    }
    opened.onerror = () => {
      change('lost')
      if (opened.readyState === EventSource.CLOSED) retrying = setTimeout(open, 1000 + 1000 * Math.random())
    }
    for (const type of types) {
      opened.addEventListener(type, (message) => {
        if (message.lastEventId) position = message.lastEventId
        event(message)
      })
    }
  }
  open()
  return {
    close() {
      clearTimeout(retrying)
      source?.close()
    },
  }
}

/**
 * Where a stream stands now, as its head says; tried again until the server answers.
 *
 * @param {string} url
 * @param {() => void} failed it was tried in vain
 * @returns {Promise<string>}
 */
export async function positionOf(url, failed) {
  for (;;) {
    const leaving = new AbortController()
    const response = await reach(url, { cache: 'no-store', signal: leaving.signal }).catch(() => undefined)
    const position = response?.headers.get('Last-Event-ID')
    leaving.abort()
    if (position) return position
    failed()
    await new Promise((resolve) => setTimeout(resolve, 2000))
  }
}
