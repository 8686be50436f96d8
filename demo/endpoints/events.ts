import { event, ndjson, resource, sse } from '../../lib/index.js'
import type { BookEvent, Books } from '../books.js'

/** The firehose: whatever happens to the books, as it happens. REST first, then the loop. */
export const firehose = (books: Books) =>
  resource({
    contentTypesProvided: [sse(), ndjson()],
    subscribe: ({ send }) => {
      books.bus.on('event', send)
      return () => books.bus.off('event', send)
    },
    info: (message: BookEvent, { write }) => write(event(message, { type: message.kind })),
  })
