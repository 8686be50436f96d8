// Backpressure: follows a file, and reads no further than its client does. The console shows how far that is. For a
// slow client, the server reads ahead by the few MiB that fit into the system's buffers, and then the file waits.
// docs/guide/slow-clients.md
//
//   npx tsx demo/tail.ts [file]                                   # without one, a log of 64 MiB that it writes
//   curl -N --limit-rate 1M -o /dev/null localhost:3000           # look at both consoles
//   curl -N localhost:3000                                        # the slow one delays nobody else
import { once } from 'node:events'
import { appendFileSync, createReadStream, mkdtempSync, rmSync, watch, writeFileSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import express from 'express'
import { type LoopContext, loop, raw } from '../lib/index.js' // elsewhere: 'express-lariat'

const path = process.argv[2] ?? writeLog()

/** What is in the file, then what is appended to it. To follow one that is rotated: demo/bookshop/follow.ts. */
async function* follow({ stream, signal }: LoopContext<undefined>) {
  const watcher = watch(path, { signal })
  for (let position = 0; ; ) {
    const changed = once(watcher, 'change', { signal }) // listens before the reading, so that no change is missed
    changed.catch(() => {})
    const { size } = await stat(path)
    if (size < position) position = 0 // truncated
    for await (const piece of createReadStream(path, { start: position, highWaterMark: 2 ** 20 })) {
      position += piece.length
      console.log(`Stream ${stream.id}: ${(position / 2 ** 20).toFixed(2)} MiB are read`)
      yield piece
    }
    await changed
  }
}

const endpoint = loop({
  format: raw('text/plain; charset=utf-8'),
  subscribe: follow,
  stream: { interrupted: 'complete' }, // a log has no end to reach
  terminate: ({ kind, error }, { stream }) => console.log(`Stream ${stream.id}: ${error ?? kind}`),
})

const app = express().use(endpoint)
const server = app.listen(Number(process.env.PORT || 3000))
server.on('listening', () => {
  console.log(`${path} is at http://localhost:${(server.address() as AddressInfo).port}`)
})

const shutDown = () => Promise.all([server.close(), endpoint.close()])
process.once('SIGINT', shutDown).once('SIGTERM', shutDown)

function writeLog() {
  const log = join(mkdtempSync(join(tmpdir(), 'tail-')), 'demo.log')
  process.once('exit', () => rmSync(dirname(log), { recursive: true }))
  writeFileSync(log, 'It was a dark and stormy night, but nothing happened to it yet.\n'.repeat(2 ** 20))
  setInterval(() => appendFileSync(log, `${new Date().toISOString()} Still nothing.\n`), 1000).unref()
  return log
}
