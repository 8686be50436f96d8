import type { Format } from '../formats/format.js'
import type { OpenStream } from '../spec.js'
import { type Awaitable, isPromise } from '../values.js'
import type { Feed, Gap } from './feed.js'
import type { Group, Member } from './group.js'
import type { Published } from './published.js'
import type { Replay } from './replay.js'
import type { Sink, View } from './view.js'

/** A stream that is subscribed to a feed. */
export interface Subscriber extends Member {
  readonly stream: OpenStream
  /** An event, while the stream follows the feed on its own. */
  event(event: Published): void
}

/**
 * A stream's part in a feed: it follows on its own, as long as it has something to make up for or an `info` of
 * its own, or it shares the bytes of its group.
 */
export class Subscription implements Sink {
  readonly #view: View<unknown>
  readonly #format: Format
  readonly #who: Subscriber
  /** What the client saw last. */
  readonly #asked: string | undefined
  #group: Group | undefined
  #state: 'new' | 'alone' | 'shared' | 'over' = 'new'
  /** What the client has missed, once it is known. */
  replay: Replay | undefined

  constructor(feed: Feed<unknown>, format: Format, who: Subscriber, asked: string | undefined) {
    this.#view = feed as View<unknown>
    this.#format = format
    this.#who = who
    this.#asked = asked
  }

  get subscribers(): number {
    return 1
  }

  /** Where the client begins, as the Mercure protocol tells it: after an id, or with all that is retained. */
  get headers(): Record<string, string> {
    const gap = this.replay?.gap
    if (gap) return { 'Last-Event-ID': 'earliest', 'Event-Gap': gap.reason }
    const position = this.replay ? this.#asked : this.#view.root.latest
    return position === undefined ? {} : { 'Last-Event-ID': position }
  }

  /**
   * Gets events one by one, from now on, and then reads what was missed: nothing is between the two. A promise
   * where the backend needs one.
   */
  follow(): Awaitable<void> {
    this.#join('alone')
    this.#view.attach(this)
    const { ready } = this.#view.root
    return ready === undefined ? this.#read() : ready.then(() => this.#read())
  }

  #read(): Awaitable<void> {
    if (this.#asked === undefined || this.#state === 'over') return
    const reading = this.#view.read(this.#asked)
    const took = (replay: Replay) => {
      this.replay = replay
      if (this.#state === 'over') replay.close()
    }
    return isPromise(reading) ? reading.then(took) : took(reading)
  }

  /** Whether a live event is part of what was missed. */
  includes(event: Published): boolean {
    return this.replay?.includes(event) ?? false
  }

  /** Gets what its group gets, from now on. */
  share(): void {
    const isAlone = this.#state === 'alone'
    if (this.#state === 'over') return
    this.#join('shared')
    this.#group = this.#view.group(this.#format)
    this.#group.add(this.#who)
    // whoever leaves before the other has come would be the last one
    if (isAlone) this.#view.detach(this)
  }

  /** Writes what the group has gathered: what is written after it comes after it. */
  flush(): void {
    this.#group?.flush()
  }

  leave(): void {
    const state = this.#state
    this.#state = 'over'
    this.replay?.close()
    if (state === 'alone') this.#view.detach(this)
    this.#group?.remove(this.#who)
    this.#group = undefined
    if (state === 'alone' || state === 'shared') this.#view.root.tell('leave', () => this.#who.stream)
  }

  event(event: Published): void {
    this.#who.event(event)
  }

  gap(gap: Gap): void {
    this.#who.gap(gap)
  }

  failed(error: unknown): void {
    this.#who.failed(error)
  }

  down(error?: unknown): void {
    this.#who.down(error)
  }

  #join(state: 'alone' | 'shared'): void {
    const isNew = this.#state === 'new'
    this.#state = state
    if (isNew) this.#view.root.tell('join', () => this.#who.stream)
  }
}
