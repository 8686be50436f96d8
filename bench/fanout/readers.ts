import { setTimeout as sleep } from 'node:timers/promises'
import { quantile } from './statistics.js'
import { type Protocol, Stream, type Target } from './stream.js'
import { now } from './tick.js'

export interface Watching {
  readonly events: number
  /** Milliseconds until it is given up. */
  readonly within: number
}

export interface Watched {
  readonly delivered: number
  readonly complete: boolean
  /** Streams that the server closed. */
  readonly closed: number
  readonly gaps: number
  /** Milliseconds. */
  readonly p50: number
  readonly p99: number
  /** The same until the last of those that look at every event has it. */
  readonly toLast: { readonly p50: number; readonly p99: number }
  /** When the last one was complete, or it was given up: microseconds as events are stamped with. */
  readonly ended: number
  /** Part of its core that this process took. */
  readonly busy: number
}

/** Many who read at once, and what they got. */
export class Readers {
  streams: readonly Stream[] = []
  #latencies: number[] = []
  /** By number of the event, in microseconds. */
  #toLast: number[] = []
  #left = 0
  #done: () => void = () => undefined
  #watched: Promise<Watched> | undefined
  readonly #observer = {
    complete: () => {
      this.#left -= 1
      if (this.#left === 0) this.#done()
    },
    latency: (microseconds: number, number: number) => {
      this.#latencies.push(microseconds)
      this.#toLast[number] = Math.max(this.#toLast[number] ?? 0, microseconds)
    },
  }

  async open(
    targets: readonly Target[],
    inOneGo: number,
    protocol: (target: Target) => Protocol | undefined = () => undefined,
  ): Promise<void> {
    const streams: Stream[] = []
    this.streams = streams
    for (let from = 0; from < targets.length; from += inOneGo) {
      const some = targets
        .slice(from, from + inOneGo)
        .map((target) => new Stream(target, this.#observer, protocol(target)))
      streams.push(...some)
      await Promise.all(some.map(({ opened }) => opened))
    }
  }

  /** From here on events count; `watched` waits for the last of them. Each of the samples looks at every event. */
  watch({ events, within }: Watching, samples: number): void {
    const step = Math.max(1, Math.floor(this.streams.length / samples))
    for (const [at, stream] of this.streams.entries()) stream.watch(events, at % step === 0)
    this.#latencies = []
    this.#toLast = []
    this.#left = this.streams.length
    this.#watched = this.#wait(within)
  }

  async watched(): Promise<Watched> {
    if (!this.#watched) throw new Error('Nothing is being watched')
    return await this.#watched
  }

  async #wait(within: number): Promise<Watched> {
    const cpu = process.cpuUsage()
    const began = performance.now()
    const late = new AbortController()
    const given = sleep(within, undefined, { signal: late.signal }).catch(() => undefined)
    await Promise.race([given, new Promise<void>((resolve) => (this.#done = resolve))])
    const ended = now()
    late.abort()
    const took = performance.now() - began
    const { user, system } = process.cpuUsage(cpu)
    this.#latencies.sort((one, other) => one - other)
    // the first has no event: numbers begin with 1
    const toLast = this.#toLast.filter(() => true).sort((one, other) => one - other)
    return {
      delivered: this.streams.reduce((sum, { got }) => sum + got, 0),
      complete: this.#left === 0,
      closed: this.streams.filter(({ closed }) => closed).length,
      gaps: this.streams.reduce((sum, { gaps }) => sum + gaps, 0),
      p50: quantile(this.#latencies, 0.5) / 1e3,
      p99: quantile(this.#latencies, 0.99) / 1e3,
      toLast: { p50: quantile(toLast, 0.5) / 1e3, p99: quantile(toLast, 0.99) / 1e3 },
      ended,
      busy: (user + system) / 1e3 / took,
    }
  }
}
