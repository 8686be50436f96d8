// Keeps all followers of a backend up to date: by what the store tells, and by looking where it tells nothing.

import { Alarm, clock } from '../clock.js'
import { LariatError } from '../errors.js'
import { setImmediate } from '../turn.js'
import type { Follower } from './follower.js'
import type { Link } from './link.js'
import { isUnanswered, warn } from './replies.js'
import { scripts } from './scripts.js'
import type { Store } from './store.js'

/** How many channels are looked at in one step. */
const looksAtOnce = 200

/**
 * A message of the store only says that there is something: events are read from the log alone. A message that is lost
 * costs time, and never an event.
 */
export class Followers extends Alarm {
  readonly #followers = new Map<string, Set<Follower>>()
  /** Pub/sub channels that are being unsubscribed. */
  readonly #leaving = new Map<string, Promise<unknown>>()
  /** Told that there is something, in this turn. */
  readonly #told = new Set<Follower>()
  #isGathering = false
  readonly #store: Store
  #link: Link | undefined
  #isClosed = false

  constructor(store: Store) {
    super()
    this.#store = store
  }

  // ---- who follows

  /** Subscribes; resolves once all that is published from then on is told. */
  async add(follower: Follower, link: Link): Promise<void> {
    const { channel } = follower
    const known = this.#followers.get(channel)
    if (known) known.add(follower)
    else this.#followers.set(channel, new Set([follower]))
    // a client would take what is being unsubscribed for subscribed still
    while (this.#leaving.has(channel)) await this.#leaving.get(channel)
    if (!this.#followers.get(channel)?.has(follower)) return
    // also where it is known: that may not be answered yet
    await link.subscribe([channel], this.#heard)
    // whoever has left meanwhile was not subscribed yet
    if (!this.#followers.has(channel)) this.#leave(link, channel)
    else this.#await(follower.poll)
  }

  /** It has begun: what was told meanwhile is read. */
  begun(follower: Follower): void {
    if (follower.isBehind) this.#catchUp(follower)
  }

  remove(follower: Follower): void {
    const { channel } = follower
    const known = this.#followers.get(channel)
    if (!known?.delete(follower) || known.size > 0) return
    this.#followers.delete(channel)
    this.#told.delete(follower)
    if (this.#link) this.#leave(this.#link, channel)
  }

  #leave(link: Link, channel: string): void {
    // the link may be lost, and another does not know of it
    const leaving = link.unsubscribe([channel]).catch(() => {})
    this.#leaving.set(channel, leaving)
    void leaving.then(() => {
      if (this.#leaving.get(channel) === leaving) this.#leaving.delete(channel)
    })
  }

  close(): void {
    this.#isClosed = true
    this.#followers.clear()
    clock.cancel(this)
  }

  // ---- a new link

  /**
   * Subscribes all, and looks at them. Resolves once the link has answered.
   *
   * @returns reads those that are behind, once the link is up
   */
  async restore(link: Link, probe: string): Promise<() => void> {
    this.#link = link
    const channels = [...this.#followers.keys()]
    if (channels.length > 0) await link.subscribe(channels, this.#heard)
    const all = this.#active()
    const [behind] = await Promise.all([
      this.#look(link, all),
      this.#store.evaluate(link, { script: scripts.probe, keys: [probe], args: [] }),
    ])
    for (const follower of behind) follower.cutOff()
    return () => {
      for (const follower of behind) this.#catchUp(follower)
    }
  }

  // ---- what is new

  readonly #heard = (message: string, channel: string): void => {
    for (const follower of this.#followers.get(channel) ?? [])
      if (follower.isNews(message)) this.#told.add(follower)
    if (this.#isGathering || this.#told.size === 0) return
    this.#isGathering = true
    // what is told in one turn is read at once
    setImmediate(() => {
      this.#isGathering = false
      const told = [...this.#told]
      this.#told.clear()
      for (const follower of told) this.#catchUp(follower)
    })
  }

  #catchUp(follower: Follower): void {
    follower.lookedAt = clock.now()
    follower.catchUp().catch((error) => {
      if (!this.#isClosed && follower.isActive) this.refused(error)
    })
  }
  readonly #refusals = new Set<string>()

  /** Said once for each cause: a stream that is refused is answered 503, which does not say why. */
  refused(error: unknown, name?: string): void {
    // the store is away, which was said, and is looked at when it is back
    if (this.#isClosed || (error instanceof LariatError && isOutage(error))) return
    const said = String(error)
    if (this.#refusals.has(said)) return
    if (this.#refusals.size >= 16) this.#refusals.clear()
    this.#refusals.add(said)
    warn(name === undefined ? 'Redis cannot be read' : `Channel '${name}' cannot be read`, error)
  }

  // ---- looking

  ring(): void {
    const now = clock.now()
    const due = this.#active().filter(({ lookedAt, poll }) => now - lookedAt >= poll)
    if (this.#link) {
      // whoever reads is known to listen
      const [forgotten, others] = [true, false].map((is) =>
        due.filter((each) => each.isForgotten(now) === is),
      )
      for (const follower of forgotten as Follower[]) this.#catchUp(follower)
      void this.#find(this.#link, others as Follower[])
    }
    this.#awaitNext(now)
  }

  /** Reads those that have news of which nothing was told. */
  async #find(link: Link, followers: readonly Follower[]): Promise<void> {
    try {
      const found = await this.#look(link, followers)
      for (const follower of found) this.#catchUp(follower)
      // nothing was told of them: on a connection that is dead this is not answered, and then the link is lost
      if (found[0]) await link.unsubscribe([`${found[0].channel}:`])
    } catch {
      // the link is lost
    }
  }

  #await(milliseconds: number): void {
    if (this.#isClosed) return
    const due = clock.now() + milliseconds
    if (this.at >= 0 && this.due <= due) return
    clock.cancel(this)
    clock.set(this, milliseconds)
  }

  #awaitNext(now: number): void {
    let next = Infinity
    for (const { lookedAt, poll } of this.#all())
      next = Math.min(next, Math.max(lookedAt + poll - now, poll / 4))
    if (next !== Infinity) this.#await(next)
  }

  /** Looks at many at once; resolves to those that have news. */
  async #look(link: Link, followers: readonly Follower[]): Promise<readonly Follower[]> {
    const step = link.isCluster ? 1 : looksAtOnce
    const looks: Promise<readonly Follower[]>[] = []
    for (let at = 0; at < followers.length; at += step) {
      looks.push(this.#lookAt(link, followers.slice(at, at + step)))
    }
    return (await Promise.all(looks)).flat()
  }

  async #lookAt(link: Link, followers: readonly Follower[]): Promise<readonly Follower[]> {
    const now = clock.now()
    for (const follower of followers) follower.lookedAt = now
    const keys = followers.map(({ meta }) => meta)
    const seen = followers.map((follower) => follower.seen)
    const [, ...changed] = await this.#store.evaluate(link, { script: scripts.look, keys, args: seen })
    return changed.flatMap((index) => {
      const at = Number(index) - 1
      const follower = followers[at]
      // what was delivered meanwhile is no news
      return follower?.isActive && follower.seen === seen[at] ? [follower] : []
    })
  }

  #active(): readonly Follower[] {
    return [...this.#all()].filter((follower) => follower.isActive)
  }

  *#all(): Iterable<Follower> {
    for (const all of this.#followers.values()) yield* all
  }
}

function isOutage({ message, cause }: LariatError): boolean {
  return isUnanswered(cause) || message.startsWith('Redis is away')
}
