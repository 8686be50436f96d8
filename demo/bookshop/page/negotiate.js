import { byId, h } from './dom.js'
import { Graph } from './graph.js'
import { reach, sayFailed } from './reach.js'

const shown = 2000
const patience = 2000
const fields = ['Accept', 'Accept-Language', 'If-None-Match', 'If-Match', 'Range', 'Content-Type']

/** @type {readonly { name: string, fill: Record<string, string> }[]} */
const presets = [
  { name: '200 as CSV', fill: { Accept: 'text/csv' } },
  { name: '406 nothing fits', fill: { Accept: 'image/png' } },
  { name: '304 not modified', fill: { Accept: 'application/json', 'If-None-Match': '(its ETag)' } },
  { name: '405 method', fill: { method: 'DELETE' } },
  { name: '415 type', fill: { method: 'POST', 'Content-Type': 'text/csv', body: 'isbn,title' } },
  {
    name: '412 stale etag',
    fill: {
      method: 'PUT',
      path: '/api/books/9781937785536',
      'If-Match': '"stale"',
      'Content-Type': 'application/json',
      body: '{}',
    },
  },
  { name: '206 a range', fill: { path: '/api/books', Accept: 'text/plain', Range: 'bytes=0-24' } },
  { name: 'auf Deutsch', fill: { Accept: 'text/plain', 'Accept-Language': 'de-AT, en;q=0.5' } },
  { name: 'a stream', fill: { path: '/api/stream', Accept: 'text/event-stream' } },
]

/** A request by hand, its answer, and its way through the decision graph. */
export function showNegotiate() {
  /** @type {HTMLFormElement} */
  const form = byId('request')
  const graph = new Graph(byId('graph'))
  /** @type {AbortController | undefined} */
  let asking

  const send = async () => {
    asking?.abort()
    const leaving = new AbortController()
    asking = leaving
    const { method, path, headers, body } = requestOf(form)
    try {
      const { signal } = leaving
      // what the browser has kept would answer in the server's place
      const request = requested(path, {
        method,
        headers,
        body,
        signal,
        cache: 'no-store',
        redirect: 'manual',
      })
      const response = await reach(request)
      const questions = (response.headers.get('Decision-Trace') ?? '').split(', ').filter(Boolean)
      // every stream says so, and no other answer
      const isHeld = response.headers.get('X-Accel-Buffering') === 'no'
      byId('response').replaceChildren(...answerOf(response))
      byId('path').replaceChildren(...pathOf(questions, response.status, isHeld))
      graph.show(questions, isHeld ? 'loop' : String(response.status)).catch(() => {})
      await showBody(response, leaving, isHeld && method !== 'HEAD')
    } catch (error) {
      if (asking !== leaving) return
      const flaw = h('p', { class: 'flaw' })
      byId('response').replaceChildren(flaw)
      sayFailed(flaw, 'Not sent', error)
      byId('path').replaceChildren()
      graph.show([], '').catch(() => {})
    }
  }

  form.addEventListener('submit', (event) => {
    event.preventDefault()
    void send()
  })
  byId('presets').append(
    ...presets.map(({ name, fill }) =>
      h(
        'button',
        {
          type: 'button',
          'aria-pressed': 'false',
          onclick: async () => {
            for (const each of byId('presets').querySelectorAll('button'))
              each.setAttribute('aria-pressed', String(each.textContent === name))
            form.reset()
            for (const [field, value] of Object.entries(fill)) input(form, field).value = value
            if (fill['If-None-Match']) input(form, 'If-None-Match').value = await etagOf(form)
            void send()
          },
        },
        name,
      ),
    ),
  )
  byId('enlarge').addEventListener('click', () => {
    byId('enlarge').setAttribute('aria-pressed', String(byId('graph').classList.toggle('large')))
  })
  // who does not come so far need not wait for it
  const near = new IntersectionObserver(
    (seen) => {
      if (!seen.some((each) => each.isIntersecting)) return
      near.disconnect()
      graph.load().catch(() => {})
    },
    { rootMargin: '600px' },
  )
  near.observe(byId('graph'))
}

/**
 * A request, where the browser sends such a one.
 *
 * @param {string} path
 * @param {RequestInit} init
 */
function requested(path, init) {
  try {
    return new Request(path, init)
  } catch (error) {
    throw new Error(`The browser says: ${error instanceof Error ? error.message : error}`)
  }
}

/**
 * @param {HTMLFormElement} form
 * @param {string} name
 * @returns {HTMLInputElement}
 */
function input(form, name) {
  return /** @type {HTMLInputElement} */ (form.elements.namedItem(name))
}

/**
 * The ETag of what the form asks for.
 *
 * @param {HTMLFormElement} form
 */
async function etagOf(form) {
  const { path, headers } = requestOf(form)
  const { 'If-None-Match': _, ...others } = headers
  const response = await reach(path, { method: 'HEAD', headers: others, cache: 'no-store' }).catch(
    () => undefined,
  )
  return response?.headers.get('ETag') ?? '"none"'
}

/** @param {HTMLFormElement} form */
function requestOf(form) {
  const value = (/** @type {string} */ name) => input(form, name).value
  const method = value('method').trim().toUpperCase()
  /** @type {Record<string, string>} */
  const headers = Object.fromEntries(
    fields.map((name) => [name, value(name)]).filter(([, text]) => text !== ''),
  )
  // a browser would name the languages that it is set to; left empty, any will do, as for curl
  headers['Accept-Language'] ??= '*'
  const hasBody = !['GET', 'HEAD'].includes(method) && value('body') !== ''
  return { method, path: value('path'), headers, body: hasBody ? value('body') : null }
}

/** @param {Response} response */
function answerOf(response) {
  const rows = [...response.headers]
    .filter(([name]) => name !== 'decision-trace')
    .map(([name, value]) => h('tr', {}, h('th', { scope: 'row' }, name), h('td', {}, value)))
  return [
    h(
      'p',
      { class: `line s${Math.floor(response.status / 100)}` },
      `${response.status} ${response.statusText}`,
    ),
    h('table', {}, h('caption', { class: 'hidden' }, 'Headers of the response'), h('tbody', {}, ...rows)),
    h('pre', { id: 'body', tabindex: 0, 'aria-label': 'Body of the response' }),
  ]
}

/**
 * The beginning of the body; of a stream, what comes within two seconds.
 *
 * @param {Response} response
 * @param {AbortController} leaving
 * @param {boolean} isHeld it may never end
 */
async function showBody(response, leaving, isHeld) {
  const body = byId('body')
  const late = isHeld ? setTimeout(() => leaving.abort(), patience) : undefined
  let text = ''
  let isCut = false
  try {
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
    while (reader && text.length < shown) {
      const { done, value } = await reader.read()
      if (done) break
      text += value
      body.textContent = text
    }
    if (text.length >= shown) leaving.abort()
  } catch {
    isCut = !leaving.signal.aborted
  }
  clearTimeout(late)
  body.textContent = text.slice(0, shown) + (text.length > shown ? '…' : '')
  if (isHeld && leaving.signal.aborted) body.append('\n(held open: left after two seconds)')
  else if (isCut) body.append('\n(cut off)')
  else if (text === '') body.textContent = '(no body)'
}

/**
 * @param {readonly string[]} questions
 * @param {number} status
 * @param {boolean} isHeld
 */
function pathOf(questions, status, isHeld) {
  if (questions.length === 0)
    return ['No decisions were told: this was not answered by express-lariat, or NODE_ENV is production.']
  const end = isHeld ? 'the loop: streamed' : String(status)
  return [
    `${questions.length} decisions: `,
    h('span', { class: 'mono' }, questions.join(' → ')),
    ' → ',
    h('strong', {}, end),
  ]
}
