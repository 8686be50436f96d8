// Asks the server to change something, after the reader has confirmed it.
import { byId, setText } from './dom.js'
import { statusName, visible } from './words.js'

/** @param {string} id */
export async function closeStream(id) {
  const isSure = await confirmed(
    'Close this stream?',
    'Its client is told that the stream is over. One that reconnects by itself, such as EventSource, comes back.',
    'Close the stream',
  )
  if (isSure) await act('DELETE', `streams/${encodeURIComponent(id)}`, 'The stream is closed.')
}

/** @param {string} name */
export async function endChannel(name) {
  const isSure = await confirmed(
    `End the channel ${visible(name)}?`,
    'All streams that it feeds end, in every process. This cannot be undone.',
    'End the channel',
  )
  if (isSure) await act('DELETE', `channels/${encodeURIComponent(name)}`, 'The channel is ended.')
}

/** @param {string} name */
export async function publish(name) {
  const [data, type] = [byId('publish-data'), byId('publish-type')].map(
    (each) => /** @type {HTMLInputElement} */ (each),
  )
  if (!data || !type) return
  setText(byId('publish-title'), `Publish on ${visible(name)}`)
  const hint = () => setText(byId('publish-hint'), hintOf(data.value))
  data.oninput = hint
  hint()
  if (!(await answered(byId('publish')))) return
  const body = { data: dataOf(data.value), ...(type.value && { type: type.value }) }
  if (await act('POST', `channels/${encodeURIComponent(name)}`, 'It is published.', body)) data.value = ''
}

/** What was written, read as JSON where it is JSON. @param {string} text */
function dataOf(text) {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** @param {string} text */
function hintOf(text) {
  if (text === '') return 'Nothing is written: an empty string is published.'
  const data = dataOf(text)
  if (data === text) return 'This is no JSON: it is published as a string.'
  const kind = data === null ? 'null' : Array.isArray(data) ? 'an array' : typeof data
  return `This is JSON: it is published as ${kind === 'object' ? 'an object' : kind === 'string' ? 'a string' : kind === 'number' ? 'a number' : kind}.`
}

/**
 * @param {string} title
 * @param {string} text
 * @param {string} ok
 */
function confirmed(title, text, ok) {
  setText(byId('confirm-title'), title)
  setText(byId('confirm-text'), text)
  setText(byId('confirm-ok'), ok)
  return answered(byId('confirm'))
}

/**
 * @param {HTMLElement} element
 * @returns {Promise<boolean>}
 */
function answered(element) {
  const dialog = /** @type {HTMLDialogElement} */ (element)
  dialog.returnValue = ''
  dialog.showModal()
  return new Promise((settle) => {
    dialog.addEventListener('close', () => settle(dialog.returnValue === 'ok'), { once: true })
  })
}

/**
 * @param {string} method
 * @param {string} url
 * @param {string} done
 * @param {object} [body]
 */
async function act(method, url, done, body) {
  /** @type {RequestInit} */
  const init = { method, headers: { 'Lariat-Inspector': '1', 'Content-Type': 'application/json' } }
  if (body) init.body = JSON.stringify(body)
  try {
    const response = await fetch(url, init)
    if (response.ok) say(done)
    else say(`That failed: ${response.status} ${statusName(response.status)}. ${await detailOf(response)}`)
    return response.ok
  } catch {
    say('That failed: the server does not answer.')
    return false
  }
}

/** @param {Response} response */
async function detailOf(response) {
  try {
    const { detail = '' } = await response.json()
    return visible(detail)
  } catch {
    return ''
  }
}

/** @type {ReturnType<typeof setTimeout> | undefined} */
let fading

/** Says something for a few seconds. @param {string} text */
export function say(text) {
  const said = byId('said')
  clearTimeout(fading)
  said.textContent = text
  fading = setTimeout(() => said.replaceChildren(), 6000)
}
