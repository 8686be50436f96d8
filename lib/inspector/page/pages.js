// Leads from one page of a list to the next: the server cuts it into pages of 50 rows.
import { byId, h, setAttribute, setText } from './dom.js'
import { hrefOf, place } from './place.js'
import { count } from './words.js'

export class Pages {
  element
  #previous = h('a', { rel: 'prev', onclick: toTop }, 'Previous')
  #next = h('a', { rel: 'next', onclick: toTop }, 'Next')
  #range = h('span')

  constructor() {
    const label = { class: 'pages', 'aria-label': 'Pages', hidden: true }
    this.element = h('nav', label, this.#previous, this.#range, this.#next)
  }

  /** @param {import('./shapes.js').Snapshot} snapshot */
  update({ page, pages, matched, rows }) {
    this.element.hidden = pages <= 1
    const first = (page - 1) * 50 + 1
    setText(this.#range, `${count(first)}–${count(first + rows.length - 1)} of ${count(matched)}`)
    const { view, open, query } = place()
    for (const [link, to] of /** @type {const} */ ([
      [this.#previous, page - 1],
      [this.#next, page + 1],
    ])) {
      const isThere = to >= 1 && to <= pages
      const href = hrefOf({ view: view || 'overview', open, query: { ...query, page: String(to) } })
      setAttribute(link, 'href', isThere && href)
      setAttribute(link, 'aria-disabled', isThere ? undefined : 'true')
    }
  }
}

function toTop() {
  byId('view').scrollTop = 0
  scrollTo(0, 0)
}
