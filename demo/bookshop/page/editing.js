import { create, flawOf, read, remove, replace } from './books.js'
import { ask, editBook } from './dialogs.js'

/** @typedef {import('./books.js').Book} Book */

/**
 * What is told of it.
 *
 * @typedef {object} Shelf
 * @property {(what: 'added' | 'saved' | 'deleted', book: Book) => void} did
 * @property {(isbn: string, what: string, flaw: Error) => void} fail
 * @property {(isbn: string) => void} begin something is done with a book, and nothing has failed yet
 */

/** Adds, edits and deletes books, and asks where somebody else was first. */
export class Editing {
  #shelf

  /** @param {Shelf} shelf */
  constructor(shelf) {
    this.#shelf = shelf
  }

  add() {
    return this.#write(undefined, {})
  }

  /**
   * Opens a book as it is now; saves it if it still is so then.
   *
   * @param {string} isbn
   */
  async edit(isbn) {
    const seen = await this.#open(isbn, 'Not opened')
    if (seen) await this.#write(seen, seen.book)
  }

  /**
   * Adds a book, or replaces it if it is still as it was seen.
   *
   * @param {Seen | undefined} seen what the server has; undefined: nothing
   * @param {Partial<Book>} draft what the form begins with
   * @param {Error} [flaw] what was wrong with it
   */
  async #write(seen, draft, flaw) {
    const sent = await editBook(
      { title: seen ? 'Edit the book' : 'Add a book', book: draft, isNew: !seen, flaw },
      (book) => (seen ? replace(seen.book.isbn, seen.etag, book) : create(book)),
    )
    if (sent?.response.status === 412) await this.#resolve(sent.book, seen)
    else if (sent) this.#shelf.did(seen ? 'saved' : 'added', await sent.response.json())
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
      title: 'Someone saved first (412)',
      lede: theirs
        ? 'The book was changed after you opened it. Your version is not saved yet.'
        : 'The book was deleted after you opened it. Your version is not saved.',
      versions: [
        { label: 'Yours', book: mine },
        ...(theirs ? [{ label: 'On the shelf now', book: theirs.book }] : []),
      ],
      ...(theirs
        ? {
            safe: { value: 'theirs', label: 'Keep theirs' },
            others: [
              // nothing of either version is lost by it
              { value: 'merge', label: 'Edit again', hasFocus: true },
              { value: 'mine', label: 'Save mine', look: 'primary' },
            ],
          }
        : {
            safe: { value: 'theirs', label: 'Leave it deleted' },
            others: [{ value: 'mine', label: 'Add it again', look: 'primary' }],
          }),
    })
    if (choice === 'merge') return this.#write(theirs, mine)
    if (choice !== 'mine') return
    const response = await (theirs ? replace(mine.isbn, theirs.etag, mine) : create(mine))
    // changed, or added, by somebody else once more
    if (response.status === 412 || response.status === 409) return this.#resolve(mine, theirs)
    if (!response.ok) return this.#write(theirs, mine, await flawOf(response))
    this.#shelf.did(theirs ? 'saved' : 'added', mine)
  }

  /**
   * @param {string} isbn
   * @param {'again'} [again] it was changed since it was asked for
   */
  async delete(isbn, again) {
    const seen = await this.#open(isbn, 'Not deleted')
    if (!seen) return
    const choice = await ask({
      title: again ? 'Someone saved first (412)' : 'Delete this book?',
      lede: again ? 'It was changed after you looked at it. Delete it all the same?' : '',
      versions: [{ label: again ? 'On the shelf now' : 'The book', book: seen.book }],
      safe: { value: 'keep', label: 'Keep it' },
      others: [{ value: 'delete', label: 'Delete it', look: 'danger' }],
    })
    if (choice !== 'delete') return
    const response = await remove(isbn, seen.etag)
    if (response.status === 412) await this.delete(isbn, 'again')
    else if (response.ok) this.#shelf.did('deleted', seen.book)
    else this.#shelf.fail(isbn, 'Not deleted', await flawOf(response))
  }

  /**
   * The book as it is now; undefined, and said so, where it cannot be read.
   *
   * @param {string} isbn
   * @param {string} what what has failed then
   * @returns {Promise<Seen | undefined>}
   */
  async #open(isbn, what) {
    this.#shelf.begin(isbn)
    const response = await read(isbn)
    if (response.ok) return seenIn(response)
    this.#shelf.fail(isbn, what, await flawOf(response))
    return undefined
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
