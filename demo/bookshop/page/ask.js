import { flawOf } from './books.js'
import { byId, enable, onPress } from './dom.js'
import { eventsOf } from './pieces.js'
import { reach, say, sayFailed } from './reach.js'

const hint = 'Ask for a word of a title, or an author.'

/** A question in a POST, its answer streamed word by word, and a button that stops it. */
export function showAsk() {
  /** @type {HTMLInputElement} */
  const question = byId('question')
  const stop = byId('stop')
  const answer = byId('answer')
  const state = byId('ask-state')
  /** @type {AbortController | undefined} */
  let asking

  say(state, hint)

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
    say(state, 'Asking …')
    enable(stop, true)
    try {
      const response = await reach('/api/ask', {
        method: 'POST',
        headers: { 'Content-Type': 'text/plain', Accept: 'text/event-stream' },
        body: question.value,
        signal,
      })
      if (!response.ok) throw await flawOf(response)
      place = response.headers.get('Content-Location')
      const reason = await readAnswer(response, (word) => {
        const isAtEnd = answer.scrollTop + answer.clientHeight >= answer.scrollHeight - 8
        answer.append(word)
        if (isAtEnd) answer.scrollTop = answer.scrollHeight
        words += 1
        say(state, `${words} words …`)
      })
      if (asking !== leaving) return
      say(
        state,
        reason === 'end'
          ? `Done: ${words} words, each as it was said.`
          : `Not finished: the stream ${reason} after ${words} words. Ask again.`,
      )
    } catch (error) {
      if (asking !== leaving) return
      if (signal.aborted) say(state, `Stopped after ${words} words. ${await untilSilent(place)}`)
      else sayFailed(state, 'Not answered', error, hint)
    } finally {
      if (asking === leaving) enable(stop, false)
    }
  })

  onPress(stop, () => asking?.abort())
}

/**
 * Reads an answer to its end.
 *
 * @param {Response} response
 * @param {(word: string) => void} take
 * @returns {Promise<string>} `end` where it was said to its end; else how the stream came to its own
 */
async function readAnswer(response, take) {
  try {
    for await (const { type, data } of eventsOf(response)) {
      if (type === 'message') take(data)
      // `end`: it is over; `reconnect`: it is not, and whoever wants the rest has to come back
      if (type !== 'end' && type !== 'reconnect') continue
      const { reason } = JSON.parse(data)
      return type === 'end' && reason === 'end' ? 'end' : `ended early (${reason})`
    }
    return 'ended without a word'
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error
    return 'was cut off'
  }
}

/**
 * What the server says of an answer that was stopped: its source has to stop as well, as soon as it is told.
 *
 * @param {string | null} place where the answer is
 */
async function untilSilent(place) {
  if (place === null) return ''
  for (let time = 0; time < 20; time++) {
    const response = await reach(place, { cache: 'no-store' }).catch(() => undefined)
    if (!response?.ok) return ''
    if (!(await response.json()).isSpeaking) return 'Its source on the server has stopped too.'
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  return 'Its source on the server has not stopped.'
}
