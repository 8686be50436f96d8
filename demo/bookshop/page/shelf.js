import { list } from './books.js'
import { byId, focusOn, h } from './dom.js'
import { Editing } from './editing.js'
import { say, sayFailed } from './reach.js'

/** @typedef {import('./books.js').Book} Book */

/** The shelf: what the server has, kept up to date by the events of the firehose. */
export class Shelf {
  /** @type {Map<string, Book>} */
  #books = new Map()
  /** @type {Map<string, HTMLElement>} */
  #shown = new Map()
  /** Events that come while the shelf is loaded: they may be older than what is loaded, and then do no harm. */
  /** @type {{ kind: string, book: Book }[] | undefined} */
  #waiting
  #search = ''
  #isBusy = false
  /** The button that was pressed: the focus comes back to it, or to what is in its place. */
  /** @type {HTMLElement} */
  #pressed = byId('add')
  /** The book that was added here, and is to be shown as soon as it is there. */
  /** @type {Book | undefined} */
  #added
  #loading = new AbortController()
  #list = byId('books')
  #status = byId('shelf-count')
  #said = byId('shelf-said')
  #notice = byId('shelf-notice')
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #silence
  #editing = new Editing({
    did: (what, book) => this.#did(what, book),
    fail: (isbn, what, flaw) => this.#fail(isbn, what, flaw),
    begin: (isbn) => this.#clear(isbn),
  })

  constructor() {
    /** @type {HTMLInputElement} */
    const search = byId('search')
    search.addEventListener('input', () => {
      this.#search = search.value.trim()
      this.load()
    })
    byId('add').addEventListener('click', () => this.#alone(byId('add'), () => this.#editing.add()))
    byId('shelf-notice-read').addEventListener('click', () => {
      this.#notice.hidden = true
      focusOn(byId('shelf-title'))
    })
  }

  /** The books cannot be read, and it is tried again. */
  isAway() {
    say(this.#status, 'The books cannot be read: the server does not answer. Trying again …')
  }

  /**
   * Says what whoever looks at the shelf has to know, until it is read.
   *
   * @param {string} text
   */
  notice(text) {
    this.#notice.hidden = false
    say(byId('shelf-notice-text'), text)
  }

  /** Loads the shelf anew; a later call takes the place of an earlier one. */
  load() {
    this.#loading.abort()
    this.#loading = new AbortController()
    this.#waiting ??= []
    void this.#load(this.#loading.signal)
  }

  /**
   * Tries until the server answers.
   *
   * @param {AbortSignal} signal
   */
  async #load(signal) {
    for (;;) {
      const response = await list(this.#search, signal)
      const books = response.ok ? await response.json().catch(() => undefined) : undefined
      if (signal.aborted) return
      if (books) return this.#fill(books)
      if (response.type === 'error') this.isAway()
      else say(this.#status, 'The books cannot be read now. Trying again …')
      await new Promise((resolve) => setTimeout(resolve, 2000))
      if (signal.aborted) return
    }
  }

  /** @param {readonly Book[]} books */
  #fill(books) {
    this.#books = new Map(books.map((book) => [book.isbn, book]))
    const waiting = this.#waiting ?? []
    this.#waiting = undefined
    this.#show()
    for (const element of this.#shown.values()) say(flawIn(element), '')
    if (this.#added) {
      this.#say(`“${this.#added.title}” was added. It is not among what you search for.`)
      this.#added = undefined
    }
    for (const event of waiting) this.apply(event)
  }

  /**
   * Something has happened to a book.
   *
   * @param {{ kind: string, book: Book }} event
   */
  apply({ kind, book }) {
    if (this.#waiting) return void this.#waiting.push({ kind, book })
    // whether it is one of those that are searched for, the server knows
    if (this.#search !== '') return this.load()
    if (kind === 'deleted') this.#books.delete(book.isbn)
    else this.#books.set(book.isbn, book)
    this.#show()
    const element = this.#shown.get(book.isbn)
    element?.classList.remove('changed')
    requestAnimationFrame(() => element?.classList.add('changed'))
  }

  /** Shows each book in its place; what stays is left alone, so that nobody loses the focus. */
  #show() {
    for (const [isbn, element] of this.#shown) {
      if (this.#books.has(isbn)) continue
      const focused = document.activeElement
      const heir = focused && element.contains(focused) ? this.#heirOf(element, focused) : undefined
      if (element.contains(this.#pressed)) this.#pressed = this.#heirOf(element, this.#pressed)
      element.remove()
      this.#shown.delete(isbn)
      if (heir) focusOn(heir)
    }
    let place = this.#list.firstElementChild
    for (const book of this.#books.values()) {
      const element = this.#shown.get(book.isbn) ?? this.#make(book)
      fill(element, book)
      if (element === place) place = place.nextElementSibling
      else this.#list.insertBefore(element, place)
    }
    const count = this.#books.size === 1 ? 'One book' : `${this.#books.size} books`
    say(this.#status, this.#search === '' ? count : `${count} for “${this.#search}”`)
    this.#showAdded()
  }

  /** A new book comes last, where nobody may look: it is scrolled to, marked for a while, and announced. */
  #showAdded() {
    const element = this.#added && this.#shown.get(this.#added.isbn)
    if (!element) return
    this.#say(`“${this.#added?.title}” was added, at the end of the shelf.`)
    this.#added = undefined
    element.classList.add('added')
    element.scrollIntoView({ block: 'nearest' })
  }

  /**
   * Where the focus goes from a button of a book that is no longer there: to the same button of the next one, or else of
   * the one before, or else to the heading.
   *
   * @param {HTMLElement} element
   * @param {Element} button
   * @returns {HTMLElement}
   */
  #heirOf(element, button) {
    const all = [...this.#shown.values()]
    const place = all.indexOf(element)
    const stays = (/** @type {HTMLElement} */ each) => this.#books.has(each.dataset.isbn ?? '')
    const heir = all.slice(place + 1).find(stays) ?? all.slice(0, place).findLast(stays)
    return heir?.querySelector(`.${button.className}`) ?? byId('shelf-title')
  }

  /** @param {Book} book */
  #make({ isbn }) {
    const element = h(
      'li',
      { class: 'book', 'data-isbn': isbn },
      h('h3'),
      h('p', { class: 'author' }),
      h('p', { class: 'isbn' }),
      h(
        'div',
        { class: 'actions' },
        this.#button('edit', 'Edit', () => this.#editing.edit(isbn)),
        this.#button('delete', 'Delete', () => this.#editing.delete(isbn)),
      ),
      h('p', { class: 'flaw', role: 'alert' }),
    )
    element.addEventListener('animationend', () => element.classList.remove('added', 'changed'))
    element.style.setProperty('--hue', String((Number(isbn.slice(-6)) * 47) % 360))
    this.#shown.set(isbn, element)
    return element
  }

  /**
   * @param {string} name
   * @param {string} label
   * @param {() => Promise<void>} run
   */
  #button(name, label, run) {
    const button = h('button', { type: 'button', class: name }, label)
    button.addEventListener('click', () => this.#alone(button, run))
    return button
  }

  /**
   * Says what was done here, and shows it: also while the firehose is away.
   *
   * @param {'added' | 'saved' | 'deleted'} what
   * @param {Book} book
   */
  #did(what, book) {
    if (what === 'added') this.#added = book
    else this.#say(`“${book.title}” was ${what}.`)
    this.load()
  }

  /**
   * Says for a while what was done.
   *
   * @param {string} text
   */
  #say(text) {
    clearTimeout(this.#silence)
    say(this.#said, text)
    this.#silence = setTimeout(() => say(this.#said, ''), 8000)
  }

  /**
   * Says at a book what has failed; on top of the shelf, where the book is no longer shown.
   *
   * @param {string} isbn
   * @param {string} what
   * @param {Error} flaw
   */
  #fail(isbn, what, flaw) {
    const element = this.#shown.get(isbn)
    sayFailed(element ? flawIn(element) : this.#said, what, flaw)
  }

  /**
   * What has failed before with a book is tried again.
   *
   * @param {string} isbn
   */
  #clear(isbn) {
    const element = this.#shown.get(isbn)
    if (element) say(flawIn(element), '')
  }

  /**
   * One thing at a time: whoever clicks while another book is looked at, or asked about, is not heard.
   *
   * @param {HTMLElement} pressed
   * @param {() => Promise<void>} run
   */
  async #alone(pressed, run) {
    if (this.#isBusy) return
    this.#isBusy = true
    this.#pressed = pressed
    await run().finally(() => {
      this.#isBusy = false
    })
    // a dialog cannot give the focus back to a button that is gone
    if (document.activeElement?.matches('body, dialog *')) focusOn(this.#pressed)
  }
}

/**
 * Where it is said what has failed with a book.
 *
 * @param {HTMLElement} element
 * @returns {HTMLElement}
 */
function flawIn(element) {
  return /** @type {HTMLElement} */ (element.querySelector('.flaw'))
}

/**
 * @param {HTMLElement} element
 * @param {Book} book
 */
function fill(element, { isbn, title, author, year }) {
  const texts = {
    h3: title,
    '.author': author,
    '.isbn': `${year === undefined ? '' : `${year} · `}ISBN ${isbn}`,
  }
  for (const [selector, text] of Object.entries(texts)) {
    const part = element.querySelector(selector)
    if (part && part.textContent !== text) part.textContent = text
  }
  element.querySelector('.edit')?.setAttribute('aria-label', `Edit ${title}`)
  element.querySelector('.delete')?.setAttribute('aria-label', `Delete ${title}`)
}
