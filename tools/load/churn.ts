import { setTimeout as sleep } from 'node:timers/promises'
import { mostStreams } from '../../bench/fanout/limit.js'
import { quantile } from '../../bench/fanout/statistics.js'
import { Stream } from '../../bench/fanout/stream.js'
import { kinds } from './kinds.js'
import { sourceOf } from './sources.js'

export interface Churning {
  readonly port: number
  /** New connections a second, whether or not those before are answered. */
  readonly rate: number
  readonly seconds: number
}

export interface Churned {
  /** How many were due, and how many of them began: the rest would have been more than may be open at once. */
  readonly due: number
  readonly begun: number
  readonly answered: number
  /** Left before they had an answer, as was meant. */
  readonly early: number
  /** What went wrong, by kind. */
  readonly failed: Readonly<Record<string, number>>
  /** Events that came while they were there. */
  readonly events: number
  readonly gaps: number
  readonly mostOpen: number
  /** Milliseconds from when a connection was due to its head. */
  readonly p50: number
  readonly p99: number
  readonly seconds: number
  /** Part of its core that this process took. */
  readonly busy: number
}

const beat = 5
/**
 * Fewer than may wait to be accepted, since what the kernel drops there is tried again for half a minute; and the
 * server needs as many files.
 */
const mostOpen = Math.min(3000, Math.floor(mostStreams() / 3))
/** What an answer may take, in milliseconds: only what never comes is without one. */
const patience = 30_000

/** Connects and disconnects on a fixed grid: most by a reset after the head, some by a FIN, some before the head. */
export async function churn({ port, rate, seconds }: Churning): Promise<Churned> {
  const crowd = new Crowd(port)
  const cpu = process.cpuUsage()
  const began = performance.now()
  const due = Math.round(rate * seconds)
  for (let next = 0; next < due; ) {
    const now = performance.now() - began
    const upTo = Math.min(due, Math.floor((now / 1000) * rate) + 1)
    for (; next < upTo; next++) crowd.come(next, began + (next / rate) * 1000)
    await sleep(beat)
  }
  await crowd.gone(patience)
  const took = performance.now() - began
  const { user, system } = process.cpuUsage(cpu)
  return { due, ...crowd.outcome(), seconds: took / 1000, busy: (user + system) / 1e3 / took }
}

class Crowd {
  readonly #port: number
  readonly #open = new Set<Stream>()
  readonly #latencies: number[] = []
  readonly #failed: Record<string, number> = {}
  #begun = 0
  #early = 0
  #events = 0
  #gaps = 0
  #most = 0
  readonly #observer = {
    complete: () => undefined,
    latency: () => {
      this.#events += 1
    },
  }

  constructor(port: number) {
    this.#port = port
  }

  come(number: number, due: number): void {
    if (this.#open.size >= mostOpen) return
    this.#begun += 1
    const stream = new Stream({ port: this.#port, ...kinds.shared, from: sourceOf(number) }, this.#observer)
    stream.watch(Infinity, true, -1)
    this.#open.add(stream)
    this.#most = Math.max(this.#most, this.#open.size)
    if (number % 10 === 0) this.#leaveEarly(stream, number)
    else this.#leaveAfterHead(stream, number, due)
    void stream.ended.then(() => this.#open.delete(stream))
  }

  async gone(within: number): Promise<void> {
    const end = performance.now() + within
    while (this.#open.size > 0 && performance.now() < end) await sleep(20)
    for (const stream of this.#open) {
      this.#fail('no answer')
      stream.close()
    }
  }

  outcome() {
    const latencies = this.#latencies.sort((one, other) => one - other)
    return {
      begun: this.#begun,
      answered: latencies.length,
      early: this.#early,
      failed: this.#failed,
      events: this.#events,
      gaps: this.#gaps,
      mostOpen: this.#most,
      p50: quantile(latencies, 0.5),
      p99: quantile(latencies, 0.99),
    }
  }

  /** At about the time at which its head would be on the way. */
  #leaveEarly(stream: Stream, number: number): void {
    this.#early += 1
    stream.opened.catch(() => undefined)
    setTimeout(() => stream.close(), (number / 10) % 5)
  }

  #leaveAfterHead(stream: Stream, number: number, due: number): void {
    stream.opened.then(
      () => {
        this.#latencies.push(performance.now() - due)
        // some are there for an event or two, others are not
        setTimeout(() => this.#leave(stream, number % 10 === 1), (number * 7) % 100)
      },
      (error) => this.#fail(String(error)),
    )
  }

  #leave(stream: Stream, byFin: boolean): void {
    if (stream.closed) this.#fail('ended by the server')
    this.#gaps += stream.gaps
    if (byFin) stream.end()
    else stream.close()
  }

  #fail(what: string): void {
    this.#failed[what] = (this.#failed[what] ?? 0) + 1
  }
}
