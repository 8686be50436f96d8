import { create, flawOf, list, read, remove, replace } from './books.js'
import { ask, editBook } from './dialogs.js'
import { byId, h } from './dom.js'

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
  #loading = new AbortController()
  #list = byId('books')
  #status = byId('shelf-count')

  constructor() {
    /** @type {HTMLInputElement} */
    const search = byId('search')
    search.addEventListener('input', () => {
      this.#search = search.value.trim()
      this.load()
    })
    byId('add').addEventListener('click', () => this.#alone(() => this.#write(undefined, {})))
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
      this.#status.textContent = 'The books cannot be read now. Trying again …'
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
      if (element.contains(document.activeElement)) byId('search').focus()
      element.remove()
      this.#shown.delete(isbn)
    }
    let place = this.#list.firstElementChild
    for (const book of this.#books.values()) {
      const element = this.#shown.get(book.isbn) ?? this.#make(book)
      fill(element, book)
      if (element === place) place = place.nextElementSibling
      else this.#list.insertBefore(element, place)
    }
    const count = this.#books.size === 1 ? 'One book' : `${this.#books.size} books`
    this.#status.textContent = this.#search === '' ? count : `${count} for “${this.#search}”`
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
        h(
          'button',
          { type: 'button', class: 'edit', onclick: () => this.#alone(() => this.#edit(isbn)) },
          'Edit',
        ),
        h(
          'button',
          { type: 'button', class: 'delete', onclick: () => this.#alone(() => this.#delete(isbn)) },
          'Delete',
        ),
      ),
    )
    element.style.setProperty('--hue', String((Number(isbn.slice(-6)) * 47) % 360))
    this.#shown.set(isbn, element)
    return element
  }

  /**
   * Opens a book as it is now; saves it if it still is so then.
   *
   * @param {string} isbn
   */
  async #edit(isbn) {
    const seen = await this.#open(isbn)
    if (seen) await this.#write(seen, seen.book)
  }

  /**
   * Adds a book, or replaces it if it is still as it was seen.
   *
   * @param {Seen | undefined} seen what the server has; undefined: nothing
   * @param {Partial<Book>} draft what the form begins with
   * @param {string} [flaw] what was wrong with it
   */
  async #write(seen, draft, flaw) {
    const sent = await editBook(
      { title: seen ? 'Edit the book' : 'Add a book', book: draft, isNew: !seen, flaw },
      (book) => (seen ? replace(seen.book.isbn, seen.etag, book) : create(book)),
    )
    if (sent?.response.status === 412) await this.#resolve(sent.book, seen)
  }

  /**
   * Somebody has changed the book since it was opened: which of the two is it to be?
   *
   * @param {Book} mine
   * @param {Seen | undefined} seen what it was opened as
   * @returns {Promise<void>}
   */
  async #resolve(mine, seen) {
    const now = await read(mine.isbn)
    if (!now.ok && now.status !== 404) return this.#write(seen, mine, await flawOf(now))
    const theirs = now.ok ? await seenIn(now) : undefined
    const choice = await ask({
      title: '412: somebody was faster',
      lede: theirs
        ? 'The book was changed after you opened it. Your version is not saved yet.'
        : 'The book was deleted after you opened it. Your version is not saved.',
      versions: [
        { label: 'Yours', book: mine },
        ...(theirs ? [{ label: 'On the shelf now', book: theirs.book }] : []),
      ],
      choices: theirs
        ? [
            { value: 'mine', label: 'Save mine' },
            { value: 'merge', label: 'Edit again' },
            { value: 'theirs', label: 'Leave theirs' },
          ]
        : [
            { value: 'mine', label: 'Add it again' },
            { value: 'theirs', label: 'Leave it deleted' },
          ],
    })
    if (choice === 'merge') return this.#write(theirs, mine)
    if (choice !== 'mine') return
    const response = await (theirs ? replace(mine.isbn, theirs.etag, mine) : create(mine))
    // changed, or added, by somebody else once more
    if (response.status === 412 || response.status === 409) return this.#resolve(mine, theirs)
    if (!response.ok) return this.#write(theirs, mine, await flawOf(response))
  }

  /**
   * @param {string} isbn
   * @param {'again'} [again] it was changed since it was asked for
   */
  async #delete(isbn, again) {
    const seen = await this.#open(isbn)
    if (!seen) return
    const choice = await ask({
      title: again ? '412: somebody was faster' : 'Delete this book?',
      lede: again ? 'It was changed after you looked at it. Delete it all the same?' : '',
      versions: [{ label: again ? 'On the shelf now' : 'The book', book: seen.book }],
      choices: [
        { value: 'delete', label: 'Delete it', look: 'danger' },
        { value: 'keep', label: 'Keep it', look: 'safe' },
      ],
    })
    if (choice !== 'delete') return
    const response = await remove(isbn, seen.etag)
    if (response.status === 412) await this.#delete(isbn, 'again')
    else if (!response.ok) this.#status.textContent = await flawOf(response)
  }

  /**
   * The book as it is now; undefined, and said so, where it cannot be read.
   *
   * @param {string} isbn
   * @returns {Promise<Seen | undefined>}
   */
  async #open(isbn) {
    const response = await read(isbn)
    if (response.ok) return seenIn(response)
    this.#status.textContent = await flawOf(response)
    return undefined
  }

  /**
   * One thing at a time: whoever clicks while another book is looked at, or asked about, is not heard.
   *
   * @param {() => Promise<void>} run
   */
  async #alone(run) {
    if (this.#isBusy) return
    this.#isBusy = true
    await run().finally(() => {
      this.#isBusy = false
    })
  }
}

/**
 * A book as it was seen, with its etag.
 *
 * @typedef {{ book: Book, etag: string }} Seen
 * @param {Response} response
 * @returns {Promise<Seen>}
 */
async function seenIn(response) {
  return { book: await response.json(), etag: response.headers.get('ETag') ?? '' }
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
