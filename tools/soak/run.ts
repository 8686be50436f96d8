import { setMaxListeners } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { mebibytes } from '../../spec/support/bytes.js'
import { Chance } from './chance.js'
import { Ledger } from './ledger.js'
import { Memory } from './memory.js'
import { asker, browser, eventSource, follower, idler, slow, tail } from './readers.js'
import { Shop } from './shop.js'
import { curious, garbler, halfCloser, killer, pipeliner, resetter } from './vandals.js'
import { Interrupted, Visit, type Visitor } from './visit.js'
import { reckon, writer } from './writers.js'

export interface Options {
  readonly seconds: number
  readonly seed: number
  /** Where lines go. */
  readonly say: (line: string) => void
}

/** Who comes, how many of them, and for how long they rest between two visits, at most, in milliseconds. */
const crowd: readonly (readonly [name: string, count: number, rest: number, () => Visitor])[] = [
  ['EventSource, back with its id', 10, 300, eventSource],
  ['firehose, other formats', 4, 500, () => follower('/api/events/stream')],
  ['the shelf as a stream', 2, 500, () => follower('/api/books')],
  ['machine samples', 4, 500, () => follower('/api/stream')],
  ['reads slowly', 2, 500, slow],
  ['reads nothing', 3, 500, idler],
  ['writes with If-Match', 4, 400, writer],
  ['reads the shelf, conditionally', 4, 300, browser],
  ['tail of the log', 3, 500, tail],
  ['asks, answered word by word', 3, 500, asker],
  ['is refused', 3, 200, curious],
  ['resets somewhere', 3, 200, resetter],
  ['closes its half', 2, 300, halfCloser],
  ['sends garbage', 2, 200, garbler],
  ['pipelines', 2, 400, pipeliner],
  ['kills the sampler', 1, 1000, killer],
]

/** After which parts of the time the server is restarted: the last life is long enough to see whether it grows. */
const restarts = (seconds: number) => (seconds < 60 ? [0.5] : [0.15, 0.3, 0.5])
const beat = 10_000
const patience = 30_000

/** The demo under mixed load and faults; what is returned tells whether all was as it should be. */
export async function soak({ seconds, seed, say }: Options): Promise<Ledger> {
  const ledger = new Ledger((violation) => say(`✗ ${violation}`))
  const shop = new Shop(ledger)
  const memory = new Memory()
  const leaving = new AbortController()
  setMaxListeners(0, leaving.signal)
  const began = performance.now()
  await shop.start()
  const before = { ...(await shop.inside()), files: shop.files.length }
  const visitors = crowd.flatMap(([name, count, rest, make], kind) =>
    Array.from({ length: count }, (_, at) => {
      const visit = new Visit(new Chance(seed * 1e4 + kind * 100 + at), ledger, shop, leaving.signal)
      return again(visit, name, rest, make())
    }),
  )
  const told = tell()
  for (const part of restarts(seconds)) {
    await pauseUntil(part * seconds)
    memory.judge(ledger)
    await shop.restart()
  }
  await pauseUntil(seconds)
  memory.judge(ledger)
  leaving.abort()
  await Promise.all([...visitors, told])
  await finish()
  return ledger

  async function pauseUntil(second: number): Promise<void> {
    await sleep(Math.max(0, began + second * 1000 - performance.now()))
  }

  async function tell(): Promise<void> {
    while (!leaving.signal.aborted) {
      await sleep(beat, undefined, { signal: leaving.signal }).catch(() => undefined)
      const measured = await memory.measure(shop)
      const { requests, open, events, statuses, violations } = ledger
      const time = Math.round((performance.now() - began) / 1000)
      const size = measured
        ? `RSS ${mebibytes(measured.rss)} heap ${mebibytes(measured.heap)} MiB, ${measured.files} files`
        : 'server away'
      say(
        `${time} s: ${requests} requests, ${open} streams, ${events} events, ${size}, ` +
          `${JSON.stringify(statuses)}, ${violations.length} violations`,
      )
    }
  }

  /** All have left: nothing may be there that was not there before them. */
  async function finish(): Promise<void> {
    const visit = new Visit(new Chance(seed), ledger, shop, new AbortController().signal)
    await reckon(visit).catch((error) => ledger.violation(`the reckoning: ${error}`))
    const end = performance.now() + patience
    for (;;) {
      const now = await shop.inside()
      const { files } = shop
      const { body } = await visit.ask({
        path: '/api/ask/answers',
        headers: { Connection: 'close' },
        statuses: [200],
      })
      const left = {
        deadlines: now.deadlines - before.deadlines,
        sockets: now.sockets - before.sockets,
        files: Math.max(0, files.length - before.files),
        speaking: JSON.parse(body).speaking,
      }
      if (Object.values(left).every((count) => count === 0)) break
      if (performance.now() > end) {
        ledger.violation(`left over when all had gone: ${JSON.stringify(left)} of ${files.join(' ')}`)
        break
      }
      await sleep(200)
    }
    await shop.stop()
    report()
  }

  function report(): void {
    const { requests, events, gaps, acts, statuses } = ledger
    say('')
    for (const [name, count] of Object.entries(acts)) say(`${String(count).padStart(7)}  ${name}`)
    const lives = `${shop.life} lives of the server`
    say(`${requests} requests, ${events} events, ${gaps} gaps told, ${lives}, ${JSON.stringify(statuses)}`)
    for (const [kind, slopes] of Object.entries(memory.slopes)) {
      if (slopes.length > 0)
        say(`${kind}: ${slopes.map(mebibytes).join(', ')} MiB a minute in the lives that were long enough`)
    }
  }

  /** Comes again and again. */
  async function again(visit: Visit, name: string, rest: number, visitor: Visitor): Promise<void> {
    while (!leaving.signal.aborted) {
      if (shop.isUp) {
        try {
          await visitor(visit)
          ledger.act(name)
        } catch (error) {
          if (!(error instanceof Interrupted))
            ledger.violation(`${name}: ${error instanceof Error ? error.message : error}`)
        }
      }
      await visit.pause(visit.chance.between(0, rest))
    }
  }
}
