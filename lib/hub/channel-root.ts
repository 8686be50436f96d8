// Listens to a channel's log and delivers its events, reads those that were missed, and knows the place: the root of the
// channel's feeds.
import { LariatError } from '../errors.js'
import { quietly } from '../guard.js'
import { type Awaitable, isPromise } from '../promise.js'
import type { ChannelOptions, Hub, Channel as PublicChannel } from '../values/feed.js'
import type { Retained } from '../values/inside.js'
import type { OpenStream } from '../values/open-stream.js'
import { type Log, type Reading, retains, type Where } from './backend.js'
import { Deliveries } from './deliveries.js'
import { delivering, isMeasured } from './delivering.js'
import { Gap } from './gap.js'
import { endedLog } from './history.js'
import { Listening } from './listening.js'
import { Presence } from './presence.js'
import type { Published } from './published.js'
import { readLast } from './replay.js'
import type { Keeps, Missed, Root, Sink } from './sink.js'
import { died, Supply } from './supply.js'
import { tapping } from './tap.js'
import type { View } from './view.js'

/** Told whether a channel is needed though nobody may hold it, each time that this changes. */
export type Hold = (isNeeded: boolean) => void

/** What a channel is to its feeds. It listens to the log for as long as the channel has sinks. */
export class ChannelRoot<Data> implements Root {
  readonly name: string
  readonly #hub: Hub
  #log: Log
  readonly #whole: View<Data>
  readonly #hold: Hold
  readonly retains: boolean
  readonly presence: Presence
  readonly #supply: Supply | undefined
  #listening: Listening | undefined
  readonly #deliveries: Deliveries<Published | Gap>
  /** The place up to which events were delivered since listening began, where it is known. */
  #last: string | undefined
  hasEnded = false
  isClosed = false
  #isNeeded = false

  /** @param whole the channel itself: the feed of all events */
  constructor(
    hub: Hub,
    name: string,
    log: Log,
    options: ChannelOptions<Data>,
    whole: View<Data> & PublicChannel<Data>,
    hold: Hold,
  ) {
    this.#hub = hub
    this.name = name
    this.#log = log
    this.#whole = whole
    this.#hold = hold
    this.presence = new Presence(name)
    this.#deliveries = new Deliveries((item) => {
      if (item instanceof Gap) whole.gap(item)
      else if (isMeasured()) delivering(this.#shown, item, () => whole.event(item))
      else whole.event(item)
      tapping(this, item)
      this.#last = item.id
    })
    const { source, linger = 0 } = options
    this.retains = retains(options)
    if (source)
      this.#supply = new Supply(
        name,
        () => source(whole),
        linger,
        (error) => whole.down(died(name, error)),
        () => this.weigh(),
      )
  }

  /** As is told of deliveries. */
  get #shown() {
    return { hub: this.#hub, name: this.name, log: this.#log, subscribers: this.#whole.subscribers }
  }

  /** The state of its source. */
  get source(): Supply['state'] | 'none' {
    return this.#supply?.state ?? 'none'
  }

  /** What its log retains, as far as that says so. Never throws or rejects. */
  retained(): Awaitable<Retained | undefined> {
    let retained: Awaitable<Retained | undefined>
    quietly(() => {
      if (!this.isClosed) retained = this.#log.retained?.()
    })
    return isPromise(retained) ? retained.then(undefined, () => undefined) : retained
  }

  /** @throws LariatError if the hub is closed */
  get log(): Log {
    if (this.isClosed) throw new LariatError('LARIAT_DOWN', `The hub of channel '${this.name}' is closed`)
    return this.#log
  }

  /** Decides whether the channel is needed though nobody may hold it. */
  weigh(): void {
    const isNeeded =
      this.#listening !== undefined ||
      !this.#log.isEmpty ||
      (this.#supply?.isRunning ?? false) ||
      this.presence.hasListeners
    if (isNeeded === this.#isNeeded) return
    this.#isNeeded = isNeeded
    this.#hold(isNeeded)
  }

  /** It has ended, and nothing of it is here. */
  get isPast(): boolean {
    return this.hasEnded && !this.#isNeeded
  }

  // ---- attached

  /** The channel has its first sink. */
  attach(): void {
    if (this.isClosed) return this.#whole.down()
    if (this.hasEnded) return this.#whole.ended()
    this.#last = undefined
    const listening = new Listening(this.name, {
      event: (event) => this.#deliver(event),
      gap: (gap) => this.#deliver(gap),
      end: () => this.#finish(),
      begun: (place) => {
        this.#last ??= place
        this.#supply?.start()
      },
      failed: (error) => this.#whole.down(error),
    })
    this.#listening = listening
    this.weigh()
    // the subscriber that starts a source gets what that publishes at once: it begins at the place before
    listening.begin(this.#log, this.retains && this.#supply !== undefined)
  }

  /** The channel has lost its last sink. */
  detach(): void {
    this.#listening?.stop()
    this.#listening = undefined
    this.#last = undefined
    this.#supply?.stop()
    this.weigh()
  }

  #deliver(item: Published | Gap): void {
    this.#deliveries.add(item)
    if (this.hasEnded && !this.isDelivering) this.#whole.ended()
  }

  // ---- its end

  async end(): Promise<void> {
    await this.log.end()
    // whoever listens is told behind the last event
    if (!this.#listening) this.#finish()
  }

  /** Ends all streams and iterations, once all events are delivered. */
  #finish(): void {
    this.hasEnded = true
    if (!this.isDelivering) this.#whole.ended()
    this.#supply?.stopNow()
    this.weigh()
  }

  /** Ends the log, and forgets it in the store too: what is left here is an empty log that has ended. */
  async drop(): Promise<void> {
    const streams = this.#listening ? new Ended() : undefined
    if (streams) this.#whole.attach(streams)
    try {
      await this.end()
      // what was confirmed is delivered before it is dropped
      await streams?.over
      await this.#log.drop()
    } finally {
      if (streams) this.#whole.detach(streams)
    }
    this.#finish()
    this.#log = endedLog()
  }

  /** Ends all subscriptions, and refuses new ones. */
  close(): void {
    this.isClosed = true
    this.#whole.down()
    this.#supply?.stopNow()
  }

  // ---- as the root of the feeds

  get names(): readonly string[] {
    return [this.name]
  }

  get ready(): PromiseLike<unknown> | undefined {
    return this.#listening?.ready
  }

  get isDelivering(): boolean {
    return this.#deliveries.isRunning
  }

  get isImmediate(): boolean {
    return this.#log.isImmediate
  }

  get place(): string | undefined {
    return this.#deliveries.current?.id ?? this.#log.latest ?? this.#last
  }

  askPlace(isLatest = false): Awaitable<string> {
    const { place } = this
    if (place !== undefined && (this.isImmediate || !isLatest)) return place
    const position = this.#log.position()
    // what was delivered is known without a store that is away
    return isPromise(position) && place !== undefined ? position.then(undefined, () => place) : position
  }

  afterDelivery(join: () => void): void {
    this.#deliveries.join(join)
  }

  missed(where: Where, keeps?: Keeps): Awaitable<Missed> {
    if (keeps && typeof where === 'object' && 'last' in where) return readLast(this, where.last, keeps)
    const missed = ({ outcome, from, before, hasEnded, events: read }: Reading): Missed => {
      const isFound = outcome === 'found' || typeof where !== 'string'
      const gaps = isFound ? [] : [new Gap(where, from, outcome, before)]
      const events = Symbol.iterator in read ? read[Symbol.iterator]() : read[Symbol.asyncIterator]()
      return { gaps, before, hasEnded, events }
    }
    const reading = this.#log.read(where)
    return isPromise(reading) ? reading.then(missed) : missed(reading)
  }

  after<Item extends { readonly id: string }>(item: Item, place: string): Item | undefined {
    if (item.id === place) return undefined
    // ids of another epoch have no order
    const isAfter =
      (item instanceof Gap && item.reason === 'unknown') || this.#log.compare(item.id, place) > 0
    return isAfter ? item : undefined
  }

  hasDelivered(place: string): boolean {
    return this.place !== undefined && this.#log.compare(place, this.place) <= 0
  }

  tell(name: 'join' | 'leave', stream: () => OpenStream): void {
    this.presence.tell(name, stream)
  }
}

/** Waits for the end of a channel, beside its streams. */
class Ended implements Sink {
  readonly subscribers = 0
  #resolve = () => {}
  readonly over = new Promise<void>((resolve) => {
    this.#resolve = resolve
  })

  event(): void {}
  gap(): void {}
  failed(): void {}

  ended(): void {
    this.#resolve()
  }

  down(): void {
    this.#resolve()
  }
}
