// Follows a feed of the server for as long as somebody looks, and says when it cannot.

const [soon, late] = [500, 5000]
/** A page that nobody sees for so long lets go of the server. */
const unseen = 1500

/**
 * @typedef {{ kind: 'connecting' } | { kind: 'live' } | { kind: 'asleep' }
 *   | { kind: 'lost', since: number } | { kind: 'refused', status: number }} State
 */

/** Messages of one URL, by name. It connects again by itself: at once, and then every few seconds. */
export class Feed {
  #url
  #listeners
  #onState
  /** @type {EventSource | undefined} */
  #source
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer
  #delay = soon
  #isClosed = false
  /** @type {number | undefined} */
  #lostSince
  #leaving = new AbortController()

  /**
   * @param {string} url
   * @param {Record<string, (data: any) => void>} listeners
   * @param {(state: State) => void} [onState]
   */
  constructor(url, listeners, onState = () => {}) {
    this.#url = url
    this.#listeners = listeners
    this.#onState = onState
    const { signal } = this.#leaving
    document.addEventListener('visibilitychange', () => this.#seen(), { signal })
    addEventListener('online', () => this.#source || this.#open(), { signal })
    this.#open()
  }

  close() {
    this.#isClosed = true
    this.#leaving.abort()
    this.#drop()
  }

  #drop() {
    clearTimeout(this.#timer)
    this.#source?.close()
    this.#source = undefined
  }

  #open() {
    this.#drop()
    if (this.#isClosed) return
    const source = new EventSource(this.#url)
    this.#source = source
    source.onopen = () => {
      this.#delay = soon
      this.#lostSince = undefined
      this.#onState({ kind: 'live' })
    }
    source.onerror = () => void this.#failed()
    for (const [name, listen] of Object.entries(this.#listeners))
      source.addEventListener(name, (event) => listen(JSON.parse(event.data)))
  }

  /** An EventSource does not say why: a request that ends at once does. */
  async #failed() {
    this.#drop()
    this.#lostSince ??= Date.now()
    const refused = await refusal(this.#url, this.#leaving.signal)
    if (this.#isClosed || this.#source) return
    this.#onState(refused ?? { kind: 'lost', since: this.#lostSince })
    this.#timer = setTimeout(() => this.#open(), this.#delay)
    this.#delay = Math.min(late, this.#delay * 2)
  }

  #seen() {
    if (!document.hidden) {
      if (!this.#source) this.#open()
      else clearTimeout(this.#timer)
    } else if (this.#source) {
      this.#timer = setTimeout(() => {
        this.#drop()
        this.#onState({ kind: 'asleep' })
      }, unseen)
    }
  }
}

/**
 * Why a feed is refused, where the server answers at all.
 *
 * @param {string} url
 * @param {AbortSignal} signal
 * @returns {Promise<State | undefined>}
 */
async function refusal(url, signal) {
  try {
    const response = await fetch(url, { method: 'HEAD', headers: { Accept: 'text/event-stream' }, signal })
    if (response.ok) return undefined
    return { kind: 'refused', status: response.status }
  } catch {
    return undefined
  }
}
