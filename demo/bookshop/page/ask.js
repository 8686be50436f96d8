import { byId } from './dom.js'
import { piecesOf } from './pieces.js'

/** A question in a POST, its answer word by word, and a button that stops it. */
export function showAsk() {
  /** @type {HTMLInputElement} */
  const question = byId('question')
  /** @type {HTMLButtonElement} */
  const stop = byId('stop')
  const answer = byId('answer')
  const state = byId('ask-state')
  /** @type {AbortController | undefined} */
  let asking

  byId('ask-form').addEventListener('submit', async (event) => {
    event.preventDefault()
    asking?.abort()
    const leaving = new AbortController()
    asking = leaving
    const { signal } = leaving
    let words = 0
    /** @type {string | null} */
    let place = null
    answer.textContent = ''
    state.textContent = 'Asking …'
    stop.disabled = false
    try {
      const response = await fetch('/api/ask', {
        method: 'POST',
        headers: { 'Content-Type': 'text/plain', Accept: 'text/plain' },
        body: question.value,
        signal,
      })
      if (!response.ok) throw new Error(`The shop answers ${response.status}`)
      place = response.headers.get('Content-Location')
      for await (const piece of piecesOf(response)) {
        const isAtEnd = answer.scrollTop + answer.clientHeight >= answer.scrollHeight - 8
        answer.append(piece)
        if (isAtEnd) answer.scrollTop = answer.scrollHeight
        words += piece.trim().split(/\s+/).length
        state.textContent = `${words} words …`
      }
      state.textContent = `Done: ${words} words, each as it was said.`
    } catch (error) {
      if (asking !== leaving) return
      state.textContent = signal.aborted
        ? `Stopped after ${words} words. ${await untilSilent(place)}`
        : `Cut off after ${words} words: ${error instanceof Error ? error.message : error}`
    } finally {
      if (asking === leaving) stop.disabled = true
    }
  })

  stop.addEventListener('click', () => asking?.abort())
}

/**
 * What the server says of an answer that was stopped: its source has to stop as well, as soon as it is told.
 *
 * @param {string | null} place where the answer is
 */
async function untilSilent(place) {
  if (place === null) return ''
  for (let time = 0; time < 20; time++) {
    const response = await fetch(place, { cache: 'no-store' }).catch(() => undefined)
    if (!response?.ok) return ''
    if (!(await response.json()).isSpeaking) return 'Its source on the server has stopped too.'
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  return 'Its source on the server has not stopped.'
}
