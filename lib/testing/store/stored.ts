// Keeps the events of several processes in memory, as a store beside them does, and loses them as one may.
import { clock } from '../../clock.js'
import type { Meta, Retention } from '../../hub/backend.js'
import { sizeOf } from '../../hub/published.js'

export interface Entry {
  readonly number: number
  readonly id: string
  readonly data: unknown
  readonly type: string | undefined
  readonly size: number
  readonly at: number
}

/** Who is told of what happens to a log at once. */
export interface Watcher {
  appended(entry: Entry): void
  ended(): void
  /** The log has lost its tail, or all of it. */
  rewound(): void
}

/** How far somebody has got in a log, and how often the log had lost its tail by then. */
export interface Place {
  readonly id: string
  readonly epoch: string
  readonly number: number
  readonly losses: number
}

let epochs = 0
const maxKeys = 1000
const maxKeyAge = 120_000

/** What several processes share: a log for each name, in one order for all of them. */
export class Store {
  readonly #logs = new Map<string, StoredLog>()

  open(name: string): StoredLog {
    let log = this.#logs.get(name)
    if (!log) {
      log = new StoredLog()
      this.#logs.set(name, log)
    }
    return log
  }

  /** Forgets all there is, as a store that was restarted without its disk. */
  empty(): void {
    for (const log of this.#logs.values()) log.reset()
  }

  /** Each log loses its latest events, so many, and its end. */
  rollBack(count: number): void {
    for (const log of this.#logs.values()) log.rollBack(count)
  }

  /** What is called brings all logs back to what they are now, as a store that starts again from an older copy. */
  copy(): () => void {
    const copies = [...this.#logs.values()].map((log) => log.copy())
    return () => {
      for (const restore of copies) restore()
    }
  }
}

export class StoredLog {
  readonly watchers = new Set<Watcher>()
  #epoch = ''
  #entries: Entry[] = []
  #bytes = 0
  /** The number that was written anew first, for each time that the tail was lost: a part of the ids since. */
  #losses: number[] = []
  readonly #keys = new Map<string, Entry>()
  #touched = 0
  /** The number of the latest entry. */
  latest = 0
  hasEnded = false

  constructor() {
    this.#begin()
  }

  /** The entry, or undefined if the log has ended. */
  append(data: unknown, { type, key }: Meta, retention: Retention): Entry | undefined {
    this.#forgetKeys()
    const known = key === undefined ? undefined : this.#keys.get(key)
    if (known || this.hasEnded) return known
    const number = ++this.latest
    const entry = { number, id: this.id(number), data, type, size: sizeOf(data), at: clock.now() }
    this.#entries.push(entry)
    this.#bytes += entry.size
    this.trim(retention)
    this.touch()
    if (key !== undefined) this.#keys.set(key, entry)
    this.#forgetKeys()
    for (const watcher of this.watchers) watcher.appended(entry)
    return entry
  }

  end(): void {
    if (this.hasEnded) return
    this.hasEnded = true
    for (const watcher of this.watchers) watcher.ended()
  }

  reset(): void {
    this.#begin()
    for (const watcher of this.watchers) watcher.rewound()
  }

  copy(): () => void {
    const { latest, hasEnded } = this
    const epoch = this.#epoch
    const entries = [...this.#entries]
    const keys = [...this.#keys]
    return () => {
      if (epoch !== this.#epoch) return this.reset()
      this.#rewind(latest, hasEnded, entries, keys)
    }
  }

  rollBack(count: number): void {
    const latest = Math.max(0, this.latest - count)
    const isLeft = ({ number }: Entry) => number <= latest
    const keys = [...this.#keys].filter(([, entry]) => isLeft(entry))
    this.#rewind(latest, false, this.#entries.filter(isLeft), keys)
  }

  #rewind(latest: number, hasEnded: boolean, entries: Entry[], keys: Iterable<[string, Entry]>): void {
    this.latest = latest
    this.hasEnded = hasEnded
    this.#losses.push(latest + 1)
    this.#entries = entries
    this.#bytes = entries.reduce((sum, { size }) => sum + size, 0)
    this.#keys.clear()
    for (const [key, entry] of keys) this.#keys.set(key, entry)
    for (const watcher of this.watchers) watcher.rewound()
  }

  /** Applies the limits of who publishes. */
  trim({ history, historyBytes, maxAge }: Retention): void {
    const retains = (history ?? historyBytes ?? maxAge) !== undefined
    this.#trim(retains ? (history ?? Infinity) : 0, historyBytes ?? Infinity, maxAge ?? Infinity)
  }

  /** What is too old goes at its time, whoever looks. */
  age({ maxAge = Infinity, idle = Infinity }: Retention): void {
    const isIdle = this.watchers.size === 0 && clock.now() - this.#touched >= idle
    this.#trim(isIdle ? 0 : Infinity, Infinity, maxAge)
  }

  touch(): void {
    this.#touched = clock.now()
  }

  /** What is retained, oldest first. */
  get entries(): readonly Entry[] {
    return this.#entries
  }

  /** The number of the oldest retained entry; if there is none, of the next. */
  get oldest(): number {
    return this.#entries[0]?.number ?? this.latest + 1
  }

  entry(number: number): Entry | undefined {
    return this.#entries[number - this.oldest]
  }

  id(number: number): string {
    return `${this.#epoch}:${this.#losses.filter((first) => first <= number).length}:${number}`
  }

  numberOf(id: string): number | undefined {
    const [, digits] = /^\w+:\d+:(0|[1-9]\d{0,9})$/.exec(id) ?? []
    const number = Number(digits)
    return number <= this.latest && this.id(number) === id ? number : undefined
  }

  place(number: number): Place {
    return { id: this.id(number), epoch: this.#epoch, number, losses: this.#losses.length }
  }

  /** The number up to which a place is still true; undefined if it is one of another life. */
  still({ epoch, number, losses }: Place): number | undefined {
    if (epoch !== this.#epoch) return undefined
    return Math.min(number, ...this.#losses.slice(losses).map((first) => first - 1))
  }

  #begin(): void {
    this.#epoch = `epoch${++epochs}`
    this.#entries = []
    this.#bytes = 0
    this.#losses = []
    this.#keys.clear()
    this.latest = 0
    this.hasEnded = false
  }

  #trim(history: number, historyBytes: number, maxAge: number): void {
    const since = clock.now() - maxAge
    for (let [oldest] = this.#entries; oldest; [oldest] = this.#entries) {
      if (this.#entries.length <= history && this.#bytes <= historyBytes && oldest.at >= since) return
      this.#bytes -= oldest.size
      this.#entries.shift()
    }
  }

  #forgetKeys(): void {
    for (const [key, { at }] of this.#keys) {
      if (this.#keys.size <= maxKeys && clock.now() - at < maxKeyAge) return
      this.#keys.delete(key)
    }
  }
}
