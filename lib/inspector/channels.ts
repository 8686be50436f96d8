// Lists the channels of the hubs: how many follow each, how fast it goes, and what is retained. A store is asked only about
// those on the page, and seldom; events are counted only for those on the page, while somebody looks.
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { clock, type Deadline } from '../clock.js'
import { isPromise } from '../promise.js'
import type { Publication } from '../values/diagnostics.js'
import type { Channel, Hub } from '../values/feed.js'
import type { ChannelInside, HubInside, Retained } from '../values/inside.js'
import { insideOf } from './options.js'
import type { ChannelOrder, Query } from './query.js'
import { type Page, pageOf, sorted } from './rows.js'
import { cut } from './text.js'

export interface ChannelRow {
  readonly name: string
  readonly subscribers: number
  /** Events in a second; null while it is not known. */
  readonly rate: number | null
  /** Null if the store does not say, or has not answered yet. `age`: milliseconds of the oldest, in whole seconds. */
  readonly retained: {
    readonly events: number
    readonly bytes: number | null
    readonly age: number | null
  } | null
  readonly first: string | null
  readonly last: string | null
  readonly source: ChannelInside['source']
  readonly hasEnded: boolean
  readonly backend: string
  readonly isUp: boolean
}

/** Milliseconds between two questions to the store about a channel; and between two measures of its rate. */
const again = 2000

/** Milliseconds for which an answer waits for the store. */
const patience = 1000

/** Milliseconds after which a channel that is on no page is not counted any more. */
const stale = 5000

/** A channel that somebody looks at. */
class Known {
  readonly #inside: ChannelInside
  readonly #untap: () => void
  #delivered = 0
  #published = 0
  #countedAt = clock.now()
  #rate: number | null = null
  #retained: Retained | undefined
  #askedAt = Number.NEGATIVE_INFINITY
  #asking: PromiseLike<void> | undefined
  seenAt = 0

  constructor(channel: ChannelInside) {
    this.#inside = channel
    this.#untap = channel.tap((item) => {
      if (item.reason === undefined) this.#delivered += 1
    })
  }

  published(): void {
    this.#published += 1
  }

  /** What is retained, as far as it is known; asks anew if that is old. */
  get retained(): Retained | undefined {
    void this.ask()
    return this.#retained
  }

  ask(): PromiseLike<void> | undefined {
    const now = clock.now()
    if (this.#asking !== undefined || now - this.#askedAt < again) return this.#asking
    this.#askedAt = now
    try {
      const retained = this.#inside.retained()
      if (!isPromise(retained)) this.#retained = retained
      else this.#asking = this.#answered(retained as PromiseLike<Retained | undefined>)
    } catch {
      this.#retained = undefined
    }
    return this.#asking
  }

  async #answered(retained: PromiseLike<Retained | undefined>): Promise<void> {
    try {
      this.#retained = await retained
    } catch {
      // the store is away, or refuses: nothing is known
      this.#retained = undefined
    } finally {
      this.#asking = undefined
    }
  }

  /** Events in a second. What is published where nobody follows is delivered to nobody. */
  rate(): number | null {
    const now = clock.now()
    const passed = now - this.#countedAt
    if (passed < again && !(this.#rate === null && passed >= 1000)) return this.#rate
    this.#rate = Math.round((Math.max(this.#delivered, this.#published) * 10_000) / passed) / 10
    this.#countedAt = now
    this.#delivered = this.#published = 0
    return this.#rate
  }

  letGo(): void {
    this.#untap()
  }
}

/** A channel, with its hub and what is known of it. */
interface Found {
  readonly hub: HubInside
  readonly channel: ChannelInside
}

export class Channels {
  readonly #hubs: readonly Hub[]
  /** Those on a page that is looked at. */
  readonly #known = new Map<Channel<unknown>, Known>()
  #isListening = false
  readonly #published = (message: unknown) => {
    const { hub, channel, outcome } = message as Publication
    if (outcome !== 'confirmed' || !this.#hubs.includes(hub)) return
    const found = insideOf(hub).channel(channel)
    if (found) this.#known.get(found.channel)?.published()
  }

  constructor(hubs: readonly Hub[]) {
    this.#hubs = hubs
  }

  find(name: string): ChannelInside | undefined {
    for (const hub of this.#hubs) {
      const channel = insideOf(hub).channel(name)
      if (channel) return channel
    }
    return undefined
  }

  page(query: Query): Page<ChannelRow> {
    if (!this.#isListening) {
      this.#isListening = true
      subscribe('express-lariat:publish', this.#published)
    }
    const now = clock.now()
    const { found, total } = this.#found(query)
    const page = pageOf(found, total, query.page, (each) => this.#row(each))
    for (const [channel, known] of this.#known) {
      if (now - known.seenAt <= stale) continue
      known.letGo()
      this.#known.delete(channel)
    }
    return page
  }

  /** Waits for what the store says of the channels on a page, as long as they are not known; not for ever. */
  async ready(query: Query): Promise<void> {
    const { found } = this.#found(query)
    this.page(query)
    const { rows } = pageOf(found, 0, query.page, (each) => this.#knownOf(each))
    await inTime(rows.map((known) => known.ask()))
  }

  #found(query: Query): { readonly found: readonly Found[]; readonly total: number } {
    const found: Found[] = []
    let total = 0
    for (const each of this.#hubs) {
      const hub = insideOf(each)
      for (const channel of hub.channels) {
        total += 1
        if (isAskedFor(channel, query)) found.push({ hub, channel })
      }
    }
    const { sort, isDescending } = query
    return {
      found: sorted(found, (each) => this.#keyOf(each, (sort || 'name') as ChannelOrder), isDescending),
      total,
    }
  }

  #keyOf({ channel }: Found, order: ChannelOrder): number | string {
    if (order === 'name') return channel.name
    if (order === 'subscribers') return channel.subscribers
    // of those that were on no page nothing is known
    const known = this.#known.get(channel.channel)
    if (!known) return -1
    if (order === 'rate') return known.rate() ?? -1
    const { retained } = known
    if (!retained) return -1
    if (order === 'retained') return retained.events
    return order === 'bytes' ? (retained.bytes ?? -1) : clock.date() - (retained.since ?? clock.date())
  }

  #knownOf({ channel }: Found): Known {
    let known = this.#known.get(channel.channel)
    if (!known) {
      known = new Known(channel)
      this.#known.set(channel.channel, known)
    }
    known.seenAt = clock.now()
    return known
  }

  #row(found: Found): ChannelRow {
    const { hub, channel } = found
    const known = this.#knownOf(found)
    const { retained } = known
    const age = retained?.since === undefined ? null : Math.max(0, clock.date() - retained.since)
    return {
      name: cut(channel.name, 500),
      subscribers: channel.subscribers,
      rate: known.rate(),
      retained: retained
        ? {
            events: retained.events,
            bytes: retained.bytes ?? null,
            age: age === null ? null : Math.floor(age / 1000) * 1000,
          }
        : null,
      first: retained?.first ?? null,
      last: retained?.last ?? null,
      source: channel.source,
      hasEnded: channel.hasEnded,
      backend: hub.backend,
      isUp: hub.isUp,
    }
  }

  /** Nobody looks any more: nothing is counted. */
  rest(): void {
    if (this.#isListening) unsubscribe('express-lariat:publish', this.#published)
    this.#isListening = false
    for (const known of this.#known.values()) known.letGo()
    this.#known.clear()
  }
}

/** A store that is away may not answer at all. */
async function inTime(asked: readonly (PromiseLike<void> | undefined)[]): Promise<void> {
  let late: Deadline | undefined
  const tooLate = new Promise<void>((resolve) => {
    late = clock.after(patience, resolve)
  })
  await Promise.race([Promise.all(asked), tooLate])
  late?.cancel()
}

function isAskedFor({ name, source, hasEnded }: ChannelInside, { q, state }: Query): boolean {
  if (state === 'ended' ? !hasEnded : state !== '' && source !== state) return false
  return q === '' || name.toLowerCase().includes(q)
}
