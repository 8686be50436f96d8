import { mkdirSync } from 'node:fs'
import { STATUS_CODES } from 'node:http'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import express, { type ErrorRequestHandler } from 'express'
import { resources } from '../../lib/index.js' // elsewhere: 'express-lariat'
import { inspector } from '../../lib/inspector.js' // 'express-lariat/inspector'
import { AccessLog } from './access-log.js'
import type { Books } from './books.js'
import { BooksInMemory } from './books-in-memory.js'
import { answers, ask, oneAnswer } from './endpoints/ask.js'
import { oneBook } from './endpoints/book.js'
import { allBooks } from './endpoints/books.js'
import { echo } from './endpoints/echo.js'
import { firehose } from './endpoints/events.js'
import { index } from './endpoints/index.js'
import { shop } from './endpoints/shop.js'
import { machineSource, machineStream } from './endpoints/stream.js'
import { tail } from './endpoints/tail.js'
import { Machine, type Sampled } from './machine.js'
import { pageClient } from './page-client.js'
import { Speakers, type Speaking } from './speak.js'

export interface Options {
  books?: Books
  /** The folder of the log files. */
  logs?: string
  /** Milliseconds between two words of an echo or an answer. */
  pace?: number
  /** Milliseconds until a dead sampler is replaced. */
  restartAfter?: number
  /** The machine to sample: else one that is begun here, and closed with the rest. */
  machine?: Sampled
  /** Who speaks an answer at the moment: else those of this process. */
  speaking?: Speaking
}

const folder = (path: string) => fileURLToPath(new URL(path, import.meta.url))

/** The demo: an Express app, and how to let go of what it holds. */
export function makeApp(options: Options = {}) {
  const { books = new BooksInMemory(), logs = folder('logs'), pace = 40, restartAfter = 5000 } = options
  const ownMachine = options.machine ? undefined : new Machine(restartAfter)
  const machine = options.machine ?? ownMachine!
  mkdirSync(logs, { recursive: true })
  const log = new AccessLog(join(logs, 'access.log'))
  const [echoing, answering] = [new Speakers(), new Speakers(options.speaking)]

  const endpoint = resources(
    {
      '/': index(),
      '/api/shop': shop(books),
      '/api/books': allBooks(books),
      '/api/books/:isbn': oneBook(books),
      '/api/events/stream': firehose(books),
      '/api/stream': machineStream(machine),
      '/api/stream/source': machineSource(machine),
      '/api/tail': tail(logs),
      '/api/ask': ask(books, answering, pace),
      '/api/ask/answers': answers(answering),
      '/api/ask/answers/:id': oneAnswer(answering),
      '/api/echo': echo(echoing, pace),
    },
    // the page draws the decisions; in production nobody is told
    { trace: true },
  )

  // who has no login to show it behind shows it to this machine alone, and in production to nobody
  const inspect =
    process.env.NODE_ENV === 'production' ? undefined : inspector({ of: endpoint, hub: books.hub })
  const app = express()
  app.use(log.handler)
  app.use(endpoint)
  if (inspect) app.use('/inspector', inspect)
  app.get('/lib/client.js', pageClient())
  app.get(
    /^\/\w+\.(?:css|js|svg)$/,
    express.static(folder('page')),
    express.static(folder('../../docs/images')),
  )
  app.use(problem)

  return {
    app,
    streams: endpoint.streams,
    /** Ends the open streams, one by one over so many milliseconds. */
    async close(over = 0) {
      await Promise.all([endpoint.close({ over }), inspect?.close({ over })])
      ownMachine?.close()
      await log.close()
    },
  }
}

/** What a callback threw: told to the server's log in full, to the client in no detail. */
const problem: ErrorRequestHandler = (error, _req, res, next) => {
  console.error(error)
  if (res.headersSent) return next(error)
  const status = Number(error?.status) || 500
  res.status(status).type('application/problem+json').send({ title: STATUS_CODES[status], status })
}
