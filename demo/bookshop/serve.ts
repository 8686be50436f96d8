import cluster from 'node:cluster'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { makeApp } from './app.js'
import { BooksInMemory } from './books-in-memory.js'
import { BooksInRedis } from './books-in-redis.js'
import { MachineOfPrimary } from './machine-of-primary.js'
import { shown } from './shown.js'
import { SpeakingInRedis } from './speaking-in-redis.js'

/** Serves the demo from this process: the only one, or one of several behind one port. */
export async function serve(): Promise<void> {
  // whoever reaches it may kill its source and read its log: nobody but this machine, unless HOST says so
  const { HOST = '127.0.0.1', LOGS, PORT, REDIS_URL } = process.env

  const books = REDIS_URL ? await inRedis(REDIS_URL) : new BooksInMemory()
  const { app, close } = makeApp({
    books,
    ...(books instanceof BooksInRedis && { speaking: new SpeakingInRedis(books.redis) }),
    ...(cluster.isWorker && { machine: await MachineOfPrimary.join() }),
    ...(LOGS && { logs: LOGS }),
  })
  const server = createServer(app)

  server.on('error', async (error) => {
    console.error(error.message)
    process.exitCode = 1
    await close()
    await end()
  })

  server.listen(Number(PORT || 3000), HOST, () => {
    if (cluster.isWorker) return // the primary says it, once
    console.log(`The books are in ${REDIS_URL ? `Redis at ${shown(REDIS_URL)}` : 'memory'}`)
    console.log(`The demo is at http://localhost:${(server.address() as AddressInfo).port}`)
  })

  let isEnding = false
  process.once('SIGINT', shutDown).once('SIGTERM', shutDown)

  /** Takes no new connections, ends the open streams, and cuts what is left. */
  async function shutDown() {
    if (isEnding) return // Ctrl-C goes to all processes, and the primary ends each as well
    isEnding = true
    server.close(end)
    await close(500)
    setTimeout(() => server.closeAllConnections(), 500).unref()
  }

  async function end() {
    await books.close()
    cluster.worker?.disconnect()
  }
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
