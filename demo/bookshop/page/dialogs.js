import { Flaw, flawOf } from './books.js'
import { byId, h } from './dom.js'
import { say, sayFailed } from './reach.js'

/** @typedef {import('./books.js').Book} Book */

const fields = /** @type {const} */ (['isbn', 'title', 'author', 'year'])

/**
 * A form for a book. It stays open as long as what was sent has a flaw that can be mended there.
 *
 * @param {{ title: string, book: Partial<Book>, isNew: boolean, flaw?: Error | undefined }} given
 * @param {(book: Book) => Promise<Response>} send
 * @returns {Promise<{ book: Book, response: Response } | undefined>} what was sent, and its answer: a success, or a 412;
 *   undefined if the form was left
 */
export function editBook({ title, book, isNew, flaw }, send) {
  /** @type {HTMLDialogElement} */
  const dialog = byId('book-dialog')
  /** @type {HTMLFormElement} */
  const form = byId('book-form')
  byId('book-dialog-title').textContent = title
  for (const name of fields) {
    const field = input(form, name)
    field.value = String(book[name] ?? '')
    field.oninput = () => showFlaw(field, '')
  }
  input(form, 'isbn').readOnly = !isNew
  let isSending = false
  let isLeft = false
  return new Promise((resolve) => {
    form.onsubmit = async (event) => {
      event.preventDefault()
      if (isSending) return
      isSending = true
      const mine = bookOf(form)
      const response = await send(mine)
      isSending = false
      // it was left meanwhile: what has become of it is seen on the shelf
      if (isLeft || !dialog.open) return
      if (!response.ok && response.status !== 412) return showFlaws(form, await flawOf(response))
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
    showFlaws(form, flaw)
  })
}

/**
 * Says what is wrong: of a field at the field, the first of which gets the focus; else above the buttons.
 *
 * @param {HTMLFormElement} form
 * @param {Error | undefined} flaw
 */
function showFlaws(form, flaw) {
  const texts = flaw instanceof Flaw ? flaw.fields : {}
  for (const name of fields) showFlaw(input(form, name), texts[name] ?? '')
  const first = fields.find((name) => texts[name])
  if (first) input(form, first).focus()
  const rest = byId('book-flaw')
  if (flaw && !first) sayFailed(rest, 'Not saved', flaw)
  else say(rest, '')
}

/**
 * @param {HTMLInputElement} field
 * @param {string} text
 */
function showFlaw(field, text) {
  say(byId(`${field.name}-flaw`), text)
  field.setAttribute('aria-invalid', String(text !== ''))
}

/**
 * What the form says, as it is written: what is wrong with it the server knows.
 *
 * @param {HTMLFormElement} form
 * @returns {Book}
 */
function bookOf(form) {
  const [isbn, title, author, year] = fields.map((name) => input(form, name).value.trim())
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
 * @param {Choice} question.safe what changes nothing on the shelf: the first button of every dialog, on the left
 * @param {readonly Choice[]} question.others the last one is the main one
 * @returns {Promise<string>} the value that was chosen; empty for none
 *
 * @typedef {{ value: string, label: string, look?: 'danger' | 'primary', hasFocus?: boolean }} Choice
 */
export function ask({ title, lede, versions, safe, others }) {
  /** @type {HTMLDialogElement} */
  const dialog = byId('conflict-dialog')
  byId('conflict-title').textContent = title
  byId('conflict-lede').textContent = lede
  byId('versions').replaceChildren(
    ...versions.map(({ label, book }) =>
      h('section', {}, h('h3', {}, label), h('p', {}, book.title), h('p', {}, `${book.author}${year(book)}`)),
    ),
  )
  const hasFocus = others.find((each) => each.hasFocus) ?? safe
  byId('conflict-choices').replaceChildren(
    ...[safe, ...others].map((choice) =>
      h(
        'button',
        {
          type: 'button',
          class: choice.look,
          autofocus: choice === hasFocus,
          onclick: () => dialog.close(choice.value),
        },
        choice.label,
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
