import { resource } from '../../../lib/index.js'

/** What there is, as lines to paste into a shell. */
export const index = resource({
  contentTypesProvided: {
    'text/plain': ({ req }) => lines(`http://${req.get('host') ?? 'localhost'}`),
  },
})

const lines = (host: string) => `express-lariat: REST first, then hold on

The library
  curl ${host}/api/books
  curl -H 'Accept: text/csv' ${host}/api/books
  curl -i ${host}/api/books/9781937785536
  curl -i --json '{"isbn":"9780262560993","title":"The Little Schemer","author":"Daniel P. Friedman"}' ${host}/api/books
  curl -i -X DELETE ${host}/api/books/9780262560993

What happens to the books, while it happens
  curl -N ${host}/api/events/stream
  curl -N -H 'Accept: application/x-ndjson' ${host}/api/events/stream
  curl -N -H 'Last-Event-ID: earliest' ${host}/api/events/stream

This machine, by a process that you may kill
  curl -N ${host}/api/stream

The access log, as it is written
  curl -N '${host}/api/tail?file=access.log'

A text, word by word
  curl -N -H 'Content-Type: text/plain' -d 'Hold on to the rope' ${host}/api/echo
`
