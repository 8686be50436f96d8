// Retains the latest events of a channel in memory, within its limits: count, bytes and age.
import { type Retention, retains } from './backend.js'
import { type Published, sizeOf } from './published.js'

/** How many events stand for all. */
const sampled = 20

interface Entry {
  readonly event: Published
  readonly size: number
  readonly at: number
}

export class Retained {
  readonly #history: number
  readonly #historyBytes: number
  readonly #maxAge: number
  /** Whether anything is retained at all. */
  readonly isOn: boolean
  #entries: (Entry | undefined)[] = []
  /** The index of the oldest. */
  #first = 0
  #bytes = 0

  constructor(retention: Retention) {
    const { history, historyBytes, maxAge } = retention
    this.#history = history ?? Infinity
    this.#historyBytes = historyBytes ?? Infinity
    this.#maxAge = maxAge ?? Infinity
    this.isOn = retains(retention)
  }

  /** What an event counts; nothing where bytes are not limited. */
  sizeOf(data: unknown): number {
    return this.#historyBytes === Infinity ? 0 : sizeOf(data)
  }

  /** Adds an event without trimming: past a limit until then. */
  add(event: Published, size: number, at: number): void {
    this.#entries.push({ event, size, at })
    this.#bytes += size
  }

  trim(now: number): void {
    const since = now - this.#maxAge
    for (let oldest = this.#oldest; oldest; oldest = this.#oldest) {
      if (this.count <= this.#history && this.#bytes <= this.#historyBytes && oldest.at >= since) break
      this.#bytes -= oldest.size
      this.#entries[this.#first++] = undefined
    }
    if (this.#first > 1024 && this.#first * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#first)
      this.#first = 0
    }
  }

  clear(): void {
    this.#entries = []
    this.#first = 0
    this.#bytes = 0
  }

  get count(): number {
    return this.#entries.length - this.#first
  }

  /** When the oldest was appended, by the clock. */
  get since(): number | undefined {
    return this.#oldest?.at
  }

  /**
   * The bytes of all, as `historyBytes` counts them. Where that is no limit nothing was counted: some of the latest are
   * looked at, and stand for all.
   */
  surveyBytes(): number {
    if (this.#historyBytes !== Infinity || this.count === 0) return this.#bytes
    const sample = this.page(Math.max(0, this.count - sampled), sampled)
    const bytes = sample.reduce((sum, { data }) => sum + sizeOf(data), 0)
    return Math.round((bytes / sample.length) * this.count)
  }

  /** So many events, from the given one on; the oldest is 0. */
  page(at: number, length: number): readonly Published[] {
    const start = this.#first + at
    return this.#entries.slice(start, start + length).map((each) => (each as Entry).event)
  }

  /** How many were appended before a time of the clock. */
  countBefore(time: number): number {
    const at = this.#entries.findIndex((each) => each !== undefined && each.at >= time)
    return at < 0 ? this.count : at - this.#first
  }

  /** The time of the clock at which the oldest is too old. */
  get due(): number {
    const oldest = this.#oldest
    return oldest ? oldest.at + this.#maxAge + 1 : Infinity
  }

  get #oldest(): Entry | undefined {
    return this.#entries[this.#first]
  }
}
