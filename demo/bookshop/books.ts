import type { Channel, Hub } from '../../lib/index.js'
import type { Book } from './book.js'

/** What happened to a book; or to all of them, where nobody knows what it was. */
export type BookEvent = { kind: 'created' | 'updated' | 'deleted'; book: Book } | { kind: 'restocked' }

/** The books of the shop, wherever they are kept, and what happens to them. */
export abstract class Books {
  /** What has happened, in the order in which it did: one order for all processes that share the books. */
  readonly events: Channel<BookEvent>
  readonly hub: Hub

  /** Where the books are: in memory they are gone when the server restarts, in Redis other processes share them. */
  abstract readonly place: 'memory' | 'Redis'

  /** Whether the books can be reached now. */
  abstract readonly isAvailable: boolean

  constructor(hub: Hub) {
    this.hub = hub
    this.events = hub.channel('books', { history: 1000, historyBytes: 2 ** 20 })
  }

  /** All books, in the order of adding. */
  abstract all(): Promise<Book[]>

  abstract get(isbn: string): Promise<Book | undefined>

  /**
   * Makes a book the next one if it is still as it was seen, in one step: no other change comes between. Then it is told.
   *
   * @param seen what was there; undefined: nothing
   * @param next what is to be there; undefined: nothing
   * @returns false if it is not as seen any more: then nothing has happened
   */
  abstract change(isbn: string, seen: Book | undefined, next: Book | undefined): Promise<boolean>

  /** Lets go of what is held. */
  async close(): Promise<void> {
    await this.hub.close()
  }
}

/** What has happened where something has become something else; undefined: there is and was nothing. */
export function eventOf(seen: Book | undefined, next: Book | undefined): BookEvent | undefined {
  if (next) return { kind: seen ? 'updated' : 'created', book: next }
  return seen && { kind: 'deleted', book: seen }
}
