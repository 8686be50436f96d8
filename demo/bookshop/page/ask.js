import { follow } from '../../../lib/client.js' // elsewhere: 'express-lariat/client'
import { sentence } from './books.js'
import { byId, enable, onPress } from './dom.js'
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
    let count = 0
    /** @type {string | null} */
    let place = null
    answer.textContent = ''
    say(state, 'Asking …')
    enable(stop, true)
    try {
      const words = follow('/api/ask', {
        accept: 'text/event-stream',
        body: question.value,
        parse: String,
        signal,
        async fetch(url, init) {
          const response = await reach(url, init)
          place = response.headers.get('Content-Location')
          return response
        },
      })
      for await (const { data: word } of words) {
        const isAtEnd = answer.scrollTop + answer.clientHeight >= answer.scrollHeight - 8
        answer.append(String(word))
        if (isAtEnd) answer.scrollTop = answer.scrollHeight
        count += 1
        say(state, `${count} words …`)
      }
      if (asking !== leaving) return
      if (signal.aborted) say(state, `Stopped after ${count} words. ${await untilSilent(place)}`)
      else say(state, `Done: ${count} words, each as it was said.`)
    } catch (error) {
      if (asking !== leaving) return
      if (place) say(state, `Not finished: the stream was cut off after ${count} words. Ask again.`)
      else sayFailed(state, 'Not answered', flawOfError(error), hint)
    } finally {
      if (asking === leaving) enable(stop, false)
    }
  })

  onPress(stop, () => asking?.abort())
}

/**
 * Why there is no answer: of a refusal what the server says; else that it does not answer.
 *
 * @param {any} error
 */
function flawOfError({ detail, cause, message }) {
  return detail ? sentence(detail) : (cause ?? message)
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
