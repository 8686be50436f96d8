// Gathers what is seen of a stream or a channel, and tells it in batches: at most 4 a second, the newest of each.
import { clock, type Deadline } from '../clock.js'
import { cut } from './text.js'

/** Something that was seen. `bytes`: of a format that is not read. `skipped`: others came too fast. */
export interface Item {
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly kind: 'event' | 'gap' | 'dropped' | 'heartbeat' | 'position' | 'end' | 'bytes'
  readonly id: string | null
  readonly type: string | null
  /** Bytes: of the data, as text or JSON. */
  readonly size: number
  /** How many events were dropped. */
  readonly count?: number
  /** As text; only with `payloads`. */
  readonly data?: string
}

/** What was seen, before it is described: of what is skipped there is no more. */
export interface Seen extends Pick<Item, 'kind'> {
  readonly id?: string | undefined
  readonly type?: string | undefined
  readonly data?: unknown
  readonly count?: number
}

export interface Batch {
  readonly items: readonly Item[]
  readonly skipped: number
}

const beat = 250
const most = 50

/** The longest data that is shown, in characters. */
const longest = 2000

export class Items {
  readonly #tell: (batch: Batch) => void
  readonly #payloads: boolean
  #waiting: (Seen & { readonly at: number })[] = []
  #skipped = 0
  #toldAt = Number.NEGATIVE_INFINITY
  #next: Deadline | undefined

  constructor(tell: (batch: Batch) => void, payloads: boolean) {
    this.#tell = tell
    this.#payloads = payloads
  }

  add(seen: Seen): void {
    this.#waiting.push({ ...seen, at: clock.date() })
    if (this.#waiting.length > most) {
      this.#waiting.shift()
      this.#skipped += 1
    }
    this.#next ??= clock.after(Math.max(0, this.#toldAt + beat - clock.now()), () => this.flush())
  }

  /** Tells what waits. */
  flush(): void {
    this.stop()
    if (this.#waiting.length === 0) return
    const batch = { items: this.#waiting.map((each) => this.#itemOf(each)), skipped: this.#skipped }
    this.#waiting = []
    this.#skipped = 0
    this.#toldAt = clock.now()
    this.#tell(batch)
  }

  stop(): void {
    this.#next?.cancel()
    this.#next = undefined
  }

  #itemOf({ at, kind, id, type, data, count }: Seen & { readonly at: number }): Item {
    const text = textOf(data)
    return {
      at,
      kind,
      id: id === undefined ? null : cut(id),
      type: type === undefined ? null : cut(type),
      size: data instanceof Uint8Array ? data.byteLength : Buffer.byteLength(text),
      ...(count === undefined ? {} : { count }),
      ...(this.#payloads && data !== undefined ? { data: cut(text, longest) } : {}),
    }
  }
}

function textOf(data: unknown): string {
  if (typeof data === 'string') return data
  if (data === undefined) return ''
  // no more than is shown: a character has at most 4 bytes
  if (data instanceof Uint8Array) return Buffer.from(data.subarray(0, longest * 4)).toString()
  try {
    return JSON.stringify(data) ?? ''
  } catch {
    return 'data that is not JSON'
  }
}
