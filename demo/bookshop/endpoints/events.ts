import { jsonArray, jsonSeq, multipart, ndjson, resource, sse } from '../../../lib/index.js'
import type { Books } from '../books.js'

/** The firehose: whatever happens to the books, as it happens; who was away gets what was missed. */
export const firehose = (books: Books) =>
  resource({
    contentTypesProvided: [sse(), ndjson(), jsonSeq(), jsonArray(), multipart('application/json')],
    subscribe: books.events,
    // the three seconds of a browser are long for somebody who looks on
    stream: { retry: 1000 },
  })
