import type { Format } from '../formats/format.js'
import { type Awaitable, isPromise } from '../promise.js'
import type { Feed } from '../values/feed.js'
import type { OpenStream } from '../values/open-stream.js'
import type { Gap } from './gap.js'
import type { Group, Member } from './group.js'
import type { Published } from './published.js'
import type { Replay } from './replay.js'
import type { Sink, View } from './view.js'

/** A stream that is subscribed to a feed. */
export interface Subscriber extends Omit<Member, 'take'> {
  readonly stream: OpenStream
  /** What gets the bytes of a group. */
  readonly member: Member
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
  /** An event has come that is after what was missed. */
  #isLive = false
  #toldGap: Gap | undefined
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
  head(): Record<string, string> {
    this.#toldGap = this.replay?.gap
    if (this.#toldGap) return { 'Last-Event-ID': 'earliest', 'Event-Gap': this.#toldGap.reason }
    const position = this.replay ? this.#asked : this.#view.root.latest
    return position === undefined ? {} : { 'Last-Event-ID': position }
  }

  /** The head has said so. */
  hasTold(gap: Gap): boolean {
    return gap === this.#toldGap
  }

  /** Gets events one by one, from now on. */
  attach(): void {
    if (this.#state !== 'new') return
    this.#join('alone')
    // whoever is told may have ended it
    if (this.isOpen) this.#view.attach(this)
  }

  /**
   * Gets events one by one, from now on, and then reads what was missed: nothing is between the two. A promise
   * where the backend needs one.
   */
  follow(): Awaitable<void> {
    this.attach()
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

  /** Whether what came live is part of what was missed. */
  includes(live: Published | Gap): boolean {
    return this.replay?.includes(live) ?? false
  }

  /** Gets what its group gets, from now on; as soon as the events that are delivered are all after what it has. */
  share(): void {
    const isAlone = this.#state === 'alone'
    if (!this.isOpen || this.#state === 'shared' || this.#isBehind) return
    this.#join('shared')
    if (!this.isOpen) return
    this.#group = this.#view.group(this.#format)
    this.#group.add(this.#who.member)
    // whoever leaves before the other has come would be the last one
    if (isAlone) this.#view.detach(this)
  }

  get isOpen(): boolean {
    return this.#state !== 'over'
  }

  /** What is published from now on is delivered at once: there is nothing to wait for. */
  get isImmediate(): boolean {
    return this.#view.root.isImmediate
  }

  /** An event is being handed to one after the other. */
  get isDelivering(): boolean {
    return this.#view.root.isDelivering
  }

  /** What is delivered lags behind what was read: some of it may come twice. */
  get #isBehind(): boolean {
    return this.replay !== undefined && !this.#isLive && !this.#view.root.isImmediate
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
    this.#group?.remove(this.#who.member)
    this.#group = undefined
    if (state === 'alone' || state === 'shared') this.#view.root.tell('leave', () => this.#who.stream)
  }

  event(event: Published): void {
    if (this.replay?.isDone && !this.#isLive) {
      if (this.replay.includes(event)) return
      this.#isLive = true
    }
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
