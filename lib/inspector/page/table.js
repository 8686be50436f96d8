// Shows rows in a table that is updated in place: a row keeps its element, and a cell is written where it differs. Its
// roles are said, since where there is little room it is not displayed as a table.
import { h, setAttribute, setChildren, setText } from './dom.js'

/**
 * @template Row
 * @typedef {object} Column
 * @property {string} label
 * @property {(row: Row, age: number) => string} text `age` is how many milliseconds ago the row was sent
 * @property {string} [name] of its width, in the style sheet
 * @property {string} [sort] what the server calls it, where it sorts by it
 * @property {'number' | 'text' | 'code'} [kind]
 * @property {(row: Row) => string | undefined} [tone] what is unusual about it: warm, bad or quiet
 * @property {(row: Row) => string | undefined} [title] what is said of it on hovering
 * @property {(row: Row) => string} [href] makes it the link of the row
 * @property {(cell: HTMLElement, row: Row) => void} [paint] in place of `text`
 */

/**
 * @template Row
 * @typedef {object} Parts
 * @property {string} caption
 * @property {string} name
 * @property {readonly Column<Row>[]} columns
 * @property {(row: Row) => string} keyOf
 * @property {(by: string) => void} [onSort]
 */

/** @template Row */
export class Table {
  element
  #body
  #parts
  /** @type {Map<string, HTMLTableRowElement>} */
  #rows = new Map()
  /** @type {{ column: Column<Row>, head: HTMLElement }[]} */
  #heads = []
  /** @type {readonly Row[]} */
  #shown = []
  #at = Date.now()

  /** @param {Parts<Row>} parts */
  constructor(parts) {
    this.#parts = parts
    const { caption, name, columns } = parts
    const heads = columns.map((column) => this.#head(column))
    this.#body = h('tbody', { role: 'rowgroup' })
    this.element = h(
      'table',
      { class: `rows ${name}`, role: 'table' },
      h('caption', { class: 'hidden' }, caption),
      h('colgroup', {}, ...columns.map((column) => h('col', { class: classOf(column) }))),
      h('thead', { role: 'rowgroup' }, h('tr', { role: 'row' }, ...heads)),
      this.#body,
    )
    // the whole row is the link, for a pointer; text in it can be selected all the same
    this.#body.addEventListener('click', (event) => {
      const target = /** @type {Element} */ (event.target)
      if (target.closest('a, button') || getSelection()?.type === 'Range') return
      target.closest('tr')?.querySelector('a')?.click()
    })
  }

  /** @param {Column<Row>} column */
  #head(column) {
    const { label, sort } = column
    const attributes = { scope: 'col', role: 'columnheader', class: classOf(column) }
    if (!sort) return h('th', attributes, label)
    const press = () => this.#parts.onSort?.(sort)
    const head = h('th', attributes, h('button', { type: 'button', onclick: press }, label))
    this.#heads.push({ column, head })
    return head
  }

  /**
   * @param {readonly Row[]} rows
   * @param {{ sort?: string | undefined, open?: string | undefined, at?: number }} [look]
   */
  update(rows, { sort = '', open, at = Date.now() } = {}) {
    const { keyOf } = this.#parts
    for (const { column, head } of this.#heads) {
      const order = sort === column.sort ? 'ascending' : sort === `-${column.sort}` ? 'descending' : undefined
      setAttribute(head, 'aria-sort', order)
    }
    const keys = new Set(rows.map(keyOf))
    for (const key of this.#rows.keys()) if (!keys.has(key)) this.#rows.delete(key)
    this.#shown = rows
    this.#at = at
    this.#write()
    for (const [key, row] of this.#rows) {
      setAttribute(row, 'class', key === open ? 'open' : undefined)
      const link = row.querySelector('a')
      if (link) setAttribute(link, 'aria-current', key === open ? 'true' : undefined)
    }
    setChildren(
      this.#body,
      rows.map((row) => /** @type {Element} */ (this.#rows.get(keyOf(row)))),
    )
  }

  /** Writes what changes by itself: how old things are. */
  tick() {
    this.#write()
  }

  #write() {
    const age = Date.now() - this.#at
    for (const row of this.#shown) {
      const key = this.#parts.keyOf(row)
      const element = this.#rows.get(key) ?? this.#make(key)
      this.#parts.columns.forEach((column, index) => {
        const cell = /** @type {HTMLElement} */ (element.cells[index])
        writeCell(cell, column, row, age)
      })
    }
  }

  /** @param {string} key */
  #make(key) {
    const cells = this.#parts.columns.map((column) => {
      const cell = h('td', { role: 'cell', class: classOf(column), 'data-label': column.label })
      if (column.href) cell.append(h('a'))
      return cell
    })
    const row = h('tr', { role: 'row' }, ...cells)
    this.#rows.set(key, row)
    return row
  }
}

/**
 * @template Row
 * @param {HTMLElement} cell
 * @param {Column<Row>} column
 * @param {Row} row
 * @param {number} age
 */
function writeCell(cell, column, row, age) {
  setAttribute(cell, 'data-tone', column.tone?.(row))
  if (column.paint) column.paint(cell, row)
  else if (column.href) {
    const link = /** @type {HTMLElement} */ (cell.firstElementChild)
    setAttribute(link, 'href', column.href(row))
    setText(link, column.text(row, age))
  } else setText(cell, column.text(row, age))
  setAttribute(cell, 'title', column.title?.(row))
}

/**
 * @template Row
 * @param {Column<Row>} column
 */
function classOf({ name, kind = 'text' }) {
  return [kind, name && `c-${name}`].filter(Boolean).join(' ')
}
