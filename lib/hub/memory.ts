// Keeps channels in the memory of the process: the default backend.
import { randomBytes } from 'node:crypto'
import { is } from '../brand.js'
import { clock } from '../clock.js'
import type { Backend, Log, Reading, Receiver, Retention } from './backend.js'
import { Gap } from './gap.js'
import { Published } from './published.js'

/** Channels that live and die with the process: nothing is lost while it runs. */
export function memory(): Backend {
  return {
    [is]: 'backend',
    open: (_name, retention) => new History(retention),
    on: () => {},
    close: () => {},
  }
}

/** The most events that a reading holds at once. */
const pageLength = 1000

interface Retained {
  readonly event: Published
  readonly size: number
  readonly at: number
}

/** The latest events of a channel, bounded by count, bytes and age. */
class History implements Log {
  /** Tells ids of this log from those of another, and of another life of the process. */
  readonly #epoch = randomBytes(5).toString('hex')
  readonly #retention: Required<Retention>
  readonly #retains: boolean
  #retained: (Retained | undefined)[] = []
  /** Where in `retained` the oldest event is. */
  #first = 0
  #bytes = 0
  /** The number of the latest event. */
  #number = 0
  #receiver: Receiver | undefined
  readonly isImmediate = true

  constructor(retention: Retention) {
    this.#retention = retention
    this.#retains = Object.values(retention).some((limit) => limit !== undefined) && retention.history !== 0
  }

  publish(data: unknown, type: string | undefined, check: (event: Published) => void): string {
    const number = this.#number + 1
    const event = new Published(this.#id(number), data, type)
    check(event)
    const size = this.#retention.historyBytes === undefined ? 0 : sizeOf(data)
    // the check runs code of the user's, which may itself have published
    if (this.#number >= number) return this.publish(data, type, check)
    this.#number = number
    if (this.#retains) {
      this.#retained.push({ event, size, at: clock.now() })
      this.#bytes += size
      this.#trim()
    }
    this.#receiver?.event(event)
    return event.id
  }

  listen(receiver: Receiver): () => void {
    this.#receiver = receiver
    return () => {
      if (this.#receiver === receiver) this.#receiver = undefined
    }
  }

  read(after: string): Reading {
    this.#trim()
    const oldest = this.#oldest
    const number = after === 'earliest' ? oldest - 1 : this.#numberOf(after)
    if (number === undefined) return this.#reading('unknown', oldest)
    return number < oldest - 1 ? this.#reading('trimmed', oldest) : this.#reading('found', number + 1)
  }

  compare(one: string, other: string): number {
    return (this.#numberOf(one) ?? 0) - (this.#numberOf(other) ?? 0)
  }

  get latest(): string | undefined {
    return this.#retains ? this.#id(this.#number) : undefined
  }

  #reading(outcome: Reading['outcome'], from: number): Reading {
    const last = this.#number
    const events = this.#from(this.#page(from, last), from, last)
    return { outcome, from: this.#id(Math.min(from, last)), events }
  }

  /**
   * Reads as the client takes events, a page at a time: a slow client keeps no more than a page alive, and is told of
   * what was trimmed meanwhile.
   */
  *#from(
    firstPage: readonly Published[],
    first: number,
    last: number,
  ): Generator<Published | Gap, void, undefined> {
    yield* firstPage
    for (let number = first + firstPage.length; number <= last; ) {
      // the history goes on while this waits: it is looked at anew after each yield
      const oldest = Math.min(this.#oldest, last + 1)
      if (number < oldest) {
        const gap = new Gap(this.#id(number - 1), this.#id(Math.min(oldest, this.#number)), 'trimmed')
        number = oldest
        yield gap
        continue
      }
      const page = this.#page(number, last)
      number += page.length
      yield* page
    }
  }

  #page(first: number, last: number): readonly Published[] {
    const at = this.#first + first - this.#oldest
    const length = Math.min(last - first + 1, pageLength)
    return this.#retained.slice(at, at + length).map((each) => (each as Retained).event)
  }

  /** The number of the oldest retained event, or, where none is retained, of the next one. */
  get #oldest(): number {
    return this.#number - this.#count + 1
  }

  get #count(): number {
    return this.#retained.length - this.#first
  }

  #id(number: number): string {
    return `${this.#epoch}-${number}`
  }

  /** The number in an id of this log; undefined for any other. */
  #numberOf(id: string): number | undefined {
    const [epoch, digits = '', ...more] = id.split('-')
    if (epoch !== this.#epoch || more.length > 0 || !/^(?:0|[1-9]\d{0,15})$/.test(digits)) return undefined
    const number = Number(digits)
    return number <= this.#number ? number : undefined
  }

  #trim(): void {
    const { history = Infinity, historyBytes = Infinity, maxAge = Infinity } = this.#retention
    const since = clock.now() - maxAge
    for (let oldest = this.#retained[this.#first]; oldest; oldest = this.#retained[this.#first]) {
      if (this.#count <= history && this.#bytes <= historyBytes && oldest.at >= since) break
      this.#bytes -= oldest.size
      this.#retained[this.#first++] = undefined
    }
    if (this.#first > 1024 && this.#first * 2 > this.#retained.length) {
      this.#retained = this.#retained.slice(this.#first)
      this.#first = 0
    }
  }
}

/** The bytes of data: its own for bytes and text, else those of its JSON text. */
function sizeOf(data: unknown): number {
  if (typeof data === 'string') return Buffer.byteLength(data)
  if (data instanceof Uint8Array) return data.length
  return Buffer.byteLength(JSON.stringify(data) ?? '')
}
