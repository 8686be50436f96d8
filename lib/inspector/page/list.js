// A view that is a list: its title, search, filters, table and pages. The server sorts, searches and cuts into pages.
import { h, setAttribute, setText } from './dom.js'
import { Pages } from './pages.js'
import { place, refine } from './place.js'
import { Table } from './table.js'
import { count, visible } from './words.js'

/** @typedef {import('./shapes.js').Snapshot} Snapshot */

/**
 * @template Row
 * @typedef {object} ListParts
 * @property {string} view
 * @property {string} title
 * @property {string} lead what the list is, in a sentence
 * @property {string} things what is counted: streams
 * @property {readonly import('./table.js').Column<Row>[]} columns
 * @property {(row: Row) => string} keyOf
 * @property {string} [sort] the order without another choice
 * @property {readonly Filter[]} filters
 * @property {(snapshot: Snapshot) => string} empty what to do where there is nothing
 */

/**
 * @typedef {object} Filter
 * @property {string} name in the query
 * @property {string} label
 * @property {readonly (readonly [value: string, label: string])[]} [options]
 * @property {'routes' | 'formats'} [from] the options are what the server says that there is
 * @property {(row: any) => string | null | undefined} [of] the options are what rows have had here so far
 */

/** @template Row */
export class List {
  element
  #parts
  #table
  #count = h('span', { class: 'count' })
  #search
  #empty = h('p')
  #clear
  #nothing
  #pages = new Pages()
  #lead
  /** @type {HTMLSelectElement | undefined} */
  #order
  /** @type {Map<Filter, HTMLSelectElement>} */
  #filters = new Map()
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #typing

  /** @param {ListParts<Row>} parts */
  constructor(parts) {
    this.#parts = parts
    const { view, title, lead, columns, keyOf } = parts
    this.#table = new Table({ caption: title, name: view, columns, keyOf, onSort: (by) => this.#sortBy(by) })
    this.#search = h('input', {
      type: 'search',
      placeholder: `Search ${parts.things}`,
      'aria-label': `Search ${parts.things}`,
      'aria-keyshortcuts': '/',
      autocomplete: 'off',
      spellcheck: 'false',
      oninput: () => {
        clearTimeout(this.#typing)
        this.#typing = setTimeout(() => refine({ q: this.#search.value }), 200)
      },
    })
    this.#lead = h('p', { class: 'lead' }, lead)
    this.#clear = h('button', { type: 'button', onclick: () => this.#showAll() }, 'Show all')
    this.#nothing = h('div', { class: 'nothing', hidden: true }, this.#empty, this.#clear)
    this.element = h(
      'div',
      { class: `list ${view}` },
      h('div', { class: 'heading' }, h('h1', { id: 'view-title' }, title, ' ', this.#count), this.#lead),
      h('form', { class: 'tools', role: 'search', onsubmit: prevent }, this.#search, ...this.#selects()),
      this.#table.element,
      this.#nothing,
      this.#pages.element,
    )
  }

  /** What is said above the list, of the whole of it. @param {Element} element */
  addSummary(element) {
    this.#lead.after(element)
  }

  #selects() {
    const selects = this.#parts.filters.map((filter) => {
      const change = () => refine({ [filter.name]: select.value })
      const select = h('select', { 'aria-label': filter.label, onchange: change })
      const all = /** @type {const} */ (['', filter.label])
      for (const option of [all, ...(filter.options ?? [])]) addOption(select, ...option)
      this.#filters.set(filter, select)
      return select
    })
    const sorted = this.#parts.columns.filter(({ sort }) => sort)
    if (sorted.length === 0) return selects
    const order = h('select', {
      class: 'order',
      'aria-label': 'Sort by',
      onchange: () => refine({ sort: order.value }),
    })
    for (const { sort = '', label, kind } of sorted)
      addOption(order, kind === 'number' ? `-${sort}` : sort, `Sort by ${label.toLowerCase()}`)
    this.#order = order
    return [...selects, order]
  }

  /** The same column again turns the order round; numbers begin with the largest. @param {string} by */
  #sortBy(by) {
    const now = place().query.sort ?? this.#parts.sort
    const kind = this.#parts.columns.find(({ sort }) => sort === by)?.kind
    const first = kind === 'number' ? `-${by}` : by
    refine({ sort: now !== first ? first : first === by ? `-${by}` : by })
  }

  #showAll() {
    refine(
      Object.fromEntries(['q', ...this.#parts.filters.map(({ name }) => name)].map((name) => [name, ''])),
    )
  }

  focusSearch() {
    this.#search.focus()
    this.#search.select()
  }

  /** @param {Snapshot} snapshot @param {number} at when it came */
  update(snapshot, at) {
    const { open, query } = place()
    const { rows, total, matched } = snapshot
    const sort = query.sort ?? this.#parts.sort
    if (document.activeElement !== this.#search) this.#search.value = query.q ?? ''
    this.#learn(snapshot)
    for (const [{ name }, select] of this.#filters) choose(select, query[name] ?? '')
    if (this.#order) choose(this.#order, sort ?? '')
    setText(this.#count, matched === total ? count(total) : `${count(matched)} of ${count(total)}`)
    this.#table.update(rows, { sort, open, at })
    this.#table.element.hidden = rows.length === 0
    this.#nothing.hidden = rows.length > 0
    const isFiltered = total > 0
    setText(this.#empty, isFiltered ? `No ${this.#parts.things} match.` : this.#parts.empty(snapshot))
    this.#clear.hidden = !isFiltered
    this.#pages.update(snapshot)
  }

  tick() {
    this.#table.tick()
  }

  /** @param {Snapshot} snapshot */
  #learn(snapshot) {
    for (const [{ from, of }, select] of this.#filters) {
      const told = [...((from && snapshot[from]) ?? []), ...(of ? snapshot.rows.map(of) : [])]
      const offered = new Set(['', ...[...select.options].map(({ value }) => value)])
      for (const value of new Set(told)) if (value && !offered.has(value)) addOption(select, value, value)
    }
  }
}

/** @param {Event} event */
function prevent(event) {
  event.preventDefault()
}

/**
 * @param {HTMLSelectElement} select
 * @param {string} value
 * @param {string} label
 */
function addOption(select, value, label) {
  select.append(h('option', { value }, visible(label)))
}

/**
 * Shows what is chosen, also where it has not been offered so far.
 *
 * @param {HTMLSelectElement} select
 * @param {string} value
 */
function choose(select, value) {
  if (![...select.options].some((each) => each.value === value)) addOption(select, value, value)
  if (select.value !== value) select.value = value
  setAttribute(select, 'data-chosen', value !== '')
}
