// A channel's log in Redis: publishes, listens, reads, ends.
import type { Log, Meta, Reading, Receiver, Retention, Where } from '../hub/backend.js'
import { retains } from '../hub/backend.js'
import { Gap } from '../hub/gap.js'
import { Published, sizeOf } from '../hub/published.js'
import type { Retained } from '../values/inside.js'
import { Follower, placeBefore } from './follower.js'
import type { Followers } from './followers.js'
import { type Page, pageOf } from './page.js'
import { payloadOf } from './payload.js'
import { compare, idOf, type Keys, type Place, placeOf } from './place.js'
import { newEpoch, Publisher, type Publishers } from './publisher.js'
import { scripts } from './scripts.js'
import { Sharing } from './sharing.js'
import type { Store } from './store.js'

/** What the logs of a backend have in common. */
export interface Shared {
  readonly store: Store
  readonly followers: Followers
  readonly publishers: Publishers
  readonly isCluster: boolean
  readonly patience: number
  readonly poll: number
  readonly replicas: number
}

/** How much a page holds at most. */
const pages = {
  first: { events: 64, bytes: 262_144 },
  next: { events: 512, bytes: 1_048_576 },
} as const

/** Milliseconds after which a log without `idle` is told that somebody listens: well within the time that it is known. */
const keepAlive = 600_000

/** What a script is asked to read: its arguments from the fifth on. */
type From = readonly [
  mode: 'after' | 'earliest' | 'last' | 'since' | 'now',
  one?: string,
  two?: string,
  three?: string,
]

export class RedisLog implements Log {
  readonly #name: string
  readonly #keys: Keys
  readonly #limits: string
  readonly #idle: number
  readonly #shared: Shared
  readonly #publisher: Publisher
  readonly #sharing = new Sharing<Page>()
  /** The epoch of the log, as last seen. */
  #epoch = ''
  #hasWarned = false
  /** It was told that it has ended: another one of its name is no matter of it. */
  #isOver = false
  readonly isImmediate = false
  /** The store is asked. */
  readonly latest = undefined
  readonly isEmpty = true

  constructor(name: string, keys: Keys, retention: Retention, shared: Shared) {
    this.#name = name
    this.#keys = keys
    this.#limits = limitsOf(retention)
    this.#idle = retention.idle ?? Infinity
    this.#shared = shared
    const { store, publishers, isCluster, patience, replicas } = shared
    const told = (epoch: string, limits: string) => {
      this.#epoch = epoch
      if (limits !== '') this.#warn(limits)
    }
    this.#publisher = new Publisher(store, publishers, {
      name,
      keys,
      limits: this.#limits,
      isSharded: isCluster,
      replicas,
      patience,
      isOver: () => this.#isOver,
      told,
    })
  }

  async publish(data: unknown, { type, key }: Meta, check: (event: Published) => void): Promise<string> {
    const payload = payloadOf(data)
    // its id is made by the store
    check(new Published('0', data, type))
    return this.#publisher.publish({ payload, type, key, size: sizeOf(data) })
  }

  async listen(receiver: Receiver): Promise<() => void> {
    const { store, followers, poll } = this.#shared
    const often = Math.min(poll, Math.max(20, this.#idle / 3))
    const read = (cursor: Place, isRetained: () => boolean) =>
      this.#page(after(cursor), { ...pages.next, listens: true, isRetained })
    const follower = new Follower(
      {
        event: (event) => receiver.event(event),
        gap: (gap) => receiver.gap(gap),
        end: () => {
          this.#isOver = true
          receiver.end()
        },
      },
      this.#keys,
      { poll: often, keep: this.#idle === Infinity ? keepAlive : often },
      read,
    )
    try {
      await store.using((link) => followers.add(follower, link))
      follower.begin(await this.#page(['now'], { ...pages.first, listens: true }))
      followers.begun(follower)
    } catch (error) {
      followers.remove(follower)
      followers.refused(error, this.#name)
      throw error
    }
    return () => {
      follower.stop()
      followers.remove(follower)
      // what is idle is so from now on
      if (this.#idle !== Infinity) this.#page(['now'], { ...pages.first, listens: true }).catch(() => {})
    }
  }

  async read(where: Where): Promise<Reading> {
    const first = await this.#page(fromOf(where), pages.first)
    const { outcome, top, before, hasEnded, entries } = first
    return {
      outcome,
      from: idOf(entries[0] ? entries[0].place : top),
      before: idOf(before),
      hasEnded,
      events: this.#events(first),
    }
  }

  /** Reads a page at a time, as the client takes events, up to the latest event there was at first. */
  async *#events(first: Page): AsyncGenerator<Published | Gap> {
    const last = first.top.number
    let place = first.before
    for (let page = first; ; ) {
      for (const entry of page.entries) {
        if (entry.place.number !== place.number + 1) {
          const before = placeBefore(entry)
          yield new Gap(idOf(place), idOf(entry.place), 'trimmed', idOf(before))
        }
        place = entry.place
        yield entry.event
      }
      const isWhole = place.number >= last && place.epoch === first.top.epoch
      if (page.entries.length === 0 && !isWhole && place.number < page.top.number) {
        // somebody has removed the latest
        const top = idOf(page.top)
        yield new Gap(idOf(place), top, 'trimmed', top)
      }
      if (page.entries.length === 0 || isWhole) return
      page = await this.#page(after(place), pages.next)
      if (page.outcome === 'found') continue
      const from = page.entries[0]?.place ?? page.top
      yield new Gap(idOf(place), idOf(from), page.outcome, idOf(page.before))
      place = page.before
    }
  }

  /** How many bytes a stream takes in the store depends on the store. */
  async retained(): Promise<Retained> {
    const { entries, top } = await this.#page(['earliest'], { events: 1, bytes: 1 })
    const oldest = entries[0]?.place
    if (!oldest) return { events: 0, bytes: undefined, first: undefined, last: idOf(top), since: undefined }
    const events = top.number - oldest.number + 1
    return { events, bytes: undefined, first: idOf(oldest), last: idOf(top), since: oldest.ms }
  }

  appendedAt(id: string): number | undefined {
    return placeOf(id)?.ms
  }

  async position(): Promise<string> {
    return idOf((await this.#page(['now'], pages.first)).top)
  }

  async end(): Promise<void> {
    // what was published before comes before it, and what is published after it is refused
    await this.#publisher.inLine(async () => {
      await this.#finish('end')
      this.#isOver = true
    })
  }

  async drop(): Promise<void> {
    this.#isOver = true
    await this.#finish('drop')
  }

  async #finish(how: 'end' | 'drop'): Promise<void> {
    const args = [newEpoch(), this.#limits, ...this.#channel, how, newEpoch()]
    await this.#shared.store.ask({
      script: scripts.finish,
      keys: [this.#keys.meta, this.#keys.log],
      args,
      isWrite: true,
    })
  }

  /** Ids of a life that is over come before all others. */
  compare(one: string, other: string): number {
    const [a, b] = [placeOf(one), placeOf(other)]
    if (!a || !b) return (a ? 1 : 0) - (b ? 1 : 0)
    if (a.epoch === b.epoch) return compare(a, b)
    return (a.epoch === this.#epoch ? 1 : 0) - (b.epoch === this.#epoch ? 1 : 0)
  }

  // ---- asking

  /** Those that only read share an answer with all that ask the same. */
  #page(from: From, asking: Asking): Promise<Page> {
    const ask = () => this.#ask(from, asking)
    return asking.listens ? ask() : this.#sharing.ask(from.join(' '), ask)
  }

  async #ask(
    [mode, one = '', two = '', three = '']: From,
    { events, bytes, listens = false, isRetained = () => true }: Asking,
  ): Promise<Page> {
    const args = () => [
      ...[newEpoch(), this.#limits, ...this.#channel],
      ...[mode, one, two, three, isRetained() ? '' : '1', ''],
      ...[String(events), String(bytes), listens ? '1' : ''],
    ]
    const { store, followers } = this.#shared
    const keys = [this.#keys.meta, this.#keys.log]
    const answer = await store.ask({ script: scripts.read, keys, args }).catch((error) => {
      followers.refused(error, this.#name)
      throw error
    })
    const page = pageOf(answer)
    this.#epoch = page.top.epoch
    if (page.limits !== '') this.#warn(page.limits)
    return page
  }

  get #channel(): readonly [string, string] {
    return [this.#keys.channel, this.#shared.isCluster ? '1' : '']
  }

  #warn(limits: string): void {
    if (this.#hasWarned || this.#limits === '' || limits === this.#limits) return
    this.#hasWarned = true
    const both = `here ${named(this.#limits)}, there ${named(limits)}`
    const remedy = 'Those of who publishes last hold: declare it with the same everywhere'
    const what = `Channel '${this.#name}' has other limits in another process, or had them before a restart`
    process.emitWarning(`${what}: ${both}. ${remedy}`, { type: 'LariatWarning' })
  }
}

interface Asking {
  readonly events: number
  readonly bytes: number
  readonly listens?: boolean
  /** Asked at each attempt. */
  readonly isRetained?: () => boolean
}

const after = ({ epoch, ms, number }: Place): From => ['after', epoch, String(ms), String(number)]

/** An id of another form is none of this log, as one of another epoch. */
function fromOf(where: Where): From {
  if (where === 'earliest') return ['earliest']
  if (typeof where === 'string') return after(placeOf(where) ?? { epoch: '', ms: 0, number: 0 })
  return 'last' in where
    ? ['last', String(Math.min(where.last, Number.MAX_SAFE_INTEGER))]
    : ['since', String(Math.ceil(where.since))]
}

/** As the scripts take them; no text for a channel without limits of its own, which takes those of others. */
function limitsOf(retention: Retention): string {
  const { history, historyBytes, maxAge, idle } = retention
  // what is more than a store can count to is no limit
  const has = (limit: number | undefined) => limit !== undefined && limit <= 2 ** 50
  if (!retains(retention) && history === undefined) return has(idle) ? `0:::${Math.ceil(idle as number)}` : ''
  return [history, historyBytes, maxAge, idle]
    .map((limit) => (has(limit) ? Math.ceil(limit as number) : ''))
    .join(':')
}

function named(limits: string): string {
  const names = ['history', 'historyBytes', 'maxAge', 'idle']
  const all = limits.split(':').flatMap((limit, at) => (limit === '' ? [] : [`${names[at]}: ${limit}`]))
  return `{ ${all.join(', ')} }`
}
