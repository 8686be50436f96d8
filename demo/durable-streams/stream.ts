// A stream is a channel whose events are what was done to it: it was made, appended to, forked, closed. What it is at a time
// is what these add up to, in any process that reads them.
import type { Channel, Event, Hub } from '../../lib/index.js' // elsewhere: 'express-lariat'
import { offsetOf } from './headers.js'

/** What a stream was made with. */
export interface Config {
  type: string
  ttl?: number
  expiresAt?: string
  fork?: { from: string; offset?: string; sub: number }
}

export interface Producer {
  id: string
  epoch: number
  seq: number
}

/** What was done to a stream, once. */
export interface Deed {
  at: number
  config?: Config
  /** Of JSON the messages, else the bytes in base64. */
  values?: unknown[]
  bytes?: string
  producer?: Producer
  seq?: string
  closes?: boolean
  deletes?: boolean
  fork?: { name: string; lives: boolean }
}

/** A part of a stream that is read at once. */
export interface Page {
  chunks: (unknown[] | Buffer)[]
  end: number
}

const pageSize = 1 << 20

export class Stream {
  config: Config | undefined
  tail = 0
  isClosed = false
  seq = ''
  readonly producers = new Map<string, Producer>()
  readonly forks = new Set<string>()
  readonly channel: Channel<Deed>
  /** The ids of what was appended, and where each ends. */
  #appended: { id: string; end: number }[] = []
  /** What holds of what was done, and where the stream ended by then. */
  readonly #held = new Map<string, number>()
  #made = 'earliest'
  #latest = 'earliest'
  #usedAt = 0
  #isDeleted = false
  #turn: Promise<unknown> = Promise.resolve()
  #refreshed: Promise<unknown> = Promise.resolve()
  #acting = 0

  constructor(
    hub: Hub,
    readonly name: string,
  ) {
    this.channel = hub.channel<Deed>(name, { historyBytes: Number.MAX_SAFE_INTEGER })
  }

  get isJson(): boolean {
    return this.config?.type.split(';')[0] === 'application/json'
  }

  /** Whether an event stream brings it as it is; else it comes in base64. */
  get isText(): boolean {
    return this.isJson || /^text\//.test(this.config?.type ?? '')
  }

  /** Tells it from one of the same name that was there before. */
  get made(): string {
    return this.#made
  }

  get isExpired(): boolean {
    const { ttl, expiresAt } = this.config ?? {}
    if (ttl !== undefined) return Date.now() >= this.#usedAt + ttl * 1000
    return expiresAt !== undefined && Date.now() >= Date.parse(expiresAt)
  }

  /** Deleted or expired, while it has forks. */
  get isGone(): boolean {
    return this.#isDeleted || this.isExpired
  }

  get isIdle(): boolean {
    return this.#acting === 0
  }

  /** One at a time: what a request finds is so until it has done what it does. */
  alone<Result>(act: () => Promise<Result>): Promise<Result> {
    this.#acting++
    const done = this.#turn.then(act).finally(() => this.#acting--)
    this.#turn = done.catch(() => {})
    return done
  }

  /** Reads what was done meanwhile, by whichever process. */
  refresh(): Promise<void> {
    const done = this.#refreshed.then(async () => {
      for await (const event of this.channel.replay(this.#latest)) this.#take(event)
    })
    this.#refreshed = done.catch(() => {})
    return done
  }

  /** Does something, and says where the stream ends then; undefined if another process was faster, so that it does not hold. */
  async add(deed: Omit<Deed, 'at'>): Promise<number | undefined> {
    const { producer } = deed
    const key = producer && [producer.id, producer.epoch, producer.seq].join(' ')
    const id = await this.channel.publish({ at: Date.now(), ...deed }, key === undefined ? {} : { key })
    return this.endAt(id)
  }

  /** Where the stream ended when something was done; undefined if that does not hold. */
  async endAt(id: string): Promise<number | undefined> {
    if (!this.#held.has(id)) await this.refresh()
    return this.#held.get(id)
  }

  /** It is read: its time to live begins anew. */
  async touch(): Promise<void> {
    const { ttl } = this.config ?? {}
    if (ttl !== undefined && Date.now() - this.#usedAt > ttl * 50) await this.add({})
  }

  /** What follows an offset, about a MiB of it. */
  async read(offset: number, limit = this.tail): Promise<Page> {
    const page: Page = { chunks: [], end: Math.min(offset, limit) }
    if (offset >= limit) return page
    let size = 0
    for await (const { id = '', data } of this.channel.replay(this.idBefore(offset))) {
      const end = this.#held.get(id) ?? 0
      const all = contentOf(data)
      if (!all || end <= page.end) continue
      const chunk = all.slice(page.end - end + all.length, limit < end ? limit - end : undefined)
      page.chunks.push(chunk)
      page.end = Math.min(end, limit)
      size += Buffer.isBuffer(chunk) ? chunk.length : JSON.stringify(chunk).length
      if (size >= pageSize || page.end >= limit) break
    }
    return page
  }

  /** Where the append ends in which an offset is. */
  endAfter(offset: number): number {
    return this.#appended.find(({ end }) => end > offset)?.end ?? offset
  }

  /** The id after which an offset is reached. */
  idBefore(offset: number): string {
    let [low, high] = [0, this.#appended.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#appended[middle]?.end ?? 0) <= offset) low = middle + 1
      else high = middle
    }
    return this.#appended[low - 1]?.id ?? this.#made
  }

  /** What readers see of what is done after an offset, and then live. */
  feed(offset: number) {
    const isSeen = (deed: Deed) => contentOf(deed) !== undefined || deed.closes || deed.deletes
    return this.channel.filter((deed) => isSeen(deed) === true).from(this.idBefore(offset))
  }

  /** Waits until something follows an offset; not for ever. */
  async next(offset: number, patience: number, signal: AbortSignal): Promise<void> {
    const feed = this.feed(offset)[Symbol.asyncIterator]()
    let timer: NodeJS.Timeout | undefined
    const enough = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, patience)
      signal.addEventListener('abort', () => resolve())
    })
    await Promise.race([feed.next().catch(() => {}), enough])
    clearTimeout(timer)
    await feed.return?.()
  }

  /** The text of what was appended up to an end, for an event stream: from an offset on, if that is in it. */
  textOf(deed: Deed, offset: number, end: number): string {
    const all = contentOf(deed)
    if (!all) return ''
    const part = all.slice(Math.max(0, offset - end + all.length))
    return Buffer.isBuffer(part) ? part.toString(this.isText ? 'utf8' : 'base64') : JSON.stringify(part)
  }

  /** What it was made with, for HEAD. */
  times(): Record<string, string> {
    const { ttl, expiresAt } = this.config ?? {}
    return {
      ...(ttl !== undefined && { 'Stream-TTL': String(ttl) }),
      ...(expiresAt !== undefined && { 'Stream-Expires-At': expiresAt }),
    }
  }

  headers(end = this.tail): Record<string, string> {
    const isAtEnd = this.isClosed && end === this.tail
    return { 'Stream-Next-Offset': offsetOf(end), ...(isAtEnd && { 'Stream-Closed': 'true' }) }
  }

  #take({ id = '', type, data }: Event<Deed>): void {
    // another process has deleted it, and perhaps made it anew
    if (type === 'gap') return this.#forget()
    if (this.#latest === 'earliest') this.#made = id
    this.#latest = id
    if (!this.#holds(data)) return
    const { at, config, producer, seq, closes, deletes, fork } = data
    if (!fork && !deletes) this.#usedAt = at
    if (config) this.config = config
    const size = contentOf(data)?.length ?? 0
    this.tail += size
    if (size > 0) this.#appended.push({ id, end: this.tail })
    this.#held.set(id, this.tail)
    if (producer) this.producers.set(producer.id, producer)
    if (seq !== undefined) this.seq = seq
    if (closes) this.isClosed = true
    if (deletes) this.#isDeleted = true
    if (fork?.lives) this.forks.add(fork.name)
    else if (fork) this.forks.delete(fork.name)
  }

  /** Two processes may do at once what excludes each other: what is first holds, and all of them see which that is. */
  #holds(deed: Deed): boolean {
    const { config, producer, seq, closes } = deed
    if (config) return this.config === undefined
    if (contentOf(deed) === undefined && !closes) return true
    if (this.isClosed || (seq !== undefined && seq <= this.seq)) return false
    const known = producer && this.producers.get(producer.id)
    return (
      !producer || (known?.epoch === producer.epoch ? producer.seq === known.seq + 1 : producer.seq === 0)
    )
  }

  #forget(): void {
    this.config = undefined
    this.tail = 0
    this.isClosed = this.#isDeleted = false
    this.seq = ''
    this.#appended = []
    this.#latest = this.#made = 'earliest'
    this.#held.clear()
    this.producers.clear()
    this.forks.clear()
  }
}

/** The messages or the bytes of what was appended. */
function contentOf({ values, bytes }: Deed): unknown[] | Buffer | undefined {
  return values ?? (bytes === undefined ? undefined : Buffer.from(bytes, 'base64'))
}
