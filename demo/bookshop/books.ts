import { createHub } from '../../lib/index.js'
import type { Book } from './book.js'

/** What happened to a book. */
export interface BookEvent {
  kind: 'created' | 'updated' | 'deleted'
  book: Book
}

/**
 * The books of the shop, wherever they are kept, and what happens to them.
 *
 * Its events are in the memory of this process, which tells of its own changes alone, even where several share
 * their books; a later version will tell of the others', too.
 */
export abstract class Books {
  readonly events = createHub().channel<BookEvent>('books', { history: 1000 })
  #position: string | undefined

  /** The id of the latest event. Whoever reads it before the books can listen from there, and misses nothing. */
  get position(): string | undefined {
    return this.#position
  }

  /** Whether the books can be reached now. */
  abstract readonly isAvailable: boolean

  /** All books, in the order of adding. */
  abstract all(): Promise<Book[]>

  abstract get(isbn: string): Promise<Book | undefined>

  /**
   * Makes a book the next one if it is still as it was seen, in one step: no other change comes between.
   *
   * @param seen what was there; undefined: nothing
   * @param next what is to be there; undefined: nothing
   * @returns false if it is not as seen any more: then nothing has happened
   */
  async change(isbn: string, seen: Book | undefined, next: Book | undefined): Promise<boolean> {
    if (!(await this.replace(isbn, seen, next))) return false
    if (!next) await this.#tell('deleted', seen)
    else await this.#tell(seen ? 'updated' : 'created', next)
    return true
  }

  /** What `change` does, untold. */
  protected abstract replace(isbn: string, seen: Book | undefined, next: Book | undefined): Promise<boolean>

  /** Lets go of what is held. */
  close(): void {}

  async #tell(kind: BookEvent['kind'], book: Book | undefined) {
    if (book) this.#position = await this.events.publish({ kind, book }, { type: kind })
  }
}
