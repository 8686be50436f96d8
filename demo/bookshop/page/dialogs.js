import { byId, h } from './dom.js'

/** @typedef {import('./books.js').Book} Book */

/**
 * A form for a book. It stays open as long as what was saved has a flaw.
 *
 * @param {{ title: string, book: Partial<Book>, isNew: boolean }} given
 * @param {(book: Book) => Promise<string | undefined>} save resolves to what is wrong, if anything is
 */
export function editBook({ title, book, isNew }, save) {
  /** @type {HTMLDialogElement} */
  const dialog = byId('book-dialog')
  /** @type {HTMLFormElement} */
  const form = byId('book-form')
  const flaw = byId('book-flaw')
  byId('book-dialog-title').textContent = title
  flaw.textContent = ''
  for (const name of ['isbn', 'title', 'author', 'year']) {
    input(form, name).value = String(book[/** @type {keyof Book} */ (name)] ?? '')
  }
  input(form, 'isbn').readOnly = !isNew
  form.onsubmit = async (event) => {
    event.preventDefault()
    try {
      const wrong = await save(bookOf(form))
      if (wrong === undefined) dialog.close()
      else flaw.textContent = wrong
    } catch {
      flaw.textContent = 'The shop does not answer: try again.'
    }
  }
  /** @type {HTMLButtonElement} */
  const cancel = /** @type {HTMLButtonElement} */ (form.querySelector('.cancel'))
  cancel.onclick = () => dialog.close()
  dialog.showModal()
  input(form, isNew ? 'isbn' : 'title').focus()
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
 * @param {readonly { value: string, label: string }[]} question.choices
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
    ...choices.map(({ value, label }, index) =>
      h(
        'button',
        { type: 'button', class: index === 0 && 'primary', onclick: () => dialog.close(value) },
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
