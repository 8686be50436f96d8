import { event, jsonArray, jsonSeq, multipart, ndjson, resource, sse } from '../../../lib/index.js'
import type { Books } from '../books.js'

const asEvents = sse()

/** The firehose: whatever happens to the books, as it happens; who was away gets what was missed. */
export const firehose = (books: Books) =>
  resource({
    contentTypesProvided: [asEvents, ndjson(), jsonSeq(), jsonArray(), multipart('application/json')],
    subscribe: ({ send, negotiated }) => {
      // a page cannot see the head of its EventSource, nor which of several processes it has come to
      if (books.place === 'Redis' && negotiated.format === asEvents) send(thisProcess)
      return books.events
    },
    // the three seconds of a browser are long for somebody who looks on
    stream: { retry: 1000 },
  })

const thisProcess = event({ pid: process.pid }, { type: 'process' })
