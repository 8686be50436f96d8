// Shows one request beside the list: what it got, why, and the way that it took.

import { kindOf, statusOf } from './decisions.js'
import { h, setAttribute, setText } from './dom.js'
import { Graph } from './graph.js'
import { hrefOf } from './place.js'
import { plural, statusName, took, visible } from './words.js'

/**
 * @typedef {import('./shapes.js').Decision} Decision
 * @typedef {import('./shapes.js').Step} Step
 */

export class DecisionPane {
  element
  #leaving = new AbortController()
  #graph = new Graph()

  /** @param {string} id */
  constructor(id) {
    this.element = h(
      'div',
      { class: 'decision' },
      h('h2', { id: 'pane-title' }, 'Request'),
      h('p', { class: 'quiet' }, 'Loading…'),
    )
    this.#load(id).catch((error) => {
      if (this.#leaving.signal.aborted) return
      const why = error instanceof Error ? error.message : String(error)
      this.element.replaceChildren(h('h2', { id: 'pane-title' }, 'Request'), h('p', { class: 'notice' }, why))
    })
  }

  close() {
    this.#leaving.abort()
  }

  update() {}
  tick() {}

  /** @param {string} id */
  async #load(id) {
    const { signal } = this.#leaving
    const response = await fetch(`decisions/${encodeURIComponent(id)}`, {
      headers: { Accept: 'application/json' },
      signal,
    })
    if (response.status === 404)
      throw new Error('This request is not kept any longer, or another process has answered it.')
    if (!response.ok)
      throw new Error(`The request could not be loaded: ${response.status} ${statusName(response.status)}`)
    this.#show(await response.json())
  }

  /** @param {Decision} decision */
  #show(decision) {
    const { method, url, steps = [] } = decision
    const status = h('span', { class: 'status', 'data-kind': kindOf(decision) }, statusOf(decision))
    const title = h(
      'h2',
      { id: 'pane-title', class: 'target' },
      status,
      h('span', { class: 'code' }, `${visible(method)} ${visible(url)}`),
    )
    const why = h('p', { class: 'why' }, sentence(decision))
    /** @type {HTMLElement[]} */
    const parts = [title, why, this.#facts(decision)]
    if (steps.length > 0) parts.push(this.#way(decision))
    else parts.push(h('p', { class: 'quiet' }, noSteps))
    parts.push(headersOf(decision))
    this.element.replaceChildren(...parts)
    const decisive = decision.question ?? steps.at(-1)?.question
    if (decisive)
      this.#graph
        .wording(decisive)
        .then((asked) => setText(why, sentence(decision, asked)))
        .catch(() => {})
  }

  /** @param {Decision} decision */
  #facts({ at, route, client, userAgent, accept, stream, error }) {
    /** @type {[string, string | undefined | null][]} */
    const facts = [
      ['Error', error],
      ['Route', route],
      ['Time', new Date(at).toLocaleString('sv-SE')],
      ['Address', client],
      ['Accept', accept],
      ['User agent', userAgent],
    ]
    const shown = facts
      .filter(([, value]) => value)
      .map(([name, value]) => fact(name, h('span', {}, visible(value))))
    if (stream) {
      const href = hrefOf({ view: 'streams', open: stream, query: {} })
      shown.unshift(fact('Stream', h('a', { href }, 'What its stream is doing now')))
    }
    return h('dl', { class: 'facts' }, ...shown)
  }

  /** @param {Decision} decision */
  #way(decision) {
    const { steps } = decision
    const end = decision.outcome === 'loop' ? 'loop' : String(decision.status ?? '')
    const longest = Math.max(...steps.map(({ ms }) => ms), 0.001)
    const rows = steps.map((step, index) => this.#step(step, index, longest))
    const table = h(
      'table',
      { class: 'steps' },
      h('caption', {}, `${plural(steps.length, 'question')} in ${took(decision.ms)}`),
      h(
        'thead',
        {},
        h('tr', {}, ...['Question', 'Answer', 'Time'].map((label) => h('th', { scope: 'col' }, label))),
      ),
      h('tbody', {}, ...rows),
    )
    const whole = h(
      'button',
      {
        type: 'button',
        'aria-pressed': 'false',
        onclick: () => {
          const isWhole = whole.getAttribute('aria-pressed') !== 'true'
          setAttribute(whole, 'aria-pressed', String(isWhole))
          this.#graph.whole(isWhole)
        },
      },
      'Whole graph',
    )
    const figure = h(
      'figure',
      {},
      h('figcaption', {}, h('span', {}, 'Its way through the graph'), whole),
      this.#graph.element,
    )
    this.#graph.show(steps, end).catch((error) => {
      this.#graph.element.replaceWith(
        h('p', { class: 'notice' }, error instanceof Error ? error.message : String(error)),
      )
    })
    return h('div', { class: 'way' }, figure, h('div', { class: 'stepped' }, table))
  }

  /** @param {Step} step @param {number} index @param {number} longest */
  #step(step, index, longest) {
    const { question, value, ms } = step
    const name = h('th', { scope: 'row' }, visible(question))
    if (value) name.append(h('span', { class: 'value' }, visible(value)))
    const words = answerOf(step)
    const bar = h('i', { class: 'bar' })
    bar.style.setProperty('--part', String(ms / longest))
    const row = h(
      'tr',
      {
        'data-index': index,
        onpointerenter: () => this.#graph.point(question),
        onpointerleave: () => this.#graph.point(undefined),
      },
      name,
      h('td', { class: 'answer', 'data-answer': words }, words),
      h('td', { class: 'number' }, took(ms), bar),
    )
    this.#graph
      .wording(question)
      .then((asked) => asked && setAttribute(name, 'title', asked))
      .catch(() => {})
    return row
  }
}

const noSteps =
  'Its single decisions were not recorded: that is done only while an inspector is open. Send the request again to see its way.'

/**
 * What it got, and why.
 *
 * @param {Decision} decision
 * @param {string} [asked] what the last question asks, in words
 */
function sentence({ outcome, status, question, accept, steps, ms }, asked) {
  const last = steps.at(-1)
  const name = visible(question ?? last?.question)
  const after = steps.length > 0 ? `, after ${plural(steps.length, 'question')} in ${took(ms)}` : ''
  const got = status == null ? '' : `${status} ${statusName(status)}`.trim()
  if (outcome === 'loop') return `The response is held open as a stream${after}.`
  if (outcome === 'left') return `The client left before it was answered${after}.`
  if (status == null || outcome === 'error')
    return `${name ? `${name} failed` : 'A callback failed'}: ${got || 'an error'}${after}.`
  if (outcome === 'stop') return `${name || 'A callback'} returned stop(${status})${after}.`
  if (status < 400 || !name) return `It was answered ${got}${after}.`
  const asks = asked ? ` It asks: ${asked.replace(/[.?]?$/, '?')}` : ''
  const answer = last?.question === question ? ` The answer was: ${answerOf(last)}.` : ''
  const wanted = question === 'acceptableMediaType' && accept ? ` The client accepts ${visible(accept)}.` : ''
  return `${got}, decided by ${name}${after}.${asks}${answer}${wanted}`
}

/** @param {Step | undefined} step */
function answerOf(step) {
  const answer = step?.answer
  return typeof answer === 'boolean' ? (answer ? 'yes' : 'no') : visible(answer)
}

/**
 * @param {string} name
 * @param {Element} value
 */
export function fact(name, value) {
  return h(
    'div',
    { class: name === 'User agent' || name === 'Error' ? 'wide' : false },
    h('dt', {}, name),
    h('dd', {}, value),
  )
}

/** @param {Decision} decision */
function headersOf({ headers = {} }) {
  const rows = Object.entries(headers).map(([name, value]) =>
    h('tr', {}, h('th', { scope: 'row' }, visible(name)), h('td', {}, visible([value].flat().join(', ')))),
  )
  return h(
    'details',
    { class: 'headers' },
    h('summary', {}, plural(rows.length, 'header'), ' of the request'),
    h('table', {}, h('caption', { class: 'hidden' }, 'Headers of the request'), h('tbody', {}, ...rows)),
  )
}
