import { flawOf } from './books.js'
import { byId } from './dom.js'
import { linesOf } from './pieces.js'

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
        headers: { 'Content-Type': 'text/plain', Accept: 'text/event-stream' },
        body: question.value,
        signal,
      })
      if (!response.ok) throw new Error(await flawOf(response))
      place = response.headers.get('Content-Location')
      const reason = await readEvents(response, (word) => {
        const isAtEnd = answer.scrollTop + answer.clientHeight >= answer.scrollHeight - 8
        answer.append(word)
        if (isAtEnd) answer.scrollTop = answer.scrollHeight
        words += 1
        state.textContent = `${words} words …`
      })
      state.textContent =
        reason === 'end'
          ? `Done: ${words} words, each as it was said.`
          : `Not finished: the stream ended after ${words} words (${reason}).`
    } catch (error) {
      if (asking !== leaving) return
      state.textContent = signal.aborted
        ? `Stopped after ${words} words. ${await untilSilent(place)}`
        : `Failed after ${words} words: ${error instanceof Error ? error.message : error}`
    } finally {
      if (asking === leaving) stop.disabled = true
    }
  })

  stop.addEventListener('click', () => asking?.abort())
}

/**
 * Reads an event stream that was answered to a POST, which an EventSource cannot send.
 *
 * @param {Response} response
 * @param {(data: string) => void} take
 * @returns {Promise<string>} why it has ended, as its `end` event says
 */
async function readEvents(response, take) {
  let type = ''
  for await (const line of linesOf(response)) {
    if (line === '') type = ''
    if (line.startsWith('event: ')) type = line.slice('event: '.length)
    if (!line.startsWith('data: ')) continue
    const data = line.slice('data: '.length)
    if (type === 'end') return JSON.parse(data).reason
    take(data)
  }
  return 'without a word'
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
