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
 * @returns {{ close(): void, readonly position: string | undefined }} `position`: the id of the last event
 */
export function follow(url, { position, types, event, state }) {
  /** @type {EventSource | undefined} */
  let source
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let retrying
  const open = () => {
    const opened = new EventSource(position ? `${url}?lastEventId=${encodeURIComponent(position)}` : url)
    source = opened
    opened.onopen = () => state('open')
    opened.onerror = () => {
      state('lost')
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
    get position() {
      return position
    },
  }
}

/**
 * Where a stream stands now, as its head says; tried again until the server answers.
 *
 * @param {string} url
 * @returns {Promise<string>}
 */
export async function positionOf(url) {
  for (;;) {
    const leaving = new AbortController()
    const response = await fetch(url, { cache: 'no-store', signal: leaving.signal }).catch(() => undefined)
    const position = response?.headers.get('Last-Event-ID')
    leaving.abort()
    if (position) return position
    await new Promise((resolve) => setTimeout(resolve, 2000))
  }
}
