// A CI job's log, while it is written and afterwards. The file is the store: the id of an event is the place in bytes behind
// its line, so that a client goes on where it was, also after a restart of this server. An unknown job is a 404, a running
// one is followed, the log of a finished one ends complete; it is cut where the writer has died, or this server stops.
//
//   npx tsx demo/log.ts [folder]                                             # default: jobs in the system's /tmp
//   sh demo/log/job.sh /tmp/jobs/42 sh -c 'for n in $(seq 99); do echo $n; sleep 1; done' &
//   curl -N localhost:3000/jobs/42                                           # text, live; a browser gets a page
//   curl -N -H 'Accept: text/event-stream' localhost:3000/jobs/42            # events with ids
//   curl -N -H 'Last-Event-ID: 18' localhost:3000/jobs/42                    # from byte 18 on
//   until curl -N -C - -o 42.log localhost:3000/jobs/42; do sleep 1; done    # goes on with 42.log until it is whole
//   curl -I localhost:3000/jobs/42                                           # Job-State: running, finished or died
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import express, { type Request } from 'express'
import { loop, raw, resource, sse, stop } from '../lib/index.js' // elsewhere: 'express-lariat'
import { Jobs } from './log/jobs.js'

const folder = process.argv[2] ?? join(tmpdir(), 'jobs')
const jobs = new Jobs(folder)
const page = readFileSync(new URL('log/page.html', import.meta.url), 'utf8')

/** Of `bytes=123-`, as `curl -C -` asks. A server may ignore any other range. */
const rangeOf = ({ method, headers: { range = '' } }: Request) =>
  method === 'GET' ? /^bytes=(\d+)-$/.exec(range)?.[1] : undefined

function find({ req }: { req: Request }) {
  const id = String(req.params.id)
  const size = jobs.sizeOf(id)
  if (size === undefined) return stop(404, { detail: `There is no job ${id}.` })
  return { id, size, job: jobs.stateOf(id) }
}

const text = raw('text/plain; charset=utf-8')
const lines = sse({ serialize: (line) => `${line}`.replace(/\r?\n$/, '') })
// by the events `end` and `failed` a page knows that it need not come back
const stream = { retry: 1000, endEvent: true, errorEvent: true }

const whole = resource({
  init: find,
  contentTypesProvided: { 'text/plain': text, 'text/event-stream': lines, 'text/html': () => page },
  headers: ({ state: { job } }) => ({ 'Job-State': job, 'Accept-Ranges': 'bytes' }),
  subscribe: ({ state: { id, size }, lastEventId = '0', signal }) => {
    const from = Number(lastEventId)
    return from <= size ? jobs.follow(id, from, signal) : stop(400, { detail: `The log has ${size} bytes.` })
  },
  stream,
})

const rest = loop({
  init: (context) => {
    const found = find(context)
    if (!('size' in found)) return found
    const from = Number(rangeOf(context.req))
    const isThere = from < found.size || (from === found.size && found.job !== 'finished')
    return isThere ? { ...found, from } : stop(416, { headers: { 'Content-Range': `bytes */${found.size}` } })
  },
  format: text,
  status: 206,
  headers: ({ state: { from, size, job } }) => ({
    // of a log that grows: the last byte is far ahead, the size not known (RFC 8673)
    'Content-Range': `bytes ${from}-${job === 'finished' ? `${size - 1}/${size}` : `${Number.MAX_SAFE_INTEGER}/*`}`,
  }),
  subscribe: ({ state: { id, from }, signal }) => jobs.follow(id, from, signal),
  stream,
})

const app = express().all('/jobs/:id', (req, res, next) => (rangeOf(req) ? rest : whole)(req, res, next))
const server = app.listen(Number(process.env.PORT || 3000))
server.on('listening', () => {
  console.log(
    `The logs of ${folder} are at http://localhost:${(server.address() as AddressInfo).port}/jobs/…`,
  )
})

const shutDown = () => Promise.all([server.close(), whole.close(), rest.close()])
process.once('SIGINT', shutDown).once('SIGTERM', shutDown)
