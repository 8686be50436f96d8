// Makes the views while somebody looks: one at most 4 times a second, less often where it takes long, once for all who look
// at the same, and only told where something has changed.
import { clock, type Deadline } from '../clock.js'
import { report } from '../errors.js'
import { safely } from '../guard.js'
import type { Query } from './query.js'

/** Milliseconds between two makings of a view, at least. */
const beat = 250

/** A making takes at most this share of the time: requests must not wait for it. */
const share = 0.01

/** Milliseconds between two makings, at most. */
const slowest = 5000

/** A view: what it shows now, as JSON. What changes with time alone is in `now`. */
export interface Made {
  readonly now: number
  readonly about: object
  readonly rows: object
}

interface Look {
  readonly query: Query
  readonly lookers: Set<(text: string) => void>
  /** The last that was told, without its time. */
  last: string
  text: string
  /** Milliseconds that the last making took. */
  took: number
  next: Deadline | undefined
}

export class Looking {
  readonly #make: (query: Query) => Made
  readonly #looks = new Map<string, Look>()

  constructor(make: (query: Query) => Made) {
    this.#make = make
  }

  /** A view as it is now. */
  now(query: Query): string {
    const { now, about, rows } = this.#make(query)
    return textOf(now, JSON.stringify({ about, ...rows }))
  }

  /** Tells a view now, and again whenever it has changed. Returns a function that ends it. */
  attach(query: Query, tell: (text: string) => void): () => void {
    const key = JSON.stringify(query)
    let look = this.#looks.get(key)
    if (!look) {
      look = { query, lookers: new Set(), last: '', text: '', took: 0, next: undefined }
      this.#looks.set(key, look)
      this.#remake(look)
      this.#wait(look)
    }
    const { lookers, text } = look
    lookers.add(tell)
    tell(text)
    return () => {
      lookers.delete(tell)
      if (lookers.size > 0) return
      look.next?.cancel()
      this.#looks.delete(key)
    }
  }

  /** Whether it has changed. */
  #remake(look: Look): boolean {
    const began = performance.now()
    const { now, about, rows } = this.#make(look.query)
    const text = JSON.stringify({ about, ...rows })
    look.took = performance.now() - began
    if (text === look.last) return false
    look.last = text
    look.text = textOf(now, text)
    return true
  }

  #tell(look: Look): void {
    if (this.#remake(look)) for (const tell of [...look.lookers]) tell(look.text)
  }

  #wait(look: Look): void {
    let took = 0
    for (const each of this.#looks.values()) took += each.took
    look.next = clock.after(Math.min(slowest, Math.max(beat, Math.ceil(took / share))), () => {
      // a failure here, of code of the app such as its `trust proxy`, would end the process
      safely(
        () => this.#tell(look),
        (error) => report('Making a view of the inspector failed', error),
      )
      if (look.lookers.size > 0) this.#wait(look)
    })
  }
}

/** A view as JSON, with its time. */
function textOf(now: number, text: string): string {
  return text.replace('{"about":{', () => `{"about":{"now":${now},`)
}
