// Follows what one stream is sent, or what is published on one channel.
import { h, setAttribute, setText } from './dom.js'
import { Feed } from './feed.js'
import { bytes, clock, count, plural, visible } from './words.js'

/** @typedef {import('./shapes.js').TailItem} TailItem */

/** So many lines are kept. */
const most = 500

export class Tail {
  element
  #lines = h('ol')
  #box
  #state = h('p', { class: 'quiet' }, 'Connecting…')
  #pause
  #payloads
  #isPaused = false
  #isFollowing = true
  #seen = 0
  /** @type {TailItem[]} */
  #held = []
  #feed

  /**
   * @param {'stream' | 'channel'} kind
   * @param {string} id
   * @param {boolean} payloads
   */
  constructor(kind, id, payloads) {
    this.#payloads = payloads
    this.#pause = h(
      'button',
      { type: 'button', 'aria-pressed': 'false', onclick: () => this.#turn() },
      'Pause',
    )
    const whole = h(
      'button',
      {
        type: 'button',
        'aria-pressed': 'false',
        hidden: !payloads,
        onclick: () => setAttribute(whole, 'aria-pressed', String(this.#box.classList.toggle('whole'))),
      },
      'Whole data',
    )
    const clear = h('button', { type: 'button', onclick: () => this.#lines.replaceChildren() }, 'Clear')
    this.#box = h(
      'div',
      {
        class: 'tail-lines',
        tabindex: 0,
        role: 'log',
        'aria-live': 'off',
        'aria-label': 'What is sent',
        onscroll: () => this.#scrolled(),
      },
      this.#lines,
    )
    this.element = h(
      'section',
      { class: 'tail', 'aria-label': 'Tail' },
      h('div', { class: 'tail-head' }, h('h3', {}, 'Tail'), this.#state, whole, this.#pause, clear),
      this.#box,
    )
    const query = new URLSearchParams({ [kind]: id })
    this.#feed = new Feed(`tail?${query}`, { item: (data) => this.#take(data) }, (state) => {
      if (state.kind === 'live') this.#say()
      else if (state.kind === 'refused') this.#over(state.status)
      else if (state.kind === 'lost') setText(this.#state, 'Not connected. Trying again…')
    })
  }

  close() {
    this.#feed.close()
  }

  /** @param {number} status */
  #over(status) {
    if (status !== 404 && status !== 410) return setText(this.#state, `The server answers ${status}`)
    this.#feed.close()
    setText(this.#state, 'It is over, or in another process')
  }

  /** @param {{ items: readonly TailItem[], skipped?: number }} data */
  #take({ items, skipped = 0 }) {
    this.#seen += items.length + skipped
    const lines = skipped > 0 ? [skippedLine(items, skipped), ...items] : items
    if (this.#isPaused) this.#held = [...this.#held, ...lines].slice(-most)
    else this.#add(lines)
    this.#say()
    if (items.some(({ kind }) => kind === 'end')) {
      this.#feed.close()
      setText(this.#state, `${plural(this.#seen, 'message')}, then it ended`)
    }
  }

  #say() {
    if (this.#isPaused) setText(this.#state, `Paused: ${count(this.#held.length)} new`)
    else
      setText(this.#state, this.#seen === 0 ? 'Waiting for the next message…' : plural(this.#seen, 'message'))
  }

  #turn() {
    this.#isPaused = !this.#isPaused
    setAttribute(this.#pause, 'aria-pressed', String(this.#isPaused))
    if (!this.#isPaused) this.#add(this.#held.splice(0))
    this.#say()
  }

  #scrolled() {
    const { scrollHeight, scrollTop, clientHeight } = this.#box
    this.#isFollowing = scrollHeight - scrollTop - clientHeight < 24
  }

  /** @param {readonly TailItem[]} items */
  #add(items) {
    const isFollowing = this.#isFollowing
    for (const item of items) this.#join(item) || this.#lines.append(this.#line(item))
    while (this.#lines.children.length > most) this.#lines.firstElementChild?.remove()
    if (isFollowing) this.#box.scrollTop = this.#box.scrollHeight
  }

  /** Drops that follow each other are one line. @param {TailItem} item */
  #join({ kind, count: more }) {
    const last = this.#lines.lastElementChild
    if (kind !== 'dropped' || !more || last?.getAttribute('data-kind') !== 'dropped') return false
    const sum = Number(last.getAttribute('data-count')) + more
    setAttribute(last, 'data-count', sum)
    setText(/** @type {Element} */ (last.lastElementChild), plural(sum, 'event'))
    return true
  }

  /** @param {TailItem} item */
  #line({ at, kind, id, type, size, count: number, data }) {
    const words = kind === 'event' ? visible(type || 'message') : kind
    const isShown = this.#payloads && data !== undefined
    return h(
      'li',
      { 'data-kind': kind, 'data-count': number },
      h('time', { datetime: new Date(at).toISOString() }, clock(at)),
      h('span', { class: 'kind', title: words }, words),
      h('span', { class: 'id', title: visible(id) }, visible(id || (kind === 'event' ? '' : type))),
      h('span', { class: 'data' }, isShown ? visible(data) : ''),
      h('span', { class: 'number' }, number ? plural(number, 'event') : size ? bytes(size) : ''),
    )
  }
}

/**
 * In place of what came too fast.
 *
 * @param {readonly TailItem[]} items
 * @param {number} skipped
 * @returns {TailItem}
 */
function skippedLine([first], skipped) {
  const at = first?.at ?? Date.now()
  return { at, kind: 'skipped', id: null, type: null, size: 0, count: skipped }
}
