import { readFile } from 'node:fs/promises'
import { resource } from '../../../lib/index.js'

/** The page for a browser; for a shell, lines to paste into it. */
export const index = () =>
  resource({
    contentTypesProvided: {
      'text/plain': ({ req }) => lines(`http://${req.get('host') ?? 'localhost'}`),
      'text/html': ({ res }) => {
        res.setHeader('Content-Security-Policy', "default-src 'self'; frame-ancestors 'none'")
        return readFile(new URL('../page/index.html', import.meta.url), 'utf8')
      },
    },
    charsetsProvided: ['utf-8'],
  })

const lines = (host: string) => `express-lariat: REST first, then hold on

The books, in this format or that
  curl ${host}/api/books
  curl -H 'Accept: text/csv' ${host}/api/books
  curl '${host}/api/books?q=erlang'
  curl -i ${host}/api/books/9781937785536
  curl -i --json '{"isbn":"9780262560993","title":"The Little Schemer","author":"Daniel P. Friedman"}' ${host}/api/books
  curl -i -X DELETE ${host}/api/books/9780262560993
  curl ${host}/api/shop

What happens to the books, while it happens
  curl -N ${host}/api/events/stream
  curl -N -H 'Accept: application/x-ndjson' ${host}/api/events/stream
  curl -N -H 'Last-Event-ID: earliest' ${host}/api/events/stream

This machine, by a process that you may kill
  curl -N ${host}/api/stream
  curl -i -X DELETE ${host}/api/stream/source

The access log, as it is written
  curl -N '${host}/api/tail?file=access.log'
  curl -N '${host}/api/tail?file=access.log&last=10'

A question, its answer streamed word by word, and a text that comes back so
  curl -N -H 'Content-Type: text/plain' -H 'Accept: text/plain' -d 'Which books are about Erlang?' ${host}/api/ask
  curl -N -H 'Content-Type: text/plain' -d 'Hold on to the rope' ${host}/api/echo
`
