import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { makeApp } from './app.js'
import { BooksInMemory } from './books-in-memory.js'
import { BooksInRedis } from './books-in-redis.js'

// whoever reaches it may kill its source and read its log: nobody but this machine, unless HOST says so
const { HOST = '127.0.0.1', LOGS, PORT, REDIS_URL } = process.env

const books = REDIS_URL ? await inRedis(REDIS_URL) : new BooksInMemory()
const { app, close } = makeApp({ books, ...(LOGS && { logs: LOGS }) })
const server = createServer(app)

server.on('error', (error) => {
  console.error(error.message)
  process.exitCode = 1
  books.close()
  void close()
})

server.listen(Number(PORT || 3000), HOST, () => {
  console.log(`The books are in ${REDIS_URL ? `Redis at ${shown(REDIS_URL)}` : 'memory'}`)
  console.log(`The demo is at http://localhost:${(server.address() as AddressInfo).port}`)
})

process.once('SIGINT', shutDown).once('SIGTERM', shutDown)

/** Takes no new connections, ends the open streams, and cuts what is left. */
async function shutDown() {
  server.close(() => books.close())
  await close(500)
  setTimeout(() => server.closeAllConnections(), 500).unref()
}

async function inRedis(url: string): Promise<BooksInRedis> {
  try {
    return await BooksInRedis.open(url)
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException
    // a name of several addresses, none of which answers, has no message
    console.error(`Redis cannot be reached at ${shown(url)}: ${message || code}`)
    process.exit(1)
  }
}

/** A URL without its password. */
function shown(url: string): string {
  return url.replace(/^(\w+:\/\/).*@/, '$1')
}
