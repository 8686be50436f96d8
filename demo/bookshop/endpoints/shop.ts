import { resource } from '../../../lib/index.js'
import type { Books } from '../books.js'

/**
 * Where the books are, so that a client can tell what a restart of the server has done to them; and which process answers,
 * for there may be several.
 */
export const shop = (books: Books) =>
  resource({
    contentTypesProvided: { 'application/json': () => ({ books: books.place, process: process.pid }) },
  })
