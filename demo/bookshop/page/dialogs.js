import { flawOf } from './books.js'
import { byId, h } from './dom.js'

/** @typedef {import('./books.js').Book} Book */

/**
 * A form for a book. It stays open as long as what was sent has a flaw that can be mended there.
 *
 * @param {{ title: string, book: Partial<Book>, isNew: boolean, flaw?: string | undefined }} given
 * @param {(book: Book) => Promise<Response>} send
 * @returns {Promise<{ book: Book, response: Response } | undefined>} what was sent, and its answer: a success, or a 412;
 *   undefined if the form was left
 */
export function editBook({ title, book, isNew, flaw = '' }, send) {
  /** @type {HTMLDialogElement} */
  const dialog = byId('book-dialog')
  /** @type {HTMLFormElement} */
  const form = byId('book-form')
  /** @type {HTMLButtonElement} */
  const save = byId('save')
  byId('book-dialog-title').textContent = title
  byId('book-flaw').textContent = flaw
  for (const name of ['isbn', 'title', 'author', 'year']) {
    input(form, name).value = String(book[/** @type {keyof Book} */ (name)] ?? '')
  }
  input(form, 'isbn').readOnly = !isNew
  save.disabled = false
  let isLeft = false
  return new Promise((resolve) => {
    form.onsubmit = async (event) => {
      event.preventDefault()
      if (save.disabled) return
      save.disabled = true
      const mine = bookOf(form)
      const response = await send(mine)
      save.disabled = false
      // it was left meanwhile: what has become of it is seen on the shelf
      if (isLeft || !dialog.open) return
      if (!response.ok && response.status !== 412) {
        byId('book-flaw').textContent = await flawOf(response)
        return
      }
      resolve({ book: mine, response })
      dialog.close()
    }
    byId('cancel').onclick = () => dialog.close()
    dialog.onclose = () => {
      isLeft = true
      resolve(undefined)
    }
    dialog.showModal()
    input(form, isNew ? 'isbn' : 'title').focus()
  })
}

/**
 * What the form says, as it is written: what is wrong with it the server knows.
 *
 * @param {HTMLFormElement} form
 * @returns {Book}
 */
function bookOf(form) {
  const [isbn, title, author, year] = ['isbn', 'title', 'author', 'year'].map((name) =>
    input(form, name).value.trim(),
  )
  const numeric = /^\d+$/.test(year ?? '') ? Number(year) : year
  return /** @type {Book} */ ({ isbn, title, author, ...(year === '' ? {} : { year: numeric }) })
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
 * Asks to choose, beside the versions of a book that it is about.
 *
 * @param {object} question
 * @param {string} question.title
 * @param {string} question.lede
 * @param {readonly { label: string, book: Book }[]} question.versions
 * @param {readonly { value: string, label: string, look?: 'danger' | 'safe' }[]} question.choices the safe one has the
 *   focus; else the first
 * @returns {Promise<string>} the value that was chosen; empty for none
 */
export function ask({ title, lede, versions, choices }) {
  /** @type {HTMLDialogElement} */
  const dialog = byId('conflict-dialog')
  byId('conflict-title').textContent = title
  byId('conflict-lede').textContent = lede
  byId('versions').replaceChildren(
    ...versions.map(({ label, book }) =>
      h('section', {}, h('h3', {}, label), h('p', {}, book.title), h('p', {}, `${book.author}${year(book)}`)),
    ),
  )
  byId('conflict-choices').replaceChildren(
    ...choices.map(({ value, label, look = 'primary' }, index) =>
      h(
        'button',
        {
          type: 'button',
          class: index === 0 && look,
          autofocus: look === 'safe',
          onclick: () => dialog.close(value),
        },
        label,
      ),
    ),
  )
  dialog.returnValue = ''
  dialog.showModal()
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => resolve(dialog.returnValue), { once: true })
  })
}

/** @param {Book} book */
function year(book) {
  return book.year === undefined ? '' : `, ${book.year}`
}
