// Routes that break one rule each: a stream that is written by hand, and endpoints behind a middleware that spoils them.
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import express, { type RequestHandler } from 'express'
import { type Staged, type Subject, stage } from '../../lib/testing.js'
import { channelled } from './routes.js'

/** What a stream that is written by hand may do wrong. */
export type Fault =
  | 'never unsubscribes'
  | 'unsubscribes twice'
  | 'ends a failed source whole'
  | 'leaves a failed source open'
  | 'ignores Last-Event-ID'
  | 'doubles an event'
  | 'replays in another order'
  | 'forgets what comes during a replay'
  | 'ends behind a replay'
  | 'keeps HEAD open'
  | 'sends Connection: keep-alive'
  | 'buffers without bound'
  | 'waits for its slowest client'
  | 'turns the order round'
  | 'fails at an odd id'
  | 'sends what is no JSON'
  | 'streams to any method'
  | 'subscribes those that have left'

/** Server-Sent Events as one writes them by hand; without a fault, as HTTP demands. */
export async function byHand(fault?: Fault): Promise<Subject> {
  const has = (each: Fault) => each === fault
  const clients = new Set<ServerResponse>()
  const history: string[] = []
  let subscribed = 0
  let turn = 0
  const odd = new WeakSet<ServerResponse>()

  const handler: RequestHandler = async (req, res) => {
    await new Promise((resolve) => setTimeout(resolve, has('subscribes those that have left') ? 20 : 1))
    const asJson = has('sends what is no JSON')
    res.writeHead(200, {
      'Content-Type': asJson ? 'application/x-ndjson' : 'text/event-stream',
      ...(has('sends Connection: keep-alive') && { Connection: 'keep-alive' }),
    })
    if (req.method === 'HEAD') {
      if (!has('keeps HEAD open')) res.end()
      return
    }
    res.write(':\n')
    const last = req.get('Last-Event-ID')
    if (last !== undefined && !has('ignores Last-Event-ID')) {
      const missed = history.slice(Number(last) - (has('doubles an event') ? 1 : 0))
      if (has('replays in another order')) missed.reverse()
      if (has('forgets what comes during a replay')) await new Promise((resolve) => setTimeout(resolve, 20))
      for (const frame of missed) res.write(frame)
      if (has('ends behind a replay')) return void res.end()
    }
    if (res.destroyed && !has('subscribes those that have left')) return
    clients.add(res)
    subscribed += 1
    if (++turn % 2 === 0) odd.add(res)
    res.once('close', () => {
      clients.delete(res)
      if (!has('never unsubscribes')) subscribed -= has('unsubscribes twice') ? 2 : 1
    })
  }
  const app = express().set('env', 'test')
  if (has('fails at an odd id'))
    app.use((req, res, next) => {
      if (/^\d*$/.test(req.get('Last-Event-ID') ?? '')) next()
      else res.sendStatus(500)
    })
  if (has('streams to any method')) app.all('/', handler)
  else app.get('/', handler)

  return {
    at: await stage(app),
    path: '/',
    formats: [has('sends what is no JSON') ? 'application/x-ndjson' : 'text/event-stream'],
    async publish(count, size = 0) {
      const frames = Array.from({ length: count }, () => {
        const id = history.length + 1
        history.push(`id: ${id}\ndata: {"n":${id},"pad":"${'.'.repeat(size)}"}\n\n`)
        return history.at(-1) as string
      })
      for (const res of [...clients].reverse()) {
        const isRound = has('turns the order round') && odd.has(res) && count === 5
        for (const frame of isRound ? [...frames].reverse() : frames) res.write(frame)
        if (res.writableLength < 2 ** 20 || has('buffers without bound')) continue
        if (has('waits for its slowest client')) await once(res, 'drain')
        else res.destroy()
      }
    },
    fail() {
      for (const res of clients) {
        if (has('ends a failed source whole')) res.end()
        else if (!has('leaves a failed source open')) res.destroy()
      }
    },
    subscribers: () => subscribed,
  }
}

/** An endpoint behind a middleware. */
const behind = (middleware: RequestHandler, rest: Partial<Subject> = {}) =>
  channelled({}, rest, (endpoint: Staged) => express().use(middleware, endpoint as RequestHandler))

/** Fields that are taken away, as the head goes out. */
function without(
  names: readonly string[],
  when: (method: string, status: number) => boolean,
): RequestHandler {
  return ({ method }, res, next) => {
    const { writeHead } = res
    res.writeHead = (...head: unknown[]) => {
      if (when(method, res.statusCode)) for (const name of names) res.removeHeader(name)
      return writeHead.apply(res, head as never)
    }
    next()
  }
}

/** A gap is held back until there is an event. */
const gapLate: RequestHandler = (_req, res, next) => {
  const { write } = res
  let held = ''
  res.write = ((chunk: Uint8Array, ...rest: [never]) => {
    const frames = `${held}${Buffer.from(chunk)}`.split(/(?<=\n\n)/)
    const isGap = (frame: string) => frame.includes('event: gap')
    const others = frames.filter((frame) => !isGap(frame)).join('')
    held = frames.filter(isGap).join('')
    if (!others.includes('"n"')) return write.call(res, others, ...rest)
    const text = others + held
    held = ''
    return write.call(res, text, ...rest)
  }) as typeof write
  next()
}

/** Endpoints of which something is spoilt. */
export const spoilt = {
  'without a Vary': () => behind(without(['Vary'], () => true)),
  'with an OPTIONS that does not say what is allowed': () =>
    behind(without(['Allow'], (method) => method === 'OPTIONS')),
  'with a 405 that does not say what is allowed': () =>
    behind(without(['Allow'], (method, status) => method !== 'OPTIONS' && status === 405)),
  'with fields that HEAD has not': () =>
    behind(without(['X-Accel-Buffering'], (method) => method === 'HEAD')),
  'that may be stored': () => behind(without(['Cache-Control'], () => true)),
  'without heartbeats': () => channelled({ stream: { heartbeat: false } }),
  'that retains less than is said': () => channelled({}, { history: 60 }),
  'that tells a gap behind events': () => behind(gapLate),
  'that tells no gap in its head': () => behind(without(['Event-Gap'], () => true)),
} satisfies Record<string, () => Promise<Subject>>
