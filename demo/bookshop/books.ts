import { createHub } from '../../lib/index.js'
import type { Book } from './book.js'

/** What happened to a book; or to all of them, where nobody knows what it was. */
export type BookEvent = { kind: 'created' | 'updated' | 'deleted'; book: Book } | { kind: 'restocked' }

/**
 * The books of the shop, wherever they are kept, and what happens to them.
 *
 * Its events are in the memory of this process, which tells of its own changes alone, even where several share
 * their books; a later version will tell of the others', too.
 */
export abstract class Books {
  readonly events = createHub().channel<BookEvent>('books', { history: 1000, historyBytes: 2 ** 20 })

  /** Where the books are: in memory they are gone when the server restarts. */
  abstract readonly place: 'memory' | 'Redis'

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
    const [kind, book] = next ? ([seen ? 'updated' : 'created', next] as const) : (['deleted', seen] as const)
    if (book) await this.#tell({ kind, book })
    return true
  }

  /** Tells that anything may have happened to the books. */
  protected restocked(): Promise<void> {
    return this.#tell({ kind: 'restocked' })
  }

  /** What `change` does, untold. */
  protected abstract replace(isbn: string, seen: Book | undefined, next: Book | undefined): Promise<boolean>

  /** Lets go of what is held. */
  close(): void {}

  async #tell(event: BookEvent): Promise<void> {
    await this.events.publish(event, { type: event.kind })
  }
}
